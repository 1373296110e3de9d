package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/testsite"
)

// TestOrderOfProblems: what each conversion tells of many users comes in the
// same order for any --jobs.
func TestOrderOfProblems(t *testing.T) {
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	stream, _ := writeStream(t, at("site.sims"), testsite.StreamOptions{Seed: 9, Users: 30, Messages: 900, Links: 30, Odd: true})
	store := at("store")
	mustRun(t, 0, "restore", "-f", stream, "--store", store, "--quiet")
	for _, part := range []string{"1", "2"} {
		mustRun(t, 0, "restore", "-f", stream, "--store", at("part"+part), "--shard", part+"/2", "--quiet")
		plant(t, at("part"+part))
	}
	plant(t, store)
	nms := at("nms")
	if _, err := testsite.WriteNMS(nms, testsite.NMSOptions{Seed: 4, Users: 20}); err != nil {
		t.Fatal(err)
	}
	plant(t, nms)
	text, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	for i := 20; i < len(text)/512; i += 40 {
		text[i*512+100] ^= 1
	}
	if err := os.WriteFile(at("bad.sims"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"restore", "-f", at("bad.sims"), "--store"},
		{"relocate", "--from", nms, "--via", "copy", "--store"},
		{"merge", "--via", "copy", at("part1"), at("part2"), "--store"},
		{"backup", "--store", store, "-f"},
		{"export", "--store", store, "--out"},
		{"export", "-f", at("bad.sims"), "--out"},
		{"export", "--store", store, "--to", "mbox", "--out"},
	} {
		var want []string
		for _, jobs := range []string{"1", "2", "8"} {
			out := at("made of it")
			o := mustRun(t, 3, append(slices.Clone(args), out, "--jobs", jobs)...)
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(o.stderr) {
				if strings.Contains(line, ": problem: ") || strings.Contains(line, ": warning: ") {
					got = append(got, line)
				}
			}
			if want == nil {
				if want = got; len(want) < 10 {
					t.Errorf("%s: too little is told:\n%s", args[0], o.stderr)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("storeconv %s, --jobs %s:\n%s\nwant\n%s", strings.Join(args, " "), jobs, strings.Join(got, ""), strings.Join(want, ""))
			}
		}
	}
}

// plant makes something wrong in each mailbox of a store: a link and a pipe
// where no such thing belongs, and a message of other bytes.
func plant(t *testing.T, store string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(store, "partition"), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == "store.idx":
			if err := os.Symlink("/nowhere", filepath.Join(filepath.Dir(path), "odd")); err != nil {
				return err
			}
			return unix.Mkfifo(filepath.Join(filepath.Dir(path), "00pipe"), 0o600)
		case strings.HasSuffix(path, "1.msg"):
			b, err := os.ReadFile(path)
			if err != nil || len(b) == 0 {
				return err
			}
			return os.WriteFile(path, bytes.Repeat([]byte{'x'}, len(b)), 0o600)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
