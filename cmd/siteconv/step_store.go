package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
)

// convertStore makes the iMS store.
func (c *conversion) convertStore(ctx context.Context, job *cli.Job) error {
	if c.scenario.nms() {
		return c.relocate(ctx, job)
	}
	return c.restore(ctx, job)
}

func (c *conversion) relocate(ctx context.Context, job *cli.Job) error {
	opt := c.set.relocate
	out := c.losses(job)
	opt.DryRun, opt.Log, opt.Progress = c.dryRun, out, job.Meter("files", c.mail.Messages, 0)
	if opt.Requota && !c.dryRun {
		var err error
		if opt.Limits, err = c.limits(ctx, job); err != nil {
			return err
		}
	}
	rep, err := relocate.Relocate(ctx, c.storeDir(), c.store().Path, opt)
	if err != nil {
		return fmt.Errorf("%s: %w", c.storeDir(), err)
	}
	for _, n := range []cli.Count{
		{Name: "users", N: rep.Users}, {Name: "mailboxes", N: rep.Mailboxes}, {Name: "messages", N: rep.Messages}, {Name: "bytes", N: rep.Bytes},
		{Name: "links", N: rep.Linked + rep.Shared}, {Name: "users refused", N: rep.LeftOut},
		{Name: "folder records", N: rep.FolderRecords}, {Name: "quota records", N: rep.QuotaRecords}, {Name: "subscription records", N: rep.SubscrRecords},
	} {
		job.Count(n.Name, n.N)
	}
	c.setSums(job, c.relocatedSums(&rep, out))
	return nil
}

// restore makes the store of the stream. The step is kept while the run's own
// folder is still there, so that a kill loses neither the store nor its counts.
func (c *conversion) restore(ctx context.Context, job *cli.Job) error {
	opt := c.set.restore
	opt.DryRun, opt.Log, opt.Progress = c.dryRun, c.log(job), job.Meter("messages", 0, c.store().Plain)
	opt.Done = func(rep restore.Report) error {
		countRestored(job, &rep)
		c.setSums(job, restoredSums(&rep))
		return c.keep()
	}
	return c.runRestore(ctx, job, opt)
}

func countRestored(job *cli.Job, rep *restore.Report) {
	for _, n := range []cli.Count{
		{Name: "users", N: rep.Users}, {Name: "mailboxes", N: rep.Mailboxes}, {Name: "messages", N: rep.Messages}, {Name: "bytes", N: rep.Bytes},
		{Name: "links", N: rep.Links}, {Name: "expired, left out by rule", N: rep.Expired}, {Name: "refused", N: rep.Refused},
	} {
		job.Count(n.Name, n.N)
	}
}

// tidyStore lets a restore that had done all remove its own folder.
func (c *conversion) tidyStore(ctx context.Context, job *cli.Job) error {
	_, err := os.Stat(filepath.Join(c.storeDir(), ims.WorkDir))
	if c.scenario.nms() || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return c.runRestore(ctx, job, c.set.restore)
}

func (c *conversion) runRestore(ctx context.Context, job *cli.Job, opt restore.Options) error {
	var err error
	if opt.Limits, err = c.limits(ctx, job); err != nil {
		return err
	}
	tape, done, err := c.backup().Open(job)
	if err != nil {
		return err
	}
	defer done()
	refs, done, err := c.backup().References(job)
	if err != nil {
		return err
	}
	defer done()
	opt.Reference = refs
	if _, err := restore.Restore(ctx, c.storeDir(), []*restore.Stream{tape}, opt); err != nil {
		return fmt.Errorf("%s: %w", c.storeDir(), err)
	}
	return nil
}

// limits are the quotas of the upgraded directory; in a dry run, which has not
// written it, those of the export, which SIMS counts in the same way.
func (c *conversion) limits(ctx context.Context, job *cli.Job) (func(id string) (storeconv.Quota, bool), error) {
	if c.batch != nil {
		return c.memberLimits(ctx, job)
	}
	path := filepath.Join(c.out, upgraded)
	if c.dryRun {
		path = c.export().Path
	}
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	look, err := directory.Limits(in, path, c.defaultDomain, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c.quotas(job, look), nil
}

// quotas are limits as a conversion asks for them, of several users at a time.
// One that is less than a unit of the store, and so none of its space, is told.
func (c *conversion) quotas(job *cli.Job, look func(id string) (directory.Limit, bool)) func(id string) (storeconv.Quota, bool) {
	return func(id string) (storeconv.Quota, bool) {
		l, ok := look(id)
		if !ok || !l.HasBytes {
			return storeconv.Quota{}, false
		}
		if l.Bytes > 0 && l.Bytes < 1<<10 {
			if _, told := c.toldSmall.LoadOrStore(id, true); !told {
				job.Warning("quota-zero", id, fmt.Sprintf("mailQuota is %d bytes, and the store counts whole KB: the limit becomes 0, which is no space in iMS", l.Bytes))
			}
		}
		q := storeconv.Quota{Bytes: l.Bytes, Messages: storeconv.NotSaid}
		if l.HasMessages {
			q.Messages = l.Messages
		}
		return q, true
	}
}
