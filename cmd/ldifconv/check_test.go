package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"imsconv/ldifconv/check"
	"imsconv/ldifconv/testdir"
)

// TestChecksPageIsCurrent holds the table of docs/checks.md against the codes;
// UPDATE=1 writes it anew.
func TestChecksPageIsCurrent(t *testing.T) {
	var want bytes.Buffer
	writeCodesMarkdown(&want)
	holdPage(t, "<!-- codes -->\n", want.Bytes())
}

// checkMemory is what check says it takes, its cache included, in bytes.
const checkMemory = check.Memory + check.DefaultCache

// The memory of check stays under its limit whatever the input is: 40,000
// entries, 100,000 in the full run.
func TestCheckMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read as Linux gives it")
	}
	n := 40_000
	if fullRun {
		n = 100_000
	}
	for _, tt := range []struct {
		name string
		exit int
		fill func(w io.Writer)
	}{
		{"a clean directory", 0, func(w io.Writer) {
			if _, err := testdir.WriteIMS(w, testdir.Options{Users: n}); err != nil {
				t.Fatal(err)
			}
		}},
		{"every entry has the same name, uid and address", 3, func(w io.Writer) {
			for range n {
				fmt.Fprint(w, "dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\nmail: a@x.com\n\n")
			}
		}},
		{"every entry refers to nowhere", 3, func(w io.Writer) {
			for i := range n {
				fmt.Fprintf(w, "dn: cn=%[1]d,ou=%[1]d,o=x\nobjectclass: mailGroup\ncn: %[1]d\nmail: %[1]d@x.com\nuniquemember: cn=n%[1]d,o=x\n\n", i)
			}
		}},
		{"lists within lists", 0, func(w io.Writer) {
			fmt.Fprint(w, "dn: o=x\nobjectclass: organization\no: x\n\n")
			for i := range n {
				fmt.Fprintf(w, "dn: cn=%[1]d,o=x\nobjectclass: groupOfUniqueNames\nobjectclass: mailGroup\ncn: %[1]d\nmail: %[1]d@x.com\nmailhost: m.x.com\nuniquemember: cn=%[2]d,o=x\n\n", i, min(i+1, n/2))
				if i == n/2-1 {
					break
				}
			}
		}},
		{"a list of 200,000 members", 3, func(w io.Writer) {
			fmt.Fprint(w, "dn: cn=l,o=x\nobjectclass: mailGroup\ncn: l\nmail: l@x.com\nmailhost: h.x.com\n")
			for i := range 200_000 {
				fmt.Fprintf(w, "uniquemember: cn=member %d,o=x\n", i)
			}
		}},
		{"an entry of nothing but names", 3, func(w io.Writer) {
			fmt.Fprint(w, "dn: cn=l,o=x\n")
			for i := range 200_000 {
				fmt.Fprintf(w, "a%d:\n", i)
			}
		}},
		{"one RDN of 8 MB", 3, func(w io.Writer) {
			fmt.Fprintf(w, "dn: cn=%s,o=x\nobjectclass: top\n\n", strings.Repeat("v", 8_000_000))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			peak := commandPeak(t, tt.fill, tt.exit, "check", "--quiet", "--temp", t.TempDir())
			if t.Logf("peak memory %.1f MiB", float64(peak)/(1<<20)); peak > checkMemory {
				t.Errorf("more than %d MiB", checkMemory>>20)
			}
		})
	}
}

// A check that fails on the way does not end what it is beside.
func TestCheckBeside(t *testing.T) {
	b := beside{w: check.NewTee(t.Context(), nil, "out", check.Options{TempDir: filepath.Join(t.TempDir(), "missing")})}
	text := []byte(strings.Repeat("dn: o=x\nobjectclass: organization\no: x\n\n", 1000))
	for range 10 {
		if n, err := b.Write(text); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := b.w.Close(); err == nil {
		t.Error("the check has no folder, and does not say so")
	}
}

// TestCheckMany checks as many entries as the largest sites had, ten million of
// them with IMSCONV_FULL: memory stays under its limit, and a directory without
// a fault has none.
func TestCheckMany(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read as Linux gives it")
	}
	users := 50_000
	if fullRun {
		users = 9_600_000 // with lists 10 million entries
	}
	r, w := io.Pipe()
	go func() {
		_, err := testdir.WriteIMS(w, testdir.Options{Users: users})
		w.CloseWithError(err)
	}()
	report := filepath.Join(t.TempDir(), "report.json")
	peak := pipedPeak(t, r, 0, "check", "--quiet", "--fail-on", "info", "--temp", t.TempDir(), "--report", report)
	if t.Logf("peak memory %.1f MiB", float64(peak)/(1<<20)); peak > checkMemory {
		t.Errorf("more than %d MiB", checkMemory>>20)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"users": %d,`, `"errors": 0,`, `"warnings": 0,`, `"infos": 0`} {
		if strings.Contains(want, "%d") {
			want = fmt.Sprintf(want, users)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in the report: %.1000s", want, text)
		}
	}
}
