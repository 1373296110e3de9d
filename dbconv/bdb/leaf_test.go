package bdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
)

// A leafFile is a fixture whose leaves are damaged one at a time.
type leafFile struct {
	name string
	b    []byte
	m    Meta
	l    layout
	want map[string][]pairOf
	dbs  []Meta // of all databases
}

func (f *leafFile) page(no int64) []byte { return f.b[no*int64(f.m.PageSize):][:f.m.PageSize] }

// put16 and put32 write a number in the byte order of the pages.
func (f *leafFile) put16(b []byte, v int) {
	if f.l.big {
		binary.BigEndian.PutUint16(b, uint16(v))
		return
	}
	binary.LittleEndian.PutUint16(b, uint16(v))
}

func (f *leafFile) put32(b []byte, v uint32) {
	if f.l.big {
		binary.BigEndian.PutUint32(b, v)
		return
	}
	binary.LittleEndian.PutUint32(b, v)
}

// leaf tells whether page no holds records, and how many slots it has.
func (f *leafFile) leaf(no int64) (n int, ok bool) {
	b := f.page(no)
	switch {
	case f.m.Legacy185 && f.m.Type == Hash:
		n = f.l.u16(b)
		return n, no >= int64(f.m.HeaderPages) && n >= 2 && n%2 == 0 && 2*(n+3) <= f.m.PageSize && f.l.u16(b[4:]) >= mark185Real
	case f.m.Legacy185:
		nd := node185{buf: b, no: no}
		f.l.decode185(&nd)
		typ := nd.flags & p185TypeMask
		return nd.n, int64(nd.pgno) == no && nd.n > 0 && (typ == p185Leaf || typ == p185RLeaf)
	}
	nd := node{buf: b, no: no}
	f.l.decode(&nd)
	switch nd.typ {
	case pageLBtree, pageLRecno, pageLDup, pageDup, pageHash, pageHashOld:
		return nd.n, int64(nd.pgno) == no && nd.n > 0
	}
	return 0, false
}

// shorten takes the last record from the slots of page no.
func (f *leafFile) shorten(no int64) bool {
	b := f.page(no)
	n, _ := f.leaf(no)
	step := 1
	switch b[25] {
	case pageLBtree, pageHash, pageHashOld:
		step = 2
	}
	switch {
	case f.m.Legacy185 && f.m.Type == Hash:
		if f.l.u16(b[2*n:]) < mark185Real {
			return false // a link, or part of a big pair
		}
		// The free space and the offset lie behind the slots.
		copy(b[2*(n-1):], b[2*(n+1):2*(n+3)])
		f.put16(b, n-2)
	case f.m.Legacy185:
		f.put16(b[16:], f.l.u16(b[16:])-2)
	default:
		f.put16(b[20:], n-step)
	}
	return true
}

// overwrite puts the page of another leaf in the place of page no.
func (f *leafFile) overwrite(no int64) bool {
	for _, other := range []int64{no + 1, no - 1} {
		if other < 1 || other >= f.m.Pages {
			continue
		}
		if _, ok := f.leaf(other); ok {
			copy(f.page(no), f.page(other))
			return true
		}
	}
	return false
}

// takeOut removes what leads to page no: its entry on the page above and its
// links.
func (f *leafFile) takeOut(no int64) bool {
	if f.m.Legacy185 && f.m.Type == Hash {
		return false
	}
	b := f.page(no)
	prevAt, nextAt := 12, 16
	if f.m.Legacy185 {
		prevAt, nextAt = 4, 8
	}
	prev, next := f.l.u32(b[prevAt:]), f.l.u32(b[nextAt:])
	chained := !f.m.Legacy185 && (b[25] == pageHash || b[25] == pageHashOld || b[25] == pageDup)
	if chained && prev == 0 || !chained && !f.cutEntry(no) {
		return false
	}
	if prev != 0 && int64(prev) < f.m.Pages {
		f.put32(f.page(int64(prev))[nextAt:], next)
	}
	if next != 0 && int64(next) < f.m.Pages {
		f.put32(f.page(int64(next))[prevAt:], prev)
	}
	return true
}

