package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OfTemporary says whether an error that came while an input was read is one of
// a temporary file: the folder of temporary files is missing, full or not
// writable, and the input may be as it should be.
func OfTemporary(err error, input string) bool {
	var of *fs.PathError
	return errors.As(err, &of) && isBelow(of.Path, os.TempDir()) && !isBelow(of.Path, input)
}

// isBelow says whether a path is that of a folder, or of something in it.
func isBelow(path, folder string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return false
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// HintTemporary says what to do about an error of a temporary file.
func HintTemporary(err error) error {
	return WithHint(err, fmt.Sprintf("see that %s is there, can be written and has room, or let TMPDIR name another folder for temporary files", os.TempDir()))
}
