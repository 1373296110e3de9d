package index

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// A Spool gives back what was written, in order and at any place, from memory,
// from a file, and from both.
func TestSpool(t *testing.T) {
	for _, size := range []int{0, 1, spoolBuffer, spoolBuffer + 1, 5*spoolBuffer + 7} {
		dir := t.TempDir()
		s := Spool{Dir: dir}
		rng := rand.New(rand.NewPCG(1, uint64(size)))
		var want []byte
		for len(want) < size {
			piece := make([]byte, min(size-len(want), 1+rng.IntN(spoolBuffer/3)))
			if rng.IntN(9) == 0 {
				piece = make([]byte, min(size-len(want), 2*spoolBuffer))
			}
			for i := range piece {
				piece[i] = byte(rng.Uint32())
			}
			want = append(want, piece...)
			if n, err := s.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if s.Size() != int64(size) || (s.file != nil) != (size > spoolBuffer) || len(s.buf) > spoolBuffer {
			t.Errorf("%d: size %d, a file: %t, %d bytes in memory", size, s.Size(), s.file != nil, len(s.buf))
		}
		if got, err := io.ReadAll(s.Reader()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d: %d bytes come back, %v", size, len(got), err)
		}
		for range 200 {
			at, n := rng.IntN(size+10), rng.IntN(spoolBuffer)
			p := make([]byte, n)
			got, err := s.ReadAt(p, int64(at))
			rest := want[min(at, size):]
			if !bytes.Equal(p[:got], rest[:min(n, len(rest))]) || (err == io.EOF) != (n > len(rest)) || err != nil && err != io.EOF {
				t.Fatalf("%d: %d bytes at %d: %d, %v", size, n, at, got, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

// A Spool without a place for its file says so.
func TestSpoolWithoutRoom(t *testing.T) {
	s := Spool{Dir: "/nowhere at all"}
	if _, err := s.Write(make([]byte, spoolBuffer)); err != nil {
		t.Error(err)
	}
	if _, err := s.Write([]byte{1}); err == nil {
		t.Error("no error")
	}
}
