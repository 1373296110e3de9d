package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"imsconv/storeconv/durable"
)

// ErrExists: the destination exists and may not be replaced.
var ErrExists = errors.New("exists already")

// OutputFile is a file being written. A regular file is written beside its
// final name, and has that name only after [OutputFile.Commit]; a device or a
// pipe is written directly.
type OutputFile struct {
	w      io.Writer
	direct *os.File        // written as it is; nil for standard output
	beside *durable.Output // nil when written directly
}

// Create opens path for writing, "-" being standard output. Without replace a
// regular file that exists is refused ([ErrExists]). A file that cannot be
// written is found here, before the work. The caller commits; what is not
// committed when the run ends is removed.
func (j *Job) Create(path string, replace bool) (*OutputFile, error) {
	if path == "-" || path == "/dev/stdout" {
		return &OutputFile{w: j.Stdout}, nil
	}
	st, err := os.Stat(path)
	switch {
	case err == nil && !st.Mode().IsRegular():
		return openDirect(path)
	case err == nil && isDescriptor(path):
		return openDirect(path)
	case err == nil && !replace:
		return nil, WithHint(fmt.Errorf("%s: %w", path, ErrExists), "--force replaces it")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	opt, real := durable.FileOptions{Named: path}, path
	if err == nil {
		if real, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		opt.Mode = st.Mode().Perm()
	}
	beside, err := durable.CreateFile(real, opt)
	if err != nil {
		return nil, err
	}
	out := &OutputFile{w: beside, beside: beside}
	j.mu.Lock()
	j.files = append(j.files, out)
	j.mu.Unlock()
	return out, nil
}

// isDescriptor says whether path names a descriptor of this process, which may
// be a regular file that a shell opened, and is written as it is.
func isDescriptor(path string) bool {
	return path == "/dev/stderr" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func openDirect(path string) (*OutputFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	return &OutputFile{w: f, direct: f}, nil
}

// Write writes to the file.
func (o *OutputFile) Write(p []byte) (int, error) { return o.w.Write(p) }

var errNotRegular = errors.New("the destination must be a regular file")

// WriteAt writes at an offset in bytes; a pipe cannot.
func (o *OutputFile) WriteAt(p []byte, off int64) (int, error) {
	if o.beside == nil {
		return 0, errNotRegular
	}
	return o.beside.WriteAt(p, off)
}

// ReadAt reads back what WriteAt wrote; a pipe cannot.
func (o *OutputFile) ReadAt(p []byte, off int64) (int, error) {
	if o.beside == nil {
		return 0, errNotRegular
	}
	return o.beside.ReadAt(p, off)
}

// Regular says whether the destination is a regular file, so that WriteAt works.
func (o *OutputFile) Regular() bool { return o.beside != nil }

// Commit makes the file durable and gives it its final name.
func (o *OutputFile) Commit() error {
	switch {
	case o.beside != nil:
		return o.beside.Commit()
	case o.direct != nil:
		direct := o.direct
		o.direct = nil
		return direct.Close()
	}
	return nil
}

// Abort removes what was written unless it was committed. What cannot be
// removed is removed by the next run that writes the same file.
func (o *OutputFile) Abort() {
	switch {
	case o.beside != nil:
		_ = o.beside.Abort()
	case o.direct != nil:
		_ = o.direct.Close()
		o.direct = nil
	}
}

// SameFile says whether two paths name one file; a path that does not exist is
// the same as none.
func SameFile(a, b string) bool {
	sa, err := os.Stat(a)
	if err != nil {
		return false
	}
	sb, err := os.Stat(b)
	return err == nil && os.SameFile(sa, sb)
}
