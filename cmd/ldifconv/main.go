// Command ldifconv upgrades directory exports of SIMS 4.0 and NMS 4.x to the
// schema of iMS 5.x.
package main

import (
	"context"
	"os"

	"imsconv/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
