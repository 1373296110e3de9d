package main

import (
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
)

// hintMaxEntry has whoever meets a record over the limit told of the option.
func hintMaxEntry(job *cli.Job) {
	job.HintOn("entry-too-big", "--max-entry SIZE takes records of more bytes")
}

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
	input := ldifconv.Input{Name: in.Name, Reader: in}
	if path != "-" && in.Size >= 0 { // a file, which can be opened again
		input.Open = func() (io.ReadCloser, error) { return job.Open(path) }
	}
	return input
}
