package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/pierrec/lz4/v4"
)

// Input is one opened input; Read gives its bytes with an outer compression
// undone.
type Input struct {
	io.Reader
	Name string   // as given; "standard input" for "-"
	Size int64    // bytes of the file as it lies on disk, -1 when unknown
	File *os.File // the file itself when it is a plain, seekable, uncompressed one; else nil

	raw  *countingReader
	file *os.File
}

// Consumed is how many bytes of the file as it lies on disk have been read.
func (in *Input) Consumed() int64 { return in.raw.n.Load() }

// Close closes the input.
func (in *Input) Close() error {
	if in.file == nil {
		return nil
	}
	return in.file.Close()
}

type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// inputBuffer is how much is read from an input at a time.
const inputBuffer = 256 << 10

// Open opens path for reading, "-" being standard input. An LZ4 frame or gzip
// file is recognised by its first bytes and undone.
func (j *Job) Open(path string) (*Input, error) {
	in := &Input{Name: path, Size: -1}
	var src io.Reader = j.Stdin
	if path == "-" {
		in.Name = "standard input"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err == nil && st.IsDir() {
			err = fmt.Errorf("%s: is a directory", path)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if st.Mode().IsRegular() {
			in.Size, in.File = st.Size(), f
		}
		in.file, src = f, f
	}
	in.raw = &countingReader{r: src}
	if err := in.decompress(); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	lz4Magic  = []byte{0x04, 0x22, 0x4d, 0x18}
)

func (in *Input) decompress() error {
	r, plain, err := Decompress(in.raw)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	in.Reader = r
	if !plain {
		in.File = nil
	}
	return nil
}

// Decompress undoes an LZ4 frame or gzip, known by its first bytes; anything
// else is plain and read as it is.
func Decompress(src io.Reader) (r io.Reader, plain bool, err error) {
	br := bufio.NewReaderSize(src, inputBuffer)
	head, err := br.Peek(len(lz4Magic))
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, false, fmt.Errorf("gzip: %w", err)
		}
		return z, false, nil
	case bytes.Equal(head, lz4Magic):
		return lz4.NewReader(br), false, nil
	}
	return br, true, nil
}

// OpenFile opens a plain file read-only and gives its size in bytes.
func (j *Job) OpenFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}
