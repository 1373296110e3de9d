package maildirs

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"imsconv/storeconv/maildir"
)

// TestNamesTwice holds the two readings of one rule against each other: names
// of all letters that mean something somewhere.
func TestNamesTwice(t *testing.T) {
	pieces := []string{
		"a", "B", "Inbox", "INBOX", "inbox", "cur", "new", "tmp", "subscriptions", "dovecot-uidlist", "courierimapacl", ".uidvalidity", "..maildir++", "/", "/", "/", ".", "..", "~", "\\", "\\2e",
		"&", "&-", "&APw-", "&AGE-", "&ZeVnLIqe-", "&2D3eAA-", "&APw", " ", "\t", "\x7f", "\xfc", "ü", "_", "%", strings.Repeat("x", 100), strings.Repeat("y", 251),
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40000 {
		var b strings.Builder
		for range 1 + rng.IntN(6) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		compareNames(t, b.String())
		if t.Failed() {
			return
		}
	}
}

func FuzzNamesTwice(f *testing.F) {
	f.Add("Sent/v1.2")
	f.Fuzz(compareNames)
}

func compareNames(t *testing.T, name string) {
	t.Helper()
	if strings.ContainsAny(name, "\n\x00") || name == "" {
		return
	}
	for _, fs := range []bool{false, true} {
		for _, escape := range []bool{false, true} {
			n, other := naming{fs: fs, escape: escape}, maildir.Naming{Escape: escape}
			if fs {
				other.Layout = maildir.FS
			}
			dir, why := n.dir(name)
			want, err := other.Dir(name)
			if fs && err == nil && slices.ContainsFunc(strings.Split(name, "/"), func(l string) bool { return maildir.IsPart(l) && strings.Trim(l, ".") != "" }) {
				err = errors.New("an export gives no mailbox such a name")
			}
			if (why == "") != (err == nil) || err == nil && dir != want {
				t.Errorf("%q, fs %v, escape %v: %q (%s), the format has %q (%v)", name, fs, escape, dir, why, want, err)
				continue
			}
			if err == nil {
				line, err := other.Subscription(name)
				if got := n.subscription(name); got != line || err != nil {
					t.Errorf("%q, fs %v, escape %v: the line of subscriptions is %q, the format has %q (%v)", name, fs, escape, got, line, err)
				}
			}
		}
	}
}
