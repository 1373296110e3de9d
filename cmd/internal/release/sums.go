package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"imsconv/cmd/internal/cli"
)

// writeSums writes SHA256SUMS of all other files of a folder.
func writeSums(dir string) error {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		sum, err := cli.FileSHA256(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, e.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(b.String()), 0o644)
}
