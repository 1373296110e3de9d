package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/dbconv"
	"imsconv/dbconv/bdb"
)

// peerQueue is a queue of n records that the peer's db_load makes.
func peerQueue(t *testing.T, n int, settings ...string) []byte {
	t.Helper()
	var text strings.Builder
	text.WriteString("VERSION=3\nformat=print\ntype=queue\nre_len=7\nre_pad=0x30\ndb_pagesize=512\nHEADER=END\n")
	for i := range n {
		fmt.Fprintf(&text, " r%d\n", i)
	}
	text.WriteString("DATA=END\n")
	path := filepath.Join(t.TempDir(), "queue.db")
	cmd := peer.Command(t, peer.Need(t, "db5.3_load"), append(settings, path)...)
	cmd.Stdin = strings.NewReader(text.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A queue is printed as the peer prints it, checked, converted and salvaged.
func TestQueuesOfThePeer(t *testing.T) {
	tool := peer.Need(t, "db5.3_dump")
	for _, settings := range [][]string{nil, {"-c", "db_lorder=4321"}, {"-c", "chksum=1"}} {
		b := peerQueue(t, 300, settings...)
		want, _, ok := runPeer(t, tool, b, "-p")
		var got bytes.Buffer
		if _, err := dbconv.Dump(context.Background(), &got, bytes.NewReader(b), dbconv.DumpOptions{Print: true}); err != nil {
			t.Fatal(err)
		}
		if !ok || got.String() != want {
			t.Errorf("%q: %.300s\nwant: %.300s", settings, got.String(), want)
		}
		if n := countFaults(b, false); n > 0 {
			t.Errorf("%q: %d faults", settings, n)
		}
		var dst memory
		rep, err := dbconv.Convert(context.Background(), &dst, bytes.NewReader(b), dbconv.ConvertOptions{Output: dbconv.Output{TempDir: t.TempDir()}})
		if err != nil || rep.Records != 300 || countFaults(dst.b, false) > 0 {
			t.Errorf("%q: converted: %d records, %v", settings, rep.Records, err)
		}
		saved, err := bdb.Salvage(context.Background(), bytes.NewReader(b), int64(len(b)), bdb.SalvageOptions{}, func(_, _ []byte) error { return nil })
		if err != nil || saved.Records != 300 || saved.Lost > 0 {
			t.Errorf("%q: salvaged: %d records, %d lost, %v", settings, saved.Records, saved.Lost, err)
		}
	}
}

// Whatever is wrong with a queue, no walk is without end, and reading and
// checking agree on whether records are missing.
func TestDamagedQueues(t *testing.T) {
	whole := peerQueue(t, 300)
	rnd := rand.New(rand.NewSource(4))
	for round := range 3000 {
		b := bytes.Clone(whole)
		switch round % 3 {
		case 0:
			b[rnd.Intn(len(b))] ^= 1 << rnd.Intn(8)
		case 1:
			at := rnd.Intn(len(b)) / 512 * 512
			b[at+rnd.Intn(100)] = byte(rnd.Intn(256))
		case 2:
			page := 512 * (1 + rnd.Intn(len(b)/512-1))
			clear(b[page : page+512])
		}
		problems := 0
		r, err := bdb.NewReader(bytes.NewReader(b), int64(len(b)), bdb.Options{Problem: func(err error) {
			var e *bdb.Error
			if errors.As(err, &e) && e.Severity() > 1 {
				problems++
			}
		}})
		if err != nil {
			continue
		}
		records := 0
		for range r.Cursor().All() {
			records++
		}
		rep, err := bdb.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), bdb.VerifyOptions{})
		if err != nil || (problems > 0) != (rep.Missing > 0) {
			t.Errorf("round %d: %d problems, %d faults that lose, %v", round, problems, rep.Missing, err)
		}
		if records > 300 {
			t.Errorf("round %d: %d records", round, records)
		}
		if round%3 == 2 && problems == 0 {
			t.Errorf("round %d: a page of zeros, %d records, and no word", round, records)
		}
	}
}

