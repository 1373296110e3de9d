package cli

import (
	"hash/maphash"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Job is one run of a verb: its standard streams, and the place where it tells
// what happens. Its talking methods are safe for concurrent use.
type Job struct {
	Stdin  io.Reader
	Stdout io.Writer

	command, verb string
	line          string // the command line
	lost          string // the result of a run that ends with ExitLost
	again         string // what the same command does after an interrupt
	hintsOn       []hintOn
	stderr        io.Writer
	quiet, json   bool
	terminal      bool // standard error is one, and shows lines grouped
	stdinOpen     atomic.Bool

	mu     sync.Mutex
	report Report
	meter  *Meter        // of the display; nil: none
	phase  *Phase        // that the run is in; nil: none
	inputs []os.FileInfo // that outputs must not replace
	trees  []string      // folders that no output may lie in
	still  []stillFile   // that are not to change during the run
	files  []*OutputFile // not yet committed: removed when the run ends
	stdout *OutputFile   // the output that is standard output; nil: none
	log    *OutputFile   // of --log; nil: none
	lines  *OutputFile   // of LogTo; nil: none
	place  *OutputFile   // of --report; nil: none
	kept   string        // of KeepReport; "": none
	atEnd  func() error  // of AtEnd; nil: none
	held   []io.Closer   // of Hold

	adopted   map[uint64]struct{} // sums of the lines of Adopt
	adoptSeed maphash.Seed

	about   About             // for the report
	roles   map[string]string // the option by the value it was given
	sources []source          // inputs, for the report

	grouped   Counts // warnings of this run by kind, where they are grouped
	logPath   string // what --log names
	linesPath string // what LogTo has been told to name to people

	exit func(status int, r Report) int // see Verb.Exit; nil: as it is
}

func newJob(command, verb string, stdin io.Reader, stdout, stderr io.Writer) *Job {
	return &Job{Stdin: stdin, Stdout: stdout, command: command, verb: verb, stderr: stderr,
		lost: "done, with losses", terminal: isTerminal(stderr), report: Report{Command: command + " " + verb},
		about: About{Options: map[string]string{}, Arguments: []string{}, Start: time.Now().UTC().Truncate(time.Millisecond)}}
}

// Count adds n to a named count of the summary; counts appear in the order of
// their first mention.
func (j *Job) Count(name string, n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Counts.Add(name, n)
}

// CountAll adds counts to the summary in their order. One of 0 is left out,
// unless always names it.
func (j *Job) CountAll(counts []Count, always ...string) {
	for _, c := range counts {
		if c.N != 0 || slices.Contains(always, c.Name) {
			j.Count(c.Name, c.N)
		}
	}
}

// Detail is Count for what only the report and the summary of --json tell:
// counts that are too many for a line.
func (j *Job) Detail(name string, n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Details.Add(name, n)
}

// Data gives the verb's own results to the report, as an object whose members
// have other names than the report's.
func (j *Job) Data(v any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Data = v
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
func (j *Job) DryRun() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.DryRun = true
}

// CommandLine is the command line of the run, as a shell takes it.
func (j *Job) CommandLine() string { return j.line }

// JSON says whether the talk is JSON (--json).
func (j *Job) JSON() bool { return j.json }

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
		r.Exit, r.Result = ExitLost, j.lost
	}
	return r
}
