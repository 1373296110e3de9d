package bdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Below a damaged internal page the chain of leaves leads on: nothing but the
// page itself is lost.
func TestLeavesBelowADamagedInternalPage(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"5.3.28/bt-le-basic-p1024.db", "2.7.7-ppc/bt-be-basic-p512.db", "3.0.55/bt-le-recnum-p1024.db"} {
		orig := files[name]
		want, _ := readFile(orig, Options{})
		r, err := NewReader(bytes.NewReader(orig), int64(len(orig)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ps := r.meta.PageSize
		tried := 0
		for no := 2; no < int(r.meta.Pages); no++ {
			if orig[no*ps+25] != pageIBtree {
				continue
			}
			tried++
			b := bytes.Clone(orig)
			clear(b[no*ps : (no+1)*ps])
			problems := 0
			got, err := readFile(b, Options{Problem: func(error) { problems++ }})
			if err != nil || problems == 0 {
				t.Errorf("%s page %d: %d problems, %v", name, no, problems, err)
			}
			first := len(got[""]) < len(want[""]) // below the leftmost page there is no leaf before
			if diff := diffRecords(got, want); diff != "" && !first {
				t.Errorf("%s page %d: %s", name, no, diff)
			}
			if first && len(missing(want[""], got[""])) > 0 {
				t.Errorf("%s page %d: records that were not there", name, no)
			}
			if first {
				tried--
			}
		}
		if tried < 2 {
			t.Errorf("%s: %d internal pages tried", name, tried)
		}
	}
}

func TestGet(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		if strings.Contains(name, "encrypt") || strings.Contains(name, "subdb") || len(files[name]) == 0 {
			continue
		}
		b := files[name]
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		all, err := readAll(r)
		if err != nil {
			t.Fatal(name, err)
		}
		seen := map[string]bool{}
		for i, rec := range all {
			if seen[rec.key] || i%97 > 0 && len(all) > 40 {
				seen[rec.key] = true
				continue
			}
			seen[rec.key] = true
			got, err := r.Get([]byte(rec.key))
			if err != nil || string(got) != rec.value {
				t.Errorf("%s: Get(%.40q) = %.40q, %v, want %.40q", name, rec.key, got, err, rec.value)
			}
		}
		for _, key := range []string{"no such key", "\xff\xff\xff", "0"} {
			if _, err := r.Get([]byte(key)); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: Get(%q): %v, want ErrNotFound", name, key, err)
			}
		}
	}
}

func TestSubdatabases(t *testing.T) {
	_, files := fixtureFiles(t)
	b := files["3.0.55/subdb-be.db"]
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	names, err := r.Subdatabases()
	if err != nil || strings.Join(names, " ") != "dups hash tree" {
		t.Errorf("names %q, %v", names, err)
	}
	sub, err := r.Open("hash")
	if err != nil || sub.Name() != "hash" || sub.Meta().Type != Hash || sub.Meta().PageNo == 0 {
		t.Fatalf("Open: %+v, %v", sub, err)
	}
	v, err := sub.Get([]byte("key000171"))
	if err != nil || !bytes.HasPrefix(v, []byte("4JQVtHR9uas")) {
		t.Errorf("Get: %.20q, %v", v, err)
	}
	if _, err := r.Open("nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Open of nothing: %v", err)
	}
	plain := files["3.0.55/bt-be-small.db"]
	r, err = NewReader(bytes.NewReader(plain), int64(len(plain)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if names, err := r.Subdatabases(); names != nil || err != nil {
		t.Errorf("names %q, %v of a file with one database", names, err)
	}
	if _, err := r.Open("x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Open in a file with one database: %v", err)
	}
}

// The deleted records of a file copied under a cursor are skipped and counted.
func TestDeletedRecords(t *testing.T) {
	_, files := fixtureFiles(t)
	b := files["2.7.7-ppc/bt-be-curdel-p1024.db"]
	var notes []error
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Problem: func(err error) { notes = append(notes, err) }})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Cursor()
	n := 0
	for ; err == nil; n++ {
		_, _, err = c.Next()
	}
	var e *Error
	if n-1 != 857 || c.Deleted() != 143 || len(notes) != 1 || !errors.Is(notes[0], ErrDeleted) || !errors.As(notes[0], &e) || !e.Tolerated {
		t.Errorf("%d records, %d deleted, notes %v", n-1, c.Deleted(), notes)
	}
}

// A leaf that the tree of a sub-database does not lead to is told of once all
// of them have been read.
func TestUnreachedPagesOfSubdatabases(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"5.3.28/subdb-be.db", "3.0.55/subdb-le.db"} {
		b := bytes.Clone(files[name])
		var told []error
		opts := Options{Problem: func(err error) { told = append(told, err) }}
		if _, err := readFile(b, opts); err != nil || len(told) > 0 {
			t.Errorf("%s: %v %v", name, told, err)
		}
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), opts)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := r.Open("tree")
		if err != nil {
			t.Fatal(err)
		}
		ps := r.meta.PageSize
		root := b[int(sub.meta.Root)*ps:]
		r.meta.ByteOrder.PutUint16(root[20:], 1) // one child is left
		if _, err := readFile(b, opts); err != nil {
			t.Fatal(err)
		}
		unreached := 0
		for _, err := range told {
			if errors.Is(err, ErrUnreached) {
				unreached++
			}
		}
		if unreached != 1 {
			t.Errorf("%s: %v", name, told)
		}
	}
}

// A sparseFile is a database with one page far behind the others.
type sparseFile struct {
	meta, leaf []byte
	at         int64
}

