package main

import (
	"errors"
	"fmt"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// openInputs opens the exports of args, standard input without any. A file of
// another kind is refused; an empty one is for the verb to tell of.
func openInputs(job *cli.Job, args []string) (inputs []ldifconv.Input, closeAll func(), err error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	var opened []*cli.Input
	closeAll = func() {
		for _, f := range opened {
			f.Close() // read only: nothing is lost
		}
	}
	for _, path := range args {
		f, err := openExport(job, path)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		opened = append(opened, f)
		inputs = append(inputs, exportInput(job, path, f))
	}
	return inputs, closeAll, nil
}

// openExport opens one export.
func openExport(job *cli.Job, path string) (*cli.Input, error) {
	return flags.OpenText(job, path, "no directory export", "an LDIF file")
}

// exportInput is an opened export for a conversion, which may read it twice.
func exportInput(job *cli.Job, path string, in *cli.Input) ldifconv.Input {
	input := ldifconv.Input{Name: path, Reader: in}
	if path == "-" {
		input.Name = "stdin"
		return input
	}
	if in.Size >= 0 { // a file, which can be opened again
		input.Open = func() (io.ReadCloser, error) { return job.Open(path) }
	}
	return input
}

// tellDamage tells of what a reader of an export has given in place of a
// record: damage, or an input that cannot be read to its end. end says that
// nothing more comes. An input of which nothing could be read is an error.
func tellDamage(job *cli.Job, name string, r *ldif.Reader, err error) (end bool, _ error) {
	var damage *ldif.Error
	switch {
	case err == io.EOF:
		if line := r.Unterminated(); line > 0 {
			job.Warning("no-line-end", position(name, line, nil), ldif.CutOff)
		}
		return true, nil
	case errors.As(err, &damage):
		job.Problem(damage.Kind(), position(name, damage.Line, []byte(damage.DN)), damage.Reason())
		return false, nil
	case r.Line() <= 1:
		return true, fmt.Errorf("%s: %w", name, err)
	}
	job.Problem("unreadable", position(name, r.Line(), nil), ldif.RestLost(err))
	return true, nil
}

// position is where a record stands.
func position(file string, line int, dn []byte) string {
	at := fmt.Sprintf("%s:%d", file, line)
	if len(dn) == 0 {
		return at
	}
	return at + ": " + printable(dn)
}
