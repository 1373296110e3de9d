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
	if opt.Requota {
		limits, err := c.limits(ctx, job, job.Warning)
		if err != nil {
			return err
		}
		if !c.dryRun {
			opt.Limits = limits
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
	return c.runRestore(ctx, job, opt, job.Warning)
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
	return c.runRestore(ctx, job, c.set.restore, nil)
}

func (c *conversion) runRestore(ctx context.Context, job *cli.Job, opt restore.Options, tell func(kind, where, text string)) error {
	var err error
	if opt.Limits, err = c.limits(ctx, job, tell); err != nil {
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

// limits are the quotas of the directory as a conversion asks for them, of
// several users at a time. Those that the store counts as none of its space are
// told, whichever users are still to be converted: one who was before a kill is
// not asked for again. tell is nil where they were told before.
func (c *conversion) limits(ctx context.Context, job *cli.Job, tell func(kind, where, text string)) (func(id string) (storeconv.Quota, bool), error) {
	look, err := c.lookUpLimits(ctx, job)
	if err != nil {
		return nil, err
	}
	if tell != nil {
		err = c.smallLimits(look, func(id string, bytes int64) {
			tell("quota-zero", id, fmt.Sprintf("mailQuota is %d bytes, and the store counts whole KB: the limit becomes 0, which is no space in iMS", bytes))
		})
	}
	return func(id string) (storeconv.Quota, bool) {
		l, ok := look(id)
		if !ok || !l.HasBytes {
			return storeconv.Quota{}, false
		}
		q := storeconv.Quota{Bytes: l.Bytes, Messages: storeconv.NotSaid}
		if l.HasMessages {
			q.Messages = l.Messages
		}
		return q, true
	}, err
}

// lookUpLimits reads the upgraded directory; in a dry run, which has not
// written it, the export, whose quotas SIMS counts in the same way.
func (c *conversion) lookUpLimits(ctx context.Context, job *cli.Job) (func(id string) (directory.Limit, bool), error) {
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
	return look, nil
}

// setsLimits says whether the mail gets the limits of the directory.
func (c *conversion) setsLimits() bool {
	switch name, _, _ := mailTable(c.site); name {
	case "export":
		return c.scenario.nms()
	case "relocate":
		return c.set.relocate.Requota
	}
	return true
}

// smallLimits gives the users of the mail whose limit is less than a unit of
// the store.
func (c *conversion) smallLimits(look func(id string) (directory.Limit, bool), use func(id string, bytes int64)) error {
	newID, err := c.newID()
	if err != nil {
		return err
	}
	chosen := c.mailUsers()
	told := map[string]bool{}
	for old := range c.mail.IDs.All() {
		if chosen != nil && !chosen[old] {
			continue
		}
		id := newID(old)
		if l, ok := look(id); ok && l.HasBytes && l.Bytes > 0 && l.Bytes < 1<<10 && !told[id] {
			told[id] = true
			use(id, l.Bytes)
		}
	}
	return nil
}
