package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
)

// TestOutputOfASearch: what the real ldapsearch prints is an export, with the
// result of the search behind the entries or without, page by page or at once;
// a search that a limit has ended is damage.
func TestOutputOfASearch(t *testing.T) {
	t.Parallel()
	export, err := os.ReadFile("../../testdata/site/sims/export.ldif")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.ldif")
	if err := os.WriteFile(file, bytes.TrimPrefix(export, []byte("version: 1\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDirectory(t, "o=internet", file)
	all := len(d.dump())
	d.Start()
	for _, tt := range []struct {
		options string
		entries int
		damage  string
	}{
		{"", all, ""}, {"-L", all, ""}, {"-LLL", all, ""}, {"-E pr=10/noprompt", all, ""},
		{"-z 5", 5, `the search that this is the output of ended with "4 Size limit exceeded": entries are missing`},
	} {
		out := d.Search(strings.Fields(tt.options)...)
		entries, damage := 0, ""
		for _, err := range ldif.NewReader(bytes.NewReader(out), ldif.Options{}).All() {
			var e *ldif.Error
			switch {
			case errors.As(err, &e):
				damage += e.Text
			case err != nil:
				t.Fatal(err)
			default:
				entries++
			}
		}
		if entries != tt.entries || damage != tt.damage {
			t.Errorf("ldapsearch %s: %d entries, want %d, and %q, want %q", tt.options, entries, tt.entries, damage, tt.damage)
		}
	}
}