// cutEntry removes the entry of page no from the internal page above it.
func (f *leafFile) cutEntry(no int64) bool {
	for at := int64(1); at < f.m.Pages; at++ {
		b := f.page(at)
		if f.m.Legacy185 {
			nd := node185{buf: b, no: at}
			f.l.decode185(&nd)
			if t := nd.flags & p185TypeMask; int64(nd.pgno) != at || t != p185Internal && t != p185RInternal || nd.n < 2 {
				continue
			}
			for i := range nd.n {
				if child, ok := f.l.child185(&nd, i); ok && int64(child) == no {
					copy(b[header185Page+2*i:], b[header185Page+2*(i+1):header185Page+2*nd.n])
					f.put16(b[16:], nd.lower-2)
					return true
				}
			}
			continue
		}
		nd := node{buf: b, no: at}
		f.l.decode(&nd)
		if int64(nd.pgno) != at || nd.typ != pageIBtree && nd.typ != pageIRecno || nd.n < 2 {
			continue
		}
		for i := range nd.n {
			if child, _, ok := f.l.child(&nd, i); ok && int64(child) == no {
				copy(b[f.l.hdr+2*i:], b[f.l.hdr+2*(i+1):f.l.hdr+2*nd.n])
				f.put16(b[20:], nd.n-1)
				return true
			}
		}
	}
	return false
}

// lacking is how many records of want got does not have.
func lacking(got, want map[string][]pairOf) int {
	n := 0
	for db, w := range want {
		n += len(missing(got[db], w))
	}
	return n
}

// compare holds what is read, checked and salvaged of the damaged file against
// each other.
func (f *leafFile) compare(t *testing.T, what string, no int64) {
	t.Helper()
	problems := 0
	var first error
	got, err := readFile(f.b, Options{Problem: func(err error) {
		var e *Error
		if !errors.As(err, &e) || e.Severity() > 1 {
			if problems++; first == nil {
				first = err
			}
		}
	}})
	if err != nil {
		problems++
	}
	var faults []string
	rep, err := Verify(context.Background(), bytes.NewReader(f.b), int64(len(f.b)), VerifyOptions{
		Fault: func(e *Error) {
			if e.Severity() > 1 {
				faults = append(faults, e.Error())
			}
		},
	})
	if err != nil {
		t.Errorf("%s page %d %s: verify: %v", f.name, no, what, err)
	}
	n := lacking(got, f.want)
	if (problems > 0) != (rep.Missing > 0) {
		t.Errorf("%s page %d %s: the cursor tells of %d problems (%v), verify of %d: %.2q", f.name, no, what, problems, first, rep.Missing, faults)
	}
	if n > 0 && problems == 0 && !f.emptyBucket(no, what) {
		t.Errorf("%s page %d %s: %d records missing, no problem", f.name, no, what, n)
	}
	saved, srep, _ := salvageBytes(t, f.b, false)
	if n := lacking(saved, f.want); n > 0 && srep.Lost == 0 && !f.emptyBucket(no, what) {
		t.Errorf("%s page %d %s: salvage lacks %d records and tells of nothing", f.name, no, what, n)
	}
}

// emptyBucket: a bucket that the file began with looks empty when its page is
// zeroed; the keys are counted in the metadata, but not well enough.
func (f *leafFile) emptyBucket(no int64, what string) bool {
	for _, m := range f.dbs {
		if what != "zeroed" || m.Type != Hash || m.Legacy185 {
			continue
		}
		for b := uint64(0); b <= uint64(m.MaxBucket); b++ {
			if m.bucketPage(b) == uint64(no) {
				return !m.bucketUsed(b)
			}
		}
	}
	return false
}

// metasOf is the metadata of all databases of a file.
func metasOf(t *testing.T, b []byte) []Meta {
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := []Meta{r.Meta()}
	names, err := r.Subdatabases()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		sub, err := r.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sub.Meta())
	}
	return all
}

// Whatever happens to a leaf, reading, verify and salvage agree on whether
// records are missing.
func TestEachLeafDamaged(t *testing.T) {
	names, files := fixtureFiles(t)
	every := 40
	if testing.Short() {
		every = 400
	}
	if os.Getenv("IMSCONV_FULL") != "" {
		every = 1
	}
	count := 0
	for _, name := range names {
		if strings.Contains(name, "encrypt") {
			continue
		}
		orig := files[name]
		m, _, err := readMeta(bytes.NewReader(orig), int64(len(orig)), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := &leafFile{name: name, m: m, l: layoutOf(&m), b: bytes.Clone(orig)}
		if f.want, err = readFile(orig, Options{}); err != nil {
			t.Fatal(err)
		}
		f.dbs = metasOf(t, orig)
		for no := int64(1); no < m.Pages; no++ {
			if _, ok := f.leaf(no); !ok {
				continue
			}
			for _, c := range []struct {
				what string
				do   func(int64) bool
			}{
				{"taken out", f.takeOut},
				{"zeroed", func(no int64) bool { clear(f.page(no)); return true }},
				{"shortened", f.shorten},
				{"overwritten", f.overwrite},
			} {
				if count++; every > 1 && count%every != 0 {
					continue
				}
				if c.do(no) {
					f.compare(t, c.what, no)
				}
				copy(f.b, orig)
			}
		}
	}
	t.Logf("%d damages", count/every)
}
