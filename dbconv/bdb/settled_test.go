package bdb

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
)

// countedAt counts the bytes that are read.
type countedAt struct {
	io.ReaderAt
	n int64
}

func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// A sound file is read once, also where it is held against its structure after
// the last record; a leaf that leads astray behind sound ones is told of.
func TestSoundLeavesAreReadOnce(t *testing.T) {
	var dst memFile
	w, err := NewWriter(&dst, WriterOptions{PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		if err := w.Put(fmt.Appendf(nil, "key%06d", i), fmt.Appendf(nil, "value%06d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(b []byte) (n int64, problems []string) {
		src := &countedAt{ReaderAt: bytes.NewReader(b)}
		r, err := NewReader(src, int64(len(b)), Options{Problem: func(err error) { problems = append(problems, err.Error()) }})
		if err != nil {
			t.Fatal(err)
		}
		c := r.Cursor()
		for {
			if _, _, err := c.Next(); err == io.EOF {
				return src.n, problems
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	size := int64(len(dst.b))
	if n, problems := read(dst.b); len(problems) > 0 || n > size+size/8 {
		t.Errorf("%d bytes read of %d, problems %q", n, size, problems)
	}
	// The last leaf leads back to the first.
	last := slices.Clone(dst.b)
	for no := size/1024 - 1; no > 0; no-- {
		page := last[no*1024:][:1024]
		if page[25] == pageLBtree && bytes.Equal(page[16:20], make([]byte, 4)) {
			page[19] = 2
			break
		}
	}
	if _, problems := read(last); len(problems) == 0 {
		t.Errorf("the last leaf links to another: no word")
	}
}
