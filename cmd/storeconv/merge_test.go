package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/testsite"
)

// makeParts runs the command once for each of n parts, each into a store of its
// own below dir, and returns them. line has no --store.
func makeParts(t *testing.T, dir string, n int, exit int, line ...string) []string {
	t.Helper()
	var parts []string
	for i := 1; i <= n; i++ {
		part := filepath.Join(dir, fmt.Sprintf("part%d", i))
		mustRun(t, exit, append(slices.Clip(line), "--store", part, "--shard", fmt.Sprintf("%d/%d", i, n), "--quiet")...)
		parts = append(parts, part)
	}
	return parts
}

// TestMerge: parts of a restore that are merged are the store of one run: byte
// for byte, the four databases among it. Where users of two parts share
// messages, all but what the links are is.
func TestMerge(t *testing.T) {
	for _, links := range []int{-1, 30} {
		dir := scratch(t)
		opts := testsite.StreamOptions{Seed: 31, Users: 24, Mailboxes: 4, Messages: 700, Links: links, Odd: true}
		stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), opts)
		one := filepath.Join(dir, "one")
		mustRun(t, 0, "restore", "-f", stream, "--store", one, "--quiet")
		whole := readTree(t, one)
		for _, n := range []int{1, 3, 8} {
			for _, via := range []string{"hardlink", "copy"} {
				t.Run(fmt.Sprintf("links %d, %d parts, %s", links, n, via), func(t *testing.T) {
					tmp := scratch(t)
					parts := makeParts(t, tmp, n, 0, "restore", "-f", stream)
					before := treesOf(t, parts)
					store := filepath.Join(tmp, "store")
					mustRun(t, 0, append([]string{"merge", "--store", store, "--via", via}, parts...)...)
					sameSources(t, parts, before, via)
					for _, p := range parts {
						if err := os.RemoveAll(p); err != nil {
							t.Fatal(err)
						}
					}
					got := readTree(t, store)
					if links > 0 && n > 1 {
						sameButLinks(t, got, whole)
					} else {
						diffTrees(t, "merged", got, whole, true)
					}
					sameDates(t, store, one)
					mustRun(t, 0, "verify", "--store", store, "-f", stream)
				})
			}
		}
	}
}

// treesOf reads the stores of parts.
func treesOf(t *testing.T, parts []string) []tree {
	t.Helper()
	var all []tree
	for _, p := range parts {
		all = append(all, readAll(t, p))
	}
	return all
}

// sameSources holds the parts against what they were. Hard links to their files
// show in the number of names and nowhere else.
func sameSources(t *testing.T, parts []string, before []tree, via string) {
	t.Helper()
	for i, p := range parts {
		diffTrees(t, "source "+p, readAll(t, p), before[i], via != "hardlink")
	}
}

// sameButLinks compares stores in which copies stand for links: their dates are
// those of their own receipt.
func sameButLinks(t *testing.T, got, want tree) {
	t.Helper()
	for _, tr := range []tree{got, want} {
		for name, n := range tr {
			n.mtime = 0
			tr[name] = n
		}
	}
	diffTrees(t, "merged", got, want, false)
}

// sameDates compares the dates of the four databases.
func sameDates(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
		x, err1 := os.Stat(filepath.Join(a, "mboxlist", name))
		y, err2 := os.Stat(filepath.Join(b, "mboxlist", name))
		if err1 != nil || err2 != nil || !x.ModTime().Equal(y.ModTime()) {
			t.Errorf("%s: %v %v", name, err1, err2)
		}
	}
}

