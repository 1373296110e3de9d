package bdb

import (
	"bytes"
	"io"
	"math/rand"
	"testing"
)

// memFile is a file in memory: io.WriterAt and io.ReaderAt.
type memFile struct{ b []byte }

func (m *memFile) WriteAt(p []byte, off int64) (int, error) {
	if n := int(off) + len(p); n > len(m.b) {
		m.b = append(m.b, make([]byte, n-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off)
}

type record struct{ key, value string }

func randomRecords(n int, seed int64, maxKey, maxValue int) []record {
	rnd := rand.New(rand.NewSource(seed))
	recs := make([]record, n)
	for i := range recs {
		k := make([]byte, 8+rnd.Intn(maxKey))
		v := make([]byte, rnd.Intn(maxValue))
		rnd.Read(k)
		rnd.Read(v)
		recs[i] = record{string(k), string(v)}
	}
	return recs
}

func write(t testing.TB, dst io.WriterAt, opts WriterOptions, recs []record) *Writer {
	t.Helper()
	w, err := NewWriter(dst, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		if err := w.Put([]byte(r.key), []byte(r.value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}
