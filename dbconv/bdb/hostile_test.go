package bdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"testing"

	"imsconv/storeconv/testsite/edits"
)

// full tells whether all of the heavy tests run, about half an hour, in place
// of a fixed sample:
//
//	IMSCONV_FULL=1 go test -timeout 3h ./dbconv/bdb
var full = os.Getenv("IMSCONV_FULL") != ""

// A countingReader counts the bytes read, to notice walks that do not end.
type countingReader struct {
	*bytes.Reader
	n, limit int64
}

var errTooMuch = errors.New("more is read than the file can ask for")

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	if c.n += int64(len(p)); c.n > c.limit {
		return 0, errTooMuch
	}
	return c.Reader.ReadAt(p, off)
}

// counted lets a walk read the file some times over.
func counted(b []byte) *countingReader {
	return &countingReader{Reader: bytes.NewReader(b), limit: 60*int64(len(b)) + 16<<20}
}

// A trial is what a damaged file does to all that read it.
type trial struct {
	records  map[string][]pairOf
	err      error // of reading
	problems int   // told while reading, tolerated ones not counted
	faults   []string
	verr     error // of Verify
}

// try reads, verifies and salvages b; anything but an error or a message fails
// t.
func try(t *testing.T, what string, b []byte) trial {
	t.Helper()
	var tr trial
	opts := Options{Problem: func(err error) {
		if e, ok := err.(*Error); !ok || !e.Tolerated {
			tr.problems++
		}
	}}
	tr.records, tr.err = readCounted(b, opts)
	_, tr.verr = Verify(context.Background(), counted(b), int64(len(b)), VerifyOptions{
		Fault: func(e *Error) {
			if len(tr.faults) < 5 {
				tr.faults = append(tr.faults, e.Error())
			}
		},
	})
	kept := map[pairOf]int{}
	_, serr := Salvage(context.Background(), counted(b), int64(len(b)), SalvageOptions{Aggressive: true}, func(k, v []byte) error {
		kept[pairOf{string(k), string(v)}]++
		return nil
	})
	if tr.err == nil && serr == nil && !strings.Contains(what, "recno") { // whose keys are positions
		tr.contained(t, what, kept)
	}
	for _, err := range []error{tr.err, tr.verr, serr} {
		if errors.Is(err, errTooMuch) || errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "internal error") {
			t.Errorf("%s: %v", what, err)
		}
	}
	return tr
}

// contained checks that salvage found whatever can be read.
func (tr *trial) contained(t *testing.T, what string, kept map[pairOf]int) {
	t.Helper()
	for _, records := range tr.records {
		for _, r := range records {
			if kept[r]--; kept[r] < 0 {
				t.Errorf("%s: salvage lacks record %.60q", what, r)
				return
			}
		}
	}
}

func readCounted(b []byte, opts Options) (map[string][]pairOf, error) {
	r, err := NewReader(counted(b), int64(len(b)), opts)
	if err != nil {
		return nil, err
	}
	all := map[string][]pairOf{}
	if !r.Meta().SubDBs {
		all[""], err = readAll(r)
		return all, err
	}
	names, err := r.Subdatabases()
	if err != nil {
		return nil, err
	}
	for _, name := range names[:min(len(names), 50)] {
		sub, err := r.Open(name)
		if err != nil {
			if opts.Problem != nil {
				opts.Problem(err)
			}
			continue
		}
		if all[name], err = readAll(sub); err != nil {
			return all, err
		}
	}
	return all, nil
}

// noticed tells whether anything was said about the damage.
func (tr *trial) noticed() bool { return tr.verr != nil || len(tr.faults) > 0 }

// harmless tells whether got differs from want only inside the bytes of keys
// and values, or by bytes that pad an item to 4: no format tells those from
// data. The bounds of the pairs of a 1.85 hash are not covered by anything
// either, nor is the length of a long item of a 1.85 btree within its last
// page.
func harmless(name string, got, want map[string][]pairOf) bool {
	for db, w := range want {
		g := got[db]
		if len(g) != len(w) {
			return false
		}
		for i := range w {
			if g[i] == w[i] || strings.HasPrefix(name, "1.85/hash") {
				continue
			}
			slack := 4
			if strings.HasPrefix(name, "1.85/bt") {
				slack = 1024
			}
			if !padded(g[i].key, w[i].key, slack) || !padded(g[i].value, w[i].value, slack) {
				return false
			}
		}
	}
	return true
}

