package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/ldifconv/ldif"
)

// leaveUnlocked takes users out of the batch who were named and had no entry
// when its records were made, and have one now: the export of the lock was not
// whole, or they are new. No record has locked them and none will move them, so
// that their mail would go over and they would not. Another batch can have
// them.
func (c *conversion) leaveUnlocked(ctx context.Context, job *cli.Job) error {
	b := c.batch
	if !b.locked || !c.hasMail() || b.named == nil {
		return nil
	}
	others, err := batches.Of(c.whole, b.name)
	if err != nil {
		return err
	}
	locked := batches.Set{}
	in, err := job.Open(filepath.Join(c.out, batches.EntriesName))
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := inputs.ReadEntries(ctx, in, func(_ string, rec *ldif.Record) { locked.Add(c.users().ID(rec)) }); err != nil {
		return err
	}
	_, err = c.users().EachUser(ctx, job, inputs.Silent{}, "", func(m *roster.Member) error {
		other := others[strings.ToLower(m.ID)] != ""
		stays := c.site.Hosts.Side(site.MailHost(m.Record.Get("mailhost"))) == site.OldSide
		if b.named.Has(m.ID) && !locked.Has(m.ID) && !other && stays {
			b.unlocked = append(b.unlocked, m.ID)
		}
		return nil
	})
	if err != nil || len(b.unlocked) == 0 {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(b.users), func(id string) bool {
		return slices.ContainsFunc(b.unlocked, func(u string) bool { return strings.EqualFold(u, id) })
	})
	if len(kept) == len(b.users) { // an interrupted run has done it
		return nil
	}
	b.users = kept
	c.index()
	if c.dryRun {
		return nil
	}
	unlock, err := batches.Lock(ctx, c.whole)
	if err != nil {
		return err
	}
	defer unlock()
	return batches.WriteUsers(job, filepath.Join(c.out, batches.UsersName), b.users)
}

// tellUnlocked tells of those who were taken out.
func (c *conversion) tellUnlocked(job *cli.Job) {
	for _, id := range c.batch.unlocked {
		job.Problem("left-unlocked", id, "the user is named, and had no entry in the export when the records of the batch were made: no record locks or moves the user, who is taken out of the batch, with the mail; another one (--batch with another name, --users with a file of such users) moves both")
	}
}
