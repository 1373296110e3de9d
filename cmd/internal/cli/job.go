package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Job is one run of a verb: its standard streams, and the place where it tells
// what happens. Its talking methods are safe for concurrent use.
type Job struct {
	Stdin  io.Reader
	Stdout io.Writer

	command, verb string
	stderr        io.Writer
	quiet, json   bool

	mu     sync.Mutex
	report Report
	meter  *Meter
	files  []*OutputFile // not yet committed: removed when the run ends
}

func newJob(command, verb string, stdin io.Reader, stdout, stderr io.Writer) *Job {
	return &Job{Stdin: stdin, Stdout: stdout, command: command, verb: verb, stderr: stderr,
		report: Report{Command: command + " " + verb}}
}

// Problem tells of something refused, unreadable or lost; the exit status
// becomes 3. kind is a short word for the class, where the position.
func (j *Job) Problem(kind, where, text string) {
	j.line("problem", &j.report.Problems, kind, where, text)
}

// Warning tells of something that an administrator should look at and that
// loses nothing beyond what a documented rule says.
func (j *Job) Warning(kind, where, text string) {
	j.line("warning", &j.report.Warnings, kind, where, text)
}

func (j *Job) line(level string, lines *Lines, kind, where, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if lines.add(Line{kind, where, text}) {
		j.say(level, kind, where, text)
		return
	}
	if lines.Kinds.Get(kind) == MaxLines+1 {
		j.say("note", kind, "", fmt.Sprintf("more than %d %ss of kind %s: the rest are counted only", MaxLines, level, kind))
	}
}

// Note says something of interest; silent with --quiet.
func (j *Job) Note(text string) { j.talk("note", text) }

// Hint gives advice; silent with --quiet.
func (j *Job) Hint(text string) { j.talk("hint", text) }

func (j *Job) talk(level, text string) {
	if j.quiet {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.say(level, "", "", text)
}

// talkLine is the JSON form of a line of talk.
type talkLine struct {
	Type  string `json:"type"`
	Kind  string `json:"kind,omitempty"`
	Where string `json:"where,omitempty"`
	Text  string `json:"text"`
}

// say writes one line of talk; j.mu is held. An error of standard error has
// nowhere to go.
func (j *Job) say(level, kind, where, text string) {
	if j.json {
		j.sayJSON(talkLine{level, kind, where, text})
		return
	}
	j.meter.clear()
	if where != "" {
		text = where + ": " + text
	}
	fmt.Fprintf(j.stderr, "%s: %s: %s\n", j.command, level, text)
}

func (j *Job) sayJSON(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	j.stderr.Write(append(line, '\n'))
}

// Count adds n to a named count of the summary; counts appear in the order of
// their first mention.
func (j *Job) Count(name string, n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Counts.Add(name, n)
}

// Detail is Count for what only the report and the summary of --json tell: counts that are too
// many for a line.
func (j *Job) Detail(name string, n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Details.Add(name, n)
}

// Output names something that the run wrote.
func (j *Job) Output(name, path string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Outputs = append(j.report.Outputs, Output{name, path})
}

// Next names a step that the administrator takes from here.
func (j *Job) Next(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Next = append(j.report.Next, text)
}

// DryRun marks the summary as that of a run that wrote nothing.
func (j *Job) DryRun() { j.report.DryRun = true }

// Lost says whether any problem has been told.
func (j *Job) Lost() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.report.Problems.Total > 0
}

// Snapshot returns the report as it stands, in its final order; exit status
// and result are those of a run that ends here without an error.
func (j *Job) Snapshot() Report {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.report
	r.Problems.Items = append([]Line{}, r.Problems.Items...)
	r.Warnings.Items = append([]Line{}, r.Warnings.Items...)
	r.Problems.Kinds = append(Counts{}, r.Problems.Kinds...)
	r.Warnings.Kinds = append(Counts{}, r.Warnings.Kinds...)
	r.Problems.sort()
	r.Warnings.sort()
	r.Exit, r.Result = ExitDone, "done"
	if r.Problems.Total > 0 {
		r.Exit, r.Result = ExitLost, "done, with losses"
	}
	return r
}

// Recall takes over the report of an earlier, finished run, for a run that
// finds its work already done.
func (j *Job) Recall(r Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report = r
}

// finish prints the summary, writes the report and returns the exit status.
func (j *Job) finish(ctx context.Context, err error, reportPath string) int {
	j.meter.stop()
	for _, f := range j.files {
		f.Abort()
	}
	r := j.Snapshot()
	if err != nil {
		r.Exit, r.Result = exitOf(ctx, err)
		r.Error = err.Error()
	}
	if reportPath != "" && r.Exit != ExitUsage {
		if werr := writeReport(j, reportPath, r); werr != nil {
			j.sayError(werr)
			if err == nil {
				r.Exit = ExitFailed
			}
		}
	}
	j.summary(r)
	if err != nil {
		j.sayError(err)
	}
	return r.Exit
}

func exitOf(ctx context.Context, err error) (int, string) {
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return ExitUsage, "usage"
	case ctx.Err() != nil:
		return ExitInterrupted, "interrupted"
	}
	return ExitFailed, "failed"
}

func (j *Job) sayError(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.say("error", "", "", err.Error())
	var usage *usageError
	if errors.As(err, &usage) {
		j.say("hint", "", "", fmt.Sprintf("%s %s --help is the manual page", j.command, j.verb))
	}
	var hinted *hintedError
	if errors.As(err, &hinted) {
		j.say("hint", "", "", hinted.hint)
	}
}

func writeReport(j *Job, path string, r Report) error {
	out, err := j.Create(path, true)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := r.Write(out); err != nil {
		return err
	}
	return out.Commit()
}

// Write writes the report as indented JSON with a final newline.
func (r Report) Write(w io.Writer) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// summary tells the counts in one line, or in one object with --json.
func (j *Job) summary(r Report) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.json {
		j.sayJSON(struct {
			Type string `json:"type"`
			Report
		}{"summary", r})
		return
	}
	if r.Exit == ExitUsage || j.quiet {
		return
	}
	text := ""
	for _, c := range r.Counts {
		text += fmt.Sprintf(", %s %d", c.Name, c.N)
	}
	if r.Problems.Total > 0 {
		text += fmt.Sprintf(", problems %d", r.Problems.Total)
	}
	if r.Warnings.Total > 0 {
		text += fmt.Sprintf(", warnings %d", r.Warnings.Total)
	}
	if text != "" {
		j.meter.clear()
		fmt.Fprintf(j.stderr, "%s: %s: %s\n", j.command, r.Result, text[2:])
	}
}
