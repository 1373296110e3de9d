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
	newNoEntry  = "new-id-without-entry"
	newNoMail   = "new-id-without-mail"
)

// compare holds the users of the directory against those of the store.
func (c *conversion) compare(ctx context.Context, job *cli.Job) error {
	if !c.hasMail() {
		return nil
	}
	counts := map[string]int64{}
	err := c.compareUsers(ctx, job, func(kind, where, text string) {
		counts[kind]++
		if kind == newNoEntry || kind == newNoMail { // what the site has asked for does not fit
			job.Problem(kind, where, text)
			return
		}
		job.Warning(kind, where, text)
	})
	job.Count("entries without mail", counts[entryNoMail]+counts[newNoMail])
	job.Count("users without entry", counts[mailNoEntry]+counts[caseDiffers]+counts[newNoEntry])
	return err
}

// compareUsers tells of users that one side has alone, by the ids that they
// have after the conversion.
func (c *conversion) compareUsers(ctx context.Context, job *cli.Job, tell func(kind, where, text string)) error {
	export := c.export()
	in, err := job.Open(export.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	stored, was, err := c.storeIDs()
	if err != nil {
		return err
	}
	folded := map[string]string{} // ids of entries without mail, by their lower-case form
	for u, err := range directory.Users(in) {
		if err != nil {
			return fmt.Errorf("%s: %w", export.Path, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id := c.entryID(u)
		if stored.Mark(id) {
			continue
		}
		if old := u.ID(c.defaultDomain); old != id && stored.Mark(old) {
			tell(newNoMail, fmt.Sprintf("%s:%d", export.Path, u.Line), fmt.Sprintf("the entry gets the id %s, and the mail of %s keeps that id in the new store: nobody can read it", id, old))
			continue
		}
		folded[strings.ToLower(id)] = id
		tell(entryNoMail, fmt.Sprintf("%s:%d", export.Path, u.Line), fmt.Sprintf("user %q has an entry and no mail", id))
	}
	for id := range stored.Unmarked() {
		if other, ok := folded[strings.ToLower(id)]; ok {
			tell(caseDiffers, id, fmt.Sprintf("the store has %q, the directory %q: they differ in case only", id, other))
			continue
		}
		if old, ok := was[id]; ok {
			tell(newNoEntry, old, newNoEntryText(id))
			continue
		}
		tell(mailNoEntry, id, "the user has mail and no entry in the directory")
	}
	return nil
}

// newNoEntryText says what is wrong with the new id of a user's mail.
func newNoEntryText(id string) string {
	return "the user gets the id " + id + " in the new store, which no entry of the upgraded directory has: nobody can read that mail"
}

// storeIDs are the ids that the users of the source have in the new store; was
// is the old id of one who was given another.
func (c *conversion) storeIDs() (ids *directory.IDSet, was map[string]string, err error) {
	newID, err := c.newID()
	if err != nil {
		return nil, nil, err
	}
	ids, was = directory.NewIDSet(), map[string]string{}
	same := true
	for old := range c.mail.IDs.Unmarked() {
		id := newID(old)
		ids.Add(id)
		same = same && id == old
		if id != c.bareID(old) {
			was[id] = old
		}
	}
	if same { // the usual case, of which one set is enough
		ids = c.mail.IDs
	}
	return ids, was, nil
}
