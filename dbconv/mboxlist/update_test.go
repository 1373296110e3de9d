package mboxlist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/dbconv/bdb"
)

// memFile is a file in memory.
type memFile struct{ b []byte }

func (m *memFile) WriteAt(p []byte, off int64) (int, error) {
	if n := int(off) + len(p); n > len(m.b) {
		m.b = append(m.b, make([]byte, n-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

type pair struct{ Key, Value string }

func cursor(t testing.TB, file []byte) *bdb.Cursor {
	t.Helper()
	r, err := bdb.NewReader(bytes.NewReader(file), int64(len(file)), bdb.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.Cursor()
}

func readAll(t testing.TB, file []byte) (all []pair) {
	t.Helper()
	for c := cursor(t, file); ; {
		k, v, err := c.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pair{string(k), string(v)})
	}
}

// apply makes a database of old and the changes.
func apply(t testing.TB, u *Update, old []byte) ([]byte, UpdateReport) {
	t.Helper()
	dst := &memFile{}
	w, err := bdb.NewWriter(dst, bdb.WriterOptions{Name: u.kind.FileName(), PageSize: 512})
	if err != nil {
		t.Fatal(err)
	}
	var from Cursor
	if old != nil {
		from = cursor(t, old)
	}
	rep, err := u.Apply(w, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dst.b, rep
}

func put(t testing.TB, u *Update, pairs ...pair) {
	t.Helper()
	for _, p := range pairs {
		if err := u.Put(p.Key, []byte(p.Value)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUpdate(t *testing.T) {
	first := NewUpdate(FolderDB, t.TempDir())
	put(t, first, pair{"user/bob", "b"}, pair{"user/ab", "1"}, pair{"user/ab/Mail", "2"}, pair{"user/ab-c", "3"}, pair{"user/ab-c/x", "4"}, pair{"shared/all", "5"})
	file, rep := apply(t, first, nil)
	if d := cmp.Diff(UpdateReport{Put: 6}, rep); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]pair{{"shared/all", "5"}, {"user/ab", "1"}, {"user/ab-c", "3"}, {"user/ab-c/x", "4"}, {"user/ab/Mail", "2"}, {"user/bob", "b"}}, readAll(t, file)); d != "" {
		t.Error(d)
	}

	// Records of ab and ab-c are put anew, zoe is new, the others stay.
	second := NewUpdate(FolderDB, t.TempDir())
	put(t, second, pair{"user/zoe", "z"}, pair{"user/ab", "old"}, pair{"user/ab", "new"}, pair{"user/ab-c", "again"})
	file, rep = apply(t, second, file)
	if d := cmp.Diff(UpdateReport{Kept: 4, Dropped: 2, Put: 3}, rep); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]pair{{"shared/all", "5"}, {"user/ab", "new"}, {"user/ab-c", "again"}, {"user/ab-c/x", "4"}, {"user/ab/Mail", "2"}, {"user/bob", "b"}, {"user/zoe", "z"}}, readAll(t, file)); d != "" {
		t.Error(d)
	}
}

// pairs is a Cursor over a list.
type pairs []pair

func (p *pairs) Next() (key, value []byte, err error) {
	if len(*p) == 0 {
		return nil, nil, io.EOF
	}
	first := (*p)[0]
	*p = (*p)[1:]
	return []byte(first.Key), []byte(first.Value), nil
}

func TestUpdateOfAnUnorderedDatabase(t *testing.T) {
	u := NewUpdate(FolderDB, t.TempDir())
	put(t, u, pair{"user/c", "1"})
	w, err := bdb.NewWriter(&memFile{}, bdb.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := u.Apply(w, &pairs{{"user/b", "1"}, {"user/a", "2"}}); !errors.Is(err, ErrOrder) {
		t.Errorf("error %v", err)
	}
}

// Many random updates give what a map gives, and the same bytes in any order of
// the changes.
func TestUpdateModel(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	model := map[string]string{}
	var file []byte
	for round := range 30 {
		u, v := NewUpdate(FolderDB, t.TempDir()), NewUpdate(FolderDB, t.TempDir())
		var puts []pair
		for range rnd.Intn(200) {
			user := fmt.Sprintf("u%d", rnd.Intn(60))
			for n := range rnd.Intn(3) {
				p := pair{FolderKey(user, fmt.Sprintf("f%d", n)), fmt.Sprint(round, rnd.Intn(10))}
				puts = slices.DeleteFunc(puts, func(q pair) bool { return q.Key == p.Key })
				puts = append(puts, p)
			}
		}
		for _, p := range puts {
			model[p.Key] = p.Value
		}
		put(t, u, puts...)
		slices.Reverse(puts)
		put(t, v, puts...)
		a, _ := apply(t, u, file)
		b, _ := apply(t, v, file)
		if !bytes.Equal(a, b) {
			t.Fatal("the order of the changes shows in the file")
		}
		file = a
		got := map[string]string{}
		for _, p := range readAll(t, file) {
			got[p.Key] = p.Value
		}
		if !maps.Equal(got, model) {
			t.Fatalf("round %d: %s", round, cmp.Diff(model, got))
		}
	}
}
