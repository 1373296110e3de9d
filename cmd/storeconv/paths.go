package main

import (
	"os"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
)

// checkPaths refuses arguments that are no PATH, and hints at files that look
// as if they were meant to be streams.
func checkPaths(job *cli.Job, paths []string) error {
	for _, text := range paths {
		if _, _, err := storeconv.ParsePath(text); err != nil {
			return cli.Usagef("%w", err)
		}
		if info, err := os.Stat(text); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(text, "/") {
			job.Hint(text + " is a file, and taken for a PATH in the streams here: each stream has its -f")
		}
	}
	return nil
}

// tellPartitions tells of paths that name another partition than the one that
// is restored into, or of all that name one where into is "", in an export: a
// stream does not say in which one its users were.
func tellPartitions(job *cli.Job, paths []string, into string) {
	for _, text := range paths {
		p, all, err := storeconv.ParsePath(text)
		if err != nil || p.Partition == "" || p.Partition == into {
			continue
		}
		whom := "user " + p.User
		if all {
			whom = "every user"
		}
		what := "exported"
		if into != "" {
			what = "restored, into partition " + into + "; -p names another"
		}
		job.Warning("other-partition", text, "a stream has no partitions: "+whom+" of it is "+what)
	}
}
