package main

import (
	"bytes"
	"fmt"
	"io"
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

// The memory of check stays under its limit whatever the input is.
func TestCheckMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read as Linux gives it")
	}
	n := 100_000
	if testing.Short() {
		n = 20_000
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
