package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
)

// workDir is where the runs keep what they need while they last.
const workDir = ".imsconv"

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
	Sync  SyncMode
	Owner *Owner // nil: files belong to the caller
	Fault Fault  // tests only
}

// Store is an open message store. Safe for concurrent use.
type Store struct {
	*Dir
	opt Options
}

// OpenStore opens the store at path, which is created (mode 0700) when it does not exist.
func OpenStore(path string, opt Options) (*Store, error) {
	e := &env{fault: opt.Fault, owner: opt.Owner}
	if err := e.check("mkdir", path); err != nil {
		return nil, err
	}
	created := false
	if err := os.Mkdir(path, DirMode); err == nil {
		created = true
	} else if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(path, DirMode); err != nil {
			return nil, err
		}
		created = true
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	d, err := OpenDir(path)
	if err != nil {
		return nil, err
	}
	d.env = e
	if created && opt.Owner != nil {
		if err := unix.Fchown(d.fd, opt.Owner.UID, opt.Owner.GID); err != nil {
			d.Close()
			return nil, pathError("chown", path, err)
		}
	}
	return &Store{Dir: d, opt: opt}, nil
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

// Run is one conversion's own folder in the store, STORE/.imsconv/<name>/, which outlives a kill.
type Run struct {
	Store *Store
	Name  string
	Dir   *Dir // STORE/.imsconv/<name>
	Stage *Dir // STORE/.imsconv/<name>/stage, empty at the start

	lock     *os.File
	resumed  bool
	finished bool
}

// ErrBusy is returned by Begin when another process is at work on the same run.
var ErrBusy = errors.New("another process is at work on the same run")

// Begin starts the run called name, or takes up the interrupted run of that name. What it had staged and not put into place is removed.
func (s *Store) Begin(name string) (*Run, error) {
	if strings.ContainsRune(name, '/') || name == "lock" {
		return nil, fmt.Errorf("run name %q", name)
	}
	lock, err := s.openLock()
	if err != nil {
		return nil, err
	}
	r := &Run{Store: s, Name: name, lock: lock}
	if err := r.open(); err != nil {
		lock.Close()
		return nil, err
	}
	return r, nil
}

func (r *Run) open() error {
	if err := r.tryLock(runRange(r.Name), unix.F_WRLCK); err != nil {
		if errors.Is(err, errLocked) {
			return ErrBusy
		}
		return err
	}
	path := workDir + "/" + r.Name
	if _, err := r.Store.Stat(path + doneSuffix); err == nil {
		r.finished = true
		return nil
	}
	if _, err := r.Store.Stat(path); err == nil {
		r.resumed = true
	}
	if err := r.Store.MkdirAll(path); err != nil {
		return err
	}
	if err := r.Store.RemoveAll(path + "/stage"); err != nil {
		return err
	}
	if err := r.Store.Mkdir(path + "/stage"); err != nil {
		return err
	}
	var err error
	if r.Dir, err = r.Store.OpenDir(path); err != nil {
		return err
	}
	r.Stage, err = r.Dir.OpenDir("stage")
	return err
}

// Resumed tells that a run of this name had been interrupted.
func (r *Run) Resumed() bool { return r.resumed }

// Finished tells that a run of this name had done all of its work, and was stopped only while it removed its folder. There is no Dir and no Stage then, and nothing
// is left to do but End.
func (r *Run) Finished() bool { return r.finished }

// doneSuffix marks the folder of a run that has done its work.
const doneSuffix = ".done"

// Path returns the path of a file in the run's folder, for libraries that need one.
func (r *Run) Path(name string) string {
	return filepath.Join(r.Store.name, workDir, r.Name, name)
}

// End closes the run. With finished set, its folder goes, and .imsconv with it when no other run is there. The folder is renamed first, so that a run which is stopped
// here is known to be finished; once that is done, what cannot be removed is no error.
func (r *Run) End(finished bool) error {
	var errs []error
	if r.Stage != nil {
		errs = append(errs, r.Stage.Close())
	}
	if r.Dir != nil {
		errs = append(errs, r.Dir.Close())
	}
	if finished {
		errs = append(errs, r.remove())
	}
	errs = append(errs, r.lock.Close())
	return errors.Join(errs...)
}

// remove removes the run's folder.
func (r *Run) remove() error {
	path := workDir + "/" + r.Name
	if !r.finished {
		if err := r.Store.Rename(path, r.Store.Dir, path+doneSuffix); err != nil {
			return err
		}
	}
	if r.Store.RemoveAll(path+doneSuffix) == nil {
		_ = r.removeWorkDir()
	}
	return nil
}

// removeWorkDir removes .imsconv unless another run is using it or was interrupted.
func (r *Run) removeWorkDir() error {
	list, err := r.Store.ReadNames(workDir)
	if err != nil || len(list) != 1 {
		return err
	}
	if err := r.tryLock(useRange, unix.F_WRLCK); err != nil {
		if errors.Is(err, errLocked) {
			return nil
		}
		return err
	}
	if err := r.Store.Remove(workDir + "/lock"); err != nil {
		return err
	}
	if err := r.Store.RemoveDir(workDir); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// A Move puts one staged tree into its place in the store.
type Move struct {
	From     string // name in the stage
	To       string // path in the store; its parent directories are made as needed
	Exchange bool   // swap with the tree that is there, which is then removed from the stage
}

// Commit puts a batch of staged trees into place. The order is what makes it safe: sync the data, call intend (nil: none), rename. The renames themselves are
// durable only after the next SyncAll; a journal must not call the moves done before that. intend receives the inode numbers of the staged trees, by which a
// later run tells whether a rename had happened.
func (r *Run) Commit(moves []Move, intend func(inodes []uint64) error) error {
	if len(moves) == 0 {
		return nil
	}
	inodes := make([]uint64, len(moves))
	for i, m := range moves {
		info, err := r.Stage.Stat(m.From)
		if err != nil {
			return err
		}
		inodes[i] = info.Ino
	}
	if err := r.Store.SyncAll(); err != nil {
		return err
	}
	if intend != nil {
		if err := intend(inodes); err != nil {
			return err
		}
	}
	for _, m := range moves {
		if err := r.move(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) move(m Move) error {
	if m.Exchange {
		return r.exchange(m)
	}
	err := r.Stage.Rename(m.From, r.Store.Dir, m.To)
	if errors.Is(err, unix.ENOENT) {
		if err := r.Store.MkdirAll(filepath.Dir(m.To)); err != nil {
			return err
		}
		err = r.Stage.Rename(m.From, r.Store.Dir, m.To)
	}
	return err
}

// exchange swaps the staged tree with the one in place. Where the file system cannot, it falls back on two renames, the only moment when the tree is away.
func (r *Run) exchange(m Move) error {
	err := r.Stage.Exchange(m.From, r.Store.Dir, m.To)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		old := m.From + ".old"
		if err := r.Store.Rename(m.To, r.Stage, old); err != nil {
			return err
		}
		if err := r.Stage.Rename(m.From, r.Store.Dir, m.To); err != nil {
			return err
		}
		return r.Stage.RemoveAll(old)
	}
	if err != nil {
		return err
	}
	return r.Stage.RemoveAll(m.From)
}

func sortEntries(list []fs.DirEntry) {
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
}
