package crashfs

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// Lock does the fcntl(2) commands of locks of open file descriptions.
func (f *FS) Lock(fd, cmd int, lock unix.Flock_t) (unix.Flock_t, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.fd(fd)
	if err != nil {
		return lock, err
	}
	l := held{by: o, n: o.n, start: lock.Start, end: lock.Start + lock.Len, kind: lock.Type}
	if lock.Len == 0 {
		l.end = math.MaxInt64
	}
	if cmd == unix.F_OFD_GETLK {
		if !f.conflicts(&l) {
			lock.Type = unix.F_UNLCK
		}
		return lock, nil
	}
	if lock.Type == unix.F_WRLCK && o.flags&unix.O_ACCMODE == unix.O_RDONLY {
		return lock, unix.EBADF
	}
	for lock.Type != unix.F_UNLCK && f.conflicts(&l) {
		if cmd == unix.F_OFD_SETLK {
			return lock, unix.EAGAIN
		}
		f.wake.Wait()
		if f.stopped {
			return lock, unix.EIO
		}
	}
	f.setLock(&l)
	return lock, nil
}

func (f *FS) conflicts(l *held) bool {
	return slices.ContainsFunc(f.locks, func(h held) bool {
		return h.n == l.n && h.by != l.by && h.start < l.end && l.start < h.end && (h.kind == unix.F_WRLCK || l.kind == unix.F_WRLCK)
	})
}

// setLock replaces what the descriptor holds in the range.
func (f *FS) setLock(l *held) {
	var rest []held
	for _, h := range f.locks {
		if h.by != l.by || h.end <= l.start || l.end <= h.start {
			rest = append(rest, h)
			continue
		}
		if h.start < l.start {
			left := h
			left.end = l.start
			rest = append(rest, left)
		}
		if h.end > l.end {
			h.start = l.end
			rest = append(rest, h)
		}
	}
	if l.kind != unix.F_UNLCK {
		rest = append(rest, *l)
	}
	f.locks = rest
	f.wake.Broadcast()
}

// unlock gives up all locks of a descriptor.
func (f *FS) unlock(o *open) {
	f.locks = slices.DeleteFunc(f.locks, func(h held) bool { return h.by == o })
	f.wake.Broadcast()
}
