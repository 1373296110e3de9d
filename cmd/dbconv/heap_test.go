package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// heapText is the text of a heap of n records, every seventh longer than a
// page.
func heapText(n int) string {
	var b strings.Builder
	b.WriteString("VERSION=3\nformat=print\ntype=heap\nheap_regionsize=5\ndb_pagesize=512\nHEADER=END\n")
	for i := range n {
		long := 0
		if i%7 == 3 {
			long = 300 * (1 + i%5)
		}
		fmt.Fprintf(&b, " r%d%s\n", i, strings.Repeat("x", long+i%40))
	}
	b.WriteString("DATA=END\n")
	return b.String()
}

// A heap is printed, counted and checked as the real tools do it.
func TestHeapsOfThePeer(t *testing.T) {
	for _, settings := range [][]string{nil, {"-c", "db_lorder=4321"}, {"-c", "chksum=1"}, {"-c", "db_pagesize=4096", "-c", "heap_regionsize=1"}} {
		in := filepath.Join(t.TempDir(), "heap.db")
		tool(t, heapText(300), "db5.3_load", append(settings, in)...)
		tool(t, "", "db5.3_verify", in)
		for _, args := range [][]string{nil, {"-p"}, {"-k"}} {
			if ours, theirs := must(t, "", append(append([]string{"dump"}, args...), in)...), tool(t, "", "db5.3_dump", append(args, in)...); ours != theirs {
				t.Errorf("%q %q: %.300s\nwant: %.300s", settings, args, ours, theirs)
			}
		}
		_, theirs, _ := strings.Cut(tool(t, "", "db5.3_stat", "-d", in), "\n") // the first line is the time
		if ours := must(t, "", "stat", in); ours != theirs {
			t.Errorf("%q: %s\nwant: %s", settings, ours, theirs)
		}
		must(t, "", "verify", in)
		for _, kind := range []string{"recno", "btree"} {
			out := filepath.Join(t.TempDir(), "out.db")
			must(t, "", "convert", "-t", kind, in, out)
			tool(t, "", "db5.3_verify", out)
			var values strings.Builder
			n := 0
			for line := range strings.Lines(records(tool(t, "", "db5.3_dump", "-p", out))) {
				if n++; kind == "recno" || n%2 == 0 || line == "DATA=END\n" {
					values.WriteString(line)
				}
			}
			if values.String() != records(tool(t, "", "db5.3_dump", "-p", in)) {
				t.Errorf("%q as %s: the records differ", settings, kind)
			}
		}
	}
}

// A heap that has lost a page ends with 3 for all that read it, and the page is
// named.
func TestHeapWithALostPage(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "heap.db"), filepath.Join(dir, "out.db")
	tool(t, heapText(300), "db5.3_load", in)
	b, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	clear(b[512*9 : 512*10])
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"dump", in}, {"convert", in, out}, {"salvage", "--force", in, out}, {"verify", in}, {"stat", in}} {
		status, _, talk := run(t, "", args...)
		if status != 3 || args[0] != "stat" && !strings.Contains(talk, "page 9") {
			t.Errorf("%q: status %d\n%s", args, status, talk)
		}
	}
	if status, _, talk := run(t, "", "convert", "--strict", "--force", in, out); status != 1 || !strings.Contains(talk, "page 9") {
		t.Errorf("strict: status %d\n%s", status, talk)
	}
}

// What convert makes of a heap is a choice for heaps only.
func TestConvertType(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.db"), filepath.Join(dir, "out.db")
	tool(t, "k\nv\n", "db5.3_load", "-T", "-t", "btree", in)
	if status, _, talk := run(t, "", "convert", "-t", "hash", in, out); status != 2 {
		t.Errorf("status %d\n%s", status, talk)
	}
	if status, _, talk := run(t, "", "convert", "-t", "btree", in, out); status != 1 || !strings.Contains(talk, "-t btree is for a heap") {
		t.Errorf("status %d\n%s", status, talk)
	}
}
