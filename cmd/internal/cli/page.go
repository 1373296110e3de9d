package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/manual"
)

// Date is the day of Version, YYYY-MM-DD, which stands on the pages of the
// manual. A release sets both as it is linked.
var Date = "2026-11-28"

// newPage is a page that has its name only.
func newPage(name, title, summary string) *manual.Page {
	return &manual.Page{Name: name, Title: title, Section: 1, Summary: summary, Version: "imsconv " + Version, Date: Date}
}

// page is the manual page of a verb.
func (c *Command) page(v *Verb) *manual.Page {
	p := newPage(c.Name+"-"+v.Name, c.Name+" "+v.Name, v.Summary)
	p.Also = c.oldNames(v.Name)
	p.Add("SYNOPSIS", manual.Synopsis{Lines: []string{strings.TrimSpace(p.Title + " [OPTIONS] " + v.Args)}})
	p.Add("DESCRIPTION", manual.Prose(v.Doc)...)
	fs, _ := v.flags()
	new(common).add(fs)
	p.Add("OPTIONS", optionList(fs))
	if len(p.Also) > 0 {
		p.Add("OLD NAMES", manual.Prose(c.oldNameDoc(p.Also))...)
	}
	p.Add("EXIT STATUS", terms(v.exitDoc()))
	p.Add("FILES", manual.Prose(v.Files)...)
	p.Add("NOTES", manual.Prose(c.memoryDoc())...)
	if v.Example != "" {
		p.Add("EXAMPLES", manual.Commands(v.Example))
	}
	p.Add("SEE ALSO", manual.References(append([]string{c.Name + "(1)"}, v.See...)))
	return p
}

// programPage is the manual page of the program.
func (c *Command) programPage() *manual.Page {
	p := newPage(c.Name, c.Name, c.Summary)
	p.Add("SYNOPSIS", manual.Synopsis{Lines: []string{c.Name + " VERB [OPTIONS] [ARGUMENTS]", c.Name + " VERB --help", c.Name + " --version"}})
	p.Add("DESCRIPTION", manual.Prose(c.Doc)...)
	p.Add("VERBS", c.verbList())
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	fs.SortFlags = false
	new(common).add(fs)
	p.Add("OPTIONS", append(append(manual.Prose("Every verb has these, beside its own:"), optionList(fs)), manual.Prose(sizesDoc)...)...)
	if len(c.OldNames) > 0 {
		p.Add("OLD NAMES", c.oldNameBlocks()...)
	}
	p.Add("STREAMS", manual.Prose(streamsDoc)...)
	p.Add("EXIT STATUS", terms((&Verb{}).exitDoc()))
	p.Add("ENVIRONMENT", terms(environmentDoc+c.Environment))
	p.Add("FILES", manual.Prose(c.Files)...)
	p.Add("NOTES", manual.Prose(c.memoryDoc())...)
	if c.Example != "" {
		p.Add("EXAMPLES", manual.Commands(c.Example))
	}
	see := slices.Clone(c.See)
	for i := range c.Verbs {
		see = append(see, c.Name+"-"+c.Verbs[i].Name+"(1)")
	}
	p.Add("SEE ALSO", manual.References(see))
	return p
}

// pages are all pages of the program.
func (c *Command) pages() []*manual.Page {
	pages := []*manual.Page{c.programPage()}
	for i := range c.Verbs {
		pages = append(pages, c.page(&c.Verbs[i]))
	}
	return pages
}

func (c *Command) verbList() manual.List {
	var l manual.List
	for i := range c.Verbs {
		l.Items = append(l.Items, manual.Item{
			Term: manual.Text{{Style: manual.Bold, Text: c.Verbs[i].Name}},
			Body: manual.Prose(c.Verbs[i].Summary),
		})
	}
	return l
}

// oldNames are the old names of a verb.
func (c *Command) oldNames(verb string) []string {
	var names []string
	for i := range c.OldNames {
		if c.OldNames[i].Verb == verb {
			names = append(names, c.OldNames[i].Name)
		}
	}
	return names
}

func (c *Command) oldNameDoc(names []string) string {
	return fmt.Sprintf("Called %s (a symbolic link to %s), the program takes the old command line of that name. What it accepts and does not use, it says on standard error.",
		strings.Join(names, " or "), c.Name)
}

