package main

import (
	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/restore"
)

// checkReferences refuses a stream of -r that is standard input and no plain
// file: bodies are read there at any place.
func checkReferences(names []string, refs []*restore.Stream) error {
	for i, s := range refs {
		if names[i] == "-" && s.At == nil {
			return cli.WithHint(cli.Usagef("-r -: a reference is read at many places, which a pipe or a compressed file does not have"), "name the file, or redirect it plain: < STREAM")
		}
	}
	return nil
}
