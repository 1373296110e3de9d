package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/pflag"
)

// Command is one program: a table of verbs.
type Command struct {
	Name     string // as typed
	Summary  string // one sentence
	Verbs    []Verb
	OldNames []OldName // names of old programs that are verbs of this command

	// AlsoCalled are old names whose link, page and completion are those of
	// another program. A link of one that leads to this program is answered.
	AlsoCalled []OldName

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
	Place   bool     // a folder among the arguments is a place, as [Place] has it of flags
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

// addOwn adds the verbs that every command has to its table.
func (c *Command) addOwn() {
	c.Verbs = append(slices.Clone(c.Verbs), versionVerb(c), completionVerb(c), manualVerb(c))
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
	for _, list := range [...][]OldName{c.OldNames, c.AlsoCalled} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
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
