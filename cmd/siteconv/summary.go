package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/siteconv/internal/fold"
)

// summary prints what a person wants to know of a conversion; with --json the
// report.
func (c *conversion) summary(job *cli.Job, r cli.Report) error {
	if job.JSON() {
		return r.Write(job.Stdout)
	}
	tw := tabwriter.NewWriter(job.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprint(tw, fold.Prose(fmt.Sprintf("%s: %s, %s", c.scenario.name, sitePaths(c), r.Result), "", "  "))
	fmt.Fprintf(tw, "\nConverted\n")
	for _, n := range r.Counts {
		fmt.Fprintf(tw, "  %s\t%s\n", n.Name, page.Int(n.N))
	}
	printKinds(tw, "Problems (refused, unreadable or lost)", r.Problems)
	printKinds(tw, "Warnings", r.Warnings)
	if len(r.Outputs) > 0 {
		fmt.Fprintf(tw, "\nWhere things are\n")
		for _, o := range r.Outputs {
			fmt.Fprintf(tw, "  %s\t%s\n", o.Name, filepath.Join(c.out, o.Path))
		}
	}
	if len(r.Next) > 0 {
		fmt.Fprintf(tw, "\nWhat to do next\n  cd %s\n", cli.Quote(c.out))
		for _, step := range r.Next {
			fmt.Fprint(tw, fold.Step(step))
		}
	}
	for _, o := range r.Outputs {
		if o.Name == "report" {
			fmt.Fprintf(tw, "\nThe report on all of this, to read and to print: %s\n", filepath.Join(c.out, o.Path))
		}
	}
	return tw.Flush()
}

func sitePaths(c *conversion) string {
	var paths []string
	for _, in := range c.inputs {
		paths = append(paths, in.Path)
	}
	text := strings.Join(paths, " and ")
	if c.out != "" && !c.dryRun {
		text += " into " + c.out
	}
	return text
}

func printKinds(w io.Writer, title string, lines cli.Lines) {
	if lines.Total == 0 {
		fmt.Fprintf(w, "\n%s: none\n", title)
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, c := range lines.Kinds {
		fmt.Fprintf(w, "  %s\t%s\n", c.Name, page.Int(c.N))
	}
}