// TestMergeUnreadable: what could not be read of a part is told and left out,
// and the next run brings it, unless it would lose what cannot be read then.
func TestMergeUnreadable(t *testing.T) {
	const nobody = 65534
	base, err := os.MkdirTemp("", "merge-unreadable-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	stream, _ := writeStream(t, filepath.Join(base, "site.sims"), testsite.StreamOptions{Seed: 33, Users: 1, Mailboxes: 3, Messages: 300, Links: -1})
	parts := makeParts(t, base, 1, 0, "restore", "-f", stream)
	whole := readTree(t, parts[0])
	var dirs []string // of messages, in different folders
	for name := range whole {
		if filepath.Base(name) == "00" && len(dirs) < 2 {
			dirs = append(dirs, name)
		}
	}
	if len(dirs) < 2 {
		t.Fatal("one folder is not enough")
	}
	slices.Sort(dirs)
	a, b := dirs[0], dirs[1]
	store := filepath.Join(base, "store")
	args := []string{"merge", "--store", store, "--via", "copy", parts[0]}
	for i, run := range []struct {
		closed     []string
		exit       int
		told       []string
		counted    string
		has, lacks string
	}{
		{[]string{a}, 3, []string{a + ": open: permission denied"}, "placed 1", b, a},
		{[]string{b}, 3, []string{b + ": open: permission denied", "the store has the tree of user "}, "already there 1", b, a},
		{nil, 0, nil, "completed 1", b, ""},
		{[]string{b}, 3, []string{b + ": open: permission denied"}, "already there 1", b, ""},
	} {
		for _, dir := range run.closed {
			if err := os.Chmod(filepath.Join(parts[0], dir), 0); err != nil {
				t.Fatal(err)
			}
		}
		cmd := program(t, args...)
		if os.Geteuid() == 0 {
			cmd = asNobody(t, base, cmd.Path, nobody, args)
		}
		out, _ := cmd.CombinedOutput()
		for _, dir := range run.closed {
			if err := os.Chmod(filepath.Join(parts[0], dir), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if code := cmd.ProcessState.ExitCode(); code != run.exit || strings.Count(string(out), "storeconv: problem: ") != len(run.told) || !strings.Contains(string(out), run.counted) {
			t.Errorf("run %d: exit status %d, want %d, %q and %q\n%s", i, code, run.exit, run.counted, run.told, out)
		}
		for _, line := range run.told {
			if !strings.Contains(string(out), line) {
				t.Errorf("run %d: no line %q in\n%s", i, line, out)
			}
		}
		got := readTree(t, store)
		if _, ok := got[run.has]; !ok {
			t.Errorf("run %d: %s is not there", i, run.has)
		}
		if _, ok := got[run.lacks]; ok {
			t.Errorf("run %d: %s is there", i, run.lacks)
		}
		if run.lacks == "" {
			diffTrees(t, fmt.Sprintf("run %d", i), got, whole, true)
		}
	}
}

// TestMergeInPlace: parts that were made in one store need their records
// checked and joined, no more.
func TestMergeInPlace(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 32, Users: 30, Messages: 500, Links: -1})
	one, store := filepath.Join(dir, "one"), filepath.Join(dir, "store")
	mustRun(t, 0, "restore", "-f", stream, "--store", one, "--quiet")
	var runs [][]string
	for i := 1; i <= 4; i++ {
		runs = append(runs, []string{"restore", "-f", stream, "--store", store, "--shard", fmt.Sprintf("%d/4", i)})
	}
	runTogether(t, runs)
	if o := run(t, nil, "merge", "--store", store, "--dry-run"); o.exit != 0 || !strings.Contains(o.stderr, "shards 4") {
		t.Fatalf("exit status %d\n%s", o.exit, o.stderr)
	}
	mustRun(t, 0, "merge", "--store", store)
	diffTrees(t, "merged", readAll(t, store), readTree(t, one), true)
}

// TestMergeRelocated: parts of a relocation that are merged are the store of
// one run, whatever the form of the databases.
func TestMergeRelocated(t *testing.T) {
	for _, c := range []struct {
		name string
		opts testsite.NMSOptions
		args []string
	}{
		{"links", testsite.NMSOptions{Seed: 3, Users: 30, Mailboxes: 3, Links: 30}, []string{"--via", "hardlink"}},
		{"little-endian, small pages", testsite.NMSOptions{Seed: 4, Users: 20, Links: -1}, []string{"--via", "copy", "--byte-order", "little", "--page-size", "1K"}},
		{"version 9, opaque records", testsite.NMSOptions{Seed: 5, Users: 20, Links: -1, Opaque: true}, []string{"--via", "copy", "--bdb", "9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := scratch(t)
			from, one := filepath.Join(dir, "nms"), filepath.Join(dir, "one")
			if _, err := testsite.WriteNMS(from, c.opts); err != nil {
				t.Fatal(err)
			}
			line := append([]string{"relocate", "--from", from}, c.args...)
			mustRun(t, 0, append(line, "--store", one, "--quiet")...)
			for _, n := range []int{1, 3} {
				tmp := filepath.Join(dir, fmt.Sprint(n))
				if err := os.Mkdir(tmp, 0o700); err != nil {
					t.Fatal(err)
				}
				parts := makeParts(t, tmp, n, 0, line...)
				before := treesOf(t, parts)
				store := filepath.Join(tmp, "store")
				mustRun(t, 0, append([]string{"merge", "--store", store}, parts...)...)
				sameSources(t, parts, before, "hardlink")
				for _, p := range parts {
					if err := os.RemoveAll(p); err != nil {
						t.Fatal(err)
					}
				}
				got, want := readTree(t, store), readTree(t, one)
				for _, tr := range []tree{got, want} {
					for name, node := range tr { // the source and other merges have the files too
						node.links = 0
						tr[name] = node
					}
				}
				diffTrees(t, "merged", got, want, true)
				mustRun(t, 0, "verify", "--store", store, "--from", from)
			}
		})
	}
}
