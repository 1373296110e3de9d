package main

import (
	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/restore"
)

// openReferences opens the streams of -r. Bodies are read there at any place,
// which a pipe does not have.
func openReferences(job *cli.Job, names []string) ([]*restore.Stream, func(), error) {
	refs, closeAll, err := openStreams(job, names)
	for i, s := range refs {
		if err == nil && names[i] == "-" && s.At == nil {
			err = cli.WithHint(cli.Usagef("-r -: a reference is read at many places, which a pipe or a compressed file does not have"), "name the file, or redirect it plain: < STREAM")
		}
	}
	return refs, closeAll, err
}
