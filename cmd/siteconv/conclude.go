package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/outdir"
)

// conclude writes the report and marks the run as finished, when every step is
// done.
func (c *conversion) conclude(ctx context.Context, job *cli.Job, st outdir.State) error {
	if left := c.left(&st); len(left) > 0 {
		job.Note("done so far; not done yet: " + strings.Join(left, ", "))
		return c.summary(job, job.Snapshot())
	}
	c.tellOutputs(job)
	for _, text := range c.nextSteps() {
		job.Next(text)
	}
	if err := outdir.JoinLines(job, c.out, c.stepNames()); err != nil {
		return err
	}
	if err := c.writeReport(job, &st); err != nil {
		return err
	}
	if err := c.report(ctx, job); err != nil {
		return err
	}
	st.Finished, st.Done = true, nil
	if err := st.Write(job, c.out); err != nil {
		return err
	}
	if err := outdir.RemoveSteps(c.out); err != nil {
		return err
	}
	return c.summary(job, job.Snapshot())
}

// left are the steps that are not done.
func (c *conversion) left(st *outdir.State) (names []string) {
	for _, name := range c.stepNames() {
		if !slices.Contains(st.Done, name) {
			names = append(names, name)
		}
	}
	return names
}

// writeReport writes report.json.
func (c *conversion) writeReport(job *cli.Job, st *outdir.State) error {
	run := c.account.Close()
	run.Version, run.Scenario, run.Destination, run.Options = cli.Version, c.scenario.name, c.site.Destination, st.Options
	run.Inputs = c.ledgerInputs()
	job.Data(run)
	rep := job.Snapshot()
	return outdir.WriteFile(job, filepath.Join(c.out, "report.json"), func(w *cli.OutputFile) error { return rep.Write(w) })
}

func (c *conversion) ledgerInputs() (list []ledger.Input) {
	for _, in := range c.inputs {
		list = append(list, ledger.Input{Role: in.Role, Path: in.Path, Bytes: in.Bytes, SHA256: in.SHA256, Tree: in.Tree})
	}
	return list
}

// tellOutputs names what was written.
func (c *conversion) tellOutputs(job *cli.Job) {
	job.Output("schema", schemaDir)
	for _, f := range c.changeFiles() {
		job.Output(f.what, f.name)
	}
	job.Output("upgraded directory", upgraded)
	job.Output("undo of all changes", undo)
	steps := c.stepNames()
	for _, o := range []struct{ step, name, path string }{
		{daaciStep, "delegated administration", delegation}, {daaciStep, "undo of delegated administration", delegationUndo}, {storeStep, "message store", "store"}, {maildirStep, "Maildirs", "mail"},
	} {
		if slices.Contains(steps, o.step) {
			job.Output(o.name, o.path)
		}
	}
	c.tellReports(job)
}

// recall tells again what a finished run told.
func (c *conversion) recall(job *cli.Job) error {
	path := filepath.Join(c.out, "report.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return cli.WithHint(err, "--force starts afresh")
	}
	var rep cli.Report
	if err := json.Unmarshal(data, &rep); err != nil {
		return cli.WithHint(fmt.Errorf("%s: %w", path, err), "--force starts afresh")
	}
	for _, o := range rep.Outputs {
		if _, err := os.Stat(filepath.Join(c.out, o.Path)); err != nil {
			return cli.WithHint(fmt.Errorf("this conversion was finished, but its %s is gone: %w", o.Name, err), "--force starts afresh")
		}
	}
	// Killed behind the mark that all is done. A batch may be gone on with.
	switch {
	case c.batch == nil:
		err = outdir.RemoveSteps(c.out)
	case !c.dryRun:
		err = c.tidyBatch()
	}
	if err != nil {
		return err
	}
	var run ledger.Run
	if err := json.Unmarshal(data, &run); err != nil {
		return cli.WithHint(fmt.Errorf("%s: %w", path, err), "--force starts afresh")
	}
	if err := c.checkExport(&run); err != nil {
		return err
	}
	job.Recall(rep)
	job.Data(&run)
	for i, in := range run.Inputs[:min(len(run.Inputs), len(c.inputs))] {
		if now := c.inputs[i].Path; in.Path != now && in.SHA256 == c.inputs[i].SHA256 {
			job.Note(fmt.Sprintf("%s has the content of %s, of which this conversion was made", now, in.Path))
		}
	}
	job.Note(c.out + " holds this very conversion, finished: nothing to do")
	if steps := c.stepNames(); slices.Contains(steps, storeStep) || slices.Contains(steps, maildirStep) {
		job.Note("whether its mail is all there still was not looked at: siteconv report " + cli.Quote(c.root()) + " looks")
	}
	return c.summary(job, rep)
}

// checkExport refuses to take a finished batch for that of another export: its
// records name the entries as they were in the one that was given then.
func (c *conversion) checkExport(run *ledger.Run) error {
	if c.batch == nil || !c.hasMail() || len(run.Inputs) == 0 || run.Inputs[0].SHA256 == c.export().SHA256 {
		return nil
	}
	return cli.WithHint(fmt.Errorf("%s was finished with another export than %s: its records are for the entries of that one", c.out, c.export().Path),
		"--force makes them for this one, and passes over messages that are there")
}
