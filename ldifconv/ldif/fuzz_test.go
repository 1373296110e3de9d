package ldif_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
)

func sorted(list []string) string {
	slices.Sort(list)
	return strings.Join(list, "\n") + "\n"
}

// FuzzReader: nothing panics, chunks change nothing, and what is read, written
// and read again is written as the same again.
func FuzzReader(f *testing.F) {
	for _, c := range oddCases(f) {
		if len(c.in) < 4096 {
			f.Add(c.in)
		}
	}
	f.Add(bytes.Repeat([]byte{0x96}, 5000)) // too large, and no dn to name it by
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := dump(t, ldif.NewReader(bytes.NewReader(in), ldif.Options{MaxEntry: 4096}))
		small := dump(t, ldif.NewReader(bytes.NewReader(in), ldif.Options{MaxEntry: 4096, ChunkSize: 16}))
		if whole != small {
			t.Fatalf("whole:\n%s\nin chunks of 16:\n%s", whole, small)
		}
		once := rewrite(t, in)
		again := rewrite(t, once)
		if !bytes.Equal(once, again) {
			t.Fatalf("written:\n%q\nread and written again:\n%q", once, again)
		}
		if got := dump(t, ldif.NewReader(bytes.NewReader(once), ldif.Options{})); strings.Contains(got, "error ") {
			t.Fatalf("what we wrote does not read: %s", got)
		}
	})
}

// FuzzNormDN: the normal form is its own normal form.
func FuzzNormDN(f *testing.F) {
	for _, s := range []string{"o=x", `cn="a, b"+uid=c\,d;o = X`, `cn=J\c3\bc`, "cn=a=b\\ ,o=x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		norm, err := ldif.AppendNormDN(nil, in)
		if err != nil {
			return
		}
		depth := ldif.DepthNormDN(norm)
		for p, ok := ldif.ParentNormDN(norm); ok; p, ok = ldif.ParentNormDN(p) {
			depth--
			if !ldif.UnderNormDN(norm, p) {
				t.Fatalf("%q is not below %q", norm, p)
			}
		}
		if depth != 0 {
			t.Fatalf("%q: %d parents too few", norm, depth)
		}
	})
}
