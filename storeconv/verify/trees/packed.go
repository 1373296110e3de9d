package trees

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pierrec/lz4/v4"
)

// unpack undoes gzip, LZ4 and bzip2 by the first bytes. end is what the name of
// such a file ends in; refused names a compression that nobody here undoes.
func unpack(head []byte) (open func(io.Reader) (io.Reader, error), end, refused string) {
	is := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case is("\x1f\x8b"):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, ".gz", ""
	case is("\x04\x22\x4d\x18"):
		return func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }, ".lz4", ""
	case is("BZh"):
		return func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }, ".bz2", ""
	case is("\xfd7zXZ\x00"):
		return nil, ".xz", "xz"
	case is("\x28\xb5\x2f\xfd"):
		return nil, ".zst", "zstd"
	case is("\x1f\x9d"):
		return nil, ".Z", "compress"
	case is("LZIP"):
		return nil, ".lz", "lzip"
	case is("PK\x03\x04"):
		return nil, ".zip", "zip"
	}
	return nil, "", ""
}

func firstBytes(f io.ReaderAt, size int) []byte {
	b := make([]byte, size)
	n, _ := f.ReadAt(b, 0) // an error comes again
	return b[:n]
}

// plainName is the last part of a path, without the end that a compression has
// given it.
func plainName(path string) string {
	name := filepath.Base(path)
	f, err := os.Open(path)
	if err != nil {
		return name
	}
	defer f.Close()
	_, end, _ := unpack(firstBytes(f, 8))
	if plain, ok := strings.CutSuffix(name, end); ok && end != "" && plain != "" {
		return plain
	}
	return name
}

// plain gives what is in a file: itself, or a temporary file without a name. A
// compression that is not undone is refused. An error is one of the temporary
// file, not of what is read.
func (w *writer) plain(f *os.File, where string) (text *os.File, refused string, err error) {
	open, _, refused := unpack(firstBytes(f, 8))
	if open == nil {
		return f, refused, nil
	}
	text, err = os.CreateTemp("", "storeconv-verify-")
	if err != nil {
		return nil, "", err
	}
	r, damaged := open(io.NewSectionReader(f, 0, 1<<62))
	err = os.Remove(text.Name())
	if err == nil && damaged == nil {
		in := &kept{r: r}
		_, err = io.Copy(text, in)
		if damaged = in.err; damaged != nil {
			err = nil
		}
	}
	if err != nil {
		text.Close()
		return nil, "", err
	}
	if damaged != nil { // what came before it counts
		w.problem(where, "compressed", "damaged: %s", damage(damaged))
	}
	return text, "", nil
}

// kept keeps the error of a reader, which tells it from one of a writer.
type kept struct {
	r   io.Reader
	err error
}

func (k *kept) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != io.EOF {
		k.err = err
	}
	return n, err
}

// damage says in plain words what a decoder, or the file below it, has told.
func damage(err error) string {
	var file *fs.PathError
	switch {
	case errors.As(err, &file):
		return err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it has been cut"
	case strings.Contains(err.Error(), "checksum"):
		return "a checksum is wrong"
	}
	return "its bytes make no sense"
}
