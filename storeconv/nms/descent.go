package nms

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// heldDirs is how many directories a Descent keeps open below its top: the one
// it is in and the one above, which a walk goes back to most.
const heldDirs = 2

// A Descent is the way from one open directory down to another below it. It
// keeps a few directories open, whatever the depth; one that it has closed is
// opened again by its names, none of which may be a symbolic link by then, and
// must be the directory it was. It belongs to one goroutine.
type Descent struct {
	// Open opens the directory name in dir and follows no symbolic link; nil:
	// OpenDir. Close and Stat go with it; nil: those of the operating system.
	Open  func(dir int, name string) (int, error)
	Close func(fd int) error
	Stat  func(fd int) (unix.Stat_t, error)

	levels []descentLevel // the top first
}

// descentLevel is one directory on the way.
type descentLevel struct {
	name     string // in the one above
	fd       int    // -1: closed, or nowhere
	nowhere  bool
	dev, ino uint64 // of one that was closed
}

// ErrMoved tells that a directory was replaced while a walk was below it.
var ErrMoved = errors.New("another directory is there now")

// Start begins in the open directory top, which stays the caller's; -1 is
// nowhere.
func (d *Descent) Start(top int) {
	d.levels = append(d.levels[:0], descentLevel{fd: top, nowhere: top < 0})
}

// Enter opens the directory name in the current one and goes there.
func (d *Descent) Enter(name string) (fd int, err error) {
	at, err := d.FD()
	if err != nil {
		return -1, err
	}
	if fd, err = d.open(at, name); err != nil {
		return -1, err
	}
	if err := d.Add(name, fd); err != nil {
		return -1, errors.Join(err, d.Leave())
	}
	return fd, nil
}

// Add goes to the directory name in the current one, which is open as fd and
// the Descent's from here; -1 is nowhere.
func (d *Descent) Add(name string, fd int) error {
	d.levels = append(d.levels, descentLevel{name: name, fd: fd, nowhere: fd < 0})
	n := len(d.levels) - 1 - heldDirs
	if n < 1 || d.levels[n].fd < 0 {
		return nil
	}
	l := &d.levels[n]
	st, err := d.stat(l.fd)
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	l.dev, l.ino = st.Dev, st.Ino
	return d.shut(l)
}

// Leave closes the current directory and goes back to the one above.
func (d *Descent) Leave() error {
	n := len(d.levels) - 1
	l := d.levels[n]
	d.levels = d.levels[:n]
	if l.fd < 0 {
		return nil
	}
	return d.shut(&l)
}

// End closes all that is open still, but the top.
func (d *Descent) End() {
	for len(d.levels) > 1 {
		_ = d.Leave()
	}
}

// FD returns the current directory, -1 when it is nowhere. It stays open until
// the next Enter or Add but one, or until Leave.
func (d *Descent) FD() (int, error) {
	last := len(d.levels) - 1
	l := &d.levels[last]
	if l.fd >= 0 || l.nowhere {
		return l.fd, nil
	}
	from := last
	for d.levels[from].fd < 0 {
		from--
	}
	at := d.levels[from].fd
	for i := from + 1; i <= last; i++ {
		fd, err := d.open(at, d.levels[i].name)
		if i > from+1 {
			err = errors.Join(err, d.close(at))
		}
		if err != nil {
			return -1, fmt.Errorf("open again: %w", err)
		}
		at = fd
	}
	l.fd = at
	return at, d.check(l)
}

// check makes sure that a directory is the one that was there before.
func (d *Descent) check(l *descentLevel) error {
	st, err := d.stat(l.fd)
	if err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if st.Dev != l.dev || st.Ino != l.ino {
		return ErrMoved
	}
	return nil
}

func (d *Descent) shut(l *descentLevel) error {
	fd := l.fd
	l.fd = -1
	return d.close(fd)
}

func (d *Descent) open(dir int, name string) (int, error) {
	if d.Open != nil {
		return d.Open(dir, name)
	}
	return OpenDir(dir, name)
}

func (d *Descent) close(fd int) error {
	if d.Close != nil {
		return d.Close(fd)
	}
	return unix.Close(fd)
}

func (d *Descent) stat(fd int) (st unix.Stat_t, err error) {
	if d.Stat != nil {
		return d.Stat(fd)
	}
	err = unix.Fstat(fd, &st)
	return st, err
}
