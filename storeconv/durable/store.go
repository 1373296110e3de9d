package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// workDir is where the runs keep what they need while they last.
const workDir = ims.WorkDir

// SyncMode says how much is made durable, and when.
type SyncMode = storeconv.SyncMode

// The modes; see the package storeconv.
const (
	SyncBatch = storeconv.SyncBatch
	SyncNone  = storeconv.SyncNone
	SyncUser  = storeconv.SyncUser
)

// Options of a store.
type Options struct {
	FS    FS // nil: the operating system's
	Sync  SyncMode
	Owner *Owner // nil: files belong to the caller; a dry run, which writes nothing, has none
	Fault Fault  // tests only

	// Log is told of a lock that another process has held for longer than
	// Patience (0: five seconds); nil: nobody is. When Done is closed nobody
	// waits for a lock any longer; nil: never.
	Log      storeconv.Log
	Patience time.Duration
	Done     <-chan struct{}

	// Command is the command line of this run, kept in its folder, so that
	// whoever finds the folder later knows what finishes it. "": not known.
	Command string
}

// Store is an open message store. Safe for concurrent use.
type Store struct {
	*Dir
	opt Options
}

// OpenStore opens the store at path, which is created (mode 0700) when it does
// not exist.
func OpenStore(path string, opt Options) (*Store, error) {
	if opt.FS == nil {
		opt.FS = OS
	}
	e := &env{fs: opt.FS, fault: opt.Fault, owner: opt.Owner}
	if err := e.check("mkdir", "", path); err != nil {
		return nil, err
	}
	created, err := mkdirAll(opt.FS, path)
	if err != nil {
		return nil, err
	}
	d, err := openDir(e, path)
	if err != nil {
		return nil, err
	}
	if created || opt.ownsLeft(d) {
		if err := d.chown("."); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return &Store{Dir: d, opt: opt}, nil
}

// ownsLeft tells whether the store is the directory of a run that was stopped,
// or failed, between making it and giving it its owner: see isOwnerless. One
// that somebody has made for it has the mode of a mkdir, and keeps its owner.
func (o *Options) ownsLeft(d *Dir) bool {
	st, err := o.FS.Fstat(d.fd)
	return err == nil && st.Mode&0o7777 == DirMode && d.isOwnerless(".")
}

// Exists tells whether there is something at path; a nil f is the operating
// system's file system.
func Exists(f FS, path string) (bool, error) {
	if f == nil {
		f = OS
	}
	_, err := f.Fstatat(unix.AT_FDCWD, path, 0)
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, pathError("stat", path, err)
	}
	return true, nil
}

// mkdirAll makes the directory path and those above it that are missing, and
// tells whether it made the last one.
func mkdirAll(f FS, path string) (created bool, err error) {
	err = f.Mkdirat(unix.AT_FDCWD, path, DirMode)
	switch parent := filepath.Dir(path); {
	case err == nil:
		return true, nil
	case err == unix.EEXIST:
		return false, nil
	case err != unix.ENOENT || parent == path:
		return false, pathError("mkdir", path, err)
	default:
		if _, err := mkdirAll(f, parent); err != nil {
			return false, err
		}
	}
	if err = f.Mkdirat(unix.AT_FDCWD, path, DirMode); err != nil && err != unix.EEXIST {
		return false, pathError("mkdir", path, err)
	}
	return err == nil, nil
}

// Path returns the path that the store was opened by.
func (s *Store) Path() string { return s.name }

// SyncAll makes everything written so far durable, unless the mode is none.
func (s *Store) SyncAll() error {
	if s.opt.Sync == SyncNone {
		return nil
	}
	return s.Dir.Sync()
}

// syncNames makes the names in directories durable, unless the mode is none.
func (s *Store) syncNames(dirs ...string) error {
	if s.opt.Sync == SyncNone {
		return nil
	}
	for _, dir := range dirs {
		if err := s.SyncNames(dir); err != nil {
			return err
		}
	}
	return nil
}

// ErrElsewhere is wrapped by CheckPlace: a place for trees is on another file
// system than the store.
var ErrElsewhere = errors.New("on another file system than the store")

// CheckPlace makes sure, before the work, that trees and files can be renamed
// from a run's folder into the directories at paths in the store, which need
// not exist. Where one, or a directory above it, is a mount point or a symbolic
// link to another file system, the error wraps [ErrElsewhere] and says what to
// do.
func (s *Store) CheckPlace(paths ...string) error {
	for _, path := range paths {
		if err := s.checkPlace(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) checkPlace(path string) error {
	if err := local(path); err != nil {
		return err
	}
	top, err := s.env.fs.Fstat(s.fd)
	if err != nil {
		return pathError("stat", s.name, err)
	}
	for at := path; at != "."; at = filepath.Dir(at) {
		st, err := s.env.fs.Fstatat(s.fd, at, 0)
		if err == unix.ENOENT {
			if link, err := s.Stat(at); err == nil && link.Mode&unix.S_IFMT == unix.S_IFLNK {
				return fmt.Errorf("%s: a symbolic link to nothing", filepath.Join(s.name, at))
			}
			continue
		}
		if err != nil {
			return pathError("stat", filepath.Join(s.name, at), err)
		}
		if st.Dev == top.Dev {
			return nil
		}
		return fmt.Errorf("%[1]s is %[2]w, and nothing can be put there in one step: "+
			"name a partition that lies with the store, or make a store on that file system (such as %[1]s.store) and move its directories to this place when it is done", filepath.Join(s.name, at), ErrElsewhere)
	}
	return nil
}

func sortEntries(list []fs.DirEntry) {
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
}
