// Command siteconv converts a whole site: it describes the directory export and
// the mail of a folder in site.toml, writes the runbook, converts at once or in
// batches, and reports.
package main

import (
	"context"
	"os"

	"imsconv/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
