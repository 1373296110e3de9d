package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/storeconv/durable"
)

// CreateOrKeep is Create, but that a regular file that exists is no conflict
// where it holds what is written, byte for byte: a run that was killed after
// its output had got its name can be done again. Such a file stays as it is,
// which Commit says. One that holds anything else is refused ([ErrExists]),
// untouched: by Write at the first byte that differs, by Commit where it is
// longer, or was written by WriteAt.
func (j *Job) CreateOrKeep(path string, replace bool) (*OutputFile, error) {
	if out, err := j.stays(path, replace); out != nil || err != nil {
		return out, err
	}
	return j.Create(path, replace)
}

// CreateOrKeepAlone is CreateOrKeep for a file that no other process may be
// writing, as of [Job.CreateAlone].
func (j *Job) CreateOrKeepAlone(path string, replace bool) (*OutputFile, error) {
	if out, err := j.stays(path, replace); out != nil || err != nil {
		return out, err
	}
	return j.CreateAlone(path, replace)
}

// CreateOrKeepDry is CreateOrKeep for a dry run, as of [Job.CreateDry]. The
// caller writes in order, and commits.
func (j *Job) CreateOrKeepDry(path string, replace bool) (*OutputFile, error) {
	if out, err := j.stays(path, replace); out != nil || err != nil {
		return out, err
	}
	return j.CreateDry(path, replace)
}

// stays opens a file that stays; nil for one that Create makes, replaces or
// refuses.
func (j *Job) stays(path string, replace bool) (*OutputFile, error) {
	if replace || isStdout(path) || isDescriptor(path) {
		return nil, nil
	}
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil, nil // Create says what is wrong with it
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	kept, err := openKept(path)
	if err != nil {
		return nil, err
	}
	out := &OutputFile{w: kept, kept: kept, job: j, named: path, path: real, old: st}
	if err := j.claim(out, path); err != nil {
		out.Abort()
		return nil, err
	}
	return out, nil
}

// besideKept makes the file that is written beside one that may stay, where it
// is not written in order: the two are compared in the end.
func (o *OutputFile) besideKept() (err error) {
	if o.kept == nil || o.beside != nil {
		return nil
	}
	o.beside, err = durable.CreateFile(o.path, durable.FileOptions{Named: o.named, Fresh: true})
	return err
}

// commitKept makes sure that the file holds what was written, and no more.
func (o *OutputFile) commitKept() error {
	defer o.kept.file.Close() // opened for reading
	var err error
	if o.beside == nil {
		err = o.kept.end()
	} else if err = o.beside.Free(); err != nil {
		_ = o.beside.Abort() // it goes, whatever is told
		if isMade(err) {
			err = existsError(o.named)
		}
	} else {
		err = o.made(o.beside.Commit())
	}
	if err == nil {
		o.job.Note(o.named + " holds all of this already: it stays as it is")
	}
	return err
}

// keptFile is a file that is not replaced: what is written to it is compared
// with what it holds.
type keptFile struct {
	path string
	file *os.File
	r    *bufio.Reader
}

func openKept(path string) (*keptFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &keptFile{path, f, bufio.NewReaderSize(f, 64<<10)}, nil
}

// Write implements io.Writer.
func (k *keptFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		have, err := k.r.Peek(min(len(p)-done, k.r.Size()))
		if err != nil && err != io.EOF {
			return done, fmt.Errorf("%s: %w", k.path, err)
		}
		if len(have) == 0 || !bytes.HasPrefix(p[done:], have) {
			return done, existsError(k.path)
		}
		done += len(have)
		k.r.Discard(len(have)) // peeked already
	}
	return done, nil
}

// end refuses a file that holds more than was written, and one that another has
// taken the place of since.
func (k *keptFile) end() error {
	opened, err := k.file.Stat()
	if err == nil {
		var now fs.FileInfo
		if now, err = os.Stat(k.path); err == nil && !os.SameFile(opened, now) {
			return existsError(k.path)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	if _, err := k.r.Peek(1); err == nil {
		return existsError(k.path)
	} else if err != io.EOF {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	return nil
}
