// Command dbconv converts Berkeley DB files between versions, byte orders and
// their text form, and makes the mailbox list databases of a message store.
package main

import (
	"context"
	"os"

	"imsconv/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
