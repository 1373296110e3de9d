package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"
)

// Version is what --version prints.
const Version = "0.1.0"

// Command is one program: a table of verbs.
type Command struct {
	Name     string // as typed
	Summary  string // one sentence
	Verbs    []Verb
	OldNames []OldName // names of old programs that are verbs of this command
}

// Verb is one row of a command's table, and its manual page.
type Verb struct {
	Name    string
	Args    string // synopsis of the arguments, "IN OUT"
	Summary string // one line for the list of verbs
	Doc     string // what it does, in paragraphs
	Example string // one or more command lines
	Exit3   string // what exit status 3 means here; empty: the general text

	// New declares the verb's flags and returns what runs once they are parsed.
	New func(fs *pflag.FlagSet) Action
}

// Action runs a verb. A nil error means done; whether anything was lost on the
// way is what the job has been told.
type Action func(ctx context.Context, job *Job, args []string) error

// OldName is an old program's name under which a command takes that program's
// command line as it stands in old runbooks.
type OldName struct {
	Name string // base name of argv[0]
	Verb string
	// Translate turns the old arguments into the verb's; note says on standard
	// error what was accepted and not used. Nil: the arguments go as they are.
	Translate func(args []string, note func(text string)) ([]string, error)
}

// Main runs one command line and returns its exit status. argv[0] is the name
// the program was called by.
func Main(ctx context.Context, cmd Command, argv []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt kills: the handler goes with the first.
	context.AfterFunc(ctx, stop)

	if len(argv) > 0 {
		if old := cmd.oldName(filepath.Base(argv[0])); old != nil {
			return cmd.runOld(ctx, old, argv[1:], stdin, stdout, stderr)
		}
		argv = argv[1:]
	}
	if len(argv) == 0 {
		cmd.help(stderr)
		return ExitUsage
	}
	switch argv[0] {
	case "--help", "-h", "help":
		if argv[0] == "help" && len(argv) > 1 && cmd.verb(argv[1]) != nil {
			return cmd.run(ctx, cmd.verb(argv[1]), []string{"--help"}, stdin, stdout, stderr)
		}
		cmd.help(stdout)
		return ExitDone
	case "--version":
		fmt.Fprintf(stdout, "%s %s\n", cmd.Name, Version)
		return ExitDone
	}
	verb := cmd.verb(argv[0])
	if verb == nil {
		fmt.Fprintf(stderr, "%s: error: no verb %q\n%s: hint: %s --help lists the verbs\n", cmd.Name, argv[0], cmd.Name, cmd.Name)
		return ExitUsage
	}
	return cmd.run(ctx, verb, argv[1:], stdin, stdout, stderr)
}

func (c *Command) verb(name string) *Verb {
	for i := range c.Verbs {
		if c.Verbs[i].Name == name {
			return &c.Verbs[i]
		}
	}
	return nil
}

func (c *Command) oldName(name string) *OldName {
	for i := range c.OldNames {
		if c.OldNames[i].Name == name {
			return &c.OldNames[i]
		}
	}
	return nil
}

func (c *Command) runOld(ctx context.Context, old *OldName, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	verb := c.verb(old.Verb)
	if verb == nil {
		panic("internal error: old name " + old.Name + " has no verb")
	}
	if old.Translate != nil {
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

// common are the flags that every verb has.
type common struct {
	help, quiet, json bool
	report            string
}

func (o *common) add(fs *pflag.FlagSet) {
	fs.BoolVar(&o.quiet, "quiet", false, "no progress, notes or summary on standard error; problems and warnings are still told")
	fs.BoolVar(&o.json, "json", false, "talk on standard error as JSON, one object a line")
	fs.StringVar(&o.report, "report", "", "write the summary as JSON to `FILE`")
	fs.BoolVar(&o.help, "help", false, "print this page and exit")
}

func (c *Command) run(ctx context.Context, verb *Verb, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := pflag.NewFlagSet(verb.Name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	action := verb.New(fs)
	own := flagUsages(fs)
	var opt common
	opt.add(fs)

	job := newJob(c.Name, verb.Name, stdin, stdout, stderr)
	err := fs.Parse(args)
	job.quiet, job.json = opt.quiet, opt.json
	switch {
	case errors.Is(err, pflag.ErrHelp), err == nil && opt.help:
		c.verbHelp(stdout, verb, own)
		return ExitDone
	case err != nil:
		err = Usagef("%w", flagError(err))
	default:
		err = action(ctx, job, fs.Args())
	}
	return job.finish(ctx, err, opt.report)
}
