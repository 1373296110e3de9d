package backup

import (
	"slices"
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// paths are the mailboxes that were named, and whether the store has them.
type paths []*namedPath

type namedPath struct {
	storeconv.Path
	met bool
}

// namedPaths takes the paths that name a mailbox.
func namedPaths(list []string) (paths, error) {
	var ps paths
	for _, text := range list {
		p, all, err := storeconv.ParsePath(text)
		switch {
		case err != nil:
			return nil, err
		case all:
			return nil, nil
		case p.Mailbox != "":
			ps = append(ps, &namedPath{Path: p})
		}
	}
	return ps, nil
}

// meet notes that a mailbox is written.
func (ps paths) meet(user, mailbox string) {
	for _, p := range ps {
		if p.User == user && (ims.Canonical(p.Mailbox) == mailbox || strings.HasPrefix(mailbox, p.Mailbox+"/")) {
			p.met = true
		}
	}
}

// missingMailboxes tells of mailboxes that were named and not met. Users that
// the store does not have have been told.
func (b *run) missingMailboxes() {
	for _, p := range b.paths {
		if p.met || !slices.ContainsFunc(b.users, func(u user) bool { return u.id == p.User }) {
			continue
		}
		text := "the store does not have this mailbox"
		if err := ims.CheckMailbox(p.Mailbox); err != nil {
			text += ": " + err.Error()
		}
		b.opts.Log.Problem("no-mailbox", "user/"+p.User+"/"+p.Mailbox, text)
	}
}
