package main

import (
	"context"
	"errors"
	"fmt"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/export"
)

// exportMail makes Maildirs of the stream, or of the NMS store as it stands.
func (c *conversion) exportMail(ctx context.Context, job *cli.Job) error {
	src, end, err := c.exportSource(ctx, job)
	if err != nil {
		return err
	}
	defer end()
	opt := c.set.export
	opt.DryRun, opt.Log, opt.Progress = c.dryRun, c.log(job), job.Meter("messages", 0, c.store().plain)
	rep, err := export.Export(ctx, c.mailDir(), src, opt)
	if errors.Is(err, export.ErrWaiting) {
		err = cli.WithHint(err, "the same command again takes the users that were left out")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.mailDir(), err)
	}
	countExported(job, &rep)
	c.setSums(job, exportedSums(&rep))
	return nil
}

// exportSource opens what is exported. The caller calls end.
func (c *conversion) exportSource(ctx context.Context, job *cli.Job) (src *export.Source, end func(), err error) {
	if c.scenario.nms() {
		return export.FromStore(c.store().path), func() {}, nil
	}
	r, end, err := c.openBytes(ctx, job)
	if err != nil {
		return nil, nil, err
	}
	if src, err = export.FromStream(c.store().path, r); err != nil {
		end()
		return nil, nil, err
	}
	return src, end, nil
}

func countExported(job *cli.Job, rep *export.Report) {
	for _, n := range []cli.Count{
		{Name: "users", N: rep.Users}, {Name: "mailboxes", N: rep.Mailboxes}, {Name: "messages", N: rep.Messages + rep.There}, {Name: "bytes", N: rep.Bytes},
		{Name: "links", N: rep.Links + rep.Shared}, {Name: "expired, left out by rule", N: rep.Expired}, {Name: "refused", N: rep.Refused},
	} {
		job.Count(n.Name, n.N)
	}
}
