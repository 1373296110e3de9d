package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// Main runs one command line and returns its exit status. argv[0] is the name
// the program was called by.
func Main(ctx context.Context, cmd Command, argv []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A reader of standard output that goes is an error of a write, not the end
	// of the process: what undoes the written half must be kept.
	signal.Ignore(syscall.SIGPIPE)
	// A second interrupt kills: the handler goes with the first. But timeout(1)
	// sends two at once, to the process and to its group.
	apart := oneInterrupt
	context.AfterFunc(ctx, func() { time.AfterFunc(apart, stop) })

	cmd.addOwn()
	if len(argv) > 0 {
		if old := cmd.oldName(filepath.Base(argv[0])); old != nil {
			return cmd.runOld(ctx, old, argv[1:], stdin, stdout, stderr)
		}
		argv = argv[1:]
	}
	if len(argv) == 0 {
		if cmd.help(stderr) != nil {
			return ExitFailed
		}
		return ExitUsage
	}
	switch argv[0] {
	case "--help", "-h", "help":
		if argv[0] == "help" && len(argv) > 1 && cmd.verb(argv[1]) != nil {
			return cmd.run(ctx, cmd.verb(argv[1]), []string{"--help"}, stdin, stdout, stderr)
		}
		if err := cmd.help(stdout); err != nil {
			return ExitFailed
		}
		return ExitDone
	case "--version", "-V":
		argv = append([]string{"version"}, argv[1:]...)
	}
	verb := cmd.verb(argv[0])
	if verb == nil {
		return cmd.noVerb(argv, stdin, stdout, stderr)
	}
	return cmd.run(ctx, verb, argv[1:], stdin, stdout, stderr)
}

// oneInterrupt is how far apart two interrupts are that mean more than one.
// A test of a busy machine has another.
var oneInterrupt = 200 * time.Millisecond

// noVerb tells of a verb that the command does not have.
func (c *Command) noVerb(argv []string, stdin io.Reader, stdout, stderr io.Writer) int {
	job := newJob(c.Name, argv[0], stdin, stdout, stderr)
	job.json = wantsJSON(argv)
	hint := c.Name + " --help lists the verbs"
	if near := Nearest(argv[0], c.verbNames()); near != "" {
		hint = fmt.Sprintf("is it %s? %s", near, hint)
	}
	if strings.HasPrefix(argv[0], "-") {
		hint = fmt.Sprintf("options stand behind the verb: %s VERB %s; %s", c.Name, argv[0], hint)
	}
	job.say("error", "", "", fmt.Sprintf("no verb %q", argv[0]))
	job.say("hint", "", "", hint)
	return ExitUsage
}

// wantsJSON looks for --json among arguments that could not be parsed.
func wantsJSON(args []string) bool {
	for _, a := range args {
		switch a {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

func (c *Command) runOld(ctx context.Context, old *OldName, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	verb := c.verb(old.Verb)
	if verb == nil {
		panic("internal error: old name " + old.Name + " has no verb")
	}
	if old.Translate != nil && !verb.asksAbout(args) {
		var err error
		args, err = old.Translate(args, func(text string) {
			fmt.Fprintf(stderr, "%s: note: %s\n", old.Name, text)
		})
		if err != nil {
			fmt.Fprintf(stderr, "%s: error: %v\n", old.Name, err)
			return ExitUsage
		}
	}
	return c.run(ctx, verb, args, stdin, stdout, stderr)
}

func (c *Command) run(ctx context.Context, verb *Verb, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs, action := verb.flags()
	var opt common
	opt.add(fs)

	job := newJob(c.Name, verb.Name, stdin, stdout, stderr)
	job.exit, job.line = verb.Exit, commandLine(append([]string{c.Name, verb.Name}, args...))
	if verb.Lost != "" {
		job.lost = verb.Lost
	}
	err := fs.Parse(args)
	job.quiet, job.json = opt.quiet, opt.json
	switch {
	case errors.Is(err, pflag.ErrHelp), err == nil && opt.help:
		if c.verbHelp(stdout, verb) != nil {
			return ExitFailed
		}
		return ExitDone
	case err == nil && opt.version:
		if err = ThisBuild(c.Name).write(stdout); err == nil {
			return ExitDone
		}
	case err != nil:
		job.json = job.json || wantsJSON(args)
		err = flagError(fs, err)
	default:
		if err = errors.Join(checkFolders(fs), oneStdin(fs), opt.apartFrom(verb, fs), c.outsideFolders(verb, fs)); err != nil {
			break
		}
		if opt.onStdout() != "" {
			job.Stdout = &reportAlone{stdout}
		}
		if err = job.begin(&opt); err != nil {
			break
		}
		c.limitMemory()
		job.again, job.about.Arguments = again(verb), append([]string{}, fs.Args()...)
		job.Options(fs)
		err = act(ctx, job, action, fs.Args())
	}
	return job.finish(ctx, err)
}

// limitMemory makes the garbage collector work harder before the process comes
// near what the command promises, unless GOMEMLIMIT says otherwise.
func (c *Command) limitMemory() {
	if c.Heap > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.Heap)
	}
}

// again says what the same command does after an interrupt.
func again(v *Verb) string {
	if v.Resumes {
		return "the same command goes on where this one stopped"
	}
	return "nothing is left half done; the same command does it again"
}

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
	if err == nil {
		j.TellChanged()
	}
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
	for _, h := range j.hintsOn {
		if r.Problems.Kinds.Get(h.kind) > 0 {
			j.Hint(h.text)
		}
	}
	j.summary(r, usage)
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
