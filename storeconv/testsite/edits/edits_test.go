package edits

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	a, b, c := strings.Repeat("a", Block), strings.Repeat("b", Block), strings.Repeat("c", 100)
	for _, tt := range []struct{ edits, want string }{
		{"", a + b + c},
		{"\x00\x00\x01", a + b + c}, // not whole
		{"\x00\x00\x01x", "ax" + a[2:] + b + c},
		{"\x00\x00\x01x\x01\x00\x01\x02", "az" + a[2:] + b + c},
		{"\x02\x02\x05.", a + strings.Repeat("\x00", Block) + c},
		{"\x03\x00\x05.", b + c},
		{"\x03\x04\x05.", a + b},
		{"\x04\x02\x05\x00", b + a + b + c},
		{"\x04\x04\x05\x01", a + c + b + c},
		{"\x05\x02\x05\x00", b + b + c},
		{"\x06\x02\x01.", a + "b"},
		{"\x07\x02\x00x", a + "x" + b + c},
		{"\x08\xff\xffx", a[:343] + "x" + a[344:] + b + c}, // 65535 is 343 behind 58 times all
		{"\x06\x00\x00.\x07\x00\x00x", ""},
		{strings.Repeat("\x07\x00\x00x", Most+3), strings.Repeat("x", Most) + a + b + c},
	} {
		sample := []byte(a + b + c)
		if got := string(Apply(sample, []byte(tt.edits))); got != tt.want {
			t.Errorf("%q: %q", tt.edits, got)
		}
		if !bytes.Equal(sample, []byte(a+b+c)) {
			t.Fatalf("%q: the sample has changed", tt.edits)
		}
	}
}

// TestMendTar: the headers of an archive are read again, whatever was changed
// in them.
func TestMendTar(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, name := range []string{"one", "two"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 3, Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := Apply(archive.Bytes(), []byte("\x00\x00\x00O\x00\x04\x00T"))
	if _, err := tar.NewReader(bytes.NewReader(b)).Next(); err == nil {
		t.Fatal("a header is read although its sum is wrong")
	}
	MendTar(b)
	r := tar.NewReader(bytes.NewReader(b))
	for _, want := range []string{"One", "Two"} {
		if h, err := r.Next(); err != nil || h.Name != want {
			t.Fatalf("%v, %v, want %s", h, err, want)
		}
	}
}
