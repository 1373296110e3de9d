package cli

import (
	"fmt"
	"io"
	"strings"
)

// writeFish writes the script for fish.
func writeFish(w io.Writer, c *Command) {
	fmt.Fprint(w, c.head("fish"))
	fmt.Fprintf(w, "\nfunction __%s_verb\n\tset -l words (commandline -opc)\n\tset -q words[2]; and contains -- $words[2] $argv\nend\n", c.Name)
	fmt.Fprintf(w, "function __%s_no_verb\n\ttest (count (commandline -opc)) -eq 1\nend\n\n", c.Name)
	none := fmt.Sprintf("complete -c %s -n __%s_no_verb -f", c.Name, c.Name)
	for i := range c.Verbs {
		fmt.Fprintf(w, "%s -a %s -d %s\n", none, c.Verbs[i].Name, fishQuote(c.Verbs[i].Summary))
	}
	fmt.Fprintf(w, "%s -a help -d 'print a manual page'\n", none)
	fmt.Fprintf(w, "%s -s h -l help -d 'print the list of verbs'\n%s -s V -l version -d 'print the version'\n", none, none)
	fmt.Fprintf(w, "complete -c %s -n '__%s_verb help' -f -a %s\n", c.Name, c.Name, fishQuote(strings.Join(c.verbNames(), " ")))
	for i := range c.Verbs {
		v := &c.Verbs[i]
		c.fishVerb(w, v, fmt.Sprintf("complete -c %s -n '__%s_verb %s'", c.Name, c.Name, v.Name))
	}
	for i := range c.OldNames {
		old := &c.OldNames[i]
		if old.Options == nil {
			c.fishVerb(w, c.verb(old.Verb), "complete -c "+old.Name)
			continue
		}
		fmt.Fprintf(w, "complete -c %s -n 'string match -q -- \"-*\" (commandline -ct)' -a %s\n", old.Name, fishQuote(strings.Join(old.Options, " ")))
	}
}

// fishVerb writes the options and arguments of a verb.
func (c *Command) fishVerb(w io.Writer, v *Verb, start string) {
	for _, f := range v.completed() {
		line := start + " -l " + f.Name
		if f.Shorthand != "" {
			line += " -s " + f.Shorthand
		}
		switch {
		case f.arg == "" || f.NoOptDefVal != "" && f.want != words:
		case f.NoOptDefVal != "":
			line += " -f -a " + fishQuote(strings.Join(f.words, " "))
		case f.want == words:
			line += " -x -a " + fishQuote(strings.Join(f.words, " "))
		case f.want == files:
			line += " -r -F"
		case f.want == folders:
			line += " -x -a '(__fish_complete_directories)'"
		default:
			line += " -x"
		}
		fmt.Fprintln(w, line+" -d "+fishQuote(f.text))
	}
	switch want, list := c.argsOf(v); want {
	case words:
		fmt.Fprintf(w, "%s -f -a %s\n", start, fishQuote(strings.Join(list, " ")))
	case nothing:
		fmt.Fprintf(w, "%s -f\n", start)
	}
}

// fishQuote is a text in single quotes.
func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
