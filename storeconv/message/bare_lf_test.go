package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestBareLFEverywhere puts pieces that are and that resemble line ends at each
// place of texts of each length up to three steps.
func TestBareLFEverywhere(t *testing.T) {
	slow := func(b []byte, prev byte) bool {
		for _, c := range b {
			if c == '\n' && prev != '\r' {
				return true
			}
			prev = c
		}
		return false
	}
	pieces := []string{"\n", "\r\n", "\r\r\n", "\r\n\n", "\n\r\n", "\r", "\x8a", "\r\x8a", "\x8d\n", "\x0c\n", "\r\x0b", "\r\x0c\n", "\x00\n", "\x80\n", "\xff\n", "\r\n\r\n", "a\n\r"}
	for _, piece := range pieces {
		for _, fill := range []string{"x", "\r", "\x8d", "\x00", "\x80"} {
			for size := len(piece); size < 100; size++ {
				for at := 0; at+len(piece) <= size; at++ {
					b := []byte(strings.Repeat(fill, at) + piece + strings.Repeat("x", size-len(piece)-at))
					for _, prev := range []byte{0, '\r', '\n'} {
						if got, want := hasBareLF(b, prev), slow(b, prev); got != want {
							t.Fatalf("%q after %q: %v, want %v", b, prev, got, want)
						}
					}
				}
			}
		}
	}
}

// BenchmarkHasBareLF looks at messages of lines of one length.
func BenchmarkHasBareLF(b *testing.B) {
	for _, length := range []int{4, 70, 1000} {
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			text := bytes.Repeat([]byte(strings.Repeat("x", length-2)+"\r\n"), 12<<10/length)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if hasBareLF(text, 0) {
					b.Fatal("a bare LF in a text that has none")
				}
			}
		})
	}
}
