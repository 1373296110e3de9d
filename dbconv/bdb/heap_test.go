package bdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func heapFiles(t testing.TB) (names []string, files map[string][]byte) {
	t.Helper()
	all, files := fixtureFiles(t)
	for _, name := range all {
		if strings.Contains(name, "/heap-") {
			names = append(names, name)
		}
	}
	return names, files
}

// heapTrial reads, checks and salvages a heap.
type heapTrial struct {
	records   []pairOf
	problems  int // that the cursor told
	missing   int64
	kept      int
	keptLost  int64
	firstTold string
}

func tryHeap(t *testing.T, what string, b []byte) (tr heapTrial, ok bool) {
	t.Helper()
	told := func(err error) {
		var e *Error
		if errors.As(err, &e) && e.Severity() > 1 {
			if tr.problems++; tr.problems == 1 {
				tr.firstTold = err.Error()
			}
		}
	}
	all, err := readCounted(b, Options{Problem: told})
	if errors.Is(err, errTooMuch) {
		t.Errorf("%s: %v", what, err)
	}
	if err != nil {
		return tr, false
	}
	tr.records = all[""]
	rep, err := Verify(context.Background(), counted(b), int64(len(b)), VerifyOptions{})
	if err != nil {
		t.Errorf("%s: verify: %v", what, err)
	}
	tr.missing = rep.Missing
	for _, aggressive := range []bool{true, false} {
		tr.kept = 0
		saved, err := Salvage(context.Background(), counted(b), int64(len(b)), SalvageOptions{Aggressive: aggressive}, func(_, _ []byte) error {
			tr.kept++
			return nil
		})
		if err != nil {
			t.Errorf("%s: salvage: %v", what, err)
		}
		tr.keptLost = saved.Lost
		if tr.kept < len(tr.records) {
			t.Errorf("%s: %d records salvaged, %d read", what, tr.kept, len(tr.records))
		}
	}
	if (tr.problems > 0) != (tr.missing > 0) || (tr.problems > 0) != (tr.keptLost > 0) {
		t.Errorf("%s: %d problems (%s), verify %d, salvage %d", what, tr.problems, tr.firstTold, tr.missing, tr.keptLost)
	}
	return tr, true
}

// heapStructure lists the bits of a heap that place its records: of page
// headers, slots and headers of items. The low bits of a length are not among
// them: items have room to a multiple of 4, and of 16 bytes at least, so that a
// wrong one may fit.
func heapStructure(t *testing.T, b []byte) (bits []int) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Meta()
	p := heapPage{}
	for no := int64(1); no < m.Pages; no++ {
		at := int(no) * m.PageSize
		p.buf = b[at : at+m.PageSize]
		r.lay.decodeHeap(&p, r.lay.heapOrders())
		if p.typ != pageHeap {
			continue
		}
		add := func(from, to int) {
			for bit := 8 * (at + from); bit < 8*(at+to); bit++ {
				bits = append(bits, bit)
			}
		}
		add(8, 26)
		for i := range p.slots() {
			add(r.lay.hdr+2*i, r.lay.hdr+2*i+2)
			if it, there, _ := p.item(i); there {
				add(it.off, it.off+2)
				add(it.off+3, it.off+it.header())
			}
		}
	}
	return bits
}

