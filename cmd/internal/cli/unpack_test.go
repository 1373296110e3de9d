package cli

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// packedForms are two pieces of data in every form that is undone.
func packedForms(t *testing.T, a, b []byte) map[string][]byte {
	t.Helper()
	pack := func(data []byte, open func(w io.Writer) io.WriteCloser) []byte {
		var out bytes.Buffer
		w := open(&out)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	l4 := func(o ...lz4.Option) func(w io.Writer) io.WriteCloser {
		return func(w io.Writer) io.WriteCloser {
			z := lz4.NewWriter(w)
			if err := z.Apply(o...); err != nil {
				t.Fatal(err)
			}
			return z
		}
	}
	blocks := l4(lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true))
	return map[string][]byte{
		"gzip":              pack(append(bytes.Clone(a), b...), gz),
		"two gzip members":  append(pack(a, gz), pack(b, gz)...),
		"lz4":               pack(append(bytes.Clone(a), b...), l4()),
		"two lz4 frames":    append(pack(a, l4()), pack(b, l4())...),
		"lz4 of 64K blocks": append(pack(a, blocks), pack(b, blocks)...),
	}
}

// someBytes are n bytes that compress a little.
func someBytes(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(rnd.IntN(40))
	}
	return out
}

// Compressed data that has been cut anywhere, but between its parts, is an
// error in our own words that says where; what came before is right.
func TestCutPackedData(t *testing.T) {
	a, b := someBytes(70_000), someBytes(100_000)
	whole := append(bytes.Clone(a), b...)
	for name, data := range packedForms(t, a, b) {
		step := 997
		if testing.Short() {
			step = 9973
		}
		for n := 6; n < len(data); n += step {
			r, plain, err := Decompress(bytes.NewReader(data[:n]))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(r)
			}
			if plain || !bytes.HasPrefix(whole, got) {
				t.Errorf("%s, %d bytes: plain %v, or other bytes", name, n, plain)
			}
			if err == nil && bytes.Equal(got, a) {
				continue // between two parts
			}
			checkPacked(t, name, err, int64(n), "ends too early: the file has been cut")
		}
	}
}

// checkPacked wants a PackedError without a word of a library.
func checkPacked(t *testing.T, name string, err error, at int64, text string) {
	t.Helper()
	var packed *PackedError
	if !errors.As(err, &packed) || packed.At != at || packed.Text != text {
		t.Errorf("%s: %v, want %q at byte %d", name, err, text, at)
		return
	}
	for _, word := range []string{"EOF", "lz4:", "gzip:", "flate:", "State"} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q has a word of a library", name, err)
		}
	}
}

// Each byte that is wrong is an error in our own words, or changes nothing.
func TestDamagedPackedData(t *testing.T) {
	a, b := someBytes(70_000), someBytes(100_000)
	whole := append(bytes.Clone(a), b...)
	for name, data := range packedForms(t, a, b) {
		step := 1499
		if testing.Short() {
			step = 14_983
		}
		for n := 4; n < len(data); n += step {
			hurt := bytes.Clone(data)
			hurt[n] ^= 0x5a
			r, _, err := Decompress(bytes.NewReader(hurt))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(r)
			}
			if err == nil {
				if !bytes.Equal(got, whole) {
					t.Errorf("%s, byte %d: no error and other bytes", name, n)
				}
				continue
			}
			var packed *PackedError
			if !errors.As(err, &packed) || strings.Contains(err.Error(), "lz4:") || strings.Contains(err.Error(), "flate:") {
				t.Errorf("%s, byte %d: %v", name, n, err)
			}
		}
	}
}

// Zeros behind compressed data are padding, anything else is not.
func TestBehindPackedData(t *testing.T) {
	a, b := someBytes(7000), someBytes(1000)
	whole := append(bytes.Clone(a), b...)
	for name, data := range packedForms(t, a, b) {
		for _, n := range []int{4, 511, 600_000} {
			r, _, err := Decompress(bytes.NewReader(append(bytes.Clone(data), make([]byte, n)...)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("%s, %d zeros behind it: %d bytes, %v", name, n, len(got), err)
			}
		}
		for _, rest := range []string{"something else that is longer", "\x00\x00\x00\x00\x00\x00x"} {
			r, _, err := Decompress(strings.NewReader(string(data) + rest))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			var packed *PackedError
			if !errors.As(err, &packed) || packed.Text != "is followed by something else" || !bytes.Equal(got, whole) {
				t.Errorf("%s and %q: %d bytes, %v", name, rest, len(got), err)
			}
		}
	}
}

// A source that fails is not taken for damage.
func TestPackedSourceFails(t *testing.T) {
	failure := errors.New("the disk is on fire")
	for name, data := range packedForms(t, someBytes(70_000), someBytes(10)) {
		r, _, err := Decompress(io.MultiReader(bytes.NewReader(data[:len(data)/2]), failing{failure}))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, failure) || err.Error() != failure.Error() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
