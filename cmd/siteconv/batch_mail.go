package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/siteconv/internal/batches"
)

// mailOf finds the mail of users in the stream by the ids that it has there:
// those of the users themselves, and of a user whom it does not have, those
// that differ in case only. Beside a user whom it has, these are others.
func (c *conversion) mailOf(users batches.Set) (mail map[string]bool, others []string) {
	mail = map[string]bool{}
	found := batches.Set{}
	for id := range c.mail.IDs.Unmarked() {
		if user := c.userOf(id); users.Get(user) == user {
			mail[id] = true
			found.Add(user)
		}
	}
	for id := range c.mail.IDs.Unmarked() {
		switch user := c.userOf(id); {
		case mail[id] || !users.Has(user):
		case found.Has(user):
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
		job.Warning("mail-without-entry", id, fmt.Sprintf("the stream has mail of the user, who has no entry: it is left out, for the batch is of %s, whose id differs in case only; storeconv restore, with the id as PATH, restores it", c.batch.set.Get(c.userOf(id))))
	}
}

// mailByUser are the ids that the stream has for each user of the batch, by
// the lower-case store id, in byte order.
func (c *conversion) mailByUser() map[string][]string {
	of := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(c.batch.mail)) {
		user := strings.ToLower(c.userOf(id))
		of[user] = append(of[user], id)
	}
	return of
}

// mayLack says whether a user, whom the stream has by these ids, has nothing in
// it: of one that is not whole, a directory may be all that is left of his
// mail.
func (c *conversion) mayLack(ids []string) bool {
	if c.mail.Whole() {
		return len(ids) == 0
	}
	return !slices.ContainsFunc(ids, func(id string) bool { return c.mail.PerUser[id] > 0 })
}

// isOfNobody says whether the stream has mail of no user of the batch.
func (c *conversion) isOfNobody() bool {
	return c.mayLack(slices.Collect(maps.Keys(c.batch.mail)))
}

// bereft are the users of the batch who may lack mail because the stream is not
// whole: those who have none in it, and the one in whose mail it ends.
func (c *conversion) bereft() (without []string, atEnd string) {
	if c.mail.Whole() {
		return nil, ""
	}
	mail := c.mailByUser()
	for _, id := range c.batch.users {
		ids := mail[strings.ToLower(id)]
		switch {
		case c.mayLack(ids):
			without = append(without, id)
		case c.mail.Cut() && slices.Contains(ids, c.mail.Last):
			atEnd = id
		}
	}
	return without, atEnd
}

// tellNoMail tells of a stream in which users of the batch have no mail because
// it is another one, or may lack some because it is damaged.
func (c *conversion) tellNoMail(job *cli.Job) {
	path, n := c.store().Path, c.mail.IDs.Len()
	without, atEnd := c.bereft()
	switch {
	case c.isOfNobody() && !c.mail.Whole():
		what := "the users, unlocked now, would move without it"
		if c.heldBack() {
			what = "no record unlocks its users, who would move without it"
		}
		job.Problem("batch-mail-lost", path, fmt.Sprintf("the stream is not whole (%s), and has mail of nobody of the batch: %s; a backup made again, given with --stream, goes on", faultsText(c.mail), what))
	case c.isOfNobody():
		job.Problem("foreign-stream", path, fmt.Sprintf("the stream has mail of %s and of nobody of the batch: is it that of another batch? Unlocked now, the users of this one would move without their mail; the stream that is theirs, given with --stream, adds it", page.Amount(n, "user", "users")))
	case len(without) > 0 || atEnd != "":
		job.Problem("batch-mail-lost", path, fmt.Sprintf("the stream is not whole (%s): %s; before they are unlocked, make a backup again and give it with --stream, which adds what it has", faultsText(c.mail), bereftText(without, atEnd)))
	}
}

// bereftText names the users who may lack mail.
func bereftText(without []string, atEnd string) string {
	var parts []string
	if n := int64(len(without)); n > 0 {
		parts = append(parts, fmt.Sprintf("of the batch %s no mail in it (%s), and what was lost may be theirs", page.Amount(n, "user has", "users have"), examples(without[:min(n, mostExamples)], n)))
	}
	if atEnd != "" {
		parts = append(parts, fmt.Sprintf("it ends in the mail of %s, of which the rest may be missing", atEnd))
	}
	return strings.Join(parts, "; ")
}
