package ldif_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"imsconv/ldifconv/ldif"
)

// oddCase is one file of testdata/odd: an input, and what RFC 2849 and the
// Netscape sources say it means, written by hand.
type oddCase struct {
	name, why, want string
	in              []byte
}

func oddCases(t testing.TB) []oddCase {
	t.Helper()
	files, err := filepath.Glob("testdata/odd/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d cases in testdata/odd: %v", len(files), err)
	}
	var cases []oddCase
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := oddCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), why: strings.TrimSpace(string(a.Comment))}
		for _, f := range a.Files {
			switch f.Name {
			case "in":
				c.in = f.Data
			case "in.quoted":
				c.in = unquote(t, string(f.Data))
			case "want":
				c.want = string(f.Data)
			}
		}
		cases = append(cases, c)
	}
	return cases
}

// unquote reads lines of quoted strings; "repeat N" in front of one repeats it.
func unquote(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		n := 1
		if rest, ok := strings.CutPrefix(line, "repeat "); ok {
			number, quoted, _ := strings.Cut(rest, " ")
			n, _ = strconv.Atoi(number)
			line = quoted
		}
		s, err := strconv.Unquote(line)
		if line != "" && err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, strings.Repeat(s, n)...)
	}
	return out
}

// dump reads everything and says what it found, one line a thing.
func dump(t testing.TB, r *ldif.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return b.String()
		}
		var damage *ldif.Error
		if errors.As(err, &damage) {
			fmt.Fprintf(&b, "error %d %s\n", damage.Line, damage.Kind())
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		dumpRecord(&b, rec)
	}
}

func dumpRecord(b *strings.Builder, rec *ldif.Record) {
	fmt.Fprintf(b, "record %d %s %s\n", rec.Line, rec.Type, quote(rec.DN))
	for _, c := range rec.Controls {
		fmt.Fprintf(b, "  control %s %t", c.OID, c.Critical)
		if c.Value != nil {
			fmt.Fprintf(b, " %s", quote(c.Value))
		}
		b.WriteByte('\n')
	}
	for _, a := range rec.Attrs {
		for _, v := range a.Values {
			fmt.Fprintf(b, "  %d %s %s\n", v.Line, a.Desc, quote(v.Data))
		}
	}
	for _, m := range rec.Mods {
		fmt.Fprintf(b, "  %d %s %s\n", m.Line, m.Op, m.Desc)
		for _, v := range m.Values {
			fmt.Fprintf(b, "    %d %s\n", v.Line, quote(v.Data))
		}
	}
	if rec.NewRDN != nil {
		fmt.Fprintf(b, "  newrdn %s %t", quote(rec.NewRDN), rec.DeleteOldRDN)
		if rec.NewSuperior != nil {
			fmt.Fprintf(b, " %s", quote(rec.NewSuperior))
		}
		b.WriteByte('\n')
	}
}

// quote is strconv.Quote with every byte beyond ASCII as \x.
func quote(b []byte) string {
	if len(b) > 1000 {
		return fmt.Sprintf("len %d", len(b))
	}
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range b {
		switch {
		case c >= 0x80:
			fmt.Fprintf(&s, `\x%02x`, c)
		default:
			q := strconv.Quote(string(rune(c)))
			s.WriteString(q[1 : len(q)-1])
		}
	}
	s.WriteByte('"')
	return s.String()
}

func TestOddFiles(t *testing.T) {
	for _, c := range oddCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got := dump(t, ldif.NewReader(bytes.NewReader(c.in), ldif.Options{}))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.why, diff)
			}
		})
	}
}

// The size of chunks and the way bytes arrive change nothing.
func TestOddFilesInSmallChunks(t *testing.T) {
	for _, c := range oddCases(t) {
		for _, size := range []int{1, 2, 7, 64, 300} {
			in := io.Reader(bytes.NewReader(c.in))
			if size == 1 {
				if len(c.in) > 10000 {
					continue
				}
				in = iotest.OneByteReader(in)
			}
			got := dump(t, ldif.NewReader(in, ldif.Options{ChunkSize: size}))
			if got != c.want {
				t.Errorf("%s, chunks of %d: %s", c.name, size, cmp.Diff(c.want, got))
			}
		}
	}
}

// What is read and written is read as the same again, values of an attribute
// together.
func TestOddFilesWrittenAndReadAgain(t *testing.T) {
	for _, c := range oddCases(t) {
		first, again := rewrite(t, c.in), []byte(nil)
		if again = rewrite(t, first); !bytes.Equal(first, again) {
			t.Errorf("%s: written twice:\n%s", c.name, cmp.Diff(string(first), string(again)))
		}
		for i, line := range strings.Split(string(first), "\n") {
			if len(line) > ldif.Width {
				t.Errorf("%s: line %d has %d bytes", c.name, i+1, len(line))
			}
		}
	}
}

// rewrite reads records and writes them.
func rewrite(t testing.TB, in []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := ldif.NewWriter(&out)
	r := ldif.NewReader(bytes.NewReader(in), ldif.Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if ldif.IsDamage(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// An export cut off anywhere gives the records before the cut and at most one
// damaged or shortened record.
func TestTruncatedEverywhere(t *testing.T) {
	for _, name := range []string{"sims", "nms"} {
		step := 17
		if os.Getenv("IMSCONV_FULL") != "" {
			step = 1
		}
		whole, err := os.ReadFile(filepath.Join("../../testdata/site", name, "export.ldif"))
		if err != nil {
			t.Fatal(err)
		}
		full := strings.SplitAfter(dump(t, ldif.NewReader(bytes.NewReader(whole), ldif.Options{})), "\n")
		for cut := 0; cut < len(whole); cut += step {
			got := strings.SplitAfter(dump(t, ldif.NewReader(bytes.NewReader(whole[:cut]), ldif.Options{ChunkSize: 1 << 12})), "\n")
			got = got[:len(got)-1]
			if n := len(got); n > 0 && strings.HasPrefix(got[n-1], "error ") {
				got = got[:n-1]
			}
			for i, line := range got {
				if line != full[i] && !(i == len(got)-1) {
					t.Fatalf("%s cut at %d: line %d of the dump is %q, not %q", name, cut, i, line, full[i])
				}
			}
		}
	}
}
