// Command siteconv converts a whole site: directory export and mail store.
package main

import (
	"context"
	"os"

	"imsconv/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
