package flags

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/storeconv"
)

// Owner is --owner USER[:GROUP]: names or numbers. Without a group it is the
// user's own; of a user given by number, none.
type Owner struct {
	owner *storeconv.Owner
	text  string
}

// Owner returns the owner, nil when the flag was not given.
func (o *Owner) Owner() *storeconv.Owner { return o.owner }

// Add declares the flag; what says whose owner it is.
func (o *Owner) Add(fs *pflag.FlagSet, what string) {
	fs.Var(o, "owner", what+", `USER[:GROUP]`, names or numbers")
}

// String returns the text that was given.
func (o *Owner) String() string { return o.text }

// Type names the value in help texts.
func (o *Owner) Type() string { return "USER[:GROUP]" }

// Set looks the owner up.
func (o *Owner) Set(text string) error {
	name, group, hasGroup := strings.Cut(text, ":")
	if name == "" || hasGroup && group == "" {
		return errOwner
	}
	uid, gid, err := lookupUser(name)
	if err != nil {
		return err
	}
	if hasGroup {
		if gid, err = lookupGroup(group); err != nil {
			return err
		}
	}
	*o = Owner{owner: &storeconv.Owner{UID: uid, GID: gid}, text: text}
	return nil
}

// maxID is the largest user or group number; the next one means "as it is".
const maxID = 1<<32 - 2

func lookupUser(name string) (uid, gid int, err error) {
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n <= maxID {
		return n, -1, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, notKnown("user", name, err)
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

func lookupGroup(name string) (int, error) {
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n <= maxID {
		return n, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, notKnown("group", name, err)
	}
	return strconv.Atoi(g.Gid)
}

// notKnown says that this machine does not know a name, or why that could not
// be found out.
func notKnown(what, name string, err error) error {
	var noUser user.UnknownUserError
	var noGroup user.UnknownGroupError
	if errors.As(err, &noUser) || errors.As(err, &noGroup) {
		return fmt.Errorf("this machine has no %s %s; a number will do", what, name)
	}
	return fmt.Errorf("%s %s cannot be looked up: %w", what, name, err)
}

// CheckOwner says whether text has the form of an owner, without asking this
// machine whether it knows the names: a plan is made elsewhere.
func CheckOwner(text string) error {
	name, group, hasGroup := strings.Cut(text, ":")
	for _, part := range []string{name, group} {
		if part == "" && (part == name || hasGroup) || strings.ContainsFunc(part, notOfOwner) {
			return errOwner
		}
	}
	return nil
}

var errOwner = errors.New("not of the form USER or USER:GROUP")

// notOfOwner tells what no name of a user or group has in it.
func notOfOwner(r rune) bool { return r <= ' ' || r == ':' || r == '/' || r == 0x7f }
