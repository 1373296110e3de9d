package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
)

// Input is one opened input; Read gives its bytes with an outer compression
// undone.
type Input struct {
	io.Reader
	Name string   // as given; "standard input" for "-"
	Size int64    // bytes of the file as it lies on disk, -1 when unknown
	File *os.File // the file itself when it is a plain, seekable, uncompressed one; else nil

	raw    *countingReader
	direct io.Reader // what Reader buffers, when nothing is undone; else nil
	file   *os.File
}

// Read implements io.Reader. A large read of a plain file goes past the buffer.
func (in *Input) Read(p []byte) (int, error) {
	if br, ok := in.Reader.(*bufio.Reader); ok && in.direct != nil && len(p) >= directRead && br.Buffered() == 0 {
		return in.direct.Read(p)
	}
	return in.Reader.Read(p)
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

// UntilDone reads r until ctx is done, which is an error then: so a long read
// ends with the run.
func UntilDone(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// inputBuffer is how much is read from an input at a time.
const inputBuffer = 256 << 10

// directRead is the least that is read without the buffer.
const directRead = 32 << 10

// Head returns the first bytes of the input, at most 512, without reading past
// them.
func (in *Input) Head() ([]byte, error) {
	head, err := in.Peek(headSize)
	if err == io.EOF {
		err = nil
	}
	return head, err
}

// Peek returns the next n bytes of the input, at most 256 KiB, without reading
// past them; fewer come with the error that ended them.
func (in *Input) Peek(n int) ([]byte, error) {
	br, ok := in.Reader.(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(in.Reader, inputBuffer)
		in.Reader = br
	}
	return br.Peek(n)
}

// Open opens path for reading, "-" being standard input, which can be had
// once. LZ4 and gzip are recognised by the first bytes and undone.
func (j *Job) Open(path string) (*Input, error) {
	in := &Input{Name: path, Size: -1}
	var src io.Reader = j.Stdin
	var info os.FileInfo
	if path == "-" {
		in.Name = InputName(path)
		if err := j.takeStdin(); err != nil {
			return nil, err
		}
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err == nil && st.IsDir() {
			err = fmt.Errorf("%s: is a directory", path)
		}
		if err == nil && st.Mode().IsRegular() {
			err = j.reads(st, path, statOf(path))
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if st.Mode().IsRegular() {
			in.Size, in.File, info = st.Size(), f, st
		}
		in.file, src = f, f
	}
	in.raw = &countingReader{r: src}
	j.notes(path, info, in.raw)
	if err := in.decompress(); err != nil {
		in.Close()
		var other *packedError
		if errors.As(err, &other) {
			err = WithHint(err, fmt.Sprintf("%s %s | %s %s ... -", other.program, path, j.command, j.verb))
		}
		return nil, err
	}
	return in, nil
}

func (in *Input) decompress() error {
	r, plain, err := Decompress(in.raw)
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	in.Reader = r
	if plain {
		in.direct = in.raw
	} else {
		in.File = nil
	}
	return nil
}

// stillFile is a file that is not to change during the run.
type stillFile struct {
	name string
	info os.FileInfo                 // as it was opened
	look func() (os.FileInfo, error) // as it is
	told bool                        // it has changed, and that is told
}

func statOf(path string) func() (os.FileInfo, error) {
	return func() (os.FileInfo, error) { return os.Stat(path) }
}

// keepsStill makes a file that has changed by the end of the run a problem:
// what was read of it is neither the old file nor the new one. Every input
// comes here that is a file, standard input too; of what is no file nothing is
// known. One that is opened twice is held against its first opening. The caller
// holds j.mu.
func (j *Job) keepsStill(st os.FileInfo, name string, look func() (os.FileInfo, error)) {
	if !st.Mode().IsRegular() || slices.ContainsFunc(j.still, func(f stillFile) bool { return f.name == name }) {
		return
	}
	j.still = append(j.still, stillFile{name: name, info: st, look: look})
}

// KeepsStill is Reads for a file or folder that is about to be read and that
// the report does not list. What is wrong with it is met by reading.
func (j *Job) KeepsStill(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return j.reads(st, path, statOf(path))
}

// Changed returns the kind and the text of the problem, and the names of the
// files that have not kept still since they were first opened. It may be called
// again: each file is named once, and the others are looked at again, so that
// the look at the end of the run is one at all files.
func (j *Job) Changed() (kind, text string, names []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.still {
		file := &j.still[i]
		if file.told {
			continue
		}
		now, err := file.look()
		if err != nil || !os.SameFile(now, file.info) || now.Size() != file.info.Size() || !now.ModTime().Equal(file.info.ModTime()) {
			file.told = true
			names = append(names, file.name)
		}
	}
	return "input-changed", "the file has changed since the run began: what was read may be half of the one and half of the other", names
}

// TellChanged tells now of the files that have not kept still so far.
func (j *Job) TellChanged() {
	kind, text, names := j.Changed()
	for _, name := range names {
		j.Problem(kind, name, text)
	}
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
	if err == nil {
		err = j.reads(st, path, statOf(path))
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	j.notes(path, st, nil)
	return f, st.Size(), nil
}
