package relocate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/testsite/scratch"
	"imsconv/storeconv/verify"
)

// heard is a Log that keeps what it is told.
type heard struct {
	mu       sync.Mutex
	problems []string
	warnings []string
}

func (h *heard) Problem(kind, where, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.problems = append(h.problems, kind+": "+where+": "+text)
}

func (h *heard) Warning(kind, where, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warnings = append(h.warnings, kind+": "+where+": "+text)
}

const sampleNMS = "../../testdata/site/nms/store"

// sampleTime is the time that copies of the sample get, with a fraction that
// must survive.
var sampleTime = time.Unix(947000000, 123456789)

// copySample copies the sample store to a directory of the test and gives every
// file and directory a mode and a time of its own, which a checkout does not
// keep.
func copySample(t testing.TB) string {
	t.Helper()
	dst := filepath.Join(memoryDir(t), "nms")
	if err := os.CopyFS(dst, os.DirFS(sampleNMS)); err != nil {
		t.Fatal(err)
	}
	spread(t, dst)
	return dst
}

// spread sets modes and times that differ from file to file.
func spread(t testing.TB, dir string) {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(paths)
	for i, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		mode := []fs.FileMode{0o600, 0o640, 0o444, 0o664}[i%4]
		if info.IsDir() {
			mode = []fs.FileMode{0o700, 0o750, 0o755, 0o770}[i%4]
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		at := sampleTime.Add(time.Duration(i) * 1001 * time.Millisecond)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// tree describes everything below dir: type, mode, time and content, by path.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%v %v", info.Mode(), info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			line += fmt.Sprintf(" %d %s", len(data), hex.EncodeToString(sum[:8]))
		}
		files[rel] = line
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// records reads a database with the reader of package bdb.
func records(t testing.TB, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	r, err := bdb.NewReader(f, info.Size(), bdb.Options{Strict: true})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	out := make(map[string]string)
	cursor := r.Cursor()
	for {
		key, value, err := cursor.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out[string(key)] = string(value)
	}
}

// relocate runs Relocate and fails the test on an error. Unless the test says
// otherwise, nothing is synced: the disk is shared.
func relocate(t testing.TB, store, from string, opts Options) (Report, *heard) {
	t.Helper()
	h := new(heard)
	opts.Log = h
	if opts.Sync == storeconv.SyncBatch {
		opts.Sync = storeconv.SyncNone
	}
	rep, err := Relocate(context.Background(), store, from, opts)
	if err != nil {
		t.Fatal(err)
	}
	return rep, h
}

func (h *heard) none(t testing.TB) {
	t.Helper()
	if len(h.problems)+len(h.warnings) > 0 {
		t.Errorf("told:\n%s\n%s", strings.Join(h.problems, "\n"), strings.Join(h.warnings, "\n"))
	}
}

// sameTrees compares partitions and subscriptions of source and store.
func sameTrees(t testing.TB, from, store string) {
	t.Helper()
	for _, dir := range []string{"partition", "user"} {
		want, got := tree(t, filepath.Join(from, dir)), tree(t, filepath.Join(store, dir))
		delete(want, ".")
		delete(got, ".")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-source +store):\n%s", dir, d)
		}
	}
}

func TestRelocateSample(t *testing.T) {
	for _, via := range []Via{ViaAuto, ViaHardlink, ViaCopy} {
		t.Run(string(via), func(t *testing.T) {
			from := copySample(t)
			before := tree(t, from)
			store := filepath.Join(memoryDir(t), "store")
			rep, h := relocate(t, store, from, Options{Via: via})
			h.none(t)
			sameTrees(t, from, store)
			if d := cmp.Diff(records(t, from+"/mboxlist/data.db2"), records(t, store+"/mboxlist/folder.db")); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(records(t, from+"/quota.db2"), records(t, store+"/mboxlist/quota.db")); d != "" {
				t.Error(d)
			}
			if got := len(records(t, store+"/mboxlist/peruser.db")); got != 0 {
				t.Errorf("peruser.db has %d records", got)
			}
			if got, want := records(t, store+"/mboxlist/subscr.db")["wallyc"], "user/wallyc\nuser/wallyc/Mail/deep/er/est"; got != want {
				t.Errorf("subscriptions of wallyc: %q, want %q", got, want)
			}
			if d := cmp.Diff(before, tree(t, from)); d != "" {
				t.Errorf("the source changed:\n%s", d)
			}
			if rep.Users != 8 || rep.Placed != 8 || rep.Mailboxes != 19 || rep.FolderRecords != 19 || rep.QuotaRecords != 8 {
				t.Errorf("report: %+v", rep)
			}
			after := tree(t, store)
			again, h := relocate(t, store, from, Options{Via: via})
			h.none(t)
			if again.Unchanged != 8 || again.Placed != 0 {
				t.Errorf("second run: %+v", again)
			}
			after["."], after["mboxlist"] = "", ""
			now := tree(t, store)
			now["."], now["mboxlist"] = "", ""
			if d := cmp.Diff(after, now); d != "" {
				t.Errorf("the second run changed:\n%s", d)
			}
		})
	}
}

// memoryDir is a directory of the test on a memory file system where the
// machine has one: these tests make thousands of small files.
func memoryDir(t testing.TB) string {
	t.Helper()
	return scratch.Dir(t)
}

// verifyNMS compares a store with the one that it was made of.
func verifyNMS(t testing.TB, store, from string, opts verify.NMSOptions) (verify.NMSReport, *heard) {
	t.Helper()
	h := new(heard)
	opts.Log = h
	rep, err := verify.NMS(context.Background(), store, from, opts)
	if err != nil {
		t.Fatal(err)
	}
	return rep, h
}