func padded(a, b string, slack int) bool {
	n := min(len(a), len(b))
	return len(a) == len(b) || max(len(a), len(b))-n < slack && a[:n] == b[:n]
}

// sample gives every nth fixture that has no faults of its own, all with
// IMSCONV_FULL.
func sample(t *testing.T, nth int) (names []string, files map[string][]byte) {
	all, files := fixtureFiles(t)
	if testing.Short() {
		nth *= 5
	}
	for i, name := range all {
		if strict, _ := faulty(name); strict || strings.Contains(name, "encrypt") || len(files[name]) == 0 {
			continue
		}
		if full || i%nth == 0 {
			names = append(names, name)
		}
	}
	return names, files
}

// Every flipped bit is an error, a fault, inside a key or value, or in unused
// space.
func TestFlips(t *testing.T) {
	names, files := sample(t, 5)
	flips := 60
	if full {
		flips = 2000
	}
	for _, name := range names {
		b := bytes.Clone(files[name])
		want, err := readFile(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, _, _ := readMeta(bytes.NewReader(b), int64(len(b)), 0, 0)
		rng := rand.New(rand.NewSource(int64(len(b))))
		for n := range flips {
			i := rng.Intn(len(b))
			switch n % 4 { // half of them where the numbers are
			case 1:
				i = rng.Intn(min(300, len(b)))
			case 3:
				i = min(i/m.PageSize*m.PageSize+rng.Intn(60), len(b)-1)
			}
			old := b[i]
			b[i] ^= 1 << rng.Intn(8)
			if n%5 == 0 {
				b[i] = old + byte(1+rng.Intn(255))
			}
			what := fmt.Sprintf("%s: byte %d of page %d from %#x to %#x", name, i%m.PageSize, i/m.PageSize, old, b[i])
			tr := try(t, what, b)
			if !tr.noticed() && (tr.err != nil || !harmless(name, tr.records, want)) {
				t.Errorf("%s: no fault, reading: %v %s", what, tr.err, diffRecords(tr.records, want))
			}
			if m.Checksum && !tr.noticed() && diffRecords(tr.records, want) != "" {
				t.Errorf("%s: not noticed in spite of checksums", what)
			}
			b[i] = old
		}
	}
}

// A truncated file gives what is left, and says so.
func TestTruncation(t *testing.T) {
	names, files := sample(t, 9)
	for _, name := range names {
		orig := files[name]
		want, err := readFile(orig, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, _, _ := readMeta(bytes.NewReader(orig), int64(len(orig)), 0, 0)
		if m.Type == Hash && !m.Legacy185 && m.Version <= 5 && m.MaxBucket&(m.MaxBucket+1) == 0 {
			continue // 2.x makes the first buckets when they are used: nothing tells that one was
		}
		rng := rand.New(rand.NewSource(int64(len(orig))))
		var cuts []int
		for p := int64(0); p < m.Pages; p++ {
			if full || m.Pages < 12 || rng.Intn(int(m.Pages)) < 6 {
				cuts = append(cuts, int(p)*m.PageSize)
			}
		}
		random := 8
		if full {
			random = 200
		}
		for range random {
			cuts = append(cuts, rng.Intn(len(orig)))
		}
		for _, cut := range cuts {
			what := fmt.Sprintf("%s cut to %d bytes", name, cut)
			tr := try(t, what, bytes.Clone(orig[:cut]))
			if !tr.noticed() && diffRecords(tr.records, want) != "" {
				t.Errorf("%s: no fault", what)
			}
			if tr.err == nil && tr.problems == 0 && cut > 0 && diffRecords(tr.records, want) != "" {
				t.Errorf("%s: records are lost without a word", what)
			}
		}
	}
}

// Numbers of page headers and metadata set to what breaks walks: the page
// itself, the root, an earlier page, far beyond the end.
func TestCraftedNumbers(t *testing.T) {
	names, files := sample(t, 11)
	for _, name := range names {
		b := bytes.Clone(files[name])
		want, err := readFile(b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, _, _ := readMeta(bytes.NewReader(b), int64(len(b)), 0, 0)
		rng := rand.New(rand.NewSource(int64(len(b))))
		put := func(no, at, size int, v uint32) {
			off := no*m.PageSize + at
			if off+size > len(b) {
				return
			}
			old := bytes.Clone(b[off : off+size])
			switch size {
			case 4:
				m.ByteOrder.PutUint32(b[off:], v)
			case 2:
				m.ByteOrder.PutUint16(b[off:], uint16(v))
			case 1:
				b[off] = byte(v)
			}
			what := fmt.Sprintf("%s page %d offset %d set to %#x", name, no, at, v)
			tr := try(t, what, b)
			if !tr.noticed() && (tr.err != nil || !harmless(name, tr.records, want)) {
				t.Errorf("%s: no fault, reading: %v %s", what, tr.err, diffRecords(tr.records, want))
			}
			copy(b[off:], old)
		}
		for no := 1; no < int(m.Pages); no++ {
			if pages := int(m.Pages); pages > 8 && !full && rng.Intn(pages) > 3 || pages > 12 && full && rng.Intn(pages) > 11 {
				continue
			}
			self, before := uint32(no), uint32(max(no-1, 1))
			for _, at := range []int{0, 4, 8, 12, 16} {
				for _, v := range []uint32{self, 1, before, self + 1, 0, uint32(m.Pages), 0xffffffff} {
					put(no, at, 4, v)
				}
			}
			for _, at := range []int{16, 18, 20, 22, 26, 28, 32, 34} {
				for _, v := range []uint32{0, 1, 0x7fff, 0xffff} {
					put(no, at, 2, v)
				}
			}
			for _, v := range []uint32{0, 1, 2, 3, 5, 7, 13, 255} {
				put(no, 24, 1, v)
				put(no, 25, 1, v)
			}
			bodyWords(rng, b, no, m.PageSize, func(at int) {
				for _, v := range []uint32{self, 1, before, 0xffffffff} {
					put(no, at, 4, v)
				}
			})
		}
		for at := 12; at < 230; at += 4 {
			if !full && rng.Intn(3) > 0 {
				continue
			}
			for _, v := range []uint32{0, 1, 0x7fffffff, 0xffffffff, 0xfffffff0, uint32(m.Pages) - 1, uint32(m.Pages)} {
				put(0, at, 4, v)
			}
		}
	}
}

// bodyWords picks words of the item area of a page: references to chains, sets
// and children.
func bodyWords(rng *rand.Rand, b []byte, no, ps int, do func(at int)) {
	n := 3
	if full {
		n = 20
	}
	for range n {
		do(40 + rng.Intn((ps-44)/4)*4)
	}
}

// An item that claims to be as long as memory is refused before any is
// allocated.
func TestLengthsAreNotBelieved(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"5.3.28/bt-le-overflow-p1024.db", "5.3.28/hash-le-overflow-p1024.db", "2.7.7-ppc/bt-be-overflow-p1024.db", "1.85/bt-le-overflow-p1024.db"} {
		b := bytes.Clone(files[name])
		m, _, _ := readMeta(bytes.NewReader(b), int64(len(b)), 0, 0)
		want, _ := readFile(b, Options{})
		// Lengths are the words that hold the length of a long value.
		for _, r := range want[""] {
			if len(r.value) < 20_000 {
				continue
			}
			word := make([]byte, 4)
			m.ByteOrder.PutUint32(word, uint32(len(r.value)))
			b = bytes.ReplaceAll(b, word, []byte{255, 255, 255, 255})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tr := try(t, name, b)
		runtime.ReadMemStats(&after)
		if tr.problems == 0 || len(tr.faults) == 0 {
			t.Errorf("%s: %d problems, %d faults", name, tr.problems, len(tr.faults))
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}

// An item above the limit is skipped and told of; others are read.
func TestMaxItem(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"5.3.28/bt-le-overflow-p1024.db", "5.3.28/hash-le-overflow-p1024.db", "1.85/hash-le-overflow-p1024.db", "1.85/bt-le-overflow-p1024.db"} {
		want, _ := readFile(files[name], Options{})
		big := 0
		for _, r := range want[""] {
			if max(len(r.key), len(r.value)) > 10_000 {
				big++
			}
		}
		told := 0
		got, err := readFile(files[name], Options{MaxItem: 10_000, Problem: func(err error) {
			if errors.Is(err, ErrTooBig) {
				told++
			}
		}})
		if strings.HasPrefix(name, "1.85/hash") { // its limit is for key and value together
			if told == 0 || err != nil {
				t.Errorf("%s: %d told, %v", name, told, err)
			}
			continue
		}
		if err != nil || told != big || len(got[""]) != len(want[""])-big {
			t.Errorf("%s: %d of %d records, %d told, %d too big, %v", name, len(got[""]), len(want[""]), told, big, err)
		}
	}
}

// TestSalvageMaxItem: a record whose key or value is above the limit is told of
// once: the pages of either are not found again as those of a lost record.
func TestSalvageMaxItem(t *testing.T) {
	_, files := fixtureFiles(t)
	for _, name := range []string{"5.3.28/bt-le-overflow-p1024.db", "5.3.28/hash-le-overflow-p1024.db"} {
		want, _ := readFile(files[name], Options{})
		for _, limit := range []int{2000, 10_000} {
			big := 0
			for _, r := range want[""] {
				if max(len(r.key), len(r.value)) > limit {
					big++
				}
			}
			told := map[string]int{}
			rep, err := Salvage(t.Context(), bytes.NewReader(files[name]), int64(len(files[name])), SalvageOptions{
				MaxItem: int64(limit),
				Problem: func(err error) { told[err.(*Error).Kind()]++ },
			}, func(_, _ []byte) error { return nil })
			if err != nil || big == 0 || told["too-big"] != big || len(told) != 1 || rep.Lost != int64(big) || rep.Doubtful != 0 {
				t.Errorf("%s, %d: %d records above it, told %v, %+v, %v", name, limit, big, told, rep, err)
			}
		}
	}
}

func TestStrictStopsAtTheFirstDamage(t *testing.T) {
	_, files := fixtureFiles(t)
	b := bytes.Clone(files["5.3.28/bt-le-basic-p1024.db"])
	b[40*1024+25] = 200
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAll(r)
	var e *Error
	if !errors.As(err, &e) || e.Page != 40 || e.Offset != 40*1024 || !errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v, want one of page 40", err)
	}
}

func TestRefusedByName(t *testing.T) {
	_, files := fixtureFiles(t)
	base := files["5.3.28/bt-le-basic-p1024.db"]
	set := func(at int, v uint32) []byte {
		b := bytes.Clone(base)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	for _, c := range []struct {
		what string
		b    []byte
		want error
		text string
	}{
		{"encrypted btree", files["5.3.28/bt-le-encrypt-p1024.db"], ErrEncrypted, "encrypted"},
		{"encrypted hash", files["4.1.25/hash-le-encrypt-p1024.db"], ErrEncrypted, "encrypted"},
		{"queue", set(12, magicQueue), ErrUnsupported, "queue"},
		{"heap", set(12, magicHeap), ErrUnsupported, "heap"},
		{"log", set(12, magicLog), ErrUnsupported, "log"},
		{"version 11", set(16, 11), ErrUnsupported, "version 11"},
		{"compressed", set(48, flagCompress), ErrUnsupported, "compressed"},
		{"partitioned", set(24, 0x020900), ErrUnsupported, "partitioned"},
		{"text", []byte(strings.Repeat("not a database\n", 100)), ErrNotBerkeleyDB, "not a Berkeley DB"},
		{"short", []byte("abc"), ErrNotBerkeleyDB, "3 bytes"},
		{"page size 0", set(20, 0), ErrCorrupt, "page size 0"},
		{"page size 2^31", set(20, 1<<31), ErrCorrupt, "page size"},
		{"page size not real", set(20, 512), ErrCorrupt, "1024 bytes apart"},
		{"hash 1.86", append([]byte{0, 6, 0x15, 0x61, 0, 0, 0, 3}, make([]byte, 1000)...), ErrUnsupported, "1.86"},
	} {
		_, err := NewReader(bytes.NewReader(c.b), int64(len(c.b)), Options{})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	damaged := addSeeds(f)
	f.Fuzz(func(t *testing.T, which byte, damage []byte) {
		opts := Options{MaxItem: 1 << 20, Problem: func(error) {}}
		if _, err := readCounted(damaged(which, damage), opts); errors.Is(err, errTooMuch) {
			t.Fatal(err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	damaged := addSeeds(f)
	f.Fuzz(func(t *testing.T, which byte, damage []byte) {
		b := damaged(which, damage)
		rep, err := Verify(context.Background(), counted(b), int64(len(b)), VerifyOptions{})
		if errors.Is(err, errTooMuch) {
			t.Fatal(err)
		}
		if err != nil || rep.Faults > 0 {
			return
		}
		// What has no faults is read without a problem.
		_, err = readCounted(b, Options{Strict: true})
		if err != nil {
			t.Fatalf("no fault, but reading: %v", err)
		}
	})
}

func FuzzSalvage(f *testing.F) {
	damaged := addSeeds(f)
	f.Fuzz(func(t *testing.T, which byte, damage []byte) {
		b := damaged(which, damage)
		_, err := Salvage(context.Background(), counted(b), int64(len(b)), SalvageOptions{Aggressive: true, MaxItem: 1 << 20}, func(k, v []byte) error { return nil })
		if errors.Is(err, errTooMuch) {
			t.Fatal(err)
		}
	})
}

// addSeeds adds the small fixtures, and heaps large enough for records in
// pieces, and returns what makes a damaged copy of one of them.
func addSeeds(f *testing.F) func(which byte, damage []byte) []byte {
	names, files := fixtureFiles(f)
	var samples [][]byte
	for _, name := range names {
		if len(files[name]) <= 8192 || strings.Contains(name, "/heap-") && len(files[name]) < 32768 {
			f.Add(byte(len(samples)), []byte{})
			samples = append(samples, files[name])
		}
	}
	return func(which byte, damage []byte) []byte {
		return edits.Apply(samples[int(which)%len(samples)], damage)
	}
}

// Every kind of chain bent back onto itself, or onto the first page of its
// kind.
func TestCycles(t *testing.T) {
	names, files := fixtureFiles(t)
	for _, name := range names {
		kind := name[strings.Index(name, "/")+1:]
		if strings.HasPrefix(name, "1.85/hash") || !strings.Contains(kind, "-del-") && !strings.Contains(kind, "dup") && !strings.Contains(kind, "overflow") && !strings.Contains(kind, "recno") {
			continue
		}
		b := bytes.Clone(files[name])
		m, _, err := readMeta(bytes.NewReader(b), int64(len(b)), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		link := 16
		if m.Legacy185 {
			link = 8
		}
		first, last := map[byte]int{}, map[byte]int{}
		for no := 1; no < int(m.Pages); no++ {
			typ := b[no*m.PageSize+25]
			if m.Legacy185 {
				typ = byte(m.ByteOrder.Uint32(b[no*m.PageSize+12:]))
			}
			if m.ByteOrder.Uint32(b[no*m.PageSize+link:]) == 0 {
				continue
			}
			if first[typ] == 0 {
				first[typ] = no
			}
			last[typ] = no
		}
		for typ, from := range last {
			if typ == pageIBtree && !m.Legacy185 || m.Legacy185 && typ == p185Internal {
				continue // links of internal pages mean nothing
			}
			at := b[from*m.PageSize+link:]
			old := m.ByteOrder.Uint32(at)
			for _, to := range []int{from, first[typ], 1} {
				if uint32(to) == old {
					continue
				}
				m.ByteOrder.PutUint32(at, uint32(to))
				tr := try(t, fmt.Sprintf("%s: page %d of type %d links to page %d", name, from, typ, to), b)
				if !tr.noticed() {
					t.Errorf("%s: page %d of type %d links to page %d: not noticed", name, from, typ, to)
				}
			}
			m.ByteOrder.PutUint32(at, old)
		}
	}
}
