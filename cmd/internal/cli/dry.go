package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// CreateDry is Create for a dry run: what Create would refuse is refused in the
// same words, but nothing is made, and what is written goes nowhere.
func (j *Job) CreateDry(path string, replace bool) (*OutputFile, error) {
	if isStdout(path) {
		return &OutputFile{w: io.Discard}, nil
	}
	st, err := os.Stat(path)
	switch {
	case err == nil && (!st.Mode().IsRegular() || isDescriptor(path)):
		if err := writable("open", path, unix.W_OK); err != nil {
			return nil, err
		}
		if st.IsDir() {
			return nil, &fs.PathError{Op: "open", Path: path, Err: unix.EISDIR}
		}
		return &OutputFile{w: io.Discard}, nil
	case err == nil && !replace:
		return nil, existsError(path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil && !replace && isLink(path):
		return nil, existsError(path)
	}
	out := &OutputFile{w: io.Discard, path: path, old: st}
	if err == nil {
		if out.path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, err
		}
	}
	if err := folderFor(path, out.path); err != nil {
		return nil, err
	}
	if out.path, err = filepath.Abs(out.path); err != nil {
		return nil, err
	}
	return out, j.claim(out, path)
}

// folderFor refuses a file whose folder is not there, or may not be written in.
// named is the path as it was given.
func folderFor(named, real string) error {
	if base := filepath.Base(real); base == "." || base == ".." || os.IsPathSeparator(real[len(real)-1]) {
		return &fs.PathError{Op: "create", Path: named, Err: unix.EISDIR}
	}
	dir := filepath.Dir(real)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return &fs.PathError{Op: "create", Path: named, Err: errors.Unwrap(err)}
	case !info.IsDir():
		return &fs.PathError{Op: "create", Path: named, Err: unix.ENOTDIR}
	}
	return mayMakeIn("create", named, dir)
}

// FolderDry refuses, for a dry run, a folder that cannot be made or written in:
// what is there already of its path is no folder, leads nowhere, or may not be
// changed.
func (j *Job) FolderDry(path string) error {
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at):
			if _, err := os.Lstat(at); err == nil { // a symbolic link to nothing
				return &fs.PathError{Op: "open", Path: path, Err: unix.ENOENT}
			}
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return &fs.PathError{Op: "mkdir", Path: path, Err: unix.ENOTDIR}
		}
		return mayMakeIn("mkdir", path, at)
	}
}

// mayMakeIn refuses a folder in which this process may make nothing.
func mayMakeIn(op, named, dir string) error {
	err := writable(op, dir, unix.W_OK|unix.X_OK)
	var p *fs.PathError
	if errors.As(err, &p) {
		p.Path = named
	}
	return err
}

// writable asks for rights of the process.
func writable(op, path string, mode uint32) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}
