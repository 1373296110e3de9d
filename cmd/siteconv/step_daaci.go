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
	found, err := c.surveyDelegation(ctx, job)
	if err != nil {
		return err
	}
	d := aci.Delegation{Groups: "ou=Groups", Roots: c.tops, Domains: found.Domains(c.tops)}
	records, notes, err := aci.Plan(d, found.Have)
	if err != nil {
		return fmt.Errorf("%s: %w", delegation, err)
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
func (c *conversion) surveyDelegation(ctx context.Context, job *cli.Job) (*aci.Survey, error) {
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
			job.Problem("domain-base", fmt.Sprintf("%s:%d: %s", path, rec.Line, rec.DN), err.Error())
		}
	}
	return nil, ctx.Err()
}
