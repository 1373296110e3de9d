package ims

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// A Run is what a run keeps in a store while it lasts, and leaves there when it
// is interrupted: a folder in [WorkDir].
type Run struct {
	Path    string // of the folder, under the store
	Command string // the command line that goes on with it; "" when not known
	Done    bool   // all is in place: it was stopped while it removed the folder
}

// ShardsDir is the folder in WorkDir that belongs to no run: the records of the
// parts of a site that were made in the store, which merge reads.
const ShardsDir = "shards"

// Names in WorkDir.
const (
	runCommand = "command"
	runDone    = ".done" // ends the name of the folder
)

// maxCommand bounds a command line, in bytes.
const maxCommand = 64 << 10

// Runs lists the runs that have not ended. Whether they are still at work is
// not known here.
func (r *Reader) Runs() ([]Run, error) {
	dir, err := openDir(r.root, WorkDir, WorkDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, e := range entries {
		if e.IsDir() && e.Name() != ShardsDir {
			run := Run{Path: WorkDir + "/" + e.Name(), Done: strings.HasSuffix(e.Name(), runDone)}
			run.readCommand(dir, e.Name())
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// readCommand reads the command line of the run in the folder name.
func (u *Run) readCommand(dir *os.File, name string) {
	folder, err := openDir(dir, name, u.Path)
	if err != nil {
		return
	}
	defer folder.Close()
	f, err := openFile(folder, runCommand, u.Path+"/"+runCommand)
	if err != nil {
		return
	}
	defer f.Close()
	if text, err := io.ReadAll(io.LimitReader(f, maxCommand)); err == nil {
		u.Command = strings.TrimSuffix(string(text), "\n")
	}
}

// Kind is the word for what a run has left.
func (u *Run) Kind() string { return "unfinished" }

// Text says what a run has left, and which command finishes it.
func (u *Run) Text() string {
	command := u.Command
	if command == "" {
		command = "the same command as then"
	}
	if u.Done {
		return "left by a run that had done its work: " + command + " removes it"
	}
	return "left by an interrupted run, or by one that still goes on: mail may not be in its place yet; " + command + " finishes it"
}