// A page behind the last record that is none of a queue may hold records, and
// one whose own number or checksum is wrong is a fault: the peer finds both.
func TestPagesOutsideOfQueue(t *testing.T) {
	for _, settings := range [][]string{nil, {"-c", "db_lorder=4321"}, {"-c", "chksum=1"}} {
		b := peerQueue(t, 300, settings...)
		last := bytes.Clone(b[len(b)-512:])
		for _, tt := range []struct {
			name   string
			damage func(page []byte)
			want   string
		}{
			{"type", func(page []byte) { page[25] = 39 }, "page of type 39 in a queue"},
			{"number", func(page []byte) { page[9] ^= 0x40 }, "page says it is page "},
		} {
			page := bytes.Clone(last)
			tt.damage(page)
			damaged := append(bytes.Clone(b), page...)
			found := ""
			rep, err := bdb.Verify(context.Background(), bytes.NewReader(damaged), int64(len(damaged)), bdb.VerifyOptions{Fault: func(e *bdb.Error) {
				if e.Page == int64(len(b))/512 {
					found = e.Text
				}
			}})
			if err != nil || rep.Missing == 0 || !strings.HasPrefix(found, tt.want) {
				t.Errorf("%q %s: %d faults that lose, %v: %q", settings, tt.name, rep.Missing, err, found)
			}
			saved, err := bdb.Salvage(context.Background(), bytes.NewReader(damaged), int64(len(damaged)), bdb.SalvageOptions{}, func(_, _ []byte) error { return nil })
			if err != nil || saved.Records != 300 || saved.Lost != 1 {
				t.Errorf("%q %s: salvaged: %d records, %d lost, %v", settings, tt.name, saved.Records, saved.Lost, err)
			}
		}
	}
}

// What costs no record and is no state of a queue or heap is a fault, as the
// peer's db_verify has it, and no loss.
func TestFaultsThatCostNothing(t *testing.T) {
	tool := peer.Need(t, "db5.3_verify")
	heap := filepath.Join(t.TempDir(), "heap.db")
	load := peer.Command(t, peer.Need(t, "db5.3_load"), heap)
	load.Stdin = strings.NewReader(heapText(100))
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	heapBytes, err := os.ReadFile(heap)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		b    []byte
		at   int
		page int64
		want string
	}{
		{peerQueue(t, 300), 28, 0, "leads to page 77, the file has "},
		{heapBytes, 28, 0, "leads to page 77, the file has "},
		{heapBytes, 2*512 + 24, 2, "heap page of level 77"},
	} {
		tt.b = bytes.Clone(tt.b)
		tt.b[tt.at] = 77
		var found []string
		rep, err := bdb.Verify(context.Background(), bytes.NewReader(tt.b), int64(len(tt.b)), bdb.VerifyOptions{Fault: func(e *bdb.Error) {
			found = append(found, fmt.Sprintf("%d %s", e.Page, e.Text))
		}})
		if err != nil || rep.Missing > 0 || len(found) != 1 || !strings.HasPrefix(found[0], fmt.Sprintf("%d %s", tt.page, tt.want)) {
			t.Errorf("%s: %d faults that lose, %v: %q", tt.want, rep.Missing, err, found)
		}
		if _, status, ok := runPeer(t, tool, tt.b); ok && status == 0 {
			t.Errorf("%s: the peer lets it pass", tt.want)
		}
	}
}

// Flags that no release writes may hide a record: all that read the queue tell
// of it, as the peer's db_verify does.
func TestQueueFlags(t *testing.T) {
	verify := peer.Need(t, "db5.3_verify")
	whole := peerQueue(t, 300)
	at := bytes.Index(whole, []byte("r100")) - 1
	if at < 0 || whole[at] != 3 {
		t.Fatalf("flags of a record at %d", at)
	}
	for _, tt := range []struct {
		flags byte
		kept  int
		told  bool
	}{{3, 300, false}, {1, 300, false}, {2, 299, false}, {0, 299, false}, {0xe0, 299, true}, {0xe3, 300, true}, {4, 299, true}} {
		b := bytes.Clone(whole)
		b[at] = tt.flags
		path := filepath.Join(t.TempDir(), "queue.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := peer.Command(t, verify, path).Run(); (err != nil) != tt.told {
			t.Errorf("flags %#x: the peer: %v", tt.flags, err)
		}
		problems, gaps := 0, 0
		r, err := bdb.NewReader(bytes.NewReader(b), int64(len(b)), bdb.Options{Problem: func(err error) {
			if e, ok := err.(*bdb.Error); ok && e.Tolerated {
				gaps++
				return
			}
			problems++
		}})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range r.Cursor().All() {
			n++
		}
		if n != tt.kept || (problems > 0) != tt.told || (gaps > 0) != (tt.flags == 0) {
			t.Errorf("flags %#x: %d records, %d problems, %d gaps", tt.flags, n, problems, gaps)
		}
		if rep, err := bdb.Verify(context.Background(), bytes.NewReader(b), int64(len(b)), bdb.VerifyOptions{}); err != nil || (rep.Missing > 0) != tt.told {
			t.Errorf("flags %#x: verify: %d missing, %v", tt.flags, rep.Missing, err)
		}
		for _, aggressive := range []bool{false, true} {
			saved, err := bdb.Salvage(context.Background(), bytes.NewReader(b), int64(len(b)), bdb.SalvageOptions{Aggressive: aggressive}, func(_, _ []byte) error { return nil })
			want := tt.kept
			if aggressive && tt.told {
				want = 300
			}
			if err != nil || (saved.Lost > 0) != tt.told || saved.Records != int64(want) {
				t.Errorf("flags %#x: salvage: %d records, %d lost, %v", tt.flags, saved.Records, saved.Lost, err)
			}
		}
	}
}

