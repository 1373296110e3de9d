package sims

import "strings"

// rooted watches for names with a partition in front, such as
// primary/user/joe/INBOX/1: what is left of the logical path
// /primary/user/joe/INBOX/1 when an archiver drops the slash. The profile has
// no partitions, so that such a name is a user primary with the folder
// user/joe/INBOX. Users of two sites may become one that way.
type rooted struct {
	user string // the last one met
	told bool   // or known to have other folders: nothing is to be told of it
}

// pathNames are what stands behind the partition of a logical path, and is a
// folder here.
const pathNames = "user"

// take returns the warning that a member deserves, at most one for each user
// that comes; "" for none.
func (r *rooted) take(m *Member) string {
	if m.User != r.user {
		*r = rooted{user: m.User}
	}
	if r.told || m.Kind == User || m.Mailbox == pathNames {
		return ""
	}
	r.told = true
	id, ok := strings.CutPrefix(m.Mailbox, pathNames+"/")
	if !ok {
		return ""
	}
	id, _, _ = strings.Cut(id, "/")
	return "this is taken for a user " + DisplayName(m.User) + " with a folder user/" + DisplayName(id) +
		"; if " + DisplayName(m.User) + " is a partition, make the archive in its folder user"
}
