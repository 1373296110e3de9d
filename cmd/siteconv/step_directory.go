package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
	"imsconv/ldifconv/check"
)

// The LDIF files of the output folder.
const (
	domainChanges = "ldif/domains.changes.ldif"
	userChanges   = "ldif/users.changes.ldif"
	upgraded      = "ldif/upgraded.ldif"
	undo          = "ldif/undo.ldif"
)

// upgradeLDIF writes the four LDIF files: the whole upgraded directory with
// what undoes the changes, then the changes of domains, then those of users
// and groups, in the order in which they are applied.
func (s *site) upgradeLDIF(ctx context.Context, job *cli.Job) error {
	full := s.ldifOptions(job)
	full.Kinds, full.Format, full.Log = ldifconv.All, ldifconv.Full, job
	var rep ldifconv.Report
	checked := check.NewTee(ctx, nil, upgraded, check.Options{As: check.IMS, TempDir: s.tempDir()})
	err := s.create(job, undo, func(w io.Writer) error {
		full.Undo = w
		var err error
		rep, err = s.upgrade(ctx, job, upgraded, full, checked)
		return err
	})
	found, checkErr := checked.Close()
	if err := cmp.Or(err, checkErr); err != nil {
		return err
	}
	for _, pass := range []struct {
		name  string
		kinds ldifconv.Kind
	}{{domainChanges, ldifconv.Domains}, {userChanges, ldifconv.Both}} {
		opt := s.ldifOptions(job)
		opt.Kinds, opt.Format = pass.kinds, ldifconv.Changes
		if _, err := s.upgrade(ctx, job, pass.name, opt, io.Discard); err != nil {
			return err
		}
	}
	job.Count("entries", rep.Entries)
	job.Count("entries changed", rep.Changed)
	job.Count("directory users", rep.Users)
	job.Count("directory groups", rep.Groups)
	job.Count("directory domains", rep.Domains)
	tellChecked(job, &found)
	return nil
}

// tellChecked counts what a check of the upgraded directory found.
func tellChecked(job *cli.Job, found *check.Report) {
	errs := found.BySeverity[check.Error]
	job.Count("check errors", errs)
	job.Count("check warnings", found.BySeverity[check.Warning])
	for _, code := range check.Codes() {
		if n := found.ByCode[code.Name]; n > 0 {
			job.Detail("check "+code.Name, n)
		}
	}
	if errs > 0 {
		job.Warning("check-errors", upgraded, fmt.Sprintf("a check finds %d errors in the upgraded directory: ldifconv check --as ims50 %s lists them", errs, upgraded))
	}
}

func (s *site) ldifOptions(job *cli.Job) ldifconv.Options {
	from := ldifconv.SIMS
	if s.scenario.nms {
		from = ldifconv.NMS
	}
	return ldifconv.Options{From: from, Base: s.base, Jobs: s.jobs, Name: s.export().path, TempDir: s.tempDir()}
}

// upgrade reads the export once and writes one of the files, and to also.
func (s *site) upgrade(ctx context.Context, job *cli.Job, name string, opt ldifconv.Options, also io.Writer) (rep ldifconv.Report, err error) {
	in, err := job.Open(s.export().path)
	if err != nil {
		return rep, err
	}
	defer in.Close()
	meter := job.Meter("entries", 0, 0)
	opt.Progress = meter
	err = s.create(job, name, func(w io.Writer) error {
		rep, err = ldifconv.Upgrade(ctx, io.MultiWriter(w, also), in, opt)
		return err
	})
	if err != nil {
		return rep, fmt.Errorf("%s: %w", name, err)
	}
	return rep, nil
}

// create writes one file of the output folder; in a dry run it discards.
func (s *site) create(job *cli.Job, name string, fill func(w io.Writer) error) error {
	if s.dryRun {
		return fill(io.Discard)
	}
	return writeFile(job, filepath.Join(s.out, name), func(w *cli.OutputFile) error { return fill(w) })
}
