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
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// Command is one program: a table of verbs.
type Command struct {
	Name     string // as typed
	Summary  string // one sentence
	Verbs    []Verb
	OldNames []OldName // names of old programs that are verbs of this command

	// What its manual page has besides: texts as package manual reads them, and
	// the other pages to see, "storeconv(1)".
	Doc         string
	Environment string // lines "NAME  text" behind those of every program
	Files       string
	Example     string
	See         []string

	// Memory is what every verb stays below at any size of input, in bytes, and
	// Heap the heap at which the garbage collector starts to work for that.
	Memory, Heap int64
}

// Verb is one row of a command's table, and its manual page.
type Verb struct {
	Name    string
	Args    string   // synopsis of the arguments, "IN OUT"
	Summary string   // one line for the list of verbs
	Doc     string   // what it does, as manual.Prose reads it
	Example string   // one or more command lines, as manual.Commands reads them
	Files   string   // what lies where, as manual.Prose reads it; may be empty
	See     []string // other pages to see, "ims-store(5)"
	Exit3   string   // what exit status 3 means here; empty: the general text
	Lost    string   // the result of exit status 3; empty: "done, with losses"
	Resumes bool     // the same command goes on where an interrupted run stopped
	Prints  Prints   // whether data go to standard output otherwise than by Job.Create; nil: never

	// Exit, when not nil, turns the exit status of a run that was not interrupted
	// into the verb's own, for a verb that follows another program's; ExitDoc is
	// then the list of the help page.
	Exit    func(status int, r Report) int
	ExitDoc string

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
	// Options are the options that a shell completes under the name; nil: those
	// of the verb.
	Options []string
}

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

// addOwn adds the verbs that every command has to its table.
func (c *Command) addOwn() {
	c.Verbs = append(slices.Clone(c.Verbs), versionVerb(c), completionVerb(c), manualVerb(c))
}

// oneInterrupt is how far apart two interrupts are that mean more than one.
// A test of a busy machine has another.
var oneInterrupt = 200 * time.Millisecond

// noVerb tells of a verb that the command does not have.
func (c *Command) noVerb(argv []string, stdin io.Reader, stdout, stderr io.Writer) int {
	job := newJob(c.Name, argv[0], stdin, stdout, stderr)
	job.json = wantsJSON(argv)
	hint := c.Name + " --help lists the verbs"
	if near := nearest(argv[0], c.verbNames()); near != "" {
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

// asksAbout says whether a command line only asks for the manual page or the
// version. Those are ours under every name: there is nothing to translate and
// to note.
func (v *Verb) asksAbout(args []string) bool {
	if len(args) != 1 {
		return false
	}
	fs, _ := v.flags()
	return args[0] == "--help" || args[0] == "--version" || args[0] == "-V" && fs.ShorthandLookup("V") == nil
}

// flags are the flags that the verb itself declares, and what it runs.
func (v *Verb) flags() (*pflag.FlagSet, Action) {
	fs := pflag.NewFlagSet(v.Name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	return fs, v.New(fs)
}

// common are the flags that every verb has.
type common struct {
	help, version, quiet, json bool
	report, log                string
}

func (o *common) add(fs *pflag.FlagSet) {
	fs.BoolVar(&o.quiet, "quiet", false, "only problems and errors on standard error; how many warnings there were is told at the end")
	fs.BoolVar(&o.json, "json", false, "talk on standard error as JSON, one object a line")
	fs.StringVar(&o.report, "report", "", "write the summary as JSON to `FILE` (- for standard output, where no data go there)")
	if fs.Lookup("log") == nil { // a verb may have its own
		fs.StringVar(&o.log, "log", "", "write all problems and warnings to `FILE`, however many (- as with --report)")
	}
	// An old program's letter goes before these two.
	fs.BoolVarP(&o.help, "help", free(fs, "h"), false, "print this page and exit")
	if fs.Lookup("version") == nil {
		fs.BoolVarP(&o.version, "version", free(fs, "V"), false, "print the version and exit")
	}
}

// free is a letter that the verb has not given to a flag of its own, else none.
func free(fs *pflag.FlagSet, letter string) string {
	if fs.ShorthandLookup(letter) != nil {
		return ""
	}
	return letter
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
		if err = errors.Join(checkFolders(fs), oneStdin(fs), opt.apartFrom(verb, fs)); err != nil {
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

// commandLine is a command line as a shell takes it.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}

// Quote is a word as a shell takes it: in quotes when it needs them.
func Quote(word string) string {
	if word != "" && strings.Trim(word, plainBytes) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plainBytes need no quotes in a shell.
const plainBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=@%+"

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
