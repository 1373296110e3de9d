package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"
)

// grace is how long a verb has to end by itself after an interrupt. One that
// waits for an input that does not come is left where it is: whatever it does
// is whole or not at all, so the end of the process is as good.
const grace = 700 * time.Millisecond

// act runs the action until it ends or is interrupted.
func act(ctx context.Context, job *Job, action Action, args []string) error {
	defer job.answer()()
	ended := make(chan error, 1)
	go func() { ended <- action(ctx, job, args) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(grace):
		return ctx.Err()
	}
}

// begin opens what --report and --log name, so that a path that cannot be
// written is found before the work.
func (j *Job) begin(opt *common) error {
	var err error
	if opt.report != "" {
		if j.place, err = j.Create(opt.report, true); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	if opt.log != "" {
		if j.log, err = j.Create(opt.log, true); err != nil {
			return fmt.Errorf("--log: %w", err)
		}
		j.logPath = opt.log
	}
	return nil
}

// finish writes the report, tells the error and the summary, and returns the
// exit status.
func (j *Job) finish(ctx context.Context, err error) int {
	defer j.release()
	j.stopMeter()
	r := j.Snapshot()
	if err != nil {
		r.Exit, r.Result = exitOf(ctx, err)
		r.Error = err.Error()
	}
	usage := r.Exit == ExitUsage
	r.Exit = j.status(r.Exit, r)
	werr := j.writeFiles(r, usage)
	if werr == nil && err == nil {
		werr = j.settle(r)
	}
	if werr != nil {
		j.sayError(werr)
		if err == nil {
			r.Exit, r.Result = j.status(ExitFailed, r), "failed"
		}
	}
	j.abort()
	if err != nil {
		j.sayError(err)
	}
	if r.Exit == ExitInterrupted && j.again != "" {
		j.Hint(j.again)
	}
	j.summary(r, usage)
	return r.Exit
}

// status is the verb's own exit status, where it has its own.
func (j *Job) status(status int, r Report) int {
	if j.exit == nil || status == ExitInterrupted {
		return status
	}
	return j.exit(status, r)
}

// writeFiles commits what --log and --report name, unless nothing was done.
func (j *Job) writeFiles(r Report, usage bool) error {
	j.mu.Lock()
	log, place := j.log, j.place
	j.log = nil
	j.mu.Unlock()
	if usage {
		return nil
	}
	if log != nil {
		if err := log.Commit(); err != nil {
			return fmt.Errorf("--log: %w", err)
		}
	}
	if place == nil {
		return nil
	}
	if err := j.writeReport(place, r); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	if err := place.Commit(); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}

// abort removes the files that were not committed.
func (j *Job) abort() {
	j.mu.Lock()
	files := j.files
	j.files = nil
	j.mu.Unlock()
	for _, f := range files {
		f.Abort()
	}
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
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		text = "interrupted"
	case errors.Is(err, syscall.EPIPE):
		text = "the reader of the output has gone: " + text
	}
	j.say("error", "", "", text)
	var hinted *hintedError
	if errors.As(err, &hinted) {
		j.say("hint", "", "", hinted.hint)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		j.say("hint", "", "", fmt.Sprintf("%s %s --help is the manual page", j.command, j.verb))
	}
}

// Write writes the report as indented JSON with a final newline.
func (r Report) Write(w io.Writer) error {
	data, err := r.object()
	if err != nil {
		return err
	}
	return writeObject(w, data)
}

// object is the report as one object in JSON, the verb's own results in it.
func (r Report) object() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil || r.Data == nil {
		return data, err
	}
	own, err := json.Marshal(r.Data)
	return joinObjects(data, own), err
}

// writeObject writes an object in JSON, indented and with a final newline.
func writeObject(w io.Writer, data []byte) error {
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err := w.Write(text.Bytes())
	return err
}

// joinObjects makes one object in JSON of two, the first of which has members.
func joinObjects(a, b []byte) []byte {
	if len(b) <= len("{}") {
		return a
	}
	return slices.Concat(bytes.TrimSuffix(a, []byte("}")), []byte(","), bytes.TrimPrefix(b, []byte("{")))
}

// summary tells the counts in one line, or in one object with --json. With
// --quiet only what was silenced is told.
func (j *Job) summary(r Report, usage bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.json:
		j.sayJSON(struct {
			Type string `json:"type"`
			Report
		}{"summary", r})
	case usage:
	case j.quiet:
		if r.Warnings.Total > 0 {
			j.say("note", "", "", "warnings silenced by --quiet: "+r.Warnings.kinds())
		}
	default:
		j.groups()
		if text := r.line(); text != "" {
			j.meter.clear()
			fmt.Fprintf(j.stderr, "%s: %s: %s\n", j.command, r.Result, text)
		}
	}
}

// line is the summary's text: the counts, then problems and warnings with
// their kinds.
func (r *Report) line() string {
	var parts []string
	for _, c := range r.Counts {
		parts = append(parts, fmt.Sprintf("%s %d", c.Name, c.N))
	}
	if r.Problems.Total > 0 {
		parts = append(parts, "problems "+r.Problems.kinds())
	}
	if r.Warnings.Total > 0 {
		parts = append(parts, "warnings "+r.Warnings.kinds())
	}
	return strings.Join(parts, ", ")
}

// kinds is the total and, behind it, how many there are of each kind:
// "3 (bad-name 2, damaged 1)".
func (ls *Lines) kinds() string {
	parts := make([]string, len(ls.Kinds))
	for i, c := range ls.Kinds {
		parts[i] = fmt.Sprintf("%s %d", c.Name, c.N)
	}
	return fmt.Sprintf("%d (%s)", ls.Total, strings.Join(parts, ", "))
}
