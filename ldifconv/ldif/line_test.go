package ldif

import (
	"bytes"
	"strings"
	"testing"
)

// A line feed is found wherever it stands, behind whatever bytes.
func TestLineFeed(t *testing.T) {
	for size := range 80 {
		for at := -1; at < size; at++ {
			for _, fill := range []byte{'x', 0, 0x0b, 0x8a, 0xff} {
				d := bytes.Repeat([]byte{fill}, size)
				if at >= 0 {
					d[at] = '\n'
				}
				for from := range min(size, 12) {
					want := bytes.IndexByte(d[from:], '\n')
					if want >= 0 {
						want += from
					}
					if got := lineFeed(d, from); got != want {
						t.Fatalf("%q from %d: %d, want %d", d, from, got, want)
					}
				}
			}
		}
	}
}

// AppendLine and AppendLines write what AppendValue writes, wherever in a value
// the byte stands that decides, into whatever room there is.
func TestAppendLine(t *testing.T) {
	for size := range 80 {
		for at := range size {
			for _, c := range "x :<\x00\n\r\t\x1f\x7f\u0080" {
				v := []byte(strings.Repeat("v", size))
				v[at] = byte(c)
				got, want := string(AppendLine(nil, []byte("cn"), v)), string(AppendValue(nil, "cn", v))
				if got != want {
					t.Fatalf("%q: %q, want %q", v, got, want)
				}
				got = string(AppendLines(make([]byte, 0, size+10), []byte("cn"), [][]byte{v, {'x'}, v}))
				if want += "cn: x\n" + want; got != want {
					t.Fatalf("twice %q: %q, want %q", v, got, want)
				}
			}
		}
	}
}
