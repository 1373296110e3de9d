package cli

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// shells are those that a script is written for, in the order of help.
var shells = []struct {
	name  string
	write func(w io.Writer, c *Command)
}{{"bash", writeBash}, {"zsh", writeZsh}, {"fish", writeFish}}

func shellNames() (names []string) {
	for _, s := range shells {
		names = append(names, s.name)
	}
	return names
}

// completionVerb is the verb completion of the command.
func completionVerb(c *Command) Verb {
	return Verb{
		Name:    "completion",
		Prints:  Always,
		Args:    strings.Join(shellNames(), "|"),
		Summary: "print a script that lets a shell complete command lines",
		Doc: `
Prints a script for the shell that is named: with it the shell completes verbs,
options, the values of those that take one of several words, files and folders.
The script knows the program as it is now and asks it nothing: make it anew
with another version. It needs no other package.

bash: put it into /etc/bash_completion.d, or source it from ~/.bashrc. zsh: put
it as _` + c.Name + ` into a folder of fpath, or source it behind compinit. fish: put it
into ~/.config/fish/completions.
`,
		Example: "source <(" + c.Name + " completion bash)\n" +
			c.Name + " completion zsh > /usr/local/share/zsh/site-functions/_" + c.Name + "\n" +
			c.Name + " completion fish > ~/.config/fish/completions/" + c.Name + ".fish",
		New: func(*pflag.FlagSet) Action {
			return func(_ context.Context, job *Job, args []string) error {
				if len(args) != 1 {
					return Usagef("for which shell? %s", strings.Join(shellNames(), ", "))
				}
				for _, s := range shells {
					if s.name != args[0] {
						continue
					}
					var text strings.Builder
					s.write(&text, c)
					_, err := io.WriteString(job.Stdout, text.String())
					return err
				}
				return Usagef("%q is no shell that is known here: %s", args[0], strings.Join(shellNames(), ", "))
			}
		},
	}
}

// wanted is what a shell completes a value or an argument with.
type wanted uint8

const (
	nothing wanted = iota // anything may stand there
	words                 // one of several
	files
	folders
)

// completedFlag is a flag as completion sees it.
type completedFlag struct {
	*pflag.Flag
	text  string // the usage in one line
	arg   string // the name of its argument; "" for one that takes none
	want  wanted // of the argument
	words []string
}

// names are the flag's names as they are typed.
func (f *completedFlag) names() []string {
	names := []string{"--" + f.Name}
	if f.Shorthand != "" {
		names = append(names, "-"+f.Shorthand)
	}
	return names
}

// repeats says whether the flag may be given again.
func (f *completedFlag) repeats() bool {
	_, ok := f.Value.(pflag.SliceValue)
	return ok
}

// completed are the flags of a verb, its own and those that every verb has.
func (v *Verb) completed() (list []completedFlag) {
	fs, _ := v.flags()
	var opt common
	opt.add(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			list = append(list, completeFlag(f))
		}
	})
	return list
}

// completeFlag looks at one flag.
func completeFlag(f *pflag.Flag) completedFlag {
	arg, usage := pflag.UnquoteUsage(f)
	c := completedFlag{Flag: f, text: firstClause(usage), arg: arg, words: Values(f)}
	switch {
	case f.Value.Type() == "bool":
		c.arg = ""
	case len(c.words) > 0:
		c.want = words
	default:
		c.want = wantedOf(arg)
	}
	return c
}

// inBrackets is what a usage text adds in brackets.
var inBrackets = regexp.MustCompile(` \([^()]*(\([^()]*\)[^()]*)*(\)|$)`)

// firstClause is the beginning of a usage text: a shell shows one line.
func firstClause(text string) string {
	text, _, _ = strings.Cut(text, "; ")
	text = inBrackets.ReplaceAllString(text, "") // what stands there explains one word only
	const most = 70
	if r := []rune(text); len(r) > most {
		text = string(r[:most-3]) + "..."
	}
	return text
}

// The names of arguments that are files or folders. One that may be either is
// among the files, with which a shell completes folders too.
var (
	fileNames   = []string{"FILE", "STREAM", "LDIF", "USERFILE", "MAPFILE", "STATE", "PATH"}
	folderNames = []string{"DIR", "FOLDER", "STORE", "NMSSTORE", "OUT", "PLAN"}
)

func wantedOf(arg string) wanted {
	switch {
	case slices.Contains(fileNames, arg):
		return files
	case slices.Contains(folderNames, arg):
		return folders
	}
	return nothing
}

// argsOf is what the arguments of a verb are completed with, by its synopsis.
func (c *Command) argsOf(v *Verb) (want wanted, list []string) {
	switch {
	case v.Args == "", idArgs.MatchString(v.Args):
		return nothing, nil
	case strings.Trim(v.Args, "[]") == "VERB":
		return words, c.verbNames()
	case closedArgs.MatchString(v.Args):
		return words, strings.Split(v.Args, "|")
	}
	return files, nil
}

var (
	idArgs     = regexp.MustCompile(`^\[?ID\b`)
	closedArgs = regexp.MustCompile(`^[a-z]+(\|[a-z]+)+$`)
)

func (c *Command) verbNames() (names []string) {
	for i := range c.Verbs {
		names = append(names, c.Verbs[i].Name)
	}
	return names
}

// ownFlags are the flags of a command line without a verb.
var ownFlags = []string{"--help", "-h", "--version", "-V"}

// optionsOf are the flags that are completed under an old name, as typed.
func (c *Command) optionsOf(old *OldName) []string {
	if old.Options != nil {
		return old.Options
	}
	return allNames(c.verb(old.Verb).completed())
}

func allNames(list []completedFlag) (names []string) {
	for i := range list {
		names = append(names, list[i].names()...)
	}
	return names
}

// calledAs are all names that the script is for.
func (c *Command) calledAs() []string {
	names := []string{c.Name}
	for i := range c.OldNames {
		names = append(names, c.OldNames[i].Name)
	}
	return names
}

// head is the first line of a script behind its shell's own mark.
func (c *Command) head(shell string) string {
	return fmt.Sprintf("# %s completion of %s %s: made by \"%s completion %s\"\n", shell, c.Name, Version, c.Name, shell)
}
