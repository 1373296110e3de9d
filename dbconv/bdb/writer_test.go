package bdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// memFile is a file in memory: io.WriterAt and io.ReaderAt.
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

// blind is a destination that cannot be read back.
type blind struct{ m *memFile }

func (b blind) WriteAt(p []byte, off int64) (int, error) { return b.m.WriteAt(p, off) }

type record struct{ key, value string }

func randomRecords(n int, seed int64, maxKey, maxValue int) []record {
	rnd := rand.New(rand.NewSource(seed))
	recs := make([]record, n)
	for i := range recs {
		k := make([]byte, 8+rnd.Intn(maxKey))
		v := make([]byte, rnd.Intn(maxValue))
		rnd.Read(k)
		rnd.Read(v)
		recs[i] = record{string(k), string(v)}
	}
	return recs
}

func write(t testing.TB, dst io.WriterAt, opts WriterOptions, recs []record) *Writer {
	t.Helper()
	w, err := NewWriter(dst, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		if err := w.Put([]byte(r.key), []byte(r.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// readBack reads a file strictly.
func readBack(t testing.TB, b []byte) ([]record, Meta) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Strict: true, Problem: func(err error) {
		if !errors.Is(err, ErrDeleted) { // the gaps of a recno
			t.Errorf("reading: %v", err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := readAll(r)
	if err != nil {
		t.Fatal(err)
	}
	recs := make([]record, len(pairs))
	for i, p := range pairs {
		recs[i] = record(p)
	}
	return recs, r.Meta()
}

// sound checks the structure of a file with the checker, which shares no code
// with the writer.
func sound(t testing.TB, b []byte, ownOrder bool) {
	t.Helper()
	faults, err := verifyBytes(b, ownOrder)
	if err != nil || len(faults) > 0 {
		t.Errorf("%d faults, %v: %.1000s", len(faults), err, strings.Join(faults, "\n"))
	}
}

// written is what a set of records is in a file of the given kind.
func written(recs []record, t TreeOptions) []record {
	if t.KeepOrder || t.Recno {
		return recs
	}
	want := sorted(recs, t.DuplicatesSorted)
	return slices.CompactFunc(slices.Clone(want), func(a, b record) bool {
		return t.DuplicatesSorted && a == b
	})
}

func TestWriter(t *testing.T) {
	recs := randomRecords(3000, 1, 100, 300)
	recs = append(recs, randomRecords(30, 2, 4000, 70000)...)
	dups := slices.Clone(recs)
	for i := range dups {
		if i%7 != 0 {
			dups[i].key = dups[i/500*500].key
		}
		if i%100 == 3 {
			dups[i].value = dups[i-1].value
		}
	}
	numbered := slices.Clone(recs)
	for i := range numbered {
		numbered[i].key = fmt.Sprint(i + 1 + i/50*3)
	}
	wide := []record{{"1", strings.Repeat("x", 600)}, {"4", strings.Repeat("y", 600)}}
	fixed := make([]record, 2000)
	for i := range fixed {
		fixed[i] = record{fmt.Sprint(2*i + 1), fmt.Sprintf("%010d", i)}
	}
	prefixed := randomRecords(800, 7, 600, 40)
	for i := range prefixed { // separators longer than a page takes
		prefixed[i].key = strings.Repeat("p", 1500*(i%2)) + prefixed[i].key
	}
	reversed := sorted(recs, false)
	slices.Reverse(reversed)
	tests := []struct {
		name string
		tree TreeOptions
		recs []record
	}{
		{"empty", TreeOptions{}, nil},
		{"one", TreeOptions{}, recs[:1]},
		{"empty key and value", TreeOptions{}, []record{{"", ""}}},
		{"random order", TreeOptions{}, recs},
		{"sorted", TreeOptions{}, sorted(recs, false)},
		{"said to be unsorted", TreeOptions{Unsorted: true}, recs},
		{"long common prefixes", TreeOptions{}, prefixed},
		{"long common prefixes, counted", TreeOptions{RecordNumbers: true}, prefixed},
		{"long keys in their order", TreeOptions{KeepOrder: true}, prefixed},
		{"duplicates", TreeOptions{Duplicates: true}, dups},
		{"sorted duplicates", TreeOptions{DuplicatesSorted: true}, dups},
		{"record numbers", TreeOptions{RecordNumbers: true}, recs},
		{"recno", TreeOptions{Recno: true}, numbered},
		{"fixed recno", TreeOptions{Recno: true, FixedLength: 10, Pad: '.'}, fixed},
		{"fixed recno beyond a page", TreeOptions{Recno: true, FixedLength: 600}, wide},
		{"kept order", TreeOptions{KeepOrder: true}, reversed},
		{"kept order of duplicates", TreeOptions{KeepOrder: true, Duplicates: true}, slices.Concat(sorted(dups[2000:], false), sorted(dups[:2000], false))},
	}
	for _, tc := range tests {
		for i, version := range []int{6, 7, 8, 9, 6, 9} {
			order := []binary.ByteOrder{nil, binary.LittleEndian, binary.BigEndian, binary.LittleEndian}[i%4]
			size := []int{512, 1024, 8192, 65536, 2048, 512}[i]
			t.Run(fmt.Sprintf("%s/v%d-%d", tc.name, version, size), func(t *testing.T) {
				dst := &memFile{}
				w := write(t, dst, WriterOptions{Version: version, ByteOrder: order, PageSize: size, Name: "x", Checksum: i == 5, TreeOptions: tc.tree, TempDir: t.TempDir()}, tc.recs)
				got, m := readBack(t, dst.b)
				want := written(tc.recs, tc.tree)
				if !slices.Equal(got, want) {
					t.Fatalf("%d records read back, want %d", len(got), len(want))
				}
				if w.Records() != int64(len(want)) || w.Pages() != int64(len(dst.b)/size) || len(dst.b)%size != 0 {
					t.Errorf("records %d, pages %d, bytes %d", w.Records(), w.Pages(), len(dst.b))
				}
				if int(m.Version) != version || m.PageSize != size || m.Dup != (tc.tree.Duplicates || tc.tree.DuplicatesSorted) || m.RecNum != tc.tree.RecordNumbers || m.Checksum != (i == 5) {
					t.Errorf("metadata %+v", m)
				}
				sound(t, dst.b, tc.tree.KeepOrder)
				if (w.Disorder() > 0) != tc.tree.KeepOrder {
					t.Errorf("disorder %d", w.Disorder())
				}
			})
		}
	}
}

// Records that come out of order too late to be sorted in memory are read back
// and sorted; the file is the same as if they had come in order.
func TestWriterRewinds(t *testing.T) {
	recs := sorted(randomRecords(5000, 3, 30, 60), false)
	late := append(slices.Clone(recs[1:]), recs[0])
	dups := slices.Clone(recs)
	for i := range dups {
		dups[i].key = dups[i/40*40].key
	}
	lateDups := append(slices.Clone(dups[1:]), record{dups[4000].key, "\x00late"})
	tests := []struct {
		name     string
		tree     TreeOptions
		in, want []record
	}{
		{"keys", TreeOptions{}, late, recs},
		{"duplicates", TreeOptions{Duplicates: true}, lateDups, sorted(lateDups, false)},
		{"sorted duplicates", TreeOptions{DuplicatesSorted: true}, lateDups, written(lateDups, TreeOptions{DuplicatesSorted: true})},
	}
	for _, tc := range tests {
		for _, version := range []int{6, 9} {
			opts := WriterOptions{Version: version, PageSize: 512, TreeOptions: tc.tree, SortMemory: 20 << 10, TempDir: t.TempDir()}
			dst, straight := &memFile{}, &memFile{}
			write(t, dst, opts, tc.in)
			if got, _ := readBack(t, dst.b); !slices.Equal(got, tc.want) {
				t.Errorf("%s, version %d: %d records read back, want %d", tc.name, version, len(got), len(tc.want))
			}
			sound(t, dst.b, false)
			write(t, straight, opts, tc.want)
			if !bytes.Equal(dst.b, straight.b) {
				t.Errorf("%s, version %d: the order of the records shows in the file", tc.name, version)
			}
		}
	}
	t.Run("blind", func(t *testing.T) {
		w, err := NewWriter(blind{&memFile{}}, WriterOptions{PageSize: 512, SortMemory: 20 << 10, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		for _, r := range late {
			if err = w.Put([]byte(r.key), []byte(r.value)); err != nil {
				break
			}
		}
		if !errors.Is(err, errOrder) || w.Close() != err {
			t.Errorf("error %v", err)
		}
	})
}

// When the second attempt needs fewer pages than the first had, the rest is on
// the free list.
func TestWriterFreesPages(t *testing.T) {
	var recs []record
	for i := range 400 {
		recs = append(recs, record{fmt.Sprintf("k%04d", i), strings.Repeat("v", 2000)})
	}
	small := slices.Clone(recs)
	for i := range small {
		small[i].value = "short"
	}
	dst := &memFile{}
	w := write(t, dst, WriterOptions{Version: 9, PageSize: 512, SortMemory: 10 << 10, TempDir: t.TempDir()}, append(recs, small...))
	got, m := readBack(t, dst.b)
	if !slices.Equal(got, small) || w.Replaced() != 400 || m.Free == 0 {
		t.Errorf("%d records, %d replaced, free list at %d", len(got), w.Replaced(), m.Free)
	}
	sound(t, dst.b, false)
}

func TestWriterReplaces(t *testing.T) {
	in := []record{{"b", "1"}, {"a", "1"}, {"b", "2"}, {"b", "3"}}
	for _, keepFirst := range []bool{false, true} {
		var told []string
		dst := &memFile{}
		w := write(t, dst, WriterOptions{KeepFirst: keepFirst, OnReplace: func(key []byte) { told = append(told, string(key)) }}, in)
		want := []record{{"a", "1"}, {"b", "3"}}
		if keepFirst {
			want[1].value = "1"
		}
		if got, _ := readBack(t, dst.b); !slices.Equal(got, want) || w.Replaced() != 2 || !slices.Equal(told, []string{"b", "b"}) {
			t.Errorf("first kept %t: %v, %d replaced, told %q", keepFirst, got, w.Replaced(), told)
		}
	}
}

// TestWriterFirstOnly: of a key that may have several records the first stays,
// in the order of the Puts whatever the order of the values.
func TestWriterFirstOnly(t *testing.T) {
	in := []record{{"b", "2"}, {"c", "1"}, {"b", "1"}, {"a", "1"}, {"b", "3"}}
	for _, tree := range []TreeOptions{{}, {Duplicates: true}, {DuplicatesSorted: true}} {
		dst, told := &memFile{}, 0
		w := write(t, dst, WriterOptions{Version: 9, TreeOptions: tree, FirstOnly: true, OnReplace: func([]byte) { told++ }}, in)
		if got, _ := readBack(t, dst.b); !slices.Equal(got, []record{{"a", "1"}, {"b", "2"}, {"c", "1"}}) || w.Replaced() != 2 || told != 2 || w.Records() != 3 {
			t.Errorf("%+v: %v, %d replaced, %d told", tree, got, w.Replaced(), told)
		}
		sound(t, dst.b, false)
	}
}

func TestWriterSubdatabases(t *testing.T) {
	one, two := randomRecords(500, 4, 20, 600), randomRecords(400, 5, 20, 50)
	slices.Reverse(one)
	for i := range two {
		two[i].key = two[i/100*100].key
	}
	for _, version := range []int{7, 8, 9} {
		dst := &memFile{}
		w, err := NewWriter(dst, WriterOptions{Version: version, PageSize: 512, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		put := func(name string, tree TreeOptions, recs []record) {
			t.Helper()
			if err := w.Sub(name, tree); err != nil {
				t.Fatal(err)
			}
			for _, r := range recs {
				if err := w.Put([]byte(r.key), []byte(r.value)); err != nil {
					t.Fatal(err)
				}
			}
		}
		put("zwei", TreeOptions{Duplicates: true}, two)
		put("eins", TreeOptions{}, one)
		put("leer", TreeOptions{}, nil)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		sound(t, dst.b, false)
		got, err := readFile(dst.b, Options{Strict: true})
		if err != nil || len(got) != 3 || w.Records() != 900 {
			t.Fatalf("%d databases, %d records, %v", len(got), w.Records(), err)
		}
		for name, want := range map[string][]record{"eins": sorted(one, false), "zwei": sorted(two, false), "leer": nil} {
			if len(got[name]) != len(want) {
				t.Fatalf("version %d: %s has %d records", version, name, len(got[name]))
			}
			for i, r := range want {
				if got[name][i] != pairOf(r) {
					t.Fatalf("version %d: record %d of %s differs", version, i, name)
				}
			}
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	for _, opts := range []WriterOptions{
		{Version: 5}, {Version: 10}, {Version: 8, Checksum: true}, {PageSize: 256}, {PageSize: 1000}, {PageSize: 1 << 17},
		{TreeOptions: TreeOptions{Recno: true, Duplicates: true}},
		{TreeOptions: TreeOptions{RecordNumbers: true, DuplicatesSorted: true}},
		{TreeOptions: TreeOptions{FixedLength: 4}},
		{PageSize: 512, TreeOptions: TreeOptions{Recno: true, FixedLength: -1}},
	} {
		if _, err := NewWriter(&memFile{}, opts); err == nil {
			t.Errorf("%+v taken", opts)
		}
	}
	puts := []struct {
		name string
		opts WriterOptions
		recs []record
		err  string
	}{
		{"no number", WriterOptions{TreeOptions: TreeOptions{Recno: true}}, []record{{"x", ""}}, `bdb: "x" is no record number`},
		{"number zero", WriterOptions{TreeOptions: TreeOptions{Recno: true}}, []record{{"0", ""}}, `bdb: "0" is no record number`},
		{"falling numbers", WriterOptions{TreeOptions: TreeOptions{Recno: true}}, []record{{"2", ""}, {"2", ""}}, "bdb: record number 2 after 2"},
		{"gap", WriterOptions{TreeOptions: TreeOptions{Recno: true}}, []record{{"4294967295", ""}}, "bdb: record number 4294967295 after 0: a gap of more than 1048576 records"},
		{"too long", WriterOptions{TreeOptions: TreeOptions{Recno: true, FixedLength: 2}}, []record{{"1", "abc"}}, "bdb: record 1 has 3 bytes, the fixed length is 2"},
	}
	for _, tc := range puts {
		w, err := NewWriter(&memFile{}, tc.opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range tc.recs {
			err = w.Put([]byte(r.key), []byte(r.value))
		}
		if err == nil || err.Error() != tc.err || w.Close() != err {
			t.Errorf("%s: error %v", tc.name, err)
		}
	}
	w, _ := NewWriter(&memFile{}, WriterOptions{Version: 6})
	if err := w.Sub("x", TreeOptions{}); err == nil {
		t.Error("a sub-database in version 6")
	}
}

// failing is a destination that is full after some bytes.
type failing struct{ left int }

func (f *failing) WriteAt(p []byte, _ int64) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWriterReportsTheDestination(t *testing.T) {
	for _, left := range []int{0, 1 << 20, 3 << 20} {
		w, err := NewWriter(&failing{left}, WriterOptions{TreeOptions: TreeOptions{KeepOrder: true}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5000 {
			if err = w.Put(fmt.Appendf(nil, "%08d", i), make([]byte, 1000)); err != nil {
				break
			}
		}
		if err == nil {
			err = w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "disk full") || w.Close() != err || w.Put(nil, nil) != err {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}

// The file's unique id depends on its name and on its records, on nothing else.
func TestWriterUID(t *testing.T) {
	recs := randomRecords(100, 6, 10, 10)
	uid := func(name string, recs []record, version, size int) [20]byte {
		dst := &memFile{}
		write(t, dst, WriterOptions{Name: name, Version: version, PageSize: size}, recs)
		_, m := readBack(t, dst.b)
		return m.UID
	}
	first := uid("folder.db", recs, 6, 8192)
	if uid("folder.db", sorted(recs, false), 9, 512) != first {
		t.Error("depends on the order of the records or the form of the file")
	}
	if uid("quota.db", recs, 6, 8192) == first || uid("folder.db", recs[1:], 6, 8192) == first || first == [20]byte{} {
		t.Error("does not depend on name and records")
	}
}

// Where the layout of a file is determined, it is that of the real libraries:
// all but the log positions and the unique id.
func TestWriterLayout(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if !strings.Contains(name, "/bt-") || strings.HasPrefix(name, "1.85/") || !strings.Contains(name, "-empty") && !strings.Contains(name, "-small") {
			continue
		}
		want := slices.Clone(files[name])
		r, err := NewReader(bytes.NewReader(want), int64(len(want)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := r.Meta()
		pairs, err := readAll(r)
		if err != nil {
			t.Fatal(err)
		}
		dst := &memFile{}
		w, err := NewWriter(dst, WriterOptions{Version: int(m.Version), ByteOrder: m.ByteOrder, PageSize: m.PageSize})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs {
			if err := w.Put([]byte(p.key), []byte(p.value)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := dst.b
		if len(got) != len(want) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
			continue
		}
		uid := metaLayouts[int(m.Version)].uid
		last := metaLayouts[int(m.Version)].lastPage
		for _, b := range [][]byte{got, want} {
			clear(b[uid : uid+20])
			if last != 0 && m.LastPage == 0 { // releases 3.1 and 3.2 did not store it
				clear(b[last : last+4])
			}
			clear(b[map[uint32]int{6: 68, 7: 76, 8: 92, 9: 92}[m.Version]:m.PageSize]) // beyond the fields: what memory held
			for at := 0; at < len(b); at += m.PageSize {
				clear(b[at : at+8])
			}
		}
		fixed := m.PageSize + plainHeader // the items lie in the order of insertion; free space is what memory held
		for i := range fixed {
			if got[i] != want[i] {
				t.Errorf("%s: byte %d of page %d is %#x, want %#x", name, i%m.PageSize, i/m.PageSize, got[i], want[i])
			}
		}
	}
}

// offsets keeps the highest offset written.
type offsets struct{ end int64 }

func (o *offsets) WriteAt(p []byte, off int64) (int, error) {
	o.end = max(o.end, off+int64(len(p)))
	return len(p), nil
}

func TestWriterBeyond4GiB(t *testing.T) {
	dst := &offsets{}
	p := newPageWriter(dst, 65536, true, false)
	p.next = 1<<32 - 10
	if _, err := p.overflow(make([]byte, 300000)); err != nil {
		t.Fatal(err)
	}
	if err := p.flush(); err != nil {
		t.Fatal(err)
	}
	if want := int64(1<<32-10+5) * 65536; dst.end != want {
		t.Errorf("written up to %d, want %d", dst.end, want)
	}
	if _, err := p.overflow(make([]byte, 300000)); err == nil {
		t.Error("more pages than page numbers")
	}
}
