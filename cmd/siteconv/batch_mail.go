package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
)

// mailOf finds the mail of users in the stream by the ids that it has there:
// those of the users themselves, and of a user whom it does not have, those
// that differ in case only. Beside a user whom it has, these are others.
func (c *conversion) mailOf(users batches.Set) (mail map[string]bool, others []string) {
	mail = map[string]bool{}
	found := batches.Set{}
	for id := range c.mail.IDs.Unmarked() {
		if bare := c.bareID(id); users.Get(bare) == bare {
			mail[id] = true
			found.Add(bare)
		}
	}
	for id := range c.mail.IDs.Unmarked() {
		switch bare := c.bareID(id); {
		case mail[id] || !users.Has(bare):
		case found.Has(bare):
			others = append(others, id)
		default:
			mail[id] = true
		}
	}
	return mail, others
}

// tellOthersByCase tells of mail that is left out because the batch has a user
// of the same id but for its case, to whom it would come otherwise.
func (c *conversion) tellOthersByCase(job *cli.Job) {
	_, others := c.mailOf(c.batch.set)
	for _, id := range others {
		job.Warning("mail-without-entry", id, fmt.Sprintf("the stream has mail of the user, who has no entry: it is left out, for the batch is of %s, whose id differs in case only; storeconv restore, with the id as PATH, restores it", c.batch.set.Get(c.bareID(id))))
	}
}

// mailByUser are the ids that the stream has for each user of the batch, by
// the lower-case store id, in byte order.
func (c *conversion) mailByUser() map[string][]string {
	of := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(c.batch.mail)) {
		user := strings.ToLower(c.bareID(id))
		of[user] = append(of[user], id)
	}
	return of
}
