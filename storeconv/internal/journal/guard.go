package journal

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard ends a database at its first failure. Pebble ends the process when a
// write fails, in any of its goroutines, tries flushes again for ever, and lets
// writers wait for them meanwhile. So the goroutine that meets a failure stops
// where it is, which leaves the files as a kill would, and every call, also one
// that waits, returns the failure. What stopped stays so until the process
// ends, which it does soon: nothing can be done without the journal.
type guard struct {
	once   sync.Once
	failed chan struct{} // closed at the failure
	err    error         // then set

	mu      sync.Mutex
	locks   []io.Closer // of the database, that it will not close any more
	told    bool
	helpers []*helper // that have nothing to do
}

func newGuard() *guard { return &guard{failed: make(chan struct{})} }

// fail notes the first failure.
func (g *guard) fail(err error) {
	g.once.Do(func() {
		g.err = err
		close(g.failed)
	})
}

// stop notes a failure and does not return.
func (g *guard) stop(err error) {
	g.fail(err)
	select {}
}

// failure is the first failure, or nil.
func (g *guard) failure() error {
	select {
	case <-g.failed:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.told = true
		return g.err
	default:
		return nil
	}
}

// do calls fn, which writes, and returns its error or, as soon as it is known,
// the failure.
func (g *guard) do(fn func() error) error {
	if err := g.failure(); err != nil {
		return err
	}
	h := g.helper()
	h.call <- fn
	select {
	case err := <-h.done:
		g.idle(h)
		return err
	case <-g.failed:
		close(h.call) // it may be at the call still, and ends with it
		return g.failure()
	}
}

// helper is a goroutine that calls for others. It is kept for the next call: a
// goroutine begins with a small stack, and to let it grow anew in each call
// takes longer than most calls do.
type helper struct {
	call chan func() error // closed when no more come
	done chan error
}

// helper gives one that has nothing to do.
func (g *guard) helper() *helper {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.helpers); n > 0 {
		h := g.helpers[n-1]
		g.helpers = g.helpers[:n-1]
		return h
	}
	h := &helper{make(chan func() error), make(chan error, 1)}
	go func() {
		defer func() {
			if p := recover(); p != nil {
				g.fail(fmt.Errorf("internal error: %v", p))
			}
		}()
		for fn := range h.call {
			h.done <- fn()
		}
	}()
	return h
}

// idle takes back a helper that is done.
func (g *guard) idle(h *helper) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.helpers = append(g.helpers, h)
}

// dismiss ends the helpers that have nothing to do.
func (g *guard) dismiss() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range g.helpers {
		close(h.call)
	}
	g.helpers = nil
}

// release gives up the locks of a database that failed. It returns the failure
// unless a call has returned it before.
func (g *guard) release() error {
	select {
	case <-g.failed:
	default:
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.locks {
		l.Close() // it was opened to be locked only
	}
	g.locks = nil
	if g.told {
		return nil
	}
	g.told = true
	return g.err
}

// options makes failures that pebble finds by itself known.
func (g *guard) options(o *pebble.Options) *pebble.Options {
	o.FS = guardedFS{o.FS, g}
	o.Logger = guardLogger{g}
	o.EventListener = &pebble.EventListener{BackgroundError: func(err error) { g.stop(err) }}
	return o
}

// guardLogger keeps pebble from talking on standard error, and from ending the
// process.
type guardLogger struct{ g *guard }

func (guardLogger) Infof(string, ...any)  {}
func (guardLogger) Errorf(string, ...any) {}
func (l guardLogger) Fatalf(format string, args ...any) {
	l.g.stop(fmt.Errorf(format, args...))
}

// guardedFS stops whoever changes a file when that fails, or when something has
// failed before. Errors of reading go to the reader.
type guardedFS struct {
	vfs.FS
	g *guard
}

// changed returns after a change that went well.
func (g *guard) changed(err error) {
	if err != nil {
		g.stop(err)
	}
}

// alive returns while nothing has failed.
func (g *guard) alive() {
	select {
	case <-g.failed:
		select {}
	default:
	}
}

func (f guardedFS) file(file vfs.File, err error) (vfs.File, error) {
	f.g.changed(err)
	return guardedFile{file, f.g}, nil
}

func (f guardedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.g.alive()
	return f.file(f.FS.Create(name, c))
}

func (f guardedFS) ReuseForWrite(oldName, newName string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.g.alive()
	return f.file(f.FS.ReuseForWrite(oldName, newName, c))
}

func (f guardedFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f.g.alive()
	return f.file(f.FS.OpenReadWrite(name, c, opts...))
}

// OpenDir gives a directory to be synced.
func (f guardedFS) OpenDir(name string) (vfs.File, error) {
	d, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return guardedFile{d, f.g}, nil
}

func (f guardedFS) Link(oldName, newName string) error {
	f.g.alive()
	f.g.changed(f.FS.Link(oldName, newName))
	return nil
}

func (f guardedFS) Rename(oldName, newName string) error {
	f.g.alive()
	f.g.changed(f.FS.Rename(oldName, newName))
	return nil
}

// Remove of what nobody needs any more may fail.
func (f guardedFS) Remove(name string) error {
	f.g.alive()
	return f.FS.Remove(name)
}

func (f guardedFS) RemoveAll(name string) error {
	f.g.alive()
	return f.FS.RemoveAll(name)
}

func (f guardedFS) MkdirAll(dir string, perm os.FileMode) error {
	f.g.alive()
	f.g.changed(f.FS.MkdirAll(dir, perm))
	return nil
}

// Lock returns its error: another process may have the database.
func (f guardedFS) Lock(name string) (io.Closer, error) {
	f.g.alive()
	l, err := f.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	once := &lock{Closer: l}
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	f.g.locks = append(f.g.locks, once)
	return once, nil
}

// lock is closed by the database or, when that failed, by its guard.
type lock struct {
	io.Closer
	once sync.Once
}

func (l *lock) Close() (err error) {
	l.once.Do(func() { err = l.Closer.Close() })
	return err
}

// guardedFile is an open file.
type guardedFile struct {
	vfs.File
	g *guard
}

func (f guardedFile) Write(p []byte) (int, error) {
	f.g.alive()
	n, err := f.File.Write(p)
	f.g.changed(err)
	return n, nil
}

func (f guardedFile) WriteAt(p []byte, off int64) (int, error) {
	f.g.alive()
	n, err := f.File.WriteAt(p, off)
	f.g.changed(err)
	return n, nil
}

func (f guardedFile) Sync() error {
	f.g.alive()
	f.g.changed(f.File.Sync())
	return nil
}

func (f guardedFile) SyncData() error {
	f.g.alive()
	f.g.changed(f.File.SyncData())
	return nil
}

func (f guardedFile) SyncTo(length int64) (bool, error) {
	f.g.alive()
	full, err := f.File.SyncTo(length)
	f.g.changed(err)
	return full, nil
}

func (f guardedFile) Close() error {
	f.g.alive()
	f.g.changed(f.File.Close())
	return nil
}
