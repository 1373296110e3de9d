package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"imsconv/cmd/internal/cli"
)

// told is a finding as --json has it.
type told struct {
	Code     string `json:"code"`
	Severity string `json:"severity"` // "error": the run stops; "warning"
	Where    string `json:"where"`
	Text     string `json:"text"`
	Advice   string `json:"advice"`
}

// tellPreflight prints what the look has found, problems first. The error says
// that a run would stop.
func (c *conversion) tellPreflight(job *cli.Job) error {
	stops := len(c.pre.stops())
	if err := c.printPreflight(job); err != nil {
		return err
	}
	if stops > 0 {
		return fmt.Errorf("%d of the findings stop a run", stops)
	}
	return nil
}

// told are the findings that stop a run, and the others.
func (p *preflight) told() (errs, warnings []told) {
	for _, f := range p.found {
		t := told{Code: f.code, Severity: "warning", Where: f.where, Text: f.text, Advice: f.advice()}
		if f.err != nil {
			t.Severity = "error"
			errs = append(errs, t)
		} else {
			warnings = append(warnings, t)
		}
	}
	return errs, warnings
}

func (c *conversion) printPreflight(job *cli.Job) error {
	errs, warnings := c.pre.told()
	if job.JSON() {
		enc := json.NewEncoder(job.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Scenario string `json:"scenario"`
			Findings []told `json:"findings"`
			Facts    []fact `json:"facts"`
		}{c.scenario.name, append(append([]told{}, errs...), warnings...), c.pre.facts})
	}
	tw := tabwriter.NewWriter(job.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprint(tw, fold(fmt.Sprintf("%s: %s; nothing is written", c.scenario.name, sitePaths(c)), "", "  "))
	printFindings(tw, "What stops a run", errs)
	printFindings(tw, "What is worth a look", warnings)
	fmt.Fprintf(tw, "\nWhat there is\n")
	for _, f := range c.pre.facts {
		fmt.Fprintf(tw, "  %s\t%s\n", f.Name, f.Text)
	}
	return tw.Flush()
}

func printFindings(w io.Writer, title string, list []told) {
	if len(list) == 0 {
		fmt.Fprintf(w, "\n%s: nothing\n", title)
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, t := range list {
		// A finding is one line, as a log has it, for grep.
		fmt.Fprintf(w, "  %s: %s [%s]\n%s", t.Where, t.Text, t.Code, fold(t.Advice, "    ", "    "))
	}
}
