package main

import (
	"context"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/storeconv"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/maildirs"
)

// verify holds the mail that was made against what it was made of.
func (c *conversion) verify(ctx context.Context, job *cli.Job) error {
	switch {
	case c.dryRun:
		return nil // nothing was made
	case c.site.Destination == site.Maildir:
		return c.verifyMaildirs(ctx, job)
	case c.scenario.nms():
		return c.verifyRelocated(ctx, job)
	}
	return c.verifyRestored(ctx, job)
}

func (c *conversion) verifyRestored(ctx context.Context, job *cli.Job) error {
	r, end, err := c.openBytes(ctx, job)
	if err != nil {
		return err
	}
	defer end()
	opt := c.verifyOptions(job)
	opt.Streams = []verify.Stream{{Name: c.store().path, R: r}}
	opt.Selection = storeconv.Selection{Domain: c.defaultDomain}
	rep, err := verify.Store(ctx, c.storeDir(), opt)
	job.Count("messages verified", rep.Messages)
	return err
}

// verifyRelocated looks into the store itself, and then compares it with the
// old one, byte by byte.
func (c *conversion) verifyRelocated(ctx context.Context, job *cli.Job) error {
	opt := c.verifyOptions(job)
	from := c.store().path
	opt.Origin = &verify.Origin{From: from, Options: verify.NMSOptions{Jobs: c.jobs, Owner: c.owner.Owner(), Log: job}}
	if _, err := verify.Store(ctx, c.storeDir(), opt); err != nil {
		return err
	}
	opt.Origin.Options.Progress = job.Meter("files", 0, 0)
	rep, err := verify.NMS(ctx, c.storeDir(), from, opt.Origin.Options)
	job.Count("messages verified", rep.Messages)
	return err
}

func (c *conversion) verifyOptions(job *cli.Job) verify.StoreOptions {
	return verify.StoreOptions{Jobs: c.jobs, Owner: c.owner.Owner(), Log: job, Progress: job.Meter("messages", 0, 0)}
}

func (c *conversion) verifyMaildirs(ctx context.Context, job *cli.Job) error {
	opt := maildirs.Options{Jobs: c.jobs, Owner: c.owner.Owner(), Log: job, Progress: job.Meter("messages", 0, 0)}
	opt.Selection.Domain = c.defaultDomain
	if c.scenario.nms() {
		opt.Store = c.store().path
	} else {
		r, end, err := c.openBytes(ctx, job)
		if err != nil {
			return err
		}
		defer end()
		opt.Streams = []verify.Stream{{Name: c.store().path, R: r}}
	}
	rep, err := maildirs.Verify(ctx, c.mailDir(), opt)
	job.Count("messages verified", rep.Messages)
	return err
}
