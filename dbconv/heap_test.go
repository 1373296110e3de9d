package dbconv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imsconv/dbconv/bdb/fixtures"
)

// heaps returns the heaps of the fixtures, and what is in them.
func heaps(t testing.TB) (names []string, files map[string][]byte) {
	t.Helper()
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if strings.Contains(name, "/heap-") && strings.HasSuffix(name, ".db") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) < 9 {
		t.Fatalf("only %d heaps", len(names))
	}
	return names, files
}

// A heap is printed without addresses, as db_dump does.
func TestDumpOfHeaps(t *testing.T) {
	names, files := heaps(t)
	for _, name := range names {
		var want strings.Builder
		n := 0
		for line := range strings.Lines(data(string(files[strings.TrimSuffix(name, ".db")+".dump"]))) {
			if n++; n%2 == 0 || line == "DATA=END\n" {
				want.WriteString(line)
			}
		}
		for _, keys := range []bool{false, true} {
			if got := data(dump(t, files[name], DumpOptions{Print: true, Keys: keys})); got != want.String() {
				t.Errorf("%s: the records differ: %.200q, want %.200q", name, got, want.String())
			}
		}
	}
}

// A heap becomes a recno, its records numbered in their order, or a btree of
// their addresses; its text is loaded as a recno only.
func TestConvertHeaps(t *testing.T) {
	names, files := heaps(t)
	all := forms()
	for i, name := range names {
		want, _ := records(t, files[name])
		numbers := slices.Clone(want)
		for j := range numbers {
			numbers[j].key = strconv.Itoa(j + 1)
		}
		for _, addresses := range []bool{false, true} {
			dst, log := &memFile{}, &recorder{}
			opts := ConvertOptions{Common: Common{Log: log}, Output: all[(i*7+3)%len(all)], HeapKeys: addresses}
			rep, err := Convert(context.Background(), dst, bytes.NewReader(files[name]), opts)
			if err != nil || len(log.problems) > 0 {
				t.Fatal(name, err, log.problems)
			}
			expect := numbers
			if addresses {
				expect = want
			}
			if got, _ := records(t, dst.b); !slices.Equal(got, expect) || rep.Records != int64(len(want)) {
				t.Errorf("%s: %d records read back, want %d", name, len(got), len(want))
			}
		}
		text := dump(t, files[name], DumpOptions{Print: i%2 == 0, Keys: i%3 == 0})
		dst := &memFile{}
		if _, err := Load(context.Background(), dst, strings.NewReader(text), LoadOptions{Type: "recno", Output: Output{TempDir: t.TempDir()}}); err != nil {
			t.Fatal(name, err)
		}
		if got, _ := records(t, dst.b); !slices.Equal(got, numbers) {
			t.Errorf("%s: %d records loaded, want %d", name, len(got), len(want))
		}
		for _, kind := range []string{"", "btree"} {
			if _, err := Load(context.Background(), &memFile{}, strings.NewReader(text), LoadOptions{Type: kind}); err == nil || !strings.Contains(err.Error(), "type heap") {
				t.Errorf("%s: loaded as %q: %v", name, kind, err)
			}
		}
	}
}

// Addresses are wanted of heaps only, and a heap is no mailbox list.
func TestNoHeap(t *testing.T) {
	names, files := heaps(t)
	_, others := readable(t)
	btree := others["5.3.28/bt-le-small.db"]
	if _, err := Convert(context.Background(), &memFile{}, bytes.NewReader(btree), ConvertOptions{HeapKeys: true}); !errors.Is(err, ErrNoHeap) {
		t.Errorf("addresses of a btree: %v", err)
	}
	if _, err := Folder(context.Background(), &memFile{}, bytes.NewReader(files[names[0]]), ListOptions{}); !errors.Is(err, ErrSubdatabases) {
		t.Errorf("a heap as a mailbox list: %v", err)
	}
}

// What is left of a heap is found without its metadata.
func TestSalvageHeaps(t *testing.T) {
	names, files := heaps(t)
	for _, name := range names {
		want, meta := records(t, files[name])
		if len(want) == 0 || strings.Contains(name, "abort") {
			continue // without metadata nothing says that pages of zeros may be
		}
		b := bytes.Clone(files[name])
		clear(b[:100])
		dst, log := &memFile{}, &recorder{}
		rep, err := Salvage(context.Background(), dst, bytes.NewReader(b), SalvageOptions{Common: Common{Log: log}})
		if err != nil || !rep.Guessed || rep.Meta.ByteOrder != meta.ByteOrder || rep.Meta.Checksum != meta.Checksum {
			t.Fatal(name, err, rep.Meta)
		}
		if rep.Lost != 1 {
			t.Errorf("%s: %d lost: %.5q", name, rep.Lost, log.problems)
		}
		got, _ := records(t, dst.b)
		for i := range got {
			if i >= len(want) || got[i].value != want[i].value {
				t.Fatalf("%s: record %d differs", name, i)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d records, want %d", name, len(got), len(want))
		}
	}
}

// The lengths, the order and the limit of a heap stand in its text.
func TestHeapHeader(t *testing.T) {
	_, files := heaps(t)
	text := dump(t, files["5.3.28/heap-le-fixed.db"], DumpOptions{})
	want := "type=heap\nheap_bytes=20480\nheap_regionsize=4\ndb_pagesize=512\nHEADER=END\n"
	if !strings.Contains(text, want) {
		t.Errorf("%.200q", text)
	}
	b := bytes.Clone(files["5.3.28/heap-le-fixed.db"])
	binary.LittleEndian.PutUint32(b[80:], 3)
	if text := dump(t, b, DumpOptions{}); !strings.Contains(text, "type=heap\nheap_gbytes=3\nheap_bytes=20480\n") {
		t.Errorf("%.200q", text)
	}
}
