package shards

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// ErrOtherPlan: a folder has something else in it than the plan that is to be
// written there.
var ErrOtherPlan = errors.New("the folder has something else in it")

// Form is what the lists of users look like, wherever they are made.
type Form struct {
	FileName func(list, lists int) string // of a list, counted from 0
	Line     func(id string) string
}

// partialSuffix marks the folder of a plan that is not complete.
const partialSuffix = ".partial"

// Write writes the plan and its lists as the folder dir, which appears whole or
// not at all. When the folder is there with the very same plan, nothing is
// done, and same is true; anything else in it is ErrOtherPlan, or with force a
// plan in it goes.
func (d *Made) Write(dir string, form Form, force bool) (same bool, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	partial := dir + partialSuffix
	lock, err := takePartial(partial)
	if err != nil {
		return false, err
	}
	defer lock.Close()          // and with it the lock
	defer os.RemoveAll(partial) // no longer there when all went well
	if err := d.writeFiles(partial, form); err != nil {
		return false, err
	}
	there, err := inFolder(dir)
	switch {
	case err != nil:
		return false, err
	case !there:
		return false, replaceDir(partial, dir)
	}
	if same, err = sameFiles(partial, dir); same || err != nil {
		return same, err
	}
	if _, err := ReadPlan(dir); !force || err != nil {
		return false, fmt.Errorf("%s: %w", dir, ErrOtherPlan)
	}
	return false, exchangeDirs(partial, dir)
}

// takePartial makes the folder of a plan that is not complete, empty, and locks
// it against other processes that write the same plan.
func takePartial(path string) (*os.File, error) {
	for {
		if err := os.MkdirAll(path, 0o777); err != nil {
			return nil, err
		}
		d, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just become a plan
		}
		if err != nil {
			return nil, err
		}
		if unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK { // where there are no locks, nobody can tell
			d.Close()
			return nil, fmt.Errorf("%s: %w", path, durable.ErrWritten)
		}
		if same, err := isDir(d, path); same && err == nil {
			return d, empty(path)
		}
		d.Close() // another process has given it its name in the meantime
	}
}

// isDir tells whether an open folder still has a path.
func isDir(d *os.File, path string) (bool, error) {
	here, err := d.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(here, there), err
}

// empty removes what a run that was killed has left in a folder.
func empty(path string) error {
	list, err := os.ReadDir(path)
	for _, e := range list {
		err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
	}
	return err
}

// inFolder tells whether there is anything in a folder.
func inFolder(dir string) (bool, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return len(list) > 0, err
}

// writeFiles writes the lists and, with what they came to, plan.json.
func (d *Made) writeFiles(dir string, form Form) error {
	n := len(d.Plan.Shards)
	for i := range d.Plan.Shards {
		part := &d.Plan.Shards[i]
		part.File = form.FileName(i, n)
		h := sha256.New()
		err := writeDurable(filepath.Join(dir, part.File), func(w io.Writer) error {
			w = io.MultiWriter(w, h)
			return d.eachUser(i, func(id string) error {
				_, err := io.WriteString(w, form.Line(id))
				return err
			})
		})
		if err != nil {
			return err
		}
		part.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	text, err := d.Plan.Format()
	if err != nil {
		return err
	}
	return writeDurable(filepath.Join(dir, PlanFile), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// writeDurable writes a file.
func writeDurable(path string, fill func(io.Writer) error) error {
	f, err := durable.CreateFile(path, durable.FileOptions{})
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64<<10)
	if err = fill(w); err == nil {
		err = w.Flush()
	}
	if err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit()
}

// replaceDir gives a folder the name of one that is empty or not there.
func replaceDir(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(to))
}

// exchangeDirs puts a folder into the place of another, which goes.
func exchangeDirs(from, to string) error {
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("%s: %w: remove it first", to, err)
	}
	return durable.SyncDir(filepath.Dir(to))
}

// sameFiles tells whether two folders have the same files, byte by byte.
func sameFiles(a, b string) (bool, error) {
	listA, err := os.ReadDir(a)
	if err != nil {
		return false, err
	}
	listB, err := os.ReadDir(b)
	if err != nil || len(listA) != len(listB) {
		return false, err
	}
	for i := range listA {
		name := listA[i].Name()
		if name != listB[i].Name() || !listB[i].Type().IsRegular() {
			return false, nil
		}
		textA, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			return false, err
		}
		textB, err := os.ReadFile(filepath.Join(b, name))
		if err != nil || !bytes.Equal(textA, textB) {
			return false, err
		}
	}
	return true, nil
}