// Zeros over a part of a page look like numbers that a program passed over: no
// loss for certain, and none without a word.
func TestQueueGaps(t *testing.T) {
	b := peerQueue(t, 300)
	clear(b[512*3+256 : 512*4])
	path := filepath.Join(t.TempDir(), "queue.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.db")
	for _, args := range [][]string{{"dump", path}, {"convert", path, out}, {"verify", path}, {"salvage", "--force", path, out}} {
		status, _, talk := run(t, "", args...)
		if status != 0 || !strings.Contains(talk, "page 3") || !strings.Contains(talk, "were never written, or are lost") {
			t.Errorf("%q: status %d\n%s", args, status, talk)
		}
	}
	b = peerQueue(t, 300)
	b[512*3+28] = 0 // the flags of its first record
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := run(t, "", "dump", path); status != 0 || !strings.Contains(talk, "record 121, between the first and the last, was never written, or is lost") {
		t.Errorf("status %d\n%s", status, talk)
	}
}

// stat prints of a queue what db_stat prints, where records are gone too.
func TestStatOfQueues(t *testing.T) {
	in := filepath.Join(t.TempDir(), "queue.db")
	for _, n := range []int{0, 60, 61, 300} {
		for _, settings := range [][]string{nil, {"-c", "chksum=1"}} {
			b := peerQueue(t, n, settings...)
			header := 28
			if settings != nil {
				header = 48
			}
			if n == 300 && settings == nil { // 90 are taken
				b[72] = 91
				for i := range 90 {
					b[512*(1+i/60)+header+i%60*8] = 2
				}
			}
			if err := os.WriteFile(in, b, 0o600); err != nil {
				t.Fatal(err)
			}
			ours := must(t, "", "stat", in)
			_, theirs, _ := strings.Cut(tool(t, "", "db5.3_stat", "-d", in), "\n")
			if ours != theirs {
				t.Errorf("%d %q: %s\nwant: %s", n, settings, ours, theirs)
			}
		}
	}
}

// Where the metadata names other ends than a queue has, its records are told
// of, and salvage takes them.
func TestQueueEnds(t *testing.T) {
	whole := peerQueue(t, 300)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "queue.db"), filepath.Join(dir, "out.db")
	for _, ends := range [][2]byte{{1, 100}, {90, 100}, {200, 10}} {
		b := bytes.Clone(whole)
		copy(b[72:], []byte{ends[0], 0, 0, 0, ends[1], 0, 0, 0})
		if err := os.WriteFile(in, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"dump", "verify"} {
			if status, _, talk := run(t, "", verb, in); status != 3 {
				t.Errorf("%d: %s: status %d\n%s", ends, verb, status, talk)
			}
		}
		status, text, talk := run(t, "", "salvage", "--format", "db_dump", "-p", in, "-")
		if status != 3 || strings.Count(text, "\n r") != 300 {
			t.Errorf("%d: salvage: status %d, %d records\n%s", ends, status, strings.Count(text, "\n r"), talk)
		}
		if status, _, talk := run(t, "", "salvage", "--force", in, out); status != 3 || !strings.Contains(talk, "records 300") {
			t.Errorf("%d: salvage: status %d\n%s", ends, status, talk)
		}
	}
	b := bytes.Clone(whole)
	clear(b[:64])
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := run(t, "", "salvage", "--force", in, out); status != 1 || !strings.Contains(talk, "queue") {
		t.Errorf("without metadata: status %d\n%s", status, talk)
	}
}

// A leaf that links to a page that the file does not have promises records that
// are nowhere.
func TestLinkBehindTheFile(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.db"), filepath.Join(dir, "out.db")
	tool(t, "k\nv\n", "db5.3_load", "-T", "-t", "btree", "-c", "db_pagesize=512", "-c", "db_lorder=1234", in)
	b, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []int{512 + 12, 512 + 16} { // the leaf before, the next
		bad := bytes.Clone(b)
		bad[link] = 77
		if err := os.WriteFile(in, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"dump", in}, {"verify", in}, {"salvage", "--force", in, out}} {
			if status, _, talk := run(t, "", args...); status != 3 || !strings.Contains(talk, "page 77") {
				t.Errorf("%q: status %d\n%s", args, status, talk)
			}
		}
	}
}
