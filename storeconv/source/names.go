package source

import (
	"fmt"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// oddName names a directory that no server makes, level by level.
func oddName(n maildir.Naming, dir string) string {
	separator := "/"
	if n.Layout == maildir.PlusPlus {
		dir, separator = strings.TrimPrefix(dir, "."), "."
	}
	levels := strings.Split(dir, separator)
	if n.Escape {
		for i, level := range levels {
			levels[i] = unescape(level, '\\')
		}
	}
	return strings.Join(levels, "/")
}

// unescape undoes whatever listescape could have written, or who else writes
// two hexadecimal digits behind a mark; "/" it cannot be.
func unescape(level string, mark byte) string {
	var b strings.Builder
	for i := 0; i < len(level); i++ {
		if level[i] == mark && i+2 < len(level) {
			if c, err := strconv.ParseUint(level[i+1:i+3], 16, 8); err == nil && c != '/' {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(level[i])
	}
	return b.String()
}

// nameGiver gives names of mailboxes to what a user calls otherwise than a
// store can: in other characters, or in UTF-8.
type nameGiver struct {
	s     *Source
	utf8  bool // names on disk are plain text in UTF-8
	taken map[string]bool
	tried map[string]int    // how many "_" a name had to get last
	given map[string]string // names by those on disk
	text  int               // names that were in UTF-8
}

// newNaming begins with the names that a user has on disk, and those that are
// taken.
func (s *Source) newNaming(disk []string, taken ...string) *nameGiver {
	g := &nameGiver{s: s, utf8: !s.opt.Encoded && maildir.InUTF8(disk), taken: map[string]bool{}, tried: map[string]int{}, given: map[string]string{}}
	for _, name := range taken {
		g.taken[name] = true
	}
	return g
}

func (g *nameGiver) take(name string) { g.taken[name] = true }

// give gives a mailbox at a place its name.
func (g *nameGiver) give(name, where string) string {
	keep := keepable(name)
	plain := g.plain(keep)
	inUTF8 := plain != keep
	want := g.free(plain)
	g.given[name] = want
	switch {
	case inUTF8 && want == g.plain(name):
		g.text++
	case want != name:
		g.s.told(where, "mailbox-renamed", 1, fmt.Sprintf("mailbox %s is called %s: no store has a mailbox of its name", sims.DisplayName(name), want))
	}
	return want
}

// free takes a name that nobody has. What is taken stays so: of many that want
// one name, each begins where the one before ended.
func (g *nameGiver) free(name string) string {
	n := g.tried[name]
	want := name + strings.Repeat("_", n)
	for g.taken[want] || want == "" || strings.EqualFold(want, ims.Inbox) {
		n, want = n+1, want+"_"
	}
	g.taken[want], g.tried[name] = true, n
	return want
}

// plain returns a name in modified UTF-7 where it stands there in UTF-8.
func (g *nameGiver) plain(name string) string {
	if !g.utf8 {
		return name
	}
	text, _ := maildir.FromUTF8(name)
	return text
}

// of is what a mailbox is called that has this name on disk.
func (g *nameGiver) of(name string) string {
	if given, ok := g.given[name]; ok {
		return given
	}
	return name
}

// listed is what a mailbox is called that has this name in a list of
// subscriptions, which may be in UTF-8 where the folders are not.
func (g *nameGiver) listed(name string) string {
	if to := g.of(name); to != name || g.taken[name] {
		return to
	}
	if !g.s.opt.Encoded && maildir.InUTF8([]string{name}) {
		name, _ = maildir.FromUTF8(name)
	}
	return name
}

// tell tells how many names were in UTF-8.
func (g *nameGiver) tell(where string) {
	if g.text > 0 {
		g.s.told(where, "utf8-names", 1, fmt.Sprintf("%d names of mailboxes are text in UTF-8: the store has them in IMAP modified UTF-7", g.text))
	}
}

// keepable returns a name that differs from name only where a store could not
// have it. Names that are not in modified UTF-7 stay: whoever reads them knows
// their encoding.
func keepable(name string) string {
	levels := strings.Split(name, "/")
	for i, level := range levels {
		b := []byte(level)
		for k, c := range b {
			if c < 0x20 || c == 0x7f || strings.IndexByte("%*?", c) >= 0 {
				b[k] = '_'
			}
		}
		level = string(b)
		if level == "" || level == "." || level == ".." {
			level += "_"
		}
		levels[i] = level
	}
	if len(levels) > 1 && strings.EqualFold(levels[0], ims.Inbox) {
		levels[0] = ims.Inbox
	}
	return strings.Join(levels, "/")
}
