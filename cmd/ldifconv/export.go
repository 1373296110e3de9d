package main

import (
	"fmt"
	"slices"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
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
		f, err := openText(job, path, "no directory export", "an LDIF file")
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		opened = append(opened, f)
		if path == "-" {
			path = "stdin"
		}
		inputs = append(inputs, ldifconv.Input{Name: path, Reader: f})
	}
	return inputs, closeAll, nil
}

// openText opens a file of text. One that is of any known kind but those of
// right is refused; no says what it is not.
func openText(job *cli.Job, path, no string, right ...string) (*cli.Input, error) {
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	head, err := in.Head()
	if err == nil && len(head) > 0 {
		if kind := cli.Kind(head); kind != "" && !slices.Contains(right, kind) {
			err = fmt.Errorf("is %s, %s", kind, no)
		}
	}
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	return in, nil
}
