package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/storeconv"
	"imsconv/storeconv/export"
	"imsconv/storeconv/relocate"
)

// exportMail makes Maildirs of the stream, or of the NMS store.
func (c *conversion) exportMail(ctx context.Context, job *cli.Job) error {
	out := c.losses(job)
	src, end, err := c.exportSource(ctx, job, out)
	if err != nil {
		return err
	}
	defer end()
	opt := c.set.export
	opt.DryRun, opt.Log, opt.Progress = c.dryRun, c.log(job), job.Meter("messages", 0, c.store().Plain)
	rep, err := export.Export(ctx, c.mailDir(), src, opt)
	if errors.Is(err, export.ErrWaiting) {
		err = cli.WithHint(err, "the same command again takes the users that were left out")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.mailDir(), err)
	}
	countExported(job, &rep)
	var earlier []ledger.Pass
	if c.batch != nil {
		if earlier, err = c.earlier(); err != nil {
			return err
		}
	}
	c.setSums(job, exportedSums(&rep, out, len(earlier) > 0))
	return nil
}

// exportSource opens what is exported, and tells out what of it cannot be. The
// caller calls end.
func (c *conversion) exportSource(ctx context.Context, job *cli.Job, out *losses) (src *export.Source, end func(), err error) {
	if c.scenario.nms() {
		store, err := c.stage(ctx, job, out, job.Warning)
		if err == nil {
			err = out.strays(ctx, store)
		}
		return export.FromStore(store), func() {}, err
	}
	r, end, err := c.backup().OpenBytes(ctx, job)
	if err != nil {
		return nil, nil, err
	}
	if src, err = export.FromStream(c.store().Path, r); err != nil {
		end()
		return nil, nil, err
	}
	return src, end, nil
}

// stage makes a store of the NMS store that lasts as long as the run: its
// records, subscriptions and limits, those of the directory first, are in the
// databases that an export reads, and users lie where they belong. On one file
// system it takes no space. A dry run has no place for it, and takes the NMS
// store as it is.
func (c *conversion) stage(ctx context.Context, job *cli.Job, log storeconv.Log, tell func(kind, where, text string)) (string, error) {
	limits, err := c.limits(ctx, job, tell)
	if err != nil {
		return "", err
	}
	if c.dryRun {
		return c.store().Path, nil
	}
	store := filepath.Join(c.tempDir(), "store")
	_, err = relocate.Relocate(ctx, store, c.store().Path, relocate.Options{
		RepairHash: true, AddMissing: true, Requota: true, Limits: limits, Jobs: c.jobs, Sync: storeconv.SyncNone,
		Log: log, Progress: job.Meter("files", c.mail.Messages, 0), Command: job.CommandLine(),
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", store, err)
	}
	return store, nil
}

func countExported(job *cli.Job, rep *export.Report) {
	for _, n := range []cli.Count{
		{Name: "users", N: rep.Users}, {Name: "mailboxes", N: rep.Mailboxes}, {Name: "messages", N: rep.Messages + rep.There}, {Name: "bytes", N: rep.Bytes},
		{Name: "links", N: rep.Links + rep.Shared}, {Name: "expired, left out by rule", N: rep.Expired}, {Name: "refused", N: rep.Refused},
	} {
		job.Count(n.Name, n.N)
	}
}
