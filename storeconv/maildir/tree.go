package maildir

import (
	"slices"
	"strings"
)

// maxDepth bounds the levels of a mailbox under FS.
const maxDepth = 64

// LayoutOf looks which layout a user's Maildir has: FS where more of its
// directories without a dot in front than of those with one are mailboxes, or
// have some below them.
func LayoutOf(root *Dir) Layout {
	names, _ := root.Names() // an error comes again where they are read
	dots, others := 0, 0
	for _, name := range names {
		if special(name) {
			continue
		}
		sub, err := root.Open(name)
		if err != nil {
			continue
		}
		switch {
		case name[0] == '.' && sub.IsMailbox():
			dots++
		case sub.HasMailbox():
			others++
		}
		sub.Close()
	}
	if others > dots {
		return FS
	}
	return PlusPlus
}

// HasMailbox tells whether a directory is a mailbox, or has one below it.
func (d *Dir) HasMailbox() bool { return d.hasMailbox(0) }

// hasMailbox is HasMailbox, some levels below where it began.
func (d *Dir) hasMailbox(depth int) bool {
	if d.IsMailbox() {
		return true
	}
	names, _ := d.Names() // what cannot be read has none that can be
	for _, name := range names {
		if special(name) || depth > maxDepth || !d.has(name) {
			continue
		}
		if sub, err := d.Open(name); err == nil {
			has := sub.hasMailbox(depth + 1)
			sub.Close()
			if has {
				return true
			}
		}
	}
	return false
}

// special are the directories of a Maildir that are no mailboxes.
func special(name string) bool {
	switch name {
	case "cur", "new", "tmp", ".", "..", CourierKeywords, CourierHierarchy, ".imsconv":
		return true
	}
	return false
}

// kept are files of which those who read them tell what is wrong.
func kept(name string) bool {
	switch name {
	case UidlistName, CourierName, MbsyncName, KeywordsName, SubscriptionsName, CourierSubscriptionsName, ACLName, CourierACLName, SizeName:
		return true
	}
	return false
}

// IsPart tells names in a Maildir that belong to its format: the directories of
// messages, the lists, and what marks a folder.
func IsPart(name string) bool {
	return special(name) || kept(name) || name == "maildirfolder" || name == "..maildir++"
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
		if special(name) || kept(name) && !(w.layout == FS && d.has(name)) { // else a user's, of a server that has no such file there
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

// BeginsAsMbox tells whether a name is a file that begins with "From ", as
// those mailbox files do that KMail and others keep beside Maildirs.
func (d *Dir) BeginsAsMbox(name string) bool {
	f, _, err := d.OpenFile(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 5)
	_, err = f.ReadAt(head, 0)
	return err == nil && string(head) == "From "
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
	case w.layout == PlusPlus && sub.HasMailbox():
		w.tell(&Error{Path: sub.path, Class: BadMailbox, Text: "messages below it, and no mailbox of this layout: not read"})
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
