package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// OfTemporary says whether an error is one of a temporary file of the programs:
// the folder of temporary files is missing, full or not writable, and what was
// read meanwhile may be as it should be.
func OfTemporary(err error) bool {
	var of *fs.PathError
	if !errors.As(err, &of) {
		return false
	}
	name, below := cutFolder(of.Path, os.TempDir())
	if name == "." { // os.MkdirTemp looks for the folder when it cannot make one there
		return of.Op == "stat" && errors.Is(err, fs.ErrNotExist)
	}
	first, _, _ := strings.Cut(name, string(filepath.Separator))
	return below && temporaryName.MatchString(first)
}

// temporaryName is what os.CreateTemp and os.MkdirTemp make of the patterns of
// the programs. Inputs and outputs may lie in the same folder.
var temporaryName = regexp.MustCompile(`^(bdb-sort|dbconv|imsconv|ldifconv|siteconv|storeconv)-([a-z]+-)?[0-9]+(\.tmp)?$`)

// cutFolder is the name of what is in a folder, "." of the folder itself.
func cutFolder(path, folder string) (name string, below bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return "", false
	}
	name, err = filepath.Rel(folder, path)
	return name, err == nil && filepath.IsLocal(name)
}

// roomForTemporary says what to do about an error of a temporary file; "" is no
// such error.
func roomForTemporary(err error) string {
	if !OfTemporary(err) {
		return ""
	}
	return fmt.Sprintf("see that %s is there, can be written and has room, or let TMPDIR name another folder for temporary files", os.TempDir())
}
