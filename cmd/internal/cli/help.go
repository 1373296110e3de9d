package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// helpWidth is the column at which help is wrapped.
const helpWidth = 80

func flagUsages(fs *pflag.FlagSet) string { return fs.FlagUsagesWrapped(helpWidth) }

func (c *Command) help(w io.Writer) {
	fmt.Fprintf(w, "NAME\n    %s - %s\n\nSYNOPSIS\n    %s VERB [OPTIONS] [ARGUMENTS]\n\nVERBS\n", c.Name, c.Summary, c.Name)
	for i := range c.Verbs {
		fmt.Fprintf(w, "    %-12s %s\n", c.Verbs[i].Name, c.Verbs[i].Summary)
	}
	if len(c.OldNames) > 0 {
		fmt.Fprintf(w, "\nOLD NAMES\n    Called under one of these names (a symbolic link), the program takes the old\n    command line: ")
		for i := range c.OldNames {
			if i > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%s (%s)", c.OldNames[i].Name, c.OldNames[i].Verb)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\n%s VERB --help is the manual page of a verb.\n", c.Name)
}

func (c *Command) verbHelp(w io.Writer, v *Verb, own string) {
	fmt.Fprintf(w, "NAME\n    %s %s - %s\n\nSYNOPSIS\n    %s %s [OPTIONS]", c.Name, v.Name, v.Summary, c.Name, v.Name)
	if v.Args != "" {
		fmt.Fprint(w, " "+v.Args)
	}
	fmt.Fprintf(w, "\n\nDESCRIPTION\n%s\n", indent(v.Doc))
	fmt.Fprintf(w, "\nOPTIONS\n%s%s", own, commonUsages(own))
	fmt.Fprintf(w, "\nEXIT STATUS\n%s\n", indent(v.exitDoc()))
	if c.Memory > 0 {
		fmt.Fprintf(w, "\nMEMORY\n    below %d MiB at any size of input, where the text above says no more\n", c.Memory>>20)
	}
	fmt.Fprintf(w, "\nEXAMPLE\n%s\n", indent(v.Example))
}

// exitDoc lists the exit statuses.
func (v *Verb) exitDoc() string {
	if v.ExitDoc != "" {
		return v.ExitDoc
	}
	lost := v.Exit3
	if lost == "" {
		lost = "done, but something was refused, unreadable or lost; each is listed"
	}
	return "0    done\n1    failed\n2    wrong options or arguments\n3    " + lost + "\n130  interrupted"
}

// commonUsages are the options that every verb has, less --log where the verb's
// own options have one.
func commonUsages(own string) string {
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SortFlags = false
	var opt common
	opt.add(fs)
	if strings.Contains(own, "--log ") {
		fs.MarkHidden("log") // it is there
	}
	return flagUsages(fs)
}

// indent sets text four columns in; blank lines stay empty.
func indent(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "    " + l
		}
	}
	return strings.Join(lines, "\n")
}
