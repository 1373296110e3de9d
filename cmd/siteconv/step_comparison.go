package main

import (
	"context"
	"fmt"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
)

// comparison are the kinds of what the two sides differ in.
const (
	entryNoMail = "entry-without-mail"
	mailNoEntry = "mail-without-entry"
	caseDiffers = "case-differs"
)

// compare holds the users of the directory against those of the store.
func (c *conversion) compare(ctx context.Context, job *cli.Job) error {
	if !c.hasMail() {
		return nil
	}
	counts := map[string]int64{}
	err := c.compareUsers(ctx, job, func(kind, where, text string) {
		counts[kind]++
		job.Warning(kind, where, text)
	})
	job.Count("entries without mail", counts[entryNoMail])
	job.Count("users without entry", counts[mailNoEntry]+counts[caseDiffers])
	return err
}

// compareUsers tells of users that one side has alone.
func (c *conversion) compareUsers(ctx context.Context, job *cli.Job, tell func(kind, where, text string)) error {
	export := c.export()
	in, err := job.Open(export.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	folded := map[string]string{} // ids of entries without mail, by their lower-case form
	for u, err := range directory.Users(in) {
		if err != nil {
			return fmt.Errorf("%s: %w", export.Path, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id := u.ID(c.defaultDomain)
		if c.mail.IDs.Mark(id) {
			continue
		}
		folded[strings.ToLower(id)] = id
		tell(entryNoMail, fmt.Sprintf("%s:%d", export.Path, u.Line), fmt.Sprintf("user %q has an entry and no mail", id))
	}
	for id := range c.mail.IDs.Unmarked() {
		if other, ok := folded[strings.ToLower(id)]; ok {
			tell(caseDiffers, id, fmt.Sprintf("the store has %q, the directory %q: they differ in case only", id, other))
			continue
		}
		tell(mailNoEntry, id, "the user has mail and no entry in the directory")
	}
	return nil
}
