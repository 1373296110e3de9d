package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrExists: the destination exists and may not be replaced.
var ErrExists = errors.New("exists already")

// OutputFile is a file being written. A regular file is written beside its
// final name, and has that name only after [OutputFile.Commit]; a device or a
// pipe is written directly.
type OutputFile struct {
	w       io.Writer
	file    *os.File // nil for standard output
	temp    string   // "" when written directly
	path    string   // the final name, links resolved
	mode    fs.FileMode
	settled bool
}

// Create opens path for writing, "-" being standard output. Without replace a
// regular file that exists is refused ([ErrExists]). The caller commits; what
// is not committed when the run ends is removed.
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
	out := &OutputFile{path: path, mode: 0o666}
	if err == nil {
		if out.path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
		out.mode = st.Mode().Perm()
	}
	out.file, err = createBeside(out.path, out.mode)
	if err != nil {
		return nil, err
	}
	out.w, out.temp = out.file, out.file.Name()
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
	return &OutputFile{w: f, file: f}, nil
}

// createBeside makes a new file in the directory of path.
func createBeside(path string, mode fs.FileMode) (*os.File, error) {
	dir, base := filepath.Split(path)
	for n := 0; n < 10000; n++ {
		f, err := os.OpenFile(fmt.Sprintf("%s.%s.%d-%d.tmp", dir, base, os.Getpid(), n), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("%s: no free name for a temporary file", path)
}

// Write writes to the file.
func (o *OutputFile) Write(p []byte) (int, error) { return o.w.Write(p) }

// WriteAt writes at an offset in bytes; a pipe cannot.
func (o *OutputFile) WriteAt(p []byte, off int64) (int, error) {
	if o.temp == "" {
		return 0, errors.New("the destination must be a regular file")
	}
	return o.file.WriteAt(p, off)
}

// ReadAt reads back what WriteAt wrote; a pipe cannot.
func (o *OutputFile) ReadAt(p []byte, off int64) (int, error) {
	if o.temp == "" {
		return 0, errors.New("the destination must be a regular file")
	}
	return o.file.ReadAt(p, off)
}

// Regular says whether the destination is a regular file, so that WriteAt works.
func (o *OutputFile) Regular() bool { return o.temp != "" }

// Commit makes the file durable and gives it its final name: fsync, close,
// rename, fsync of the directory.
func (o *OutputFile) Commit() error {
	if o.settled {
		return nil
	}
	if o.temp == "" {
		o.settled = true
		if o.file != nil {
			return o.file.Close()
		}
		return nil
	}
	defer o.Abort()
	if err := o.file.Chmod(o.file2mode()); err != nil {
		return err
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	if err := o.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(o.temp, o.path); err != nil {
		return err
	}
	o.settled = true
	return SyncDir(filepath.Dir(o.path))
}

// file2mode keeps the mode of a file that is replaced, else what the umask left.
func (o *OutputFile) file2mode() fs.FileMode {
	if o.mode != 0o666 {
		return o.mode
	}
	st, err := o.file.Stat()
	if err != nil {
		return o.mode
	}
	return st.Mode().Perm()
}

// Abort removes what was written unless it was committed.
func (o *OutputFile) Abort() {
	if o.settled {
		return
	}
	o.settled = true
	if o.file != nil {
		o.file.Close()
	}
	if o.temp != "" {
		os.Remove(o.temp)
	}
}

// SyncDir makes the names in a directory durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
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