func (s *sparseFile) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for _, part := range []struct {
		b  []byte
		at int64
	}{{s.meta, 0}, {s.leaf, s.at}} {
		if lo, hi := max(off, part.at), min(off+int64(len(p)), part.at+int64(len(part.b))); lo < hi {
			copy(p[lo-off:], part.b[lo-part.at:hi-part.at])
		}
	}
	return len(p), nil
}

// Pages beyond 4 GiB are found.
func TestPagesBeyond4GiB(t *testing.T) {
	_, files := fixtureFiles(t)
	b := bytes.Clone(files["5.3.28/bt-be-small.db"])
	const root = 5_000_000
	f := &sparseFile{meta: b[:1024], leaf: b[1024:2048], at: root * 1024}
	binary.BigEndian.PutUint32(f.meta[88:], root)
	binary.BigEndian.PutUint32(f.leaf[8:], root)
	r, err := NewReader(f, (root+1)*1024, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(r)
	want, _ := readFile(files["5.3.28/bt-be-small.db"], Options{})
	if diff := diffRecords(map[string][]pairOf{"": got}, want); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if v, err := r.Get([]byte("abc")); err != nil || string(v) != "123" {
		t.Errorf("Get: %q, %v", v, err)
	}
}

// The 2.x libraries turned the length of a key around once for each of its
// duplicates on the page, in files not of the host's order. In large pages both
// readings of a length can lie on the page: the neighbours decide.
func TestSwappedKeysOfDuplicates(t *testing.T) {
	for _, ps := range []int{512, 8192, 65536} {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			file := &memoryAt{}
			w, err := NewWriter(file, WriterOptions{Version: 6, PageSize: ps, ByteOrder: order, TreeOptions: TreeOptions{Duplicates: true}})
			if err != nil {
				t.Fatal(err)
			}
			var want []pairOf
			for k := range 400 {
				key := fmt.Sprintf("key%04d%s", k, strings.Repeat("k", k%23))
				for d := range 1 + k%5 {
					want = append(want, pairOf{key, fmt.Sprintf("value %d", d)})
					if err := w.Put([]byte(key), []byte(want[len(want)-1].value)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			turned := 0
			for at := 0; at < len(file.b); at += ps {
				page := file.b[at : at+ps]
				if page[25] != pageLBtree {
					continue
				}
				n := int(order.Uint16(page[20:]))
				refs := map[uint16]int{}
				for i := 0; i < n; i += 2 {
					refs[order.Uint16(page[26+2*i:])]++
				}
				for off, members := range refs {
					if members%2 == 0 {
						page[off], page[off+1] = page[off+1], page[off]
						turned++
					}
				}
			}
			got, err := readFile(file.b, Options{Strict: true})
			if err != nil || turned < 100 {
				t.Fatalf("page size %d: %v, %d keys turned", ps, err, turned)
			}
			if diff := diffRecords(got, map[string][]pairOf{"": want}); diff != "" {
				t.Errorf("page size %d: %s", ps, diff)
			}
			if faults, err := verifyBytes(file.b, false); err != nil || len(faults) > 0 {
				t.Errorf("page size %d: %v, faults %.3q", ps, err, faults)
			}
		}
	}
}

// memoryAt is a file in memory.
type memoryAt struct{ b []byte }

func (m *memoryAt) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

// Sub-databases that share their pages give them a bounded number of times: a
// file cannot grow without end by naming one tree many times.
func TestSubdatabasesThatShareATree(t *testing.T) {
	file := &memoryAt{}
	w, err := NewWriter(file, WriterOptions{Version: 9, PageSize: 512, ByteOrder: binary.BigEndian})
	if err != nil {
		t.Fatal(err)
	}
	const databases, records = 200, 1000
	for n := range databases {
		if err := w.Sub(fmt.Sprintf("sub%04d", n), TreeOptions{}); err != nil {
			t.Fatal(err)
		}
		for i := 0; n == 0 && i < records; i++ {
			if err := w.Put(fmt.Appendf(nil, "key%05d", i), []byte("value")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(file.b), int64(len(file.b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Open("sub0000")
	if err != nil {
		t.Fatal(err)
	}
	for n := range databases {
		sub, err := r.Open(fmt.Sprintf("sub%04d", n))
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(file.b[int(sub.meta.PageNo)*512+88:], first.meta.Root)
	}
	told := ""
	got, err := readFile(file.b, Options{Problem: func(err error) { told += err.Error() + "\n" }})
	total := 0
	for _, part := range got {
		total += len(part)
	}
	if err != nil || total < records || total > 40*records || !strings.Contains(told, "was reached before") {
		t.Errorf("%d records, %v, told %.200s", total, err, told)
	}
}

// A wrong record length is not handed on: a writer would pad all records to it.
func TestRecordLength(t *testing.T) {
	_, files := fixtureFiles(t)
	b := bytes.Clone(files["5.3.28/recno-le-p1024.db"])
	b[48] |= flagFixed
	binary.LittleEndian.PutUint32(b[80:], 0x7f000000)
	problems := 0
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Problem: func(error) { problems++ }})
	if err != nil || r.Meta().FixedLen || problems != 1 {
		t.Errorf("%v, fixed length %t, %d problems", err, r.Meta().FixedLen, problems)
	}
	file := &memoryAt{}
	w, err := NewWriter(file, WriterOptions{Version: 8, PageSize: 512, TreeOptions: TreeOptions{Recno: true, FixedLength: 700, Pad: 'x'}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Put([]byte("1"), []byte("short")), w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err = NewReader(bytes.NewReader(file.b), int64(len(file.b)), Options{Strict: true})
	if err != nil || !r.Meta().FixedLen || r.Meta().RecLen != 700 {
		t.Errorf("%v, %+v", err, r.Meta())
	}
}
