package main

import (
	"fmt"
	"io"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
)

// upgradeFiles are the files of one run.
type upgradeFiles struct {
	job    *cli.Job
	dry    bool
	inputs []string
	opened []*cli.Input

	stateFiles []*cli.Input
	made       []madeFile
}

type madeFile struct {
	name, path string
	*cli.OutputFile
}

// create opens a file for writing; in a dry run what is written is discarded.
func (u *upgradeFiles) create(name, path string, replace bool) (io.Writer, error) {
	for _, in := range u.inputs {
		if in != "-" && path != "-" && cli.SameFile(in, path) {
			return nil, cli.Usagef("%s: is the input and the %s", path, name)
		}
	}
	for _, m := range u.made {
		if m.path == path && path != "/dev/null" {
			return nil, cli.Usagef("%s: is the %s and the %s", path, m.name, name)
		}
	}
	if u.dry && name != "log" {
		u.made = append(u.made, madeFile{name: name, path: path})
		return io.Discard, nil
	}
	out, err := u.job.Create(path, replace)
	if err != nil {
		return nil, err
	}
	u.made = append(u.made, madeFile{name, path, out})
	return out, nil
}

// optional is create for a file that may not be wanted; nil then.
func (u *upgradeFiles) optional(name, path string, replace bool) (io.Writer, error) {
	if path == "" {
		return nil, nil
	}
	return u.create(name, path, replace)
}

// states opens state files, to be read as one; nil when there are none.
func (u *upgradeFiles) states(paths []string) (io.Reader, error) {
	var list []io.Reader
	for _, path := range paths {
		in, err := u.job.Open(path)
		if err != nil {
			return nil, err
		}
		u.stateFiles = append(u.stateFiles, in)
		list = append(list, in, strings.NewReader("\n\n"))
	}
	if list == nil {
		return nil, nil
	}
	return io.MultiReader(list...), nil
}

// open opens the inputs, standard input when there are none.
func (u *upgradeFiles) open(args []string) ([]ldifconv.Input, error) {
	if len(args) == 0 {
		args = []string{"-"}
	}
	var list []ldifconv.Input
	for _, path := range args {
		in, err := u.job.Open(path)
		if err != nil {
			return nil, err
		}
		u.opened = append(u.opened, in)
		name := path
		if path == "-" {
			name = "stdin"
		}
		input := ldifconv.Input{Name: name, Reader: in}
		if path != "-" && in.Size >= 0 { // a file, which can be opened again
			input.Open = func() (io.ReadCloser, error) { return u.job.Open(path) }
		}
		list = append(list, input)
	}
	return list, nil
}

// progress returns the function that moves the progress display.
func (u *upgradeFiles) progress() func(entries, bytes int64) {
	total := int64(0)
	for _, in := range u.opened {
		if in.Size < 0 {
			total = -1
			break
		}
		total += in.Size
	}
	meter := u.job.Meter("entries", 0, total)
	last := int64(0)
	return func(entries, _ int64) {
		at := int64(0)
		for _, in := range u.opened {
			at += in.Consumed()
		}
		meter.Add(entries, at-last)
		last = at
	}
}

// commit gives the files their names.
func (u *upgradeFiles) commit() error {
	for _, m := range u.made {
		if m.OutputFile == nil {
			continue
		}
		if err := m.Commit(); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		if m.path != "-" {
			u.job.Output(m.name, m.path)
		}
	}
	return nil
}

// abort removes what was not committed and closes the inputs.
func (u *upgradeFiles) abort() {
	for _, m := range u.made {
		if m.OutputFile == nil {
			continue
		}
		if m.name == "log" {
			m.Commit() // a failed run has a log all the more
			continue
		}
		m.Abort()
	}
	for _, in := range append(u.opened, u.stateFiles...) {
		in.Close()
	}
}
