package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
)

// Names in a run's folder.
const (
	stageDir    = "stage"   // trees that are being made; cleared when a run begins
	keptDir     = "kept"    // trees of the store that are away while two renames stand in for an exchange; never cleared
	commandFile = "command" // the command line
)

// doneSuffix marks the folder of a run that has done its work.
const doneSuffix = ".done"

// Run is one conversion's own folder in the store, STORE/.imsconv/<name>/,
// which outlives a kill.
type Run struct {
	Store *Store
	Name  string
	Dir   *Dir // STORE/.imsconv/<name>
	Stage *Dir // STORE/.imsconv/<name>/stage, empty at the start

	lock     *lockFile
	resumed  bool
	finished bool
	others   []Leftover
	replaced replaced
	probing  sync.Mutex // see KeptTime
}

// ErrBusy is returned by Begin when another process is at work on the same run.
var ErrBusy = errors.New("another process is at work on the same run")

// Begin starts the run called name, or takes up the interrupted run of that
// name. What it had staged and not put into place is removed. What any run that
// is no longer alive had moved out of its place is put back first; where that
// cannot be, the error is a [*HalfDoneError] and nothing is removed.
func (s *Store) Begin(name string) (*Run, error) {
	if strings.ContainsRune(name, '/') || name == "lock" || isShared(name) || name == "" || strings.HasSuffix(name, doneSuffix) {
		return nil, fmt.Errorf("run name %q", name)
	}
	lock, err := s.openLock()
	if err != nil {
		return nil, err
	}
	r := &Run{Store: s, Name: name, lock: lock}
	if err := r.open(); err != nil {
		r.closeDirs()
		lock.Close()
		return nil, err
	}
	return r, nil
}

// BeginAnew is Begin for work that may be done twice: what is left of a run of
// that name that had finished is removed, and a new one begun.
func (s *Store) BeginAnew(name string) (*Run, error) {
	r, err := s.Begin(name)
	if err != nil || !r.Finished() {
		return r, err
	}
	return r.Anew()
}

// Anew removes what is left of a finished run and begins one of its name. r is
// no longer of use.
func (r *Run) Anew() (*Run, error) {
	rest := workDir + "/" + r.Name + doneSuffix
	if err := errors.Join(r.Store.RemoveAll(rest), r.End(true)); err != nil {
		return nil, err
	}
	return r.Store.Begin(r.Name)
}

func (r *Run) open() error {
	if err := r.tryLock(runRange(r.Name), unix.F_WRLCK); err != nil {
		if errors.Is(err, errLocked) {
			return ErrBusy
		}
		return err
	}
	if err := r.recover(); err != nil {
		return err
	}
	path := workDir + "/" + r.Name
	if _, err := r.Store.Stat(path); err == nil {
		r.resumed = true
	}
	if _, err := r.Store.Stat(path + doneSuffix); err == nil {
		if !r.resumed {
			r.finished = true
			return nil
		}
		// A run that began when the folder of the finished one had gone, and a
		// power cut that brought that folder back.
		if err := r.Store.RemoveAll(path + doneSuffix); err != nil {
			return err
		}
	}
	if err := r.Store.MkdirAll(path); err != nil {
		return err
	}
	if err := r.Store.RemoveAll(path + "/" + stageDir); err != nil {
		return err
	}
	if err := r.Store.Mkdir(path + "/" + stageDir); err != nil {
		return err
	}
	var err error
	if r.Dir, err = r.Store.OpenDir(path); err != nil {
		return err
	}
	if r.Stage, err = r.Dir.OpenDir(stageDir); err != nil {
		return err
	}
	return r.noteCommand()
}

// noteCommand keeps the command line for whoever finds the folder.
func (r *Run) noteCommand() error {
	if r.Store.opt.Command == "" {
		return nil
	}
	if _, err := r.Dir.Stat(commandFile); err == nil {
		return nil
	}
	return r.Dir.WriteFile(commandFile, 0, []byte(r.Store.opt.Command+"\n"))
}

// Resumed tells that a run of this name had been interrupted.
func (r *Run) Resumed() bool { return r.resumed }

