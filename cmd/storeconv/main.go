// Command storeconv converts message stores: SIMS backup streams, mailbox
// files, Maildirs and NMS stores become stores of an iPlanet Messaging Server
// 5.x, and stores become streams, Maildirs and mailbox files.
package main

import (
	"context"
	"os"

	"imsconv/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), command(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}
