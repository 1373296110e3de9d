package main

import (
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
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
	outputs
	made    []madeFile
	logFile *cli.OutputFile // nil without one; a failed run has it all the more
}

type madeFile struct{ name, path string }

// create opens a file for writing; in a dry run what is written is discarded.
func (u *upgradeFiles) create(name, path string) (io.Writer, error) {
	if err := u.claim(name, path); err != nil {
		return nil, err
	}
	create := u.outputs.create
	if u.piped && !u.dry && (name == "undo" || name == "state") {
		create = u.outputs.createInPlace // a change that is piped away may be applied already
	}
	out, err := create(path)
	if err != nil {
		return nil, err
	}
	u.piped = u.piped || name == "output" && !out.Regular()
	return out, nil
}

// claim keeps the files of a run apart, and from its inputs.
func (u *upgradeFiles) claim(name, path string) error {
	for _, in := range u.inputs {
		if in != "-" && path != "-" && cli.SameFile(in, path) {
			return cli.Usagef("%s: is the input and the %s", path, name)
		}
	}
	for _, m := range u.made {
		if m.path == path && path != "/dev/null" {
			return cli.Usagef("%s: is the %s and the %s", path, m.name, name)
		}
	}
	u.made = append(u.made, madeFile{name, path})
	return nil
}

// optional is create for a file that may not be wanted; nil then.
func (u *upgradeFiles) optional(name, path string) (io.Writer, error) {
	if path == "" {
		return nil, nil
	}
	return u.create(name, path)
}

// states opens state files.
func (u *upgradeFiles) states(paths []string) ([]ldifconv.Input, error) {
	var list []ldifconv.Input
	for _, path := range paths {
		in, err := flags.OpenText(u.job, path, "no state file", "an LDIF file")
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
		in, err := openExport(u.job, path)
		if err != nil {
			return nil, err
		}
		u.opened = append(u.opened, in)
		list = append(list, exportInput(u.job, path, in))
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
	if err := u.outputs.commit(); err != nil {
		return err
	}
	if err := u.commitLog(); err != nil {
		return err
	}
	for _, m := range u.made {
		if m.path != "-" && (!u.dry || m.name == "log") {
			u.job.Output(m.name, m.path)
		}
	}
	return nil
}

func (u *upgradeFiles) commitLog() error {
	if u.logFile == nil {
		return nil
	}
	log := u.logFile
	u.logFile = nil
	return log.Commit()
}

// close closes the inputs and commits the log.
func (u *upgradeFiles) close() {
	u.outputs.close()
	if err := u.commitLog(); err != nil {
		u.job.Warning("log", "--log", err.Error())
	}
	for _, in := range append(u.opened, u.stateFiles...) {
		in.Close()
	}
}
