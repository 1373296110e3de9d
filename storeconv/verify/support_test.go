package verify_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorder keeps what is told, a line each: kind, where, text.
type recorder struct {
	mu                 sync.Mutex
	problems, warnings []string
}

func (r *recorder) Problem(kind, where, text string) { r.add(&r.problems, kind, where, text) }
func (r *recorder) Warning(kind, where, text string) { r.add(&r.warnings, kind, where, text) }

func (r *recorder) add(to *[]string, kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = append(*to, kind+" "+where+": "+text)
}

func (r *recorder) all() []string { return append(slices.Clone(r.problems), r.warnings...) }

// none wants nothing to have been told.
func (r *recorder) none(t testing.TB) {
	t.Helper()
	if lines := r.all(); len(lines) > 0 {
		t.Errorf("%d lines about what has no fault:\n%s", len(lines), strings.Join(lines[:min(len(lines), 20)], "\n"))
	}
}

// restored is a stream and the store that the real conversion made of it.
type restored struct {
	stream, store string
	want          testsite.Expect
	report        restore.Report // of the last run
}

func restoreSite(t testing.TB, site testsite.StreamOptions) *restored {
	t.Helper()
	dir := t.TempDir()
	s := &restored{stream: filepath.Join(dir, "site.sims"), store: filepath.Join(dir, "store")}
	f, err := os.Create(s.stream)
	must(t, err)
	_, err = testsite.WriteStream(f, site, s.want.Add)
	must(t, err)
	must(t, f.Close())
	s.run(t, restore.Options{})
	return s
}

// run restores the stream into the store.
func (s *restored) run(t testing.TB, opts restore.Options) {
	t.Helper()
	f, err := os.Open(s.stream)
	must(t, err)
	defer f.Close()
	in, err := restore.NewStream("site.sims", f)
	must(t, err)
	log := new(recorder)
	opts.Log = log
	s.report, err = restore.Restore(context.Background(), s.store, []*restore.Stream{in}, opts)
	must(t, err)
	if len(log.problems) > 0 {
		t.Fatalf("restore: %q", log.problems)
	}
}

// verifyStore verifies a store, with its streams when there are some.
func verifyStore(t testing.TB, store string, opts verify.StoreOptions, streams ...string) (verify.StoreReport, *recorder) {
	t.Helper()
	log := new(recorder)
	opts.Log = log
	for _, path := range streams {
		f, err := os.Open(path)
		must(t, err)
		defer f.Close()
		opts.Streams = append(opts.Streams, verify.Stream{Name: filepath.Base(path), R: f})
	}
	rep, err := verify.Store(context.Background(), store, opts)
	must(t, err)
	return rep, log
}

func verifyNMS(t testing.TB, store, from string, opts verify.NMSOptions) (verify.NMSReport, *recorder) {
	t.Helper()
	log := new(recorder)
	opts.Log = log
	rep, err := verify.NMS(context.Background(), store, from, opts)
	must(t, err)
	return rep, log
}

// copyTree copies a store with hard links, symbolic links, modes and times.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	seen := make(map[uint64]string)
	var dirs []string
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			dirs = append(dirs, path)
			return os.Mkdir(target, 0o700)
		case d.Type() == fs.ModeSymlink:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		inode := info.Sys().(*syscall.Stat_t).Ino
		if first, ok := seen[inode]; ok {
			return os.Link(first, target)
		}
		seen[inode] = target
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(target, data, info.Mode())
		}
		if err == nil {
			err = os.Chmod(target, info.Mode())
		}
		if err == nil {
			err = os.Chtimes(target, info.ModTime(), info.ModTime())
		}
		return err
	}))
	slices.Reverse(dirs)
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		must(t, err)
		target := to + strings.TrimPrefix(dir, from)
		must(t, os.Chmod(target, info.Mode()))
		must(t, os.Chtimes(target, info.ModTime(), info.ModTime()))
	}
}

// keepTimes changes a file and leaves its mode and time, and the time of its
// directory, as they were.
func keepTimes(t testing.TB, path string, change func()) {
	t.Helper()
	dir, err := os.Stat(filepath.Dir(path))
	must(t, err)
	file, fileErr := os.Lstat(path)
	change()
	if _, err := os.Lstat(path); fileErr == nil && err == nil && file.Mode().IsRegular() {
		must(t, os.Chmod(path, file.Mode()))
		must(t, os.Chtimes(path, file.ModTime(), file.ModTime()))
	}
	must(t, os.Chtimes(filepath.Dir(path), dir.ModTime(), dir.ModTime()))
}

func editFile(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	keepTimes(t, path, func() {
		data, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, change(data), 0o600))
	})
}

func editIndex(t testing.TB, path string, change func(*ims.Index)) {
	t.Helper()
	editFile(t, path, func(data []byte) []byte {
		x, err := ims.ReadIndex(bytes.NewReader(data))
		must(t, err)
		change(x)
		var out bytes.Buffer
		must(t, x.WriteIndex(&out))
		if bytes.Equal(out.Bytes(), data) {
			t.Fatalf("%s: the mutation changes nothing", path)
		}
		return out.Bytes()
	})
}

func readDatabase(t testing.TB, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	db, err := bdb.NewReader(f, info.Size(), bdb.Options{Strict: true})
	must(t, err)
	records := make(map[string]string)
	for c := db.Cursor(); ; {
		key, value, err := c.Next()
		if err == io.EOF {
			return records
		}
		must(t, err)
		records[string(key)] = string(value)
	}
}

func writeDatabase(t testing.TB, path string, records map[string]string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_TRUNC, 0)
	must(t, err)
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Name: filepath.Base(path)})
	must(t, err)
	for key, value := range records {
		must(t, w.Put([]byte(key), []byte(value)))
	}
	must(t, w.Close())
	must(t, f.Close())
}

func editDatabase(t testing.TB, store string, kind mboxlist.Kind, change func(map[string]string)) {
	t.Helper()
	path := filepath.Join(store, "mboxlist", kind.FileName())
	keepTimes(t, path, func() {
		records := readDatabase(t, path)
		change(records)
		writeDatabase(t, path, records)
	})
}

func setTime(t testing.TB, path string, seconds int64) {
	t.Helper()
	must(t, os.Chtimes(path, time.Time{}, time.Unix(seconds, 0)))
}

// setNano sets a time that is wrong by less than a second.
func setNano(t testing.TB, path string, seconds int64) {
	t.Helper()
	must(t, os.Chtimes(path, time.Time{}, time.Unix(seconds, 7)))
}
