package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
	"imsconv/storeconv/selection"
)

// bareID is the id of a user of the source without the default domain, which
// the stores of SIMS have at some ids and a conversion takes away. Users of NMS
// keep it.
func (c *conversion) bareID(id string) string {
	uid, domain, ok := strings.Cut(id, "@")
	if c.scenario.nms() || !ok || uid == "" || c.defaultDomain == "" || !strings.EqualFold(domain, c.defaultDomain) {
		return id
	}
	return uid
}

// userOf is the user, by the id that batches know, whose mail the source has
// under an id: that which the mail gets in the new store, where an entry has it
// or one that differs in case only, else that id itself.
func (c *conversion) userOf(id string) string {
	if user, ok := c.owners[id]; ok {
		return user
	}
	return c.bareID(id)
}

// findOwners finds the entries that belong to mail which site.toml gives
// another id, and those that have the id of such mail as it is.
func (c *conversion) findOwners(ctx context.Context, job *cli.Job) error {
	newID, err := c.newID()
	if err != nil {
		return err
	}
	renamed, kept := map[string][]string{}, map[string][]string{} // ids of the mail by the new one in lower case, and by that of its entry
	for old := range c.mailMap() {
		if id, bare := newID(old), c.bareID(old); id != bare {
			renamed[strings.ToLower(id)] = append(renamed[strings.ToLower(id)], old)
			kept[bare] = append(kept[bare], old)
		}
	}
	if len(renamed) == 0 {
		return nil
	}
	in, err := job.Open(c.export().Path)
	if err != nil {
		return err
	}
	defer in.Close()
	c.owners, c.ahead = map[string]string{}, map[string]string{}
	for u, err := range directory.Users(in) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.export().Path, err)
		}
		id := u.ID(c.defaultDomain)
		for _, old := range renamed[strings.ToLower(id)] {
			c.owners[old] = newID(old)
		}
		for _, old := range kept[id] {
			c.ahead[old] = newID(old)
		}
	}
	maps.DeleteFunc(c.ahead, func(old, _ string) bool { return c.owners[old] != "" })
	return nil
}

// lookAtNewIDs finds users of the batch whose mail gets an id that their entry
// does not have: moved to it, they would find an empty mailbox.
func (c *conversion) lookAtNewIDs() {
	for _, old := range slices.Sorted(maps.Keys(c.ahead)) {
		if user := c.bareID(old); c.batch.set.Has(user) {
			c.pre.Find("new-id-ahead", c.site.Path, "map gives the mail of %s, a user of the batch, the id %s, and the entry in %s has the old one", user, c.ahead[old], c.export().Path)
		}
	}
}

// tellIDsWithoutEntry tells of mail of the batch that gets an id which no entry
// will have.
func (c *conversion) tellIDsWithoutEntry(job *cli.Job) error {
	newID, err := c.newID()
	if err != nil {
		return err
	}
	for _, old := range slices.Sorted(maps.Keys(c.batch.mail)) {
		if id := newID(old); id != c.bareID(old) && c.owners[old] == "" {
			job.Problem(newNoEntry, old, newNoEntryText(id))
		}
	}
	return nil
}

// newID tells what a user of the source is called in the new store, by what
// site.toml says of the conversion that makes it.
func (c *conversion) newID() (func(id string) string, error) {
	var of storeconv.Selection
	switch name, _, _ := mailTable(c.site); name {
	case "relocate":
		set := &c.set.relocate
		return func(id string) string {
			to, ok := set.Map[id]
			switch {
			case ok:
				return to
			case set.Domain != "" && !strings.Contains(id, "@"):
				return id + "@" + set.Domain
			}
			return id
		}, nil
	case "export":
		of = c.set.export.Selection
	default:
		of = c.set.restore.Selection
	}
	m, err := selection.Compile(storeconv.Selection{Map: of.Map, Domain: of.Domain})
	if err != nil {
		return nil, err
	}
	return func(id string) string {
		to, _ := m.StoreID(id) // one that cannot be is left out by the conversion
		return to
	}, nil
}

// entryID is the store id of an entry once the directory is upgraded.
func (c *conversion) entryID(u *directory.User) string {
	if to, ok := c.set.upgrade.Rules.UIDMap[strings.ToLower(u.UID)]; ok {
		renamed := *u
		renamed.UID = to
		u = &renamed
	}
	return u.ID(c.defaultDomain)
}
