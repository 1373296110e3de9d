package cli

import (
	"io"
	"slices"

	"imsconv/cmd/internal/manual"
)

// briefly are the parts of a program's page that --help shows.
var briefly = []string{"SYNOPSIS", "DESCRIPTION", "VERBS", "OLD NAMES"}

// help prints what the program is and its verbs.
func (c *Command) help(w io.Writer) error {
	p := c.programPage()
	p.Parts = slices.DeleteFunc(p.Parts, func(part manual.Part) bool { return !slices.Contains(briefly, part.Title) })
	p.Add("SEE ALSO", manual.Prose(c.Name+" VERB --help is the manual page of a verb, "+c.Name+" manual that of the program as man(1) shows it.")...)
	return manual.WritePlain(w, p, manual.Columns)
}

// verbHelp prints the page of a verb.
func (c *Command) verbHelp(w io.Writer, v *Verb) error {
	return manual.WritePlain(w, c.page(v), manual.Columns)
}
