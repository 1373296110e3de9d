package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv/aci"
	"imsconv/ldifconv/ldif"
)

// The files that set delegated administration up, and that take it back.
const (
	delegation     = "ldif/daaci.changes.ldif"
	delegationUndo = "ldif/daaci.undo.ldif"
)

// writeDelegation writes the groups and ACIs of delegated administration that
// the upgraded directory lacks, and what takes them back: a file of its own,
// since they may have been applied or not when the directory is taken back.
func (c *conversion) writeDelegation(ctx context.Context, job *cli.Job) error {
	records, notes, err := c.planDelegation(ctx, job, job.Problem)
	if err != nil {
		return err
	}
	for _, note := range notes {
		job.Warning("daaci", delegation, note)
	}
	job.Count("delegation records", int64(len(records)))
	if err := c.create(job, delegationUndo, func(w io.Writer) error { return writeRecords(w, aci.Undo(records)) }); err != nil {
		return err
	}
	return c.create(job, delegation, func(w io.Writer) error { return writeRecords(w, records) })
}

// planDelegation makes the records, and says what is to be looked at of them.
// Domains that are left out are told.
func (c *conversion) planDelegation(ctx context.Context, job *cli.Job, tell func(kind, where, text string)) (records []ldif.Record, notes []string, err error) {
	found, err := c.surveyDelegation(ctx, job, tell)
	if err != nil {
		return nil, nil, err
	}
	d := aci.Delegation{Groups: "ou=Groups", Roots: c.tops, Domains: found.Domains(c.tops)}
	if records, notes, err = aci.Plan(d, found.Have); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", delegation, err)
	}
	return records, notes, nil
}

func writeRecords(w io.Writer, records []ldif.Record) error {
	out := ldif.NewWriter(w)
	for i := range records {
		if err := out.Write(&records[i]); err != nil {
			return err
		}
	}
	return out.Flush()
}

// surveyDelegation looks at the upgraded directory; in a dry run, which has not
// written it, at the export. Damage in it the upgrade has told.
func (c *conversion) surveyDelegation(ctx context.Context, job *cli.Job, tell func(kind, where, text string)) (*aci.Survey, error) {
	path := filepath.Join(c.out, upgraded)
	if c.dryRun {
		path = c.export().Path
	}
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	found, meter := aci.NewSurvey(nil, c.tops), job.Meter("entries", 0, 0)
	records := ldif.NewReader(in, ldif.Options{})
	for ctx.Err() == nil {
		rec, err := records.Next()
		var damage *ldif.Error
		switch {
		case err == io.EOF:
			return found, nil
		case errors.As(err, &damage):
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		meter.Add(1, 0)
		if err := found.Entry(&rec.Entry); err != nil {
			tell("domain-base", fmt.Sprintf("%s:%d: %s", path, rec.Line, rec.DN), err.Error())
		}
	}
	return nil, ctx.Err()
}