func (c *Command) oldNameBlocks() []manual.Block {
	var l manual.List
	for i := range c.OldNames {
		l.Items = append(l.Items, manual.Item{
			Term: manual.Text{{Style: manual.Bold, Text: c.OldNames[i].Name}},
			Body: manual.Prose(c.Name + " " + c.OldNames[i].Verb),
		})
	}
	return append(manual.Prose("Called under one of these names (a symbolic link), the program takes the old command line, as the verb that stands beside it:"), l)
}

func (c *Command) memoryDoc() string {
	if c.Memory == 0 {
		return ""
	}
	return fmt.Sprintf("Memory stays below %d MiB at any size of input, where the text above does not say otherwise.", c.Memory>>20)
}

// sizesDoc says what options of several verbs have in common.
const sizesDoc = `
A SIZE is a number of bytes; K, M and G behind it stand for KiB, MiB and GiB. A
FILE called - is standard input or output. What "may be repeated" is given once
for each value.
`

// streamsDoc says what is the same for every verb.
const streamsDoc = `
Standard output is data, standard error is talk: a line each, with the name of
the program, "error", "problem", "warning", "note" or "hint", the place, the text
and, in brackets, the kind. A problem is something lost, refused or unreadable,
a warning is not; problems alone make the exit status 3. Of one kind 1,000 lines
are printed, --log has all. With --json every line is one object, whose "type"
is one of these words, "progress" or "summary".

What --report and --log name is written anew by every run. It lies outside of the
folders that the run reads or writes as a whole, such as a store or the output of
a conversion, and is none of the inputs: both are wrong usage.

A file that is made is for its owner alone, mode 0600, where an input is not for
everybody to read, as an export with passwords is not: give it to the account of
the server that is to read it. A schema and a file that is replaced are not made
private by that.

An export, a backup stream or a database that is changed while it is read is a
problem, whatever was made of it: an old server may still write it.

The object that --report writes has "command", "exit" (the exit status),
"result", "counts", "problems" and "warnings" (their number, kinds and lines),
"outputs" and "next" where there are any, and how it came about: "version",
"commit", "go", "options", "arguments", "start" and "end" in UTC, and "inputs"
with path, size in bytes and, of files of up to 16 MiB, SHA-256.

Progress is drawn where standard error is a terminal; the signal SIGUSR1 prints
it anywhere. SIGINT and SIGTERM end a run in good order, a second one at once.
`

// environmentDoc are the variables that every program knows.
const environmentDoc = `
TMPDIR      where temporary files go; default: /tmp
GOMEMLIMIT  limit of memory at which the program begins to work for less, such
            as 100MiB; default: below what NOTES says
`

// terms is a list of lines "term  text".
func terms(text string) manual.Block {
	return manual.Prose(" " + strings.ReplaceAll(strings.Trim(text, "\n"), "\n", "\n "))[0]
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

// optionList are the options of a verb as they were declared.
func optionList(fs *pflag.FlagSet) manual.List {
	var l manual.List
	fs.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Deprecated == "" {
			l.Items = append(l.Items, optionItem(f))
		}
	})
	return l
}

func optionItem(f *pflag.Flag) manual.Item {
	name, usage := pflag.UnquoteUsage(f)
	item := manual.Item{Inset: 4} // as wide as "-x, "
	if f.Shorthand != "" {
		item.Inset = 0
		item.Term = append(item.Term, manual.Span{Style: manual.Bold, Text: "-" + f.Shorthand}, manual.Span{Text: ", "})
	}
	item.Term = append(item.Term, manual.Span{Style: manual.Bold, Text: "--" + f.Name})
	name = argument(name)
	switch {
	case name == "":
	case f.NoOptDefVal != "":
		item.Term = append(item.Term, manual.Span{Text: "[="}, manual.Span{Style: manual.Italic, Text: name}, manual.Span{Text: "]"})
	default:
		item.Term = append(item.Term, manual.Span{Text: " "}, manual.Span{Style: manual.Italic, Text: name})
	}
	if !isZero(f.DefValue) {
		usage += " (default " + f.DefValue + ")"
	}
	item.Body = manual.Prose(usage)
	return item
}

// argument is the word for the value of an option: what its text names, else
// one for its type.
func argument(name string) string {
	switch name {
	case "string", "strings":
		return "TEXT"
	case "int", "ints", "uint", "uints":
		return "N"
	case "bool":
		return ""
	}
	return name
}

// isZero says whether a default goes without saying.
func isZero(value string) bool {
	return slices.Contains([]string{"", "0", "false", "[]", "<nil>"}, value)
}
