package verify

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// plainBareLF is the definition, a byte at a time.
func plainBareLF(b []byte, last byte) bool {
	for _, c := range b {
		if c == '\n' && last != '\r' {
			return true
		}
		last = c
	}
	return false
}

// TestBareLFPlaces puts each line end that is wrong, and each that only looks
// so, at every place of texts of every short length.
func TestBareLFPlaces(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n", "\n\r", "\r\r\n", "\r\n\n", "\f\n", "\x8d\n", "\r\x8a", "\r\v", "\r\f\n", "\x00\n", "\xff\n", "\v\n", "\r\n\r\n"} {
		for size := len(end); size < 80; size++ {
			for at := 0; at+len(end) <= size; at++ {
				for _, fill := range []string{"a", "\r", "\x8a", "\x00"} {
					text := []byte(strings.Repeat(fill, at) + end + strings.Repeat("a", size-at-len(end)))
					for _, last := range []byte{0, '\r', '\n'} {
						if got, want := bareLF(text, last), plainBareLF(text, last); got != want {
							t.Fatalf("%q after %q: %v, want %v", text, last, got, want)
						}
					}
				}
			}
		}
	}
}

// TestBareLFPieces: the same answer, however a text is cut.
func TestBareLFPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	letters := []byte("\r\r\r\n\n\f\v\x0e\x8a\x8d\x00\xffab")
	for range 20000 {
		text := make([]byte, rng.IntN(200))
		for i := range text {
			text[i] = letters[rng.IntN(len(letters))]
			if text[i] == '\n' && i > 0 && rng.IntN(50) > 0 {
				text[i-1] = '\r'
			}
		}
		bare, last := false, byte(0)
		for rest := text; len(rest) > 0; {
			n := min(1+rng.IntN(100), len(rest))
			bare = bare || bareLF(rest[:n], last)
			rest, last = rest[n:], rest[n-1]
		}
		if want := plainBareLF(text, 0); bare != want {
			t.Fatalf("%q: %v, want %v", text, bare, want)
		}
	}
}

// BenchmarkBareLF is a message of 12 KiB, of lines of one length.
func BenchmarkBareLF(b *testing.B) {
	for _, length := range []int{4, 20, 70, 1000} {
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			text := bytes.Repeat([]byte(strings.Repeat("x", length-2)+"\r\n"), 12<<10/length)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if bareLF(text, 0) {
					b.Fatal("a bare LF in a text without one")
				}
			}
		})
	}
}
