package cli

import (
	"fmt"
	"io"
	"strings"
)

// writeZsh writes the script for zsh: it is a file of fpath, and can be sourced
// too.
func writeZsh(w io.Writer, c *Command) {
	fmt.Fprintf(w, "#compdef %s\n%s\n_%s() {\n", strings.Join(c.calledAs(), " "), c.head("zsh"), c.Name)
	fmt.Fprintf(w, "\tlocal verb=${words[1]:t} curcontext=$curcontext state state_descr line\n\ttypeset -A opt_args\n\tcase $verb in\n")
	for i := range c.OldNames {
		old := &c.OldNames[i]
		if old.Options == nil {
			fmt.Fprintf(w, "\t%s) verb=%s ;;\n", old.Name, old.Verb)
			continue
		}
		fmt.Fprintf(w, "\t%s) _arguments %s '*:argument:_files'; return ;;\n", old.Name, zshQuote(old.Options...))
	}
	fmt.Fprint(w, "\t*)\n\t\tif ((CURRENT == 2)); then\n\t\t\tlocal -a verbs=(\n")
	for i := range c.Verbs {
		fmt.Fprintf(w, "\t\t\t\t%s\n", zshQuote(c.Verbs[i].Name+":"+c.Verbs[i].Summary))
	}
	fmt.Fprintf(w, "\t\t\t\t'help:print a manual page'\n\t\t\t)\n\t\t\tif [[ $PREFIX == -* ]]; then\n")
	fmt.Fprintf(w, "\t\t\t\tcompadd -- %s\n\t\t\telse\n\t\t\t\t_describe -t verbs verb verbs\n\t\t\tfi\n\t\t\treturn\n\t\tfi\n", strings.Join(ownFlags, " "))
	fmt.Fprint(w, "\t\tverb=$words[2]\n\t\tshift words\n\t\t((CURRENT--)) ;;\n\tesac\n\tcase $verb in\n")
	for i := range c.Verbs {
		c.zshVerb(w, &c.Verbs[i])
	}
	fmt.Fprintf(w, "\thelp) _arguments %s ;;\n\tesac\n}\n\n", zshQuote("1:verb:("+strings.Join(c.verbNames(), " ")+")"))
	fmt.Fprintf(w, "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n\t_%s \"$@\"\nelse\n\tcompdef _%s %s\nfi\n", c.Name, c.Name, strings.Join(c.calledAs(), " "))
}

// zshVerb writes the options and arguments of a verb.
func (c *Command) zshVerb(w io.Writer, v *Verb) {
	fmt.Fprintf(w, "\t%s)\n\t\t_arguments -S -s", v.Name)
	for _, f := range v.completed() {
		fmt.Fprintf(w, " \\\n\t\t\t%s", f.zsh())
	}
	switch want, list := c.argsOf(v); want {
	case words:
		fmt.Fprintf(w, " \\\n\t\t\t%s", zshQuote("1:argument:"+zshAction(want, list)))
	case files, folders:
		fmt.Fprintf(w, " \\\n\t\t\t%s", zshQuote("*:argument:"+zshAction(want, list)))
	}
	fmt.Fprint(w, " ;;\n")
}

// zsh is the flag as _arguments takes it.
func (f *completedFlag) zsh() string {
	names := f.names()
	text := "[" + zshEscape(f.text, `\[]:`) + "]"
	long, short := "", ""
	switch {
	case f.arg == "":
	case f.NoOptDefVal != "":
		long = "=-"
	default:
		long, short = "=", "+"
	}
	if f.arg != "" {
		name, optional := zshEscape(f.arg, `\[]:`), ":"
		if f.NoOptDefVal != "" {
			optional = "::"
		}
		text += optional + name + ":" + zshAction(f.want, f.words)
	}
	before := "(" + strings.Join(names, " ") + ")"
	if f.repeats() {
		before = "*"
	}
	specs := zshQuote(before + names[0] + long + text)
	if len(names) > 1 {
		specs += " " + zshQuote(before+names[1]+short+text)
	}
	return specs
}

// zshAction is what completes a value.
func zshAction(want wanted, list []string) string {
	switch want {
	case words:
		return "(" + strings.Join(list, " ") + ")"
	case files:
		return "_files"
	case folders:
		return "_files -/"
	}
	return " "
}

// zshEscape puts a backslash before each of some bytes.
func zshEscape(text, bytes string) string {
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(bytes, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// zshQuote are words in single quotes.
func zshQuote(list ...string) string {
	quoted := make([]string, len(list))
	for i, word := range list {
		quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
