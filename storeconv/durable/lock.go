package durable

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("locked by another process")

// span is a range of bytes in the lock file. Nothing is ever written there.
type span struct{ start, length int64 }

// The ranges: one byte each for "a run is here" (shared) and the mailbox lists, then one for each user and each run, by hash.
var (
	useRange  = span{0, 1}
	listRange = span{1, 1}
)

func userRange(id string) span  { return hashRange("user", id) }
func runRange(name string) span { return hashRange("run", name) }

func hashRange(kind, name string) span {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return span{int64(binary.BigEndian.Uint64(sum[:])>>2) + 2, 1}
}

// openLock opens the lock file and takes the shared lock that keeps it from being removed.
func (s *Store) openLock() (*os.File, error) {
	const name = workDir + "/lock"
	for {
		if err := s.Mkdir(workDir); err != nil {
			return nil, err
		}
		fd, err := openat(s.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, FileMode)
		if errors.Is(err, unix.ENOENT) {
			continue // the last run has just removed the folder
		}
		if err != nil {
			return nil, pathError("open", name, err)
		}
		f := os.NewFile(uintptr(fd), name)
		if err := fcntl(f, unix.F_OFD_SETLKW, useRange, unix.F_RDLCK); err != nil {
			f.Close()
			return nil, pathError("lock", name, err)
		}
		if same, err := s.isLock(f, name); err != nil || same {
			if err != nil {
				f.Close()
				return nil, err
			}
			return f, nil
		}
		f.Close()
	}
}

// isLock tells whether f is still the file called name.
func (s *Store) isLock(f *os.File, name string) (bool, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return false, pathError("stat", name, err)
	}
	now, err := s.Stat(name)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil && now.Ino == st.Ino, err
}

func fcntl(f *os.File, cmd int, at span, kind int16) error {
	lk := unix.Flock_t{Type: kind, Whence: 0, Start: at.start, Len: at.length}
	for {
		err := unix.FcntlFlock(f.Fd(), cmd, &lk)
		if err != unix.EINTR {
			return err
		}
	}
}

func (r *Run) tryLock(at span, kind int16) error {
	err := fcntl(r.lock, unix.F_OFD_SETLK, at, kind)
	if err == unix.EAGAIN || err == unix.EACCES {
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("lock the store: %w", err)
	}
	return nil
}

// TryLockUser claims a user of the store for this run. It returns false when another process has the user; then commit what is pending, so that no two runs wait
// for each other, and call LockUser.
func (r *Run) TryLockUser(id string) (bool, error) {
	err := r.tryLock(userRange(id), unix.F_WRLCK)
	if errors.Is(err, errLocked) {
		return false, nil
	}
	return err == nil, err
}

// LockUser claims a user and waits while another process has it.
func (r *Run) LockUser(id string) error {
	return fcntl(r.lock, unix.F_OFD_SETLKW, userRange(id), unix.F_WRLCK)
}

// UnlockUser gives a claimed user back.
func (r *Run) UnlockUser(id string) error {
	return fcntl(r.lock, unix.F_OFD_SETLK, userRange(id), unix.F_UNLCK)
}

// LockLists waits for the sole right to change mboxlist/.
func (r *Run) LockLists() error {
	return fcntl(r.lock, unix.F_OFD_SETLKW, listRange, unix.F_WRLCK)
}

// UnlockLists gives that right back.
func (r *Run) UnlockLists() error {
	return fcntl(r.lock, unix.F_OFD_SETLK, listRange, unix.F_UNLCK)
}
