package durable

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("locked by another process")

// span is a range of bytes in the lock file. Nothing is ever written there.
type span struct{ start, length int64 }

// The ranges: one byte each for "a run is here" (shared), the mailbox lists
// and the start of a run, then one for each user and each run, by hash.
var (
	useRange     = span{0, 1}
	listRange    = span{1, 1}
	recoverRange = span{2, 1}
)

func userRange(id string) span  { return hashRange("user", id) }
func runRange(name string) span { return hashRange("run", name) }

func hashRange(kind, name string) span {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return span{int64(binary.BigEndian.Uint64(sum[:])>>2) + 2, 1}
}

// lockFile is the open lock file.
type lockFile struct {
	fs FS
	fd int
}

func (l *lockFile) Close() error { return l.fs.Close(l.fd) }

// fcntl does one of the lock commands on a range.
func (l *lockFile) fcntl(cmd int, at span, kind int16) (unix.Flock_t, error) {
	return l.fs.Lock(l.fd, cmd, unix.Flock_t{Type: kind, Whence: 0, Start: at.start, Len: at.length})
}

// held tells whether another process holds a range.
func (l *lockFile) held(at span) (bool, error) {
	lk, err := l.fcntl(unix.F_OFD_GETLK, at, unix.F_WRLCK)
	return err == nil && lk.Type != unix.F_UNLCK, err
}

// openLock opens the lock file and takes the shared lock that keeps it from
// being removed.
func (s *Store) openLock() (*lockFile, error) {
	const name = workDir + "/lock"
	for {
		if err := s.Mkdir(workDir); err != nil {
			return nil, err
		}
		fd, err := s.env.fs.Openat(s.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, FileMode)
		if errors.Is(err, unix.ENOENT) {
			continue // the last run has just removed the folder
		}
		if err != nil {
			return nil, pathError("open", s.path(name), err)
		}
		l := &lockFile{s.env.fs, fd}
		if err := s.waitFor(l, useRange, unix.F_RDLCK, "the end of its run in hand"); err != nil {
			if errors.Is(err, context.Canceled) {
				return nil, err // the wait in the kernel still has the file
			}
			l.Close()
			return nil, err
		}
		if same, err := s.isLock(l, name); err != nil || same {
			if err != nil {
				l.Close()
				return nil, err
			}
			return l, nil
		}
		l.Close()
	}
}

// isLock tells whether l is still the file called name.
func (s *Store) isLock(l *lockFile, name string) (bool, error) {
	st, err := l.fs.Fstat(l.fd)
	if err != nil {
		return false, pathError("stat", s.path(name), err)
	}
	now, err := s.Stat(name)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil && now.Ino == st.Ino, err
}

func (r *Run) tryLock(at span, kind int16) error { return r.lock.try(at, kind) }

// try takes a range, or says that another process holds it.
func (l *lockFile) try(at span, kind int16) error {
	_, err := l.fcntl(unix.F_OFD_SETLK, at, kind)
	if err == unix.EAGAIN || err == unix.EACCES {
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("lock the store: %w", err)
	}
	return nil
}

// patience is how long a run waits for a lock before it tells so, where its
// options say nothing.
const patience = 5 * time.Second

// waitLock waits for the sole right to a range while another process holds it.
func (r *Run) waitLock(at span, what string) error {
	return r.Store.waitFor(r.lock, at, unix.F_WRLCK, what)
}

// waitFor waits for a range while another process holds it. After a while it
// tells that it waits, for a process that was stopped can hold a lock for ever;
// and it stops waiting when the run is to end.
func (s *Store) waitFor(l *lockFile, at span, kind int16, what string) error {
	err := l.try(at, kind)
	if !errors.Is(err, errLocked) {
		return err
	}
	got := make(chan error, 1)
	go func() { // a wait in the kernel is ended by nothing but the lock
		_, err := l.fcntl(unix.F_OFD_SETLKW, at, kind)
		got <- err
	}()
	late := time.NewTimer(cmp.Or(s.opt.Patience, patience))
	defer late.Stop()
	for {
		select {
		case err := <-got:
			if err != nil {
				return fmt.Errorf("lock the store: %w", err)
			}
			return nil
		case <-late.C:
			if log := s.opt.Log; log != nil {
				log.Warning("waiting", s.name, "another process at work in this store has "+what+", and this one waits until it is done; where that process was stopped, end it")
			}
		case <-s.opt.Done:
			return fmt.Errorf("wait for %s of %s: %w", what, s.name, context.Canceled)
		}
	}
}

// unlock gives a range back.
func (r *Run) unlock(at span) error {
	if _, err := r.lock.fcntl(unix.F_OFD_SETLK, at, unix.F_UNLCK); err != nil {
		return fmt.Errorf("unlock the store: %w", err)
	}
	return nil
}

// TryLockUser claims a user of the store for this run. It returns false when
// another process has the user; then commit what is pending, so that no two
// runs wait for each other, and call LockUser.
func (r *Run) TryLockUser(id string) (bool, error) {
	err := r.tryLock(userRange(id), unix.F_WRLCK)
	if errors.Is(err, errLocked) {
		return false, nil
	}
	return err == nil, err
}

// LockUser claims a user and waits while another process has it.
func (r *Run) LockUser(id string) error {
	return r.waitLock(userRange(id), "the user "+id)
}

// UnlockUser gives a claimed user back.
func (r *Run) UnlockUser(id string) error {
	return r.unlock(userRange(id))
}

// LockLists waits for the sole right to change mboxlist/.
func (r *Run) LockLists() error {
	return r.waitLock(listRange, "the mailbox lists")
}

// UnlockLists gives that right back.
func (r *Run) UnlockLists() error {
	return r.unlock(listRange)
}
