// Command dbconv converts Berkeley DB files and mailbox list databases.
package main

import (
	"context"
	"os"

	"imsconv/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
