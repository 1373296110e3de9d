package main

import (
	"context"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/storeconv"
	"imsconv/storeconv/export"
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
	r, end, err := c.backup().OpenBytes(ctx, job)
	if err != nil {
		return err
	}
	defer end()
	set := &c.set.restore
	rep, err := verify.Store(ctx, c.storeDir(), verify.StoreOptions{
		Streams: []verify.Stream{{Name: c.store().Path, R: r}}, Selection: set.Selection, Only: c.batch != nil, CRLF: set.CRLF, NoIndex: set.NoIndex,
		Owner: set.Owner, Jobs: c.jobs, Log: c.logAgain(job), Progress: job.Meter("messages", c.mail.Messages, 0),
	})
	job.Count("messages verified", rep.Messages)
	return err
}

// verifyRelocated looks into the store itself, and then compares it with the
// old one, byte by byte.
func (c *conversion) verifyRelocated(ctx context.Context, job *cli.Job) error {
	set, from := &c.set.relocate, c.store().Path
	old := verify.NMSOptions{Users: set.Users, Map: changed(set.Map), Domain: set.Domain, Owner: set.Owner, Jobs: c.jobs, Log: c.logAgain(job)}
	for _, p := range set.Partitions {
		old.Partitions = append(old.Partitions, verify.Partition(p))
	}
	own := verify.StoreOptions{Owner: set.Owner, Jobs: c.jobs, Log: c.logAgain(job), Progress: job.Meter("messages", c.mail.Messages, 0), Origin: &verify.Origin{From: from, Options: old}}
	if _, err := verify.Store(ctx, c.storeDir(), own); err != nil {
		return err
	}
	old.Progress = job.Meter("files", c.mail.Messages, 0)
	rep, err := verify.NMS(ctx, c.storeDir(), from, old)
	job.Count("messages verified", rep.Messages)
	return err
}

// changed are the ids that become others.
func changed(ids map[string]string) map[string]string {
	others := make(map[string]string)
	for id, newID := range ids {
		if id != newID {
			others[id] = newID
		}
	}
	return others
}

func (c *conversion) verifyMaildirs(ctx context.Context, job *cli.Job) error {
	set := &c.set.export
	opt := maildirs.Options{
		Selection: set.Selection, Partition: set.Partition, Path: set.Path, Newline: newlines[set.Newline], UIDL: set.UIDL,
		Owner: set.Owner, Jobs: c.jobs, Log: c.logAgain(job), Progress: job.Meter("messages", c.mail.Messages, 0),
	}
	if c.scenario.nms() {
		store, err := c.stage(ctx, job, storeconv.Discard, nil)
		if err != nil {
			return err
		}
		opt.Store = store
	} else {
		r, end, err := c.backup().OpenBytes(ctx, job)
		if err != nil {
			return err
		}
		defer end()
		opt.Streams = []verify.Stream{{Name: c.store().Path, R: r}}
	}
	rep, err := maildirs.Verify(ctx, c.mailDir(), opt)
	job.Count("messages verified", rep.Messages)
	return err
}

// newlines are the words for line ends.
var newlines = map[export.Newline]string{export.KeepNewline: "keep", export.CRLF: "crlf", export.LF: "lf"}
