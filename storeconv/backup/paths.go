package backup

import (
	"slices"
	"strings"
	"sync/atomic"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// paths are what of the store was named, and whether the store has it; none:
// everything.
type paths []*namedPath

type namedPath struct {
	storeconv.Path
	hasUser bool        // the store has such a user there
	met     atomic.Bool // and the mailbox
}

// readPaths reads the paths of a command line.
func readPaths(list []string) (paths, error) {
	var ps paths
	for _, text := range list {
		p, all, err := storeconv.ParsePath(text)
		switch {
		case err != nil:
			return nil, err
		case all && p.Partition == "":
			return nil, nil
		}
		ps = append(ps, &namedPath{Path: p})
	}
	return ps, nil
}

// covers says whether the path names a user, or something of one. User ""
// stands for all of a partition.
func (p *namedPath) covers(partition, user string) bool {
	return (p.Partition == "" || p.Partition == partition) && (p.User == "" || p.User == user)
}

// takes says whether anything of a user in a partition is written.
func (ps paths) takes(partition, user string) bool {
	takes := len(ps) == 0
	for _, p := range ps {
		if p.covers(partition, user) {
			p.hasUser, takes = true, true
		}
	}
	return takes
}

// name says whether a user is named, in whichever partition.
func (ps paths) name(user string) bool {
	return len(ps) == 0 || slices.ContainsFunc(ps, func(p *namedPath) bool { return p.User == "" || p.User == user })
}

// takesMailbox says whether a mailbox of a user who is written is, too.
func (ps paths) takesMailbox(partition, user, mailbox string) bool {
	takes := len(ps) == 0
	for _, p := range ps {
		if p.covers(partition, user) && p.coversMailbox(mailbox) {
			p.met.Store(true)
			takes = true
		}
	}
	return takes
}

func (p *namedPath) coversMailbox(mailbox string) bool {
	return p.Mailbox == "" || ims.Canonical(p.Mailbox) == mailbox || strings.HasPrefix(mailbox, p.Mailbox+"/")
}

// missingUsers tells of users and partitions that were named and are not there.
// Those of a list of users have been told.
func (b *run) missingUsers(partitions []string) {
	for _, p := range b.paths {
		switch {
		case p.hasUser || p.User != "" && !b.opts.Shard.Has(p.User):
		case p.Partition != "" && !slices.Contains(partitions, p.Partition):
			b.opts.Log.Problem("no-partition", "partition "+p.Partition, "the store does not have this partition")
		case p.User != "" && b.opts.Users == nil:
			b.noUser(p.User, b.homes(p.User, partitions))
		}
	}
}

// noUser tells that a user is not among what was named; home is where the user
// is.
func (b *run) noUser(id string, home []string) {
	text := "the store does not have this user"
	if home != nil {
		text = "this user is in partition " + strings.Join(home, " and ") + ", not in the one that was named"
	}
	b.opts.Log.Problem("no-user", "user "+id, text)
}

// homes are the partitions in which a user has an INBOX or a way to folders.
func (b *run) homes(id string, partitions []string) (home []string) {
	if ims.CheckUserID(id) != nil {
		return nil
	}
	for _, p := range partitions {
		if box, err := b.reader.Mailbox(p, id, ims.Inbox); err == nil {
			box.Close()
			home = append(home, p)
		}
	}
	return home
}

// missingMailboxes tells of mailboxes that were named and not met.
func (b *run) missingMailboxes() {
	for _, p := range b.paths {
		if p.met.Load() || p.Mailbox == "" || !p.hasUser {
			continue
		}
		text := "the store does not have this mailbox"
		if p.Partition != "" {
			text = "partition " + p.Partition + " does not have this mailbox"
		}
		if err := ims.CheckMailbox(p.Mailbox); err != nil {
			text += ": " + err.Error()
		}
		b.opts.Log.Problem("no-mailbox", "user/"+p.User+"/"+p.Mailbox, text)
	}
}
