package durable

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Leftover is the folder of a run in a store.
type Leftover struct {
	Name     string // of the run
	Path     string // of the folder, for messages
	Command  string // the command line that goes on with it; "" when not known
	Busy     bool   // a living process is at work on it
	Finished bool   // the run had done its work, and was stopped only while it removed the folder
	Away     []Away // trees that are not in their places; never with Busy
}

// Away is a mailbox tree of the store that a killed run has left elsewhere. The
// next command that changes the store puts it back, or says why it cannot.
type Away struct {
	Tree  string // path where it is
	Place string // path where it belongs; "" when not known
}

// Advice says what the folder of a run that is not alive is, and which commands
// finish or remove it.
func (l *Leftover) Advice() string {
	switch {
	case l.Finished:
		return "left by a run that had done its work: the next run removes it where it can, and so does rm -r"
	case l.Command == "":
		return "left by an interrupted run: the same command as then goes on with it, rm -r gives it up"
	}
	return "left by an interrupted run: " + l.Command + " goes on with it, rm -r gives it up"
}

func (l *Leftover) folder() string {
	if l.Finished {
		return workDir + "/" + l.Name + doneSuffix
	}
	return workDir + "/" + l.Name
}

// Leftovers lists the runs that have a folder in the store at path: those at
// work and those that were interrupted. Nothing is changed. A nil f is the
// operating system's file system.
func Leftovers(f FS, path string) ([]Leftover, error) {
	if f == nil {
		f = OS
	}
	d, err := openDir(&env{fs: f}, path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	fd, err := f.Openat(d.fd, workDir+"/lock", unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	var lock *lockFile
	switch {
	case err == nil:
		lock = &lockFile{f, fd}
		defer lock.Close()
	case err == unix.ENOENT || err == unix.ENOTDIR:
	default:
		return nil, pathError("open", filepath.Join(path, workDir, "lock"), err)
	}
	return leftovers(d, lock)
}

// leftovers lists the runs of the store d; a nil lock is held by nobody.
func leftovers(d *Dir, lock *lockFile) ([]Leftover, error) {
	list, err := d.ReadNames(workDir)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Leftover
	for _, e := range list {
		if !e.IsDir() || isShared(e.Name()) {
			continue
		}
		l := Leftover{Path: filepath.Join(d.name, workDir, e.Name())}
		l.Name, l.Finished = strings.CutSuffix(e.Name(), doneSuffix)
		if lock != nil {
			if l.Busy, err = lock.held(runRange(l.Name)); err != nil {
				return nil, err
			}
		}
		if text, err := d.ReadFile(l.folder()+"/"+commandFile, 64<<10); err == nil {
			l.Command = strings.TrimSuffix(string(text), "\n")
		}
		if !l.Busy {
			if err := l.findAway(d); err != nil {
				return nil, err
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// findAway looks for trees of the store in the run's folder.
func (l *Leftover) findAway(d *Dir) error {
	kept := l.folder() + "/" + keptDir
	err := eachDir(d, kept, func(name string) {
		k := keptMove{}
		a := Away{Tree: filepath.Join(d.name, kept, name)}
		if text, err := d.ReadFile(kept+"/"+name+noteSuffix, 64<<10); err == nil && k.parse(text) {
			a.Place = filepath.Join(d.name, k.to)
			if st, err := d.Stat(k.to); err == nil && st.Ino == k.new {
				return // the new tree is in place: this is the old one
			}
		}
		l.Away = append(l.Away, a)
	})
	if err != nil {
		return err
	}
	stage := l.folder() + "/" + stageDir
	return eachDir(d, stage, func(name string) {
		if !isFirst(name) {
			return
		}
		a := Away{Tree: filepath.Join(d.name, stage, name)}
		if to, ok := placeByIndex(d, stage+"/"+name); ok {
			a.Place = filepath.Join(d.name, to)
		}
		l.Away = append(l.Away, a)
	})
}

// eachDir calls fn for the directories in the directory name, if it is there.
func eachDir(d *Dir, name string, fn func(name string)) error {
	list, err := d.ReadNames(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		if e.IsDir() {
			fn(e.Name())
		}
	}
	return err
}
