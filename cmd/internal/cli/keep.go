package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"imsconv/storeconv/durable"
)

// KeepReport writes the report, as --report does, to the file at path too when
// the run ends with 0 or 3: whole or not at all, and durable before the exit
// status says that the work is done. Directories above it that are missing are
// made. Where it cannot be written, the run has failed.
func (j *Job) KeepReport(path string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = path
}

// AtEnd has fn called when the run ends with 0 or 3, after its report and its
// log are in their places. An error of fn makes the run one that failed.
func (j *Job) AtEnd(fn func() error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.atEnd = fn
}

// Hold has c closed when the run ends, however it ends, after all else: a right
// that the run has for as long as it lasts. An error of it changes nothing any
// more.
func (j *Job) Hold(c io.Closer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.held = append(j.held, c)
}

// release closes what the run holds.
func (j *Job) release() {
	j.mu.Lock()
	held := j.held
	j.held = nil
	j.mu.Unlock()
	for _, c := range slices.Backward(held) {
		_ = c.Close()
	}
}

// settle does what is left to do of a run that has done its work.
func (j *Job) settle(r Report) error {
	j.mu.Lock()
	kept, atEnd := j.kept, j.atEnd
	j.mu.Unlock()
	if r.Exit != ExitDone && r.Exit != ExitLost {
		return nil
	}
	if kept != "" {
		if err := j.keep(kept, r); err != nil {
			return fmt.Errorf("keep the report: %w", err)
		}
	}
	if atEnd != nil {
		return atEnd()
	}
	return nil
}

// keepTries is how often a directory is made anew that somebody removes.
const keepTries = 100

// keep writes the report to path. Runs of other processes remove directories
// above it that they find empty.
func (j *Job) keep(path string, r Report) error {
	var err error
	for range keepTries {
		if err = makeDurable(filepath.Dir(path)); err == nil {
			var out *durable.Output
			if out, err = durable.CreateFile(path, durable.FileOptions{Mode: 0o600}); err == nil {
				if err = j.writeReport(out, r); err != nil {
					return errors.Join(err, out.Abort())
				}
				return out.Commit()
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

// makeDurable makes a directory and those above it that are missing, and their
// names durable.
func makeDurable(dir string) error {
	err := os.Mkdir(dir, durable.DirMode)
	parent := filepath.Dir(dir)
	switch {
	case errors.Is(err, fs.ErrExist): // perhaps by a run that was killed before it synced
	case errors.Is(err, fs.ErrNotExist) && parent != dir:
		if err := makeDurable(parent); err != nil {
			return err
		}
		if err := os.Mkdir(dir, durable.DirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case err != nil:
		return err
	}
	return durable.SyncDir(parent)
}
