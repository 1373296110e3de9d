package main

import (
	"context"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/siteconv/internal/outdir"
)

// tellReports names the reports among what was written.
func (c *conversion) tellReports(job *cli.Job) {
	job.Output("report", c.fromRoot(ledger.HTMLName("en")))
	job.Output("report in Japanese", c.fromRoot(ledger.HTMLName("ja")))
	job.Output("list of mailboxes", c.fromRoot(ledger.ListName))
	if rep := job.Snapshot(); rep.Problems.Total+rep.Warnings.Total > 0 {
		job.Output("every problem and warning", outdir.LinesName)
	}
	job.Output("report for programs", ledger.ReportName)
}

// fromRoot is a file in the output folder of the site, as seen from that of the
// run, which for a batch lies below it.
func (c *conversion) fromRoot(name string) string {
	rel, err := filepath.Rel(c.out, c.root())
	if err != nil {
		rel = c.root()
	}
	return filepath.Join(rel, name)
}

// report writes the report for people, once report.json is there: of the whole
// site, with all of its batches. Messages are read for digests where the run
// has read them for its verification too.
func (c *conversion) report(ctx context.Context, job *cli.Job) error {
	_, err := writeReport(ctx, job, c.root(), c.root(), reporting{langs: ledger.Langs, digests: !c.noVerify})
	return err
}
