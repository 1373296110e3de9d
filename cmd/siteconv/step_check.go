package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/internal/page"
	"imsconv/ldifconv"
	"imsconv/ldifconv/check"
	"imsconv/ldifconv/ldif"
)

// checkDirectory counts what a check finds in the directory before and after.
func (c *conversion) checkDirectory(ctx context.Context, job *cli.Job) error {
	before, after, err := c.checkBoth(ctx, job)
	if err != nil {
		return err
	}
	c.account.Run.Before, c.account.Run.After = before, after
	tellChecked(job, before, after)
	return nil
}

// checkBoth checks the export as its product, and the upgraded directory.
func (c *conversion) checkBoth(ctx context.Context, job *cli.Job) (before, after *ledger.Check, err error) {
	product, name := check.SIMS, "sims"
	if c.scenario.nms() {
		product, name = check.NMS, "nms"
	}
	found, err := c.checkFile(ctx, job, c.export().Path, product)
	if err != nil {
		return nil, nil, err
	}
	before = checked(name, found)
	if found, err = c.checkUpgraded(ctx, job); err != nil {
		return nil, nil, err
	}
	if c.domainsOnly() {
		return before, checked("mixed", found), nil
	}
	return before, checked("ims50", found), nil
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
	if c.domainsOnly() {
		as = check.Auto
	}
	if !c.dryRun {
		return c.checkFile(ctx, job, filepath.Join(c.out, upgraded), as)
	}
	opt := c.set.upgrade
	opt.Format = ldifconv.Full
	tee := check.NewTee(ctx, nil, upgraded, check.Options{As: as})
	_, err := c.upgradeTo(ctx, job, tee, opt)
	found, checkErr := tee.Close()
	return &found, cmp.Or(err, checkErr)
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
func tellChecked(job *cli.Job, before, after *ledger.Check) {
	job.Count("check errors before", before.Errors)
	job.Count("check warnings before", before.Warnings)
	job.Count("check errors", after.Errors)
	job.Count("check warnings", after.Warnings)
	for _, code := range after.Codes {
		job.Detail("check "+code.Name, code.N)
	}
	if after.Errors > 0 {
		as := ""
		if after.Product != "mixed" {
			as = "--as " + after.Product + " "
		}
		job.Warning("check-errors", upgraded, fmt.Sprintf("a check finds %s in the upgraded directory, and %s in the export: ldifconv check %s%s lists them", page.Amount(after.Errors, "error", "errors"), page.Int(before.Errors), as, upgraded))
	}
}
