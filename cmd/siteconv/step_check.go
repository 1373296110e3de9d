package main

import (
	"context"
	"fmt"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/ldifconv"
	"imsconv/ldifconv/check"
	"imsconv/ldifconv/ldif"
)

// checkDirectory counts what a check finds in the directory before and after.
func (c *conversion) checkDirectory(ctx context.Context, job *cli.Job) error {
	product, name := check.SIMS, "sims"
	if c.scenario.nms() {
		product, name = check.NMS, "nms"
	}
	before, err := c.checkFile(ctx, job, c.export().path, product)
	if err != nil {
		return err
	}
	c.account.run.Before = checked(name, before)
	after, err := c.checkUpgraded(ctx, job)
	if err != nil {
		return err
	}
	c.account.run.After = checked("ims50", after)
	tellChecked(job, before, after)
	return nil
}

// checkFile checks one LDIF file.
func (c *conversion) checkFile(ctx context.Context, job *cli.Job, path string, as check.Product) (*check.Report, error) {
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	opt := check.Options{As: as, TempDir: c.tempDir(), Progress: job.Meter("entries", 0, 0)}
	rep, err := check.Run(ctx, nil, []ldif.Input{{Name: path, Reader: in}}, opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &rep, nil
}

// checkUpgraded checks the upgraded directory; in a dry run it is made for that
// and not kept. Where users go over in batches, their entries are still of
// either product.
func (c *conversion) checkUpgraded(ctx context.Context, job *cli.Job) (*check.Report, error) {
	as := check.IMS
	if c.scenario.batches {
		as = check.Auto
	}
	if !c.dryRun {
		return c.checkFile(ctx, job, filepath.Join(c.out, upgraded), as)
	}
	opt, err := c.upgradeOptions(job)
	if err != nil {
		return nil, err
	}
	in, err := job.Open(c.export().path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	opt.Kinds, opt.Format = c.kinds(), ldifconv.Full
	tee := check.NewTee(ctx, nil, upgraded, check.Options{As: as})
	_, err = ldifconv.Upgrade(ctx, tee, in, opt)
	found, checkErr := tee.Close()
	if err == nil {
		err = checkErr
	}
	return &found, err
}

// checked is what the account keeps of a check.
func checked(product string, rep *check.Report) *ledger.Check {
	k := &ledger.Check{Product: product, Entries: rep.Entries, Errors: rep.BySeverity[check.Error], Warnings: rep.BySeverity[check.Warning]}
	for _, code := range check.Codes() {
		if n := rep.ByCode[code.Name]; n > 0 {
			k.Codes.Add(code.Name, n)
		}
	}
	return k
}

// tellChecked counts what the checks found.
func tellChecked(job *cli.Job, before, after *check.Report) {
	job.Count("check errors before", before.BySeverity[check.Error])
	job.Count("check warnings before", before.BySeverity[check.Warning])
	errs := after.BySeverity[check.Error]
	job.Count("check errors", errs)
	job.Count("check warnings", after.BySeverity[check.Warning])
	for _, code := range check.Codes() {
		if n := after.ByCode[code.Name]; n > 0 {
			job.Detail("check "+code.Name, n)
		}
	}
	if errs > 0 {
		job.Warning("check-errors", upgraded, fmt.Sprintf("a check finds %d errors in the upgraded directory: ldifconv check --as ims50 %s lists them", errs, upgraded))
	}
}
