package main

import (
	"fmt"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
)

// upgradeFiles are the files of one run.
type upgradeFiles struct {
	job    *cli.Job
	dry    bool
	inputs []string
	piped  bool // the changes go to a program, not into a file
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
	create := u.job.Create
	if u.piped && (name == "undo" || name == "state") {
		create = u.job.CreateInPlace // a change that is piped away may be applied already
	}
	out, err := create(path, replace)
	if err != nil {
		return nil, err
	}
	u.piped = u.piped || name == "output" && !out.Regular()
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

// states opens state files.
func (u *upgradeFiles) states(paths []string) ([]ldifconv.Input, error) {
	var list []ldifconv.Input
	for _, path := range paths {
		in, err := u.job.Open(path)
		if err != nil {
			return nil, err
		}
		u.stateFiles = append(u.stateFiles, in)
		list = append(list, ldifconv.Input{Name: path, Reader: in})
	}
	return list, nil
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

// progress returns what moves the progress display.
func (u *upgradeFiles) progress() ldifconv.Progress {
	total := int64(0)
	for _, in := range u.opened {
		if in.Size < 0 {
			total = -1
			break
		}
		total += in.Size
	}
	meter := u.job.Meter("entries", 0, total)
	return &fileProgress{files: u, meter: meter}
}

// fileProgress counts bytes of the files as they lie on disk.
type fileProgress struct {
	files *upgradeFiles
	meter *cli.Meter
	last  int64
}

// Add implements ldifconv.Progress.
func (p *fileProgress) Add(entries, _ int64) {
	at := int64(0)
	for _, in := range p.files.opened {
		at += in.Consumed()
	}
	p.meter.Add(entries, at-p.last)
	p.last = at
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
