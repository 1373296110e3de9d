package storeconv

import (
	"fmt"
	"strings"
)

// Path is one PATH of a command line: a user as the source has it and, unless
// it is empty, a mailbox with those below it.
type Path struct {
	Partition     string // "": any; a stream has none
	User, Mailbox string
}

// ParsePath reads /partition/user/ID/MAILBOX, where "user" may be a backup
// group, user/ID/MAILBOX, or ID/MAILBOX. all is set when the path names no
// user: "/", a partition, or a whole group.
func ParsePath(p string) (path Path, all bool, err error) {
	rest, logical := strings.CutPrefix(p, "/")
	rest = strings.TrimSuffix(rest, "/")
	if logical {
		parts := strings.SplitN(rest, "/", 3)
		path.Partition = parts[0]
		if len(parts) < 3 {
			return path, true, nil
		}
		rest = parts[2]
	} else if after, ok := strings.CutPrefix(rest, "user/"); ok {
		rest = after
	}
	path.User, path.Mailbox, _ = strings.Cut(rest, "/")
	if path.User == "" {
		return path, false, fmt.Errorf("path %q names no user", p)
	}
	return path, false, nil
}
