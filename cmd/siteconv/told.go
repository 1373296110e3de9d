package main

import (
	"strings"

	"imsconv/cmd/internal/cli"
)

// sourceLog tells what a conversion has to say of a source: a position in it
// that lacks the name of the source gets it.
type sourceLog struct {
	job   *cli.Job
	path  string        // of the source
	known map[line]bool // what was told before and is not told again; may be nil
}

// line is one problem or warning.
type line struct{ kind, where, text string }

// log is the log of a step that reads the mail.
func (c *conversion) log(job *cli.Job) *sourceLog {
	return &sourceLog{job: job, path: c.store().Path}
}

// logAgain is the log of a step that reads the mail once more: what is wrong
// with the source was told when it was read first. Of a kind of which there is
// more than a report keeps, the rest is counted again.
func (c *conversion) logAgain(job *cli.Job) *sourceLog {
	l := c.log(job)
	l.known = make(map[line]bool)
	told := job.Snapshot()
	for _, lines := range []cli.Lines{told.Problems, told.Warnings} {
		for _, item := range lines.Items {
			l.known[line{item.Kind, item.Where, item.Text}] = true
		}
	}
	return l
}

// Problem implements storeconv.Log.
func (l *sourceLog) Problem(kind, where, text string) { l.tell(l.job.Problem, kind, where, text) }

// Warning implements storeconv.Log.
func (l *sourceLog) Warning(kind, where, text string) { l.tell(l.job.Warning, kind, where, text) }

func (l *sourceLog) tell(tell func(kind, where, text string), kind, where, text string) {
	if strings.HasPrefix(where, "offset ") {
		where = l.path + ": " + where
	}
	if !l.known[line{kind, where, text}] {
		tell(kind, where, text)
	}
}
