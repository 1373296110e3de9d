package source

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// TestDamageWords: what decoders say comes in our words, and the error of a
// file in its own.
func TestDamageWords(t *testing.T) {
	var z, l bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, strings.Repeat("some text ", 10))
	w.Close()
	lw := lz4.NewWriter(&l)
	lw.Apply(lz4.ChecksumOption(true), lz4.BlockChecksumOption(true))
	io.WriteString(lw, strings.Repeat("some text ", 10))
	lw.Close()
	b, err := hex.DecodeString("425a68393141592653594601b64d00000bdf80001040007a3001100080260392402000222641a69a06990a069a1919310a0a86dc1630441c9029256b9539377d1a7878c7c5dc914e142411806d9340")
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(data []byte, at int) []byte {
		data = bytes.Clone(data)
		data[at] ^= 0x55
		return data
	}
	gz := func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	lz := func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }
	bz := func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }
	zs, ls := z.Bytes(), l.Bytes()
	for name, row := range map[string]struct {
		open func(io.Reader) (io.Reader, error)
		data []byte
		want string
	}{
		"gzip cut":       {gz, zs[:len(zs)-9], "it ends too early"},
		"gzip head":      {gz, zs[:4], "it ends too early"},
		"gzip checksum":  {gz, spoil(zs, len(zs)-8), "a checksum is wrong"},
		"gzip and text":  {gz, append(bytes.Clone(zs), "more text behind it"...), "something else"},
		"lz4 cut":        {lz, ls[:len(ls)-9], "it ends too early"},
		"lz4 checksum":   {lz, spoil(ls, len(ls)-1), "a checksum is wrong"},
		"lz4 block":      {lz, spoil(ls, 13), "a checksum is wrong"},
		"bzip2 cut":      {bz, b[:len(b)-9], "it ends too early"},
		"bzip2 no sense": {bz, spoil(b, 12), "its bytes make no sense"},
	} {
		r, err := row.open(bytes.NewReader(row.data))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		got := plainDamage(err)
		if text := got.Error(); !strings.Contains(text, row.want) || !errors.Is(got, err) {
			t.Errorf("%s: %q, want %q", name, text, row.want)
		}
	}
	file := &fs.PathError{Op: "read", Path: "x", Err: errors.New("i/o error")}
	if got := plainDamage(file); got != error(file) {
		t.Errorf("%v became %v", file, got)
	}
}