// Finished tells that a run of this name had done all of its work, and was
// stopped only while it removed its folder. There is no Dir and no Stage then,
// and nothing is left to do but End.
func (r *Run) Finished() bool { return r.finished }

// Others lists what other runs have left in the store, or are at work on, as it
// was when this one began.
func (r *Run) Others() []Leftover { return r.others }

// TellOthers tells of what interrupted runs have left in the store.
func (r *Run) TellOthers(log storeconv.Log) {
	for _, o := range r.others {
		if !o.Busy {
			log.Warning("leftover", o.Path, o.Advice())
		}
	}
}

// TellLeftovers is [Run.TellOthers] for a dry run of the name, which begins
// none.
func TellLeftovers(f FS, path, name string, log storeconv.Log) error {
	list, err := Leftovers(f, path)
	for _, l := range list {
		if l.Name != name && !l.Busy && !l.Finished { // what is finished the run removes
			log.Warning("leftover", l.Path, l.Advice())
		}
	}
	return err
}

// Path returns the path of a file in the run's folder, for libraries that need
// one.
func (r *Run) Path(name string) string {
	return filepath.Join(r.Store.name, workDir, r.Name, name)
}

// TempDir returns a directory of the operating system's for files that need not
// outlive the process: the run's folder, or "" when that is not one.
func (r *Run) TempDir() string {
	if r.Store.env.fs != OS {
		return ""
	}
	return r.Path("")
}

// End closes the run. With finished set, its folder goes, and .imsconv with it
// when no other run is there: all that the run did is made durable, the folder
// is renamed, so that a run which is stopped here is known to be finished, and
// once that is durable, the folder is removed; what cannot be removed is no
// error, but told: the next run of any name removes it.
func (r *Run) End(finished bool) error {
	errs := []error{r.closeDirs()}
	if finished {
		errs = append(errs, r.remove())
	}
	errs = append(errs, r.lock.Close())
	return errors.Join(errs...)
}

func (r *Run) closeDirs() error {
	var errs []error
	for _, d := range []**Dir{&r.Stage, &r.Dir} {
		if *d != nil {
			errs = append(errs, (*d).Close())
			*d = nil
		}
	}
	return errors.Join(errs...)
}

// remove removes the run's folder.
func (r *Run) remove() error {
	path := workDir + "/" + r.Name
	if !r.finished {
		if err := r.Store.SyncAll(); err != nil {
			return err
		}
		if err := r.dropReplaced(); err != nil {
			return err
		}
		if err := r.Store.Rename(path, r.Store.Dir, path+doneSuffix); err != nil {
			return err
		}
		if err := r.Store.syncNames(workDir); err != nil {
			return err
		}
	}
	if err := r.Store.RemoveAll(path + doneSuffix); err != nil {
		r.Store.tellLeft(path+doneSuffix, "of this run, which has done its work", err)
		return nil
	}
	if err := r.removeWorkDir(); err != nil {
		r.Store.tellLeft(workDir, "of the runs, in which nothing is left", err)
	}
	return nil
}

// tellLeft tells of a folder whose content matters to nobody, and that could
// not be removed.
func (s *Store) tellLeft(path, whose string, err error) {
	if log := s.opt.Log; log != nil {
		log.Warning("run-folder", s.path(path), fmt.Sprintf("the folder %s, could not be removed (%v): the next run removes it, and so does rm -r", whose, err))
	}
}

// RemoveWorkDir removes .imsconv where nothing is left in it: no folder of a
// run or of what runs remember, and no process that uses it. It begins no run,
// so that being stopped leaves nothing to go on with.
func (s *Store) RemoveWorkDir() error {
	lock, err := s.openLock()
	if err != nil {
		return err
	}
	r := Run{Store: s, lock: lock}
	return errors.Join(r.removeWorkDir(), lock.Close())
}

// removeWorkDir removes .imsconv unless another run is using it or was
// interrupted. Where finished runs have left a file, that stays.
func (r *Run) removeWorkDir() error {
	list, err := r.Store.ReadNames(workDir)
	if err != nil || slices.ContainsFunc(list, fs.DirEntry.IsDir) {
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
