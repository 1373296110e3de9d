package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/ims"
)

// storeHint adds to an error about a directory that is no store where a store
// is, above it or below it, or what else it is.
func storeHint(err error, dir string) error {
	if !errors.Is(err, ims.ErrNoStore) {
		return err
	}
	abs, absErr := filepath.Abs(dir)
	if absErr != nil {
		return err
	}
	for _, near := range []string{filepath.Join(abs, "store"), filepath.Dir(abs), filepath.Dir(filepath.Dir(abs))} {
		if info, statErr := os.Stat(filepath.Join(near, "partition")); statErr == nil && info.IsDir() {
			return cli.WithHint(err, near+" looks like a store")
		}
	}
	if _, statErr := os.Stat(filepath.Join(abs, ".imsconv", "export")); statErr == nil {
		return cli.WithHint(err, dir+" looks like an export: storeconv verify --store STORE holds one of Maildirs against its store with --maildir, one of mailbox files with -f")
	}
	return cli.WithHint(err, "a store is the directory that holds partition and mboxlist")
}

// folderHint is the error of a folder where a stream should be, with what to do
// about it.
func folderHint(dir string) error {
	err := fmt.Errorf("%s: is a directory, no backup stream", dir)
	if info, statErr := os.Stat(filepath.Join(dir, "partition")); statErr == nil && info.IsDir() {
		return cli.WithHint(err, "a store is named with --store")
	}
	return cli.WithHint(err, "of mailbox files and Maildirs storeconv restore makes a store (--store), or a stream (--to-stream), which can be exported")
}
