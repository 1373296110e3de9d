package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"imsconv/ldifconv/diff"
)

// The memory of diff stays under its limit whatever the inputs are.
func TestDiffMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read as Linux gives it")
	}
	n := 60_000
	if testing.Short() {
		n = 10_000
	}
	entries := func(w io.Writer, mail string, step int) {
		for i := range n {
			if step < 0 {
				i = n - 1 - i
			}
			fmt.Fprintf(w, "dn: uid=u%[1]d,o=x\nobjectclass: inetOrgPerson\ncn: u%[1]d\nsn: s\nuid: u%[1]d\nmail: u%[1]d@%[2]s\n\n", i, mail)
		}
	}
	members := func(w io.Writer, from int) {
		fmt.Fprint(w, "dn: cn=l,o=x\ncn: l\n")
		for i := range 100_000 {
			fmt.Fprintf(w, "uniquemember: cn=m%d,o=x\n", i+from)
		}
	}
	for _, tt := range []struct {
		name string
		a, b func(w io.Writer)
		args []string
	}{
		{"the same backwards", func(w io.Writer) { entries(w, "x", 1) }, func(w io.Writer) { entries(w, "x", -1) }, []string{"-o", "/dev/null"}},
		{"every entry changed", func(w io.Writer) { entries(w, "x", 1) }, func(w io.Writer) { entries(w, "y", -1) }, []string{"-o", "/dev/null", "--undo", "/dev/null"}},
		{"every entry gone", func(w io.Writer) { entries(w, "x", 1) }, func(w io.Writer) {}, []string{"-o", "/dev/null", "--match", "uid"}},
		{"a list of 100,000 members", func(w io.Writer) { members(w, 0) }, func(w io.Writer) { members(w, 50) }, []string{"-o", "/dev/null"}},
		{"values of 7 MB", func(w io.Writer) {
			fmt.Fprintf(w, "dn: cn=l,o=x\ndescription: %s\n", strings.Repeat("a", 7<<20))
		}, func(w io.Writer) {
			fmt.Fprintf(w, "dn: cn=l,o=x\ndescription: %s\n", strings.Repeat("b", 7<<20))
		}, []string{"-o", "/dev/null"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := filepath.Join(t.TempDir(), "a.ldif")
			f, err := os.Create(a)
			if err != nil {
				t.Fatal(err)
			}
			w := bufio.NewWriter(f)
			tt.a(w)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			f.Close()
			exit := 1
			if tt.name == "the same backwards" {
				exit = 0
			}
			peak := commandPeak(t, tt.b, exit, append(append([]string{"diff", "--quiet", "--temp", t.TempDir()}, tt.args...), a)...)
			if t.Logf("peak memory %.1f MiB", float64(peak)/(1<<20)); peak > diff.Memory+diff.Cache {
				t.Errorf("more than %d MiB", (diff.Memory+diff.Cache)>>20)
			}
		})
	}
}
