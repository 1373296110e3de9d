package main

import (
	"context"
	"fmt"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
)

// compare holds the users of the directory against those of the store.
func (c *conversion) compare(ctx context.Context, job *cli.Job) error {
	export := c.export()
	in, err := job.Open(export.path)
	if err != nil {
		return err
	}
	defer in.Close()
	// folded are the ids of entries without mail, by their lower-case form.
	folded := map[string]string{}
	var noMail int64
	for u, err := range directory.Users(in) {
		if err != nil {
			return fmt.Errorf("%s: %w", export.path, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id := u.ID(c.defaultDomain)
		if c.stored.Mark(id) {
			continue
		}
		noMail++
		folded[strings.ToLower(id)] = id
		job.Warning("entry-without-mail", fmt.Sprintf("%s:%d", export.path, u.Line), fmt.Sprintf("user %q has an entry and no mail", id))
	}
	var noEntry int64
	for id := range c.stored.Unmarked() {
		noEntry++
		if other, ok := folded[strings.ToLower(id)]; ok {
			job.Warning("case-differs", id, fmt.Sprintf("the store has %q, the directory %q: they differ in case only", id, other))
			continue
		}
		job.Warning("mail-without-entry", id, "the user has mail and no entry in the directory")
	}
	job.Count("entries without mail", noMail)
	job.Count("users without entry", noEntry)
	return nil
}
