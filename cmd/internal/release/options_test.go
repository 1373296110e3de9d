package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		args string
		ok   bool
	}{
		{"--version 1.2.0 --out dist", true},
		{"--version 1 --out dist", true},
		{"--version 1.2-rc.1 --out dist", true},
		{"--version 1.2.0", false},
		{"--out dist", false},
		{"--version v1.2 --out dist", false},
		{"--version 1.2-3 --out dist", false},
		{"--version ../1 --out dist", false},
		{"--version 1.2.0 --out dist more", false},
		{"--version 1.2.0 --out dist --maintainer nobody", false},
	} {
		if _, err := parse(strings.Fields(tt.args)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.args, err)
		}
	}
	if got := run(t.Context(), []string{"--version", "x"}); got != 2 {
		t.Errorf("exit status %d, want 2", got)
	}
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	if got := run(interrupted, []string{"--version", "1", "--out", filepath.Join(t.TempDir(), "out")}); got != 130 {
		t.Errorf("exit status %d, want 130", got)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "clone")
	smallClone(t, root)
	opt := options{version: "1.0", out: filepath.Join(dir, "out"), root: root}
	refused := func(want string) {
		t.Helper()
		if err := makeRelease(t.Context(), opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	put := func(name string) {
		t.Helper()
		if _, err := write(dir, name, "x"); err != nil {
			t.Fatal(err)
		}
	}
	put("clone/new.txt")
	refused("not committed (?? new.txt)")
	if err := os.Remove(filepath.Join(root, "new.txt")); err != nil {
		t.Fatal(err)
	}
	put("clone/vendor/new.go")
	refused("not committed (?? vendor/)")
	if err := os.RemoveAll(filepath.Join(root, "vendor")); err != nil {
		t.Fatal(err)
	}
	put("clone/release/SHA256SUMS") // what an earlier release has made is nothing of this one
	put("out/file")
	refused("is not empty: it has file")
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	refused(`SOURCE_DATE_EPOCH: "yesterday" is no number`)
	opt.root = dir
	refused("not a git repository")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%d entries are left: %v", len(entries), err)
	}
}

// smallClone makes a repository of one file.
func smallClone(t *testing.T, dir string) {
	t.Helper()
	peer.Need(t, "git")
	if _, err := write(dir, "file", "text"); err != nil {
		t.Fatal(err)
	}
	if err := commitAll(dir); err != nil {
		t.Fatal(err)
	}
}

func TestSourceDate(t *testing.T) {
	root := filepath.Join(t.TempDir(), "clone")
	smallClone(t, root)
	for epoch, want := range map[string]string{"": "2026-01-02T03:04:05Z", "86400": "1970-01-02T00:00:00Z"} {
		t.Setenv("SOURCE_DATE_EPOCH", epoch)
		src, err := openSource(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		if got := src.date.Format(time.RFC3339); got != want {
			t.Errorf("SOURCE_DATE_EPOCH=%s: %s, want %s", epoch, got, want)
		}
	}
}

func TestTreeHasANameOnce(t *testing.T) {
	tr := tree{}
	for _, tt := range []struct {
		e  entry
		ok bool
	}{
		{entry{name: "bin/a", from: "x"}, true},
		{entry{name: "bin/b", link: "a"}, true},
		{entry{name: "bin/a", link: "b"}, false},
		{entry{name: "../c", from: "x"}, false},
		{entry{name: "/c", from: "x"}, false},
	} {
		if err := tr.add(tt.e); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.e.name, err)
		}
	}
	if got := tr.folders(); !slices.Equal(got, []string{"bin"}) {
		t.Errorf("folders %q", got)
	}
}

const mit = `MIT License

Copyright (c) 2020 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func TestLicences(t *testing.T) {
	apache, err := os.ReadFile(filepath.Join("..", "..", "..", "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		files map[string]string
		want  string // identifiers, or what the error says
	}{
		"one":              {map[string]string{"LICENSE": mit}, "MIT"},
		"two files":        {map[string]string{"LICENSE-MIT": mit, "COPYING": string(apache)}, "Apache-2.0 MIT"},
		"of a package":     {map[string]string{"LICENCE.md": string(apache), "linked/LICENSE": mit}, "Apache-2.0 MIT"},
		"not linked":       {map[string]string{"LICENSE": mit, "other/LICENSE": "whatever"}, "MIT"},
		"a source file":    {map[string]string{"LICENSE": mit, "license.go": "package p"}, "MIT"},
		"a notice":         {map[string]string{"LICENSE": mit, "NOTICE": "by somebody"}, "MIT"},
		"unknown":          {map[string]string{"LICENSE": "Ask me first, and pay for lunch."}, "unknown licence"},
		"a mention":        {map[string]string{"LICENSE": "See https://opensource.org/licenses/MIT for the terms."}, "unknown licence"},
		"with more to it":  {map[string]string{"LICENSE": mit + strings.Repeat("You must also pay for my lunch every day. ", 9)}, "a known licence (MIT)"},
		"none":             {map[string]string{"README": mit}, "no licence"},
		"unknown, package": {map[string]string{"LICENSE": mit, "linked/COPYING": "No."}, "unknown licence"},
	} {
		root := t.TempDir()
		if err := os.Mkdir(filepath.Join(root, "linked"), 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range tt.files {
			if _, err := write(root, file, text); err != nil {
				t.Fatal(err)
			}
		}
		ids, _, err := licencesOf(root, []string{filepath.Join(root, "linked")})
		got := strings.Join(ids, " ")
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != tt.want || err != nil && !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
