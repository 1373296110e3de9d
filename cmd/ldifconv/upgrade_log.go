package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
)

// upgradeLog hands everything to the job and, when there is a log file, writes
// all of it there, one line each.
type upgradeLog struct {
	job *cli.Job
	mu  sync.Mutex
	w   *bufio.Writer // nil without a file
	err error         // of the file, once it is written
}

// log opens the log file, when path names one.
func (u *upgradeFiles) log(path string) (*upgradeLog, error) {
	l := &upgradeLog{job: u.job}
	if path == "" {
		return l, nil
	}
	if err := u.claim("log", path); err != nil {
		return nil, err
	}
	var err error
	if u.logFile, err = u.job.Create(path, true); err != nil {
		return nil, err
	}
	l.w = bufio.NewWriter(u.logFile)
	return l, nil
}

// Problem implements ldifconv.Log.
func (l *upgradeLog) Problem(kind, where, text string) {
	l.job.Problem(kind, where, text)
	l.line("problem", kind, where, text)
}

// Warning implements ldifconv.Log.
func (l *upgradeLog) Warning(kind, where, text string) {
	l.job.Warning(kind, where, text)
	l.line("warning", kind, where, text)
}

// Counting implements ldifconv.Counter.
func (l *upgradeLog) Counting(problem bool, kind string) bool {
	return l.w == nil && l.job.Counting(problem, kind)
}

// Counted implements ldifconv.Counter.
func (l *upgradeLog) Counted(problem bool, kind string) { l.job.Counted(problem, kind) }

func (l *upgradeLog) line(level, kind, where, text string) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "%s %s: %s: %s\n", level, kind, where, text)
}

// summary ends the log with what was done, and puts into the report of the run
// how many entries each rule changed.
func (l *upgradeLog) summary(rep ldifconv.Report, err error) {
	for _, name := range slices.Sorted(maps.Keys(rep.Rules)) {
		l.job.Detail("rule "+name, rep.Rules[name])
	}
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "entries %d, damaged %d, selected %d, changed %d (users %d, groups %d, domains %d), unchanged %d, restored %d\n",
		rep.Entries, rep.Damaged, rep.Selected, rep.Changed, rep.Users, rep.Groups, rep.Domains, rep.Finished, rep.Restored)
	writeCounts(l.w, "rule", rep.Rules)
	writeCounts(l.w, "warnings", rep.Warnings)
	if err != nil {
		fmt.Fprintf(l.w, "failed: %v\n", err)
	}
	if err := l.w.Flush(); err != nil {
		l.err = fmt.Errorf("--log: %w", err)
	}
}

func writeCounts(w io.Writer, what string, counts map[string]int64) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%s %s: %d\n", what, name, counts[name])
	}
}
