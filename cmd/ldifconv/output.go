package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"imsconv/cmd/internal/cli"
)

// outputs are the files that a run gives their names together. Without force
// one that exists is refused unless it holds what would be written, byte for
// byte: a run that was killed between two of its files can be done again.
type outputs struct {
	job    *cli.Job
	force  bool
	dry    bool // nothing is written, and what a run would refuse is refused
	public bool // nothing of the inputs is in the files
	files  []*output
}

// output is one of them. The caller writes to it.
type output struct {
	*cli.OutputFile
	path string
	kept *keptFile // it exists and may not be replaced; else nil
}

// create opens a file for writing.
func (o *outputs) create(path string) (*output, error) {
	st, err := os.Stat(path)
	stays := !o.force && path != "-" && err == nil && st.Mode().IsRegular()
	create := o.job.Create
	switch {
	case o.dry:
		create = o.job.CreateDry
	case o.public:
		create = o.job.CreatePublic
	}
	f, err := create(path, o.force || stays)
	if err != nil {
		return nil, err
	}
	out := &output{OutputFile: f, path: path}
	if stays && (f.Regular() || o.dry) {
		if out.kept, err = openKept(path); err != nil {
			f.Abort()
			return nil, err
		}
	}
	o.files = append(o.files, out)
	return out, nil
}

// createInPlace opens a file that has its name, and keeps what is written to
// it, from the start.
func (o *outputs) createInPlace(path string) (*output, error) {
	f, err := o.job.CreateInPlace(path, o.force)
	if err != nil {
		return nil, err
	}
	out := &output{OutputFile: f, path: path}
	o.files = append(o.files, out)
	return out, nil
}

// Write implements io.Writer. To a file that stays nothing is written: an error
// is what differs.
func (f *output) Write(p []byte) (int, error) {
	if f.kept != nil {
		return f.kept.Write(p)
	}
	return f.OutputFile.Write(p)
}

// commit gives all files their names, or none. The first that was made comes
// last: it is what the others belong to.
func (o *outputs) commit() error {
	for _, f := range o.files {
		var err error
		if f.kept != nil {
			err = f.kept.end()
		} else if err = f.Free(); err != nil {
			err = named(f.path, err)
		}
		if err != nil {
			return err
		}
	}
	for _, f := range slices.Backward(o.files) {
		if f.kept != nil {
			f.Abort()
			continue
		}
		if err := f.Commit(); err != nil {
			return named(f.path, err)
		}
	}
	return nil
}

// named puts the path in front of an error that does not have it.
func named(path string, err error) error {
	if errors.Is(err, cli.ErrExists) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// close closes what is left open; what was not committed the job removes.
func (o *outputs) close() {
	for _, f := range o.files {
		f.Abort()
		if f.kept != nil {
			f.kept.file.Close() // opened for reading
		}
	}
}

// keptFile is a file that is not replaced: what is written to it is compared
// with what it holds.
type keptFile struct {
	path string
	file *os.File
	r    *bufio.Reader
}

func openKept(path string) (*keptFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &keptFile{path, f, bufio.NewReaderSize(f, 64<<10)}, nil
}

// Write implements io.Writer.
func (k *keptFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		have, err := k.r.Peek(min(len(p)-done, k.r.Size()))
		if err != nil && err != io.EOF {
			return done, fmt.Errorf("%s: %w", k.path, err)
		}
		if len(have) == 0 || !bytes.HasPrefix(p[done:], have) {
			return done, k.differs()
		}
		done += len(have)
		k.r.Discard(len(have)) // peeked already
	}
	return done, nil
}

// end refuses a file that holds more than was written, and one that another has
// taken the place of since.
func (k *keptFile) end() error {
	opened, err := k.file.Stat()
	if err == nil {
		var now os.FileInfo
		if now, err = os.Stat(k.path); err == nil && !os.SameFile(opened, now) {
			return k.differs()
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	if _, err := k.r.Peek(1); err == nil {
		return k.differs()
	} else if err != io.EOF {
		return fmt.Errorf("%s: %w", k.path, err)
	}
	return nil
}

func (k *keptFile) differs() error {
	return cli.WithHint(fmt.Errorf("%s: %w", k.path, cli.ErrExists), "--force replaces it")
}
