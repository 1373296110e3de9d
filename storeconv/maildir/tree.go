package maildir

import (
	"slices"
	"strings"
)

// maxDepth bounds the levels of a mailbox under FS.
const maxDepth = 64

// LayoutOf looks which layout a user's Maildir has: FS where one of its
// directories is a mailbox without a dot in front and none with one is.
func LayoutOf(root *Dir) Layout {
	names, _ := root.Names() // an error comes again where they are read
	fs := false
	for _, name := range names {
		if special(name) {
			continue
		}
		if sub, err := root.Open(name); err == nil {
			is := sub.IsMailbox()
			sub.Close()
			if is && name[0] == '.' {
				return PlusPlus
			}
			fs = fs || is
		}
	}
	if fs {
		return FS
	}
	return PlusPlus
}

// special are the directories of a Maildir that are no mailboxes.
func special(name string) bool {
	switch name {
	case "cur", "new", "tmp", ".", "..", "courierimapkeywords", "courierimaphieracl", ".imsconv":
		return true
	}
	return false
}

// Folders returns the directories of a user's mailboxes, in the order of bytes,
// without INBOX. tell gets what is wrong with one, which is left out.
func Folders(root *Dir, layout Layout, tell func(*Error)) []string {
	w := walker{layout: layout, tell: tell}
	w.walk(root, "", 0)
	slices.Sort(w.found)
	return w.found
}

type walker struct {
	layout Layout
	tell   func(*Error)
	found  []string
}

func (w *walker) walk(d *Dir, prefix string, depth int) {
	names, err := d.Names()
	if err != nil {
		w.tell(asError(d.path, Unreadable, err))
	}
	slices.Sort(names)
	for _, name := range names {
		if special(name) {
			continue
		}
		info, err := d.Stat(name)
		switch {
		case err != nil:
			w.tell(asError(d.join(name), Unreadable, err))
		case info.Dir:
			w.enter(d, name, prefix+name, depth)
		case !info.Regular:
			w.tell(&Error{Path: d.join(name), Class: NotRegular, Text: "a link or a device: not read"})
		}
	}
}

func (w *walker) enter(d *Dir, name, path string, depth int) {
	sub, err := d.Open(name)
	if err != nil {
		w.tell(asError(d.join(name), Unreadable, err))
		return
	}
	defer sub.Close()
	is := sub.IsMailbox()
	switch {
	case w.layout == PlusPlus && name[0] == '.' && is:
		w.found = append(w.found, path)
	case w.layout == PlusPlus && is:
		w.tell(&Error{Path: sub.path, Class: BadMailbox, Text: "a directory of messages without a dot in front: no mailbox of this layout, not read"})
	case w.layout == PlusPlus:
	case depth >= maxDepth:
		w.tell(&Error{Path: sub.path, Class: BadMailbox, Text: "too many levels: not read"})
	default:
		if is {
			w.found = append(w.found, path)
		}
		w.walk(sub, path+"/", depth+1)
	}
}

// Escaped looks whether names on disk are escaped as listescape does it: one of
// them has an escape, and none has a backslash that is not.
func Escaped(dirs []string) bool {
	found := false
	for _, dir := range dirs {
		for rest := dir; ; {
			_, after, ok := strings.Cut(rest, `\`)
			if !ok {
				break
			}
			if len(after) < 2 || !slices.Contains([]string{"2e", "2f", "5c", "7e"}, strings.ToLower(after[:2])) {
				return false
			}
			found, rest = true, after[2:]
		}
	}
	return found
}
