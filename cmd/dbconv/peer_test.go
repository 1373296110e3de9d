package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/dbconv/bdb/fixtures"
)

// run runs the command in this process.
func run(t testing.TB, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	status = cli.Main(context.Background(), command(), append([]string{"dbconv"}, args...), strings.NewReader(stdin), &out, &talk)
	return status, out.String(), talk.String()
}

// must runs the command, which must end with status 0.
func must(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	status, out, talk := run(t, stdin, args...)
	if status != 0 {
		t.Fatalf("dbconv %s: status %d\n%s", strings.Join(args, " "), status, talk)
	}
	return out
}

// tool runs a real program.
func tool(t testing.TB, stdin, name string, args ...string) string {
	t.Helper()
	cmd := peer.Command(t, peer.Need(t, name), args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, talk.String())
	}
	return out.String()
}

// samples gives the fixtures whose name holds one of the parts, each in a file
// of its own, since the real tools write to what they read.
func samples(t testing.TB, parts ...string) map[string]string {
	t.Helper()
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	paths := make(map[string]string)
	for name, data := range files {
		if !strings.HasSuffix(name, ".db") || len(files[name]) == 0 || strings.Contains(name, "encrypt") || strings.HasPrefix(name, "unclosed") {
			continue
		}
		if !slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(name, p) }) {
			continue
		}
		path := filepath.Join(t.TempDir(), strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		paths[name] = path
	}
	if len(paths) == 0 {
		t.Fatalf("no fixture like %q", parts)
	}
	return paths
}

// records is the part of a dump that is not header, and the names of databases.
func records(dump string) string {
	var b strings.Builder
	header := true
	for line := range strings.Lines(dump) {
		if !header || strings.HasPrefix(line, "database=") {
			b.WriteString(line)
		}
		if line == "HEADER=END\n" || line == "DATA=END\n" {
			header = !header
		}
	}
	return b.String()
}

var full = os.Getenv("IMSCONV_FULL") == "1"

// What we write in versions 8 and 9 passes db_verify, and db_dump prints it as
// we do.
func TestRealToolsReadOurs(t *testing.T) {
	names := []string{""}
	if !full {
		names = []string{"2.7.7/bt-be", "ppc/bt-be", "5.3.28/", "1.85/bt-le", "3.0.55/sub", "3.2.9/hash-le-d", "3.2.9/recno"}
	}
	i := 0
	for name, in := range samples(t, names...) {
		forms := [][]string{{"8", "big"}, {"8", "little"}, {"9", "big"}, {"9", "little"}}
		if !full {
			forms = forms[i%4 : i%4+1]
		}
		for _, form := range forms {
			size := []string{"512", "1024", "4096", "8192", "65536"}[i%5]
			i++
			out := filepath.Join(t.TempDir(), "out.db")
			must(t, "", "convert", "--bdb", form[0], "--byte-order", form[1], "--page-size", size, in, out)
			ours := must(t, "", "dump", "-k", out)
			verify := []string{out}
			if strings.Contains(name, "revcmp") {
				verify = []string{"-o", out}
			}
			label := fmt.Sprintf("%s as version %s, %s-endian, pages of %s", name, form[0], form[1], size)
			if cmd := peer.Command(t, peer.Need(t, "db5.3_verify"), verify...); true {
				if text, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%.2000s", label, err, text)
					continue
				}
			}
			if theirs := tool(t, "", "db5.3_dump", "-k", out); theirs != ours {
				t.Errorf("%s: db5.3_dump prints %d bytes, dbconv %d", label, len(theirs), len(ours))
			}
		}
	}
}

// We print what db_dump prints, header included, for every file that it reads.
func TestDumpEqualsRealDump(t *testing.T) {
	for name, in := range samples(t, "5.3.28/", "4.1.25/") {
		for _, flags := range [][]string{nil, {"-p"}, {"-k"}, {"-p", "-k"}} {
			ours := must(t, "", append(append([]string{"dump"}, flags...), in)...)
			theirs := tool(t, "", "db5.3_dump", append(flags, in)...)
			if ours != theirs {
				t.Errorf("%s %v: %d bytes, db5.3_dump %d", name, flags, len(ours), len(theirs))
			}
		}
	}
}

