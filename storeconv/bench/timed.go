package bench

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// timedFS is a file system that measures what restore asks of it: how long each
// message takes from the creation of its file to its close, and for how long
// the system was at work making things durable.
type timedFS struct {
	durable.FS
	now      func() time.Duration // since any fixed moment
	messages Histogram
	opened   [maxTimed]atomic.Int64 // by descriptor: 1 + when the message file was begun; 0: none

	mu      sync.Mutex
	syncs   int           // under way
	since   time.Duration // when the first of them began
	syncing time.Duration // for which at least one was under way
}

// maxTimed bounds the descriptors whose messages are measured. Restore has far
// fewer open.
const maxTimed = 4096

// newTimedFS measures fs by a clock.
func newTimedFS(fs durable.FS, now func() time.Duration) *timedFS {
	return &timedFS{FS: fs, now: now}
}

// stopwatch is a clock that starts now.
func stopwatch() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

// Openat starts the time of a message when it makes the file of one.
func (t *timedFS) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if flags&unix.O_CREAT == 0 || !strings.HasSuffix(name, ".msg") {
		return t.FS.Openat(dir, name, flags, mode)
	}
	began := t.now()
	fd, err := t.FS.Openat(dir, name, flags, mode)
	if err == nil && fd < maxTimed {
		t.opened[fd].Store(int64(began) + 1)
	}
	return fd, err
}

// Close ends the time of a message.
func (t *timedFS) Close(fd int) error {
	var began int64
	if fd >= 0 && fd < maxTimed {
		began = t.opened[fd].Swap(0)
	}
	err := t.FS.Close(fd)
	if began > 0 {
		t.messages.Add(t.now() - time.Duration(began-1))
	}
	return err
}

// Fsync counts as time of syncing.
func (t *timedFS) Fsync(fd int) error {
	defer t.beginSync()()
	return t.FS.Fsync(fd)
}

// Syncfs counts as time of syncing.
func (t *timedFS) Syncfs(fd int) error {
	defer t.beginSync()()
	return t.FS.Syncfs(fd)
}

// Sync counts as time of syncing.
func (t *timedFS) Sync() {
	defer t.beginSync()()
	t.FS.Sync()
}

// beginSync starts a sync and returns what ends it. Time in which several are
// under way counts once.
func (t *timedFS) beginSync() (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.syncs == 0 {
		t.since = t.now()
	}
	t.syncs++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.syncs--; t.syncs == 0 {
			t.syncing += t.now() - t.since
		}
	}
}
