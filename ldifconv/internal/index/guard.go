package index

import (
	"fmt"
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
// ends, which it does soon: nothing can be done without the store.
type guard struct {
	once   sync.Once
	failed chan struct{} // closed at the failure
	err    error         // then set
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
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				g.fail(fmt.Errorf("internal error: %v", p))
			}
		}()
		done <- fn()
	}()
	select {
	case err := <-done:
		return err
	case <-g.failed:
		return g.failure()
	}
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

// Nothing of a store outlives the run: nothing waits for the disk.

// Sync does nothing.
func (guardedFile) Sync() error { return nil }

// SyncData does nothing.
func (guardedFile) SyncData() error { return nil }

// SyncTo does nothing.
func (guardedFile) SyncTo(int64) (bool, error) { return true, nil }

func (f guardedFile) Close() error {
	f.g.alive()
	f.g.changed(f.File.Close())
	return nil
}