// db_load takes our text and we take that of db_dump.
func TestLoadBothWays(t *testing.T) {
	for name, in := range samples(t, "5.3.28/bt", "5.3.28/recno", "2.7.7/bt-be-dup", "2.7.7/bt-be-small", "5.3.28/subdb", "1.85/bt-le-small") {
		if strings.Contains(name, "revcmp") {
			continue // db_load sorts it anew
		}
		var text string
		for part := range strings.SplitAfterSeq(must(t, "", "dump", in), "DATA=END\n") {
			if !strings.Contains(part, "type=hash") { // whose order depends on its number of buckets
				text += part
			}
		}
		theirs := filepath.Join(t.TempDir(), "theirs.db")
		for part := range strings.SplitAfterSeq(text, "DATA=END\n") { // db_load takes a database at a time
			if part != "" {
				tool(t, part, "db5.3_load", theirs)
			}
		}
		if got := must(t, "", "dump", theirs); records(got) != records(text) {
			t.Errorf("%s: what db5.3_load made of our text differs", name)
		}
		ours := filepath.Join(t.TempDir(), "ours.db")
		must(t, tool(t, "", "db5.3_dump", theirs), "load", ours)
		if got := must(t, "", "dump", ours); records(got) != records(text) {
			t.Errorf("%s: what we made of db5.3_dump's text differs", name)
		}
	}
}

// Where db_load's layout follows from the records alone, a root page filled in
// key order, ours is the same byte for byte but for log positions and the
// unique id.
func TestLayoutOfRealLoad(t *testing.T) {
	text := "VERSION=3\nformat=print\ntype=btree\ndb_pagesize=4096\nHEADER=END\n"
	for i := range 60 {
		text += fmt.Sprintf(" key%03d\n %s\n", i, strings.Repeat("v", i%17))
	}
	text += "DATA=END\n"
	dir := t.TempDir()
	tool(t, text, "db5.3_load", dir+"/theirs.db")
	must(t, text, "load", "--byte-order", "little", dir+"/ours.db")
	var files [2][]byte
	for i, name := range []string{"/theirs.db", "/ours.db"} {
		b, err := os.ReadFile(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		clear(b[:8])
		clear(b[52:72])
		clear(b[4096 : 4096+8])
		clear(b[4096+26+2*120 : 4096+4096-60*40]) // free space
		files[i] = b
	}
	if len(files[0]) != len(files[1]) {
		t.Fatalf("%d bytes, db5.3_load %d", len(files[1]), len(files[0]))
	}
	for i := range files[0] {
		if files[0][i] != files[1][i] {
			t.Fatalf("byte %d of page %d is %#x, db5.3_load has %#x", i%4096, i/4096, files[1][i], files[0][i])
		}
	}
}

// Every verb leaves its source as it was.
func TestSourcesUnchanged(t *testing.T) {
	files, err := fixtures.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range samples(t, "small", "dupbig", "subdb", "recno", "curdel") {
		before, err := os.Stat(in)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, args := range [][]string{{"convert", in, dir + "/c.db"}, {"dump", in}, {"folder", in, dir + "/f.db"}, {"quota", in, dir + "/q.db"}, {"mboxlist", in}} {
			run(t, "", args...)
		}
		after, err := os.Stat(in)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(in)
		if err != nil || !bytes.Equal(data, files[name]) || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("%s was changed", name)
		}
	}
}

// The real library goes on with our files: it adds and replaces records, and
// the result is sound and holds what it should.
func TestRealLibraryWritesToOurs(t *testing.T) {
	first, more := make(map[string]string), make(map[string]string)
	for i := range 3000 {
		first[fmt.Sprintf("key%05d", i*2)] = strings.Repeat("a", i%200)
		more[fmt.Sprintf("key%05d", i*3)] = "b" + strings.Repeat("b", i%300*(i%2)*(i%7))
	}
	text := func(header string, records map[string]string) string {
		var b strings.Builder
		b.WriteString("VERSION=3\nformat=print\n" + header + "HEADER=END\n")
		for _, key := range slices.Sorted(maps.Keys(records)) {
			fmt.Fprintf(&b, " %s\n %s\n", key, records[key])
		}
		return b.String() + "DATA=END\n"
	}
	for _, header := range []string{"type=btree\n", "type=btree\nduplicates=1\n", "type=btree\nduplicates=1\ndupsort=1\n", "type=btree\nrecnum=1\n", "type=btree\nchksum=1\n"} {
		for _, form := range [][]string{{"--bdb", "9", "--byte-order", "big"}, {"--bdb", "9", "--byte-order", "little"}, {"--bdb", "8", "--byte-order", "little"}} {
			if form[1] == "8" && strings.Contains(header, "chksum") {
				continue
			}
			path := filepath.Join(t.TempDir(), "x.db")
			must(t, text(header, first), append([]string{"load", "--page-size", "1024", path}, form...)...)
			tool(t, text(header, more), "db5.3_load", path)
			tool(t, "", "db5.3_verify", path)
			must(t, "", "verify", path)
			want := 0
			for key := range more {
				if _, ok := first[key]; !ok || strings.Contains(header, "duplicates") {
					want++
				}
			}
			got := strings.Count(records(must(t, "", "dump", "-p", path)), "\n")/2 - len(first)
			if got != want {
				t.Errorf("%q %v: %d records came, want %d", header, form, got, want)
			}
		}
	}
}
