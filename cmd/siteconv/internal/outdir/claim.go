package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
)

// LeftName is the list of users of no batch, which the closing pass writes.
const LeftName = "left.txt"

// TempName is the folder for what does not fit in memory.
const TempName = ".siteconv.tmp"

// ours are the names that a run makes in its output folder, the state last.
var ours = []string{"schema", "ldif", "store", "mail", LeftName, "report.json", LinesName, ledger.ListName, ledger.WholeListName, ledger.HTMLName("en"), ledger.HTMLName("ja"), StepsName, TempName, StateName}

// Sweep removes what an interrupted run left half written.
func Sweep(out string) error {
	left := []string{filepath.Join(out, TempName)}
	for _, dir := range []string{out, filepath.Join(out, "schema"), filepath.Join(out, "ldif")} {
		files, err := Glob(dir, ".*.tmp")
		if err != nil {
			return err
		}
		left = append(left, files...)
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// Glob lists the names of a folder that a pattern matches, whatever bytes are
// in the name of the folder.
func Glob(dir, pattern string) ([]string, error) {
	return filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
}

// escapeGlob takes the meaning from the bytes of a path that Glob knows.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// ClaimError says why a folder cannot be this run's.
type ClaimError struct {
	Code string // of the finding
	error
}

func (e *ClaimError) Unwrap() error { return e.error }

// Look looks whether the output folder may be this run's: a new or empty
// folder, one that an interrupted run of the same inputs left, or with force
// one of any other run. It returns what the run that left it has done; nil:
// nothing.
func Look(out string, want State, force bool) (*State, error) {
	have, err := ReadState(out)
	switch {
	case force && (err != nil || have != nil):
		return &want, nil
	case err != nil:
		return nil, &ClaimError{"out-other", err}
	case have == nil:
		return nil, LookAtNew(out)
	case !have.Same(want):
		return nil, &ClaimError{"out-other", fmt.Errorf("%s holds the output of another run: %s", out, Difference(*have, want))}
	}
	return have, nil
}

// LookAtNew looks at a folder that no run has left.
func LookAtNew(out string) error {
	if st, err := os.Stat(out); err == nil && !st.IsDir() {
		return &ClaimError{"out-taken", fmt.Errorf("%s is a file, not a folder", out)}
	}
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &ClaimError{"out-unwritable", err}
	}
	// A run that was killed as it began has left the state under another name.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), "."+StateName) && strings.HasSuffix(e.Name(), ".tmp")
	})
	if len(entries) > 0 {
		return &ClaimError{"out-taken", fmt.Errorf("%s is not empty, and not the output of siteconv", out)}
	}
	return nil
}

// Claim makes the output folder this run's until release is called, and returns
// how far the work has come. What Look finds counts as it is once no
// other run can change it. With force, before is called then, ahead of removing
// anything: it refuses where something is there that must stay, and removes
// what else of the earlier run is there; nil: there is neither.
func Claim(out string, want State, force bool, before func() error) (st State, release func(), err error) {
	if err := os.MkdirAll(out, 0o777); err != nil {
		return want, nil, err
	}
	hold, err := Hold(out)
	if err != nil {
		return want, nil, err
	}
	have, err := Look(out, want, force)
	if err == nil && force && before != nil {
		err = before()
	}
	if err == nil && force {
		have, err = nil, removeOurs(out)
	}
	if err != nil {
		hold()
		return want, nil, err
	}
	if have != nil {
		return *have, hold, nil
	}
	return want, hold, nil
}

// Hold keeps a second run out of a folder.
func Hold(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if err == unix.EWOULDBLOCK {
			return nil, cli.WithHint(fmt.Errorf("%s: another run is at work there", dir), "wait until it is done: the same command then goes on, or tells what that run has done")
		}
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

// removeOurs removes the output of an earlier run, the state last, so that an
// interruption leaves it recognisable.
func removeOurs(out string) error {
	for _, name := range ours {
		if err := os.RemoveAll(filepath.Join(out, name)); err != nil {
			return err
		}
	}
	return removeParts(out)
}