// Wherever a bit of what places the records of a heap is wrong, what is read is
// what was there, or a word is said.
func TestHeapBits(t *testing.T) {
	_, files := heapFiles(t)
	for _, name := range []string{"5.3.28/heap-le-small.db", "5.3.28/heap-le-long.db", "5.3.28/heap-be-del.db", "5.3.28/heap-le-change.db"} {
		whole := files[name]
		want, err := readCounted(whole, Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		step := 7
		if testing.Short() {
			step = 71
		}
		if full || len(whole) < 4096 {
			step = 1
		}
		bits := heapStructure(t, whole)
		for i := 0; i < len(bits); i += step {
			bit := bits[i]
			b := bytes.Clone(whole)
			b[bit/8] ^= 1 << (bit % 8)
			problems := 0
			got, err := readFile(b, Options{Problem: func(err error) {
				var e *Error
				if errors.As(err, &e) && e.Severity() > 1 {
					problems++
				}
			}})
			if err == nil && problems == 0 && !slices.Equal(got[""], want[""]) {
				t.Errorf("%s: bit %d of page %d byte %d: the records change without a word", name, bit%8, bit/8/512, bit/8%512)
			}
		}
	}
}

// Whatever is wrong with a heap, no walk is without end, and all that read it
// agree on whether records are missing.
func TestDamagedHeaps(t *testing.T) {
	names, files := heapFiles(t)
	rounds := 1500
	if testing.Short() {
		rounds = 150
	}
	if full {
		rounds = 50_000
	}
	rnd := rand.New(rand.NewSource(5))
	for range rounds {
		name := names[rnd.Intn(len(names))]
		if len(files[name]) > 100_000 {
			continue
		}
		b := slices.Clone(files[name])
		what := name + ": " + spoil(rnd, &b)
		tryHeap(t, what, b)
	}
}

// Each page of a heap of zeros, or gone, is told of.
func TestHeapPagesLost(t *testing.T) {
	names, files := heapFiles(t)
	for _, name := range names {
		if strings.Contains(name, "abort") {
			continue // where some may be of zeros
		}
		whole := files[name]
		r, err := NewReader(bytes.NewReader(whole), int64(len(whole)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := r.Meta()
		for no := int64(1); no < m.Pages; no++ {
			at := int(no) * m.PageSize
			b := slices.Clone(whole)
			clear(b[at : at+m.PageSize])
			if tr, ok := tryHeap(t, name, b); ok && (tr.problems > 0) == m.heapRegion(no) {
				t.Errorf("%s: page %d of zeros, region %v: %d problems (%s)", name, no, m.heapRegion(no), tr.problems, tr.firstTold)
			}
			if tr, ok := tryHeap(t, name, whole[:at]); ok && tr.problems == 0 {
				t.Errorf("%s: cut off before page %d, and no word", name, no)
			}
		}
	}
}

// Pieces of a record that are gone, led to twice, or of another length than
// the record, are told of with their place.
func TestHeapPieces(t *testing.T) {
	_, files := heapFiles(t)
	whole := files["5.3.28/heap-le-long.db"]
	item := func(b []byte, page, slot int) []byte {
		p := b[512*page : 512*page+512]
		return p[binary.LittleEndian.Uint16(p[26+2*slot:]):]
	}
	// Record 3 begins on page 3, slot 0, and ends on page 2, slot 3; record 13
	// on page 7, slot 0, goes on on pages 5 and 4.
	for _, tt := range []struct {
		name   string
		change func(b []byte)
		told   string
		fewer  int
	}{
		{"length", func(b []byte) { item(b, 3, 0)[4]++ }, "page 3 item 0 (offset 1536): record of 564 bytes in pieces of 563 bytes", 1},
		{"no such page", func(b []byte) { item(b, 3, 0)[8] = 200 }, "page 3 item 0 (offset 1536): the next piece of the record should be page 200 item 3: the file has 48 pages", 1},
		{"no such slot", func(b []byte) { item(b, 3, 0)[12] = 9 }, "page 3 item 0 (offset 1536): the next piece of the record should be page 2 item 9: there is none", 1},
		{"a record", func(b []byte) { item(b, 3, 0)[12] = 1 }, "page 3 item 0 (offset 1536): the next piece of the record should be page 2 item 1: it is a record of its own", 1},
		{"led to twice", func(b []byte) {
			binary.LittleEndian.PutUint32(item(b, 7, 0)[8:], 2)
			binary.LittleEndian.PutUint16(item(b, 7, 0)[12:], 3)
		}, "page 7 item 0 (offset 3584): the next piece of the record should be page 2 item 3: it belongs to another record", 1},
		{"to itself", func(b []byte) {
			binary.LittleEndian.PutUint32(item(b, 5, 0)[8:], 5)
			binary.LittleEndian.PutUint16(item(b, 5, 0)[12:], 0)
		}, "page 5 item 0 (offset 2560): the next piece of the record should be page 5 item 0: it belongs to another record", 1},
		{"longer than the file", func(b []byte) { item(b, 3, 0)[7] = 0x7f }, "page 3 item 0 (offset 1536): record of 2130706995 bytes is longer than the file", 1},
		{"no first piece", func(b []byte) { item(b, 3, 0)[0] = heapSplit }, "page 2 item 3 (offset 1024): a piece of a record of which nothing leads to it", 1},
	} {
		b := slices.Clone(whole)
		tt.change(b)
		tr, ok := tryHeap(t, tt.name, b)
		if !ok || !strings.Contains(tr.firstTold, tt.told) || len(tr.records) != 100-tt.fewer {
			t.Errorf("%s: %d records, %q, want %q", tt.name, len(tr.records), tr.firstTold, tt.told)
		}
	}
}

// With Aggressive, the pieces of a record of which some are lost are given.
func TestSalvagePieces(t *testing.T) {
	_, files := heapFiles(t)
	b := slices.Clone(files["5.3.28/heap-le-long.db"])
	clear(b[512*5 : 512*6]) // the middle of a record of pages 7, 5, 4
	for _, aggressive := range []bool{false, true} {
		var long []int
		_, err := Salvage(context.Background(), bytes.NewReader(b), int64(len(b)), SalvageOptions{Aggressive: aggressive}, func(key, value []byte) error {
			if key[3] == 7 && key[5] == 0 || key[3] == 4 && key[5] == 1 {
				long = append(long, len(value))
			}
			return nil
		})
		want := []int(nil)
		if aggressive {
			want = []int{353, 424}
		}
		if err != nil || !slices.Equal(long, want) {
			t.Errorf("aggressive %v: pieces of %d, want %d, %v", aggressive, long, want, err)
		}
	}
}

// The account that region pages keep is compared with the pages: what does not
// exist is a fault that costs nothing, what is out of date a note, as the
// library leaves it.
func TestHeapRegions(t *testing.T) {
	_, files := heapFiles(t)
	for _, tt := range []struct {
		name   string
		file   string
		change func(b []byte)
		faults int64
		notes  int
	}{
		{"as it is", "heap-le-long", func(b []byte) {}, 0, 0},
		{"of changed records", "heap-le-change", func(b []byte) {}, 0, 1},
		{"other order", "heap-be-del", func(b []byte) {}, 0, 1},
		{"fuller", "heap-le-long", func(b []byte) { b[512+26] ^= 1 }, 0, 1},
		{"page that does not exist", "heap-le-small", func(b []byte) { b[512+26+100] = 1 }, 1, 0},
		{"last page", "heap-le-long", func(b []byte) { b[512+12]++ }, 1, 0},
		{"items", "heap-le-long", func(b []byte) { b[512+20]++ }, 1, 0},
		{"number of regions", "heap-le-long", func(b []byte) { b[76]++ }, 1, 0},
		{"first free slot", "heap-le-long", func(b []byte) { b[1024+18]-- }, 1, 0},
	} {
		b := slices.Clone(files["5.3.28/"+tt.file+".db"])
		tt.change(b)
		notes := 0
		rep, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{Note: func(*Error) { notes++ }})
		if err != nil || rep.Faults != tt.faults || rep.Missing != 0 || notes != tt.notes {
			t.Errorf("%s: %d faults, %d of records, %d notes, %v", tt.name, rep.Faults, rep.Missing, notes, err)
		}
	}
}

// Pages that were taken by transactions that were given up are all zeros: no
// fault where the file has a log and the region page no account of them.
func TestHeapOfTransactions(t *testing.T) {
	_, files := heapFiles(t)
	whole := files["5.3.28/heap-le-abort.db"]
	for _, tt := range []struct {
		name    string
		change  func(b []byte)
		missing bool
		notes   int
	}{
		{"as it is", func(b []byte) {}, false, 2}, // and that it has a log
		{"another page", func(b []byte) { clear(b[512*7 : 512*8]) }, true, 2},
		{"account of the page", func(b []byte) { b[512*6+26] |= 3 << 4 }, true, 2},
		{"no log", func(b []byte) { clear(b[:8]) }, true, 1},
	} {
		b := slices.Clone(whole)
		tt.change(b)
		notes := 0
		rep, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{Note: func(e *Error) {
			if e.Err == errGaps || e.Err == ErrLogged {
				notes++
			}
		}})
		if err != nil || (rep.Missing > 0) != tt.missing || notes != tt.notes || rep.Faults != rep.Missing {
			t.Errorf("%s: %d faults, %d of records, %d notes, %v", tt.name, rep.Faults, rep.Missing, notes, err)
		}
		tryHeap(t, tt.name, b)
	}
}

// A region that goes beyond what its page has room for is none, with checksums
// as without.
func TestHeapRegionTooLong(t *testing.T) {
	_, files := heapFiles(t)
	for _, name := range []string{"heap-le-del-chksum", "heap-le-long"} {
		b := slices.Clone(files["5.3.28/"+name+".db"])
		b[0] = 1 // a log
		for size := uint32(4 * (512 - 34)); size <= 4*512; size++ {
			binary.LittleEndian.PutUint32(b[88:], size)
			clear(b[512*20 : 512*21])
			if _, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), VerifyOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
