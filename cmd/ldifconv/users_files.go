package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/roster"
)

// open opens the output, or all files of a split.
func (l *userLister) open() error {
	n := max(l.o.split, 1)
	if l.o.out != "" {
		if err := os.MkdirAll(l.o.out, 0o777); err != nil {
			return err
		}
	}
	l.files = outputs{job: l.job, force: l.o.force}
	paths := l.o.paths(n)
	if err := l.findStale(paths); err != nil {
		return err
	}
	for _, path := range paths {
		f, err := l.files.create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 4<<10)
		l.outs = append(l.outs, w)
		if l.o.format.Value == "tsv" {
			w.WriteString("id\tdn\tdomain\tmailhost\tquota\tstatus\tforward\n") // an error comes back from Flush
		}
	}
	l.balance = roster.NewBalance(n, roster.By(l.o.by.Value), &l.sizes)
	return nil
}

// paths are the names of the n files.
func (o *usersOptions) paths(n int) []string {
	switch {
	case o.out == "":
		return []string{"-"}
	case o.split == 0:
		return []string{filepath.Join(o.out, "users."+o.ext())}
	}
	paths := make([]string, n)
	for i := range paths {
		paths[i] = filepath.Join(o.out, roster.FileName(i, n, o.ext()))
	}
	return paths
}

func (o *usersOptions) ext() string {
	if o.format.Value == "tsv" {
		return "tsv"
	}
	return "txt"
}

// listName is the name of a list as paths gives it.
var listName = regexp.MustCompile(`^users([0-9]{2,4})?\.(txt|tsv)$`)

// findStale finds lists of an earlier run that this one does not replace: users
// would be in two files. They are refused, or with --force go at the end.
func (l *userLister) findStale(paths []string) error {
	if l.o.out == "" {
		return nil
	}
	ours := make(map[string]bool, len(paths))
	for _, path := range paths {
		ours[filepath.Base(path)] = true
	}
	list, err := os.ReadDir(l.o.out)
	if err != nil {
		return err
	}
	for _, e := range list {
		m := listName.FindStringSubmatch(e.Name())
		if m == nil || m[2] != l.o.ext() || ours[e.Name()] || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(l.o.out, e.Name())
		if !l.o.force {
			return cli.WithHint(fmt.Errorf("%s: is a list of an earlier split: its users would be in two files", path), "--force removes it")
		}
		l.stale = append(l.stale, path)
	}
	return nil
}

// commit gives the files their names and removes those of an earlier split.
func (l *userLister) commit() error {
	for _, w := range l.outs {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if err := l.files.commit(); err != nil {
		return err
	}
	for _, path := range l.stale {
		if err := os.Remove(path); err != nil {
			return err
		}
		l.job.Note(path + ": a list of an earlier split: removed")
	}
	return nil
}
