package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// An input gives all of its bytes, in order, whatever was looked at before and
// however large the reads are.
func TestInputReads(t *testing.T) {
	a, b := someBytes(300<<10), someBytes(400<<10)
	want := append(bytes.Clone(a), b...)
	forms := packedForms(t, a, b)
	forms["plain"] = want
	for name, data := range forms {
		path := filepath.Join(t.TempDir(), "input")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, sizes := range [][]int{{1 << 20}, {100, 64 << 10}, {200 << 10, 10, directRead, directRead - 1}} {
			in, err := new(Job).Open(path)
			if err != nil {
				t.Fatal(err)
			}
			head, err := in.Head()
			if err != nil || !bytes.HasPrefix(want, head) || len(head) != headSize {
				t.Errorf("%s: a head of %d bytes, %v", name, len(head), err)
			}
			var got []byte
			for n := 0; err == nil; n++ {
				var read int
				p := make([]byte, sizes[n%len(sizes)])
				read, err = in.Read(p)
				got = append(got, p[:read]...)
			}
			if err != io.EOF || !bytes.Equal(got, want) || in.Consumed() != int64(len(data)) {
				t.Errorf("%s, reads of %d: %d of %d bytes right, %d consumed of %d, %v",
					name, sizes, len(got), len(want), in.Consumed(), len(data), err)
			}
			in.Close()
		}
	}
}
