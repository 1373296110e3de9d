package dbconv

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/bdb/fixtures"
)

// readable returns the fixtures that can be read, by name, but for heaps, whose
// records have no keys of their own.
func readable(t testing.TB) (names []string, files map[string][]byte) {
	t.Helper()
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if strings.HasSuffix(name, ".db") && !strings.Contains(name, "/heap-") && !strings.Contains(name, "encrypt") && !strings.HasPrefix(name, "unclosed/") && len(files[name]) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) < 250 {
		t.Fatalf("only %d fixtures", len(names))
	}
	return names, files
}

// record is one key and value of the database named db.
type record struct{ db, key, value string }

// records reads all of a file; a problem fails the test.
func records(t testing.TB, file []byte) ([]record, bdb.Meta) {
	t.Helper()
	r, err := bdb.NewReader(bytes.NewReader(file), int64(len(file)), bdb.Options{Problem: func(err error) {
		var log recorder
		if tell(&log, "", err); len(log.problems) > 0 {
			t.Errorf("reading: %v", err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	names, err := r.Subdatabases()
	if err != nil {
		t.Fatal(err)
	}
	var all []record
	if !r.Meta().SubDBs {
		return appendRecords(t, all, "", r), r.Meta()
	}
	for _, name := range names {
		sub, err := r.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		all = appendRecords(t, all, name, sub)
	}
	return all, r.Meta()
}

func appendRecords(t testing.TB, all []record, name string, r *bdb.Reader) []record {
	c := r.Cursor()
	start := len(all)
	for {
		k, v, err := c.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, record{name, string(k), string(v)})
	}
	if r.Meta().Type == bdb.Hash {
		// A hash has no order of its own but within a key.
		slices.SortStableFunc(all[start:], func(a, b record) int { return strings.Compare(a.key, b.key) })
	}
	return all
}

// recorder is a Log that keeps what it is told.
type recorder struct {
	mu                 sync.Mutex
	problems, warnings []string
}

func (r *recorder) Problem(kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, kind+": "+where+": "+text)
}

func (r *recorder) Warning(kind, where, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, kind+": "+where+": "+text)
}

// memFile is a file in memory.
type memFile struct{ b []byte }

func (m *memFile) WriteAt(p []byte, off int64) (int, error) {
	if n := int(off) + len(p); n > len(m.b) {
		m.b = append(m.b, make([]byte, n-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off)
}
