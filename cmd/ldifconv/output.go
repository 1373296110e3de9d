package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"os"

	"imsconv/cmd/internal/cli"
)

// outputs are the files that a run gives their names together. Without force
// one that exists is refused unless it holds what would be written, byte for
// byte: a run that was killed between two of its files can be done again.
type outputs struct {
	job   *cli.Job
	force bool
	files []outputFile
}

type outputFile struct {
	*cli.OutputFile
	path  string
	stays bool // it exists and may not be replaced
}

// create opens a file for writing.
func (o *outputs) create(path string) (*cli.OutputFile, error) {
	st, err := os.Stat(path)
	stays := !o.force && path != "-" && err == nil && st.Mode().IsRegular()
	f, err := o.job.Create(path, o.force || stays)
	if err != nil {
		return nil, err
	}
	o.files = append(o.files, outputFile{f, path, stays && f.Regular()})
	return f, nil
}

// commit gives all files their names, or none.
func (o *outputs) commit() error {
	for _, f := range o.files {
		if !f.stays {
			continue
		}
		same, err := sameContent(f.path, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if !same {
			return cli.WithHint(fmt.Errorf("%s: %w", f.path, cli.ErrExists), "--force replaces it")
		}
	}
	for _, f := range o.files {
		if f.stays {
			f.Abort()
			continue
		}
		if err := f.Commit(); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return nil
}

// sameContent reports whether the file at path holds what was written to r.
func sameContent(path string, r io.ReaderAt) (bool, error) {
	old, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer old.Close()
	const size = 64 << 10
	a, b := bufio.NewReaderSize(old, size), bufio.NewReaderSize(io.NewSectionReader(r, 0, math.MaxInt64), size)
	for {
		p, errA := a.Peek(size)
		q, errB := b.Peek(size)
		switch {
		case errA != nil && errA != io.EOF:
			return false, errA
		case errB != nil && errB != io.EOF:
			return false, errB
		case !bytes.Equal(p, q):
			return false, nil
		case len(p) < size:
			return true, nil
		}
		a.Discard(size) // peeked already
		b.Discard(size)
	}
}
