package preflight

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/fold"
)

// Told is a finding as --json has it.
type Told struct {
	Code     string `json:"code"`
	Severity string `json:"severity"` // "error": the run stops; "warning"
	Where    string `json:"where"`
	Text     string `json:"text"`
	Advice   string `json:"advice"`
}

// Told are the findings that stop a run, and the others.
func (p *Findings) Told() (errs, warnings []Told) {
	for _, f := range p.found {
		t := Told{Code: f.code, Severity: "warning", Where: f.where, Text: f.text, Advice: f.advice()}
		if f.err != nil {
			t.Severity = "error"
			errs = append(errs, t)
		} else {
			warnings = append(warnings, t)
		}
	}
	return errs, warnings
}

// Print prints what the look has found, problems first. head says of what.
func (p *Findings) Print(job *cli.Job, scenario, head string) error {
	errs, warnings := p.Told()
	if job.JSON() {
		enc := json.NewEncoder(job.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Scenario string `json:"scenario"`
			Findings []Told `json:"findings"`
			Facts    []Fact `json:"facts"`
		}{scenario, append(append([]Told{}, errs...), warnings...), p.facts})
	}
	tw := tabwriter.NewWriter(job.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprint(tw, fold.Prose(fmt.Sprintf("%s: %s; nothing is written", scenario, head), "", "  "))
	printFindings(tw, "What stops a run", errs)
	printFindings(tw, "What is worth a look", warnings)
	fmt.Fprintf(tw, "\nWhat there is\n")
	for _, f := range p.facts {
		fmt.Fprintf(tw, "  %s\t%s\n", f.Name, f.Text)
	}
	return tw.Flush()
}

func printFindings(w io.Writer, title string, list []Told) {
	if len(list) == 0 {
		fmt.Fprintf(w, "\n%s: nothing\n", title)
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, t := range list {
		// A finding is one line, as a log has it, for grep.
		fmt.Fprintf(w, "  %s: %s [%s]\n%s", t.Where, t.Text, t.Code, fold.Prose(t.Advice, "    ", "    "))
	}
}
