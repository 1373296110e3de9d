package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
)

// naming says what names mailboxes can have on the new side, and where they
// lie: as in a Maildir or, with mbox, in a directory of mailbox files, which is
// laid out as a Maildir of layout fs.
type naming struct {
	maildir.Naming
	mbox bool
}

// Dir is the place of a mailbox below the user's; the error says why the name
// cannot be kept.
func (n naming) Dir(mailbox string) (string, error) {
	dir, err := n.Naming.Dir(mailbox)
	if err != nil || mailbox == ims.Inbox {
		return dir, err
	}
	why := ""
	switch {
	case n.mbox:
		why = notFile(mailbox)
	case n.Layout == maildir.FS:
		why = notFolder(mailbox)
	}
	if why != "" {
		return "", fmt.Errorf("mailbox name %q %s", mailbox, why)
	}
	return dir, nil
}

// notFolder says why a mailbox cannot be a directory of its levels; "" when it
// can: readers take some names for files of a server, of whatever layout.
func notFolder(mailbox string) string {
	for level := range strings.SplitSeq(mailbox, "/") {
		if maildir.IsPart(level) && strings.Trim(level, ".") != "" { // levels of dots are escaped
			return fmt.Sprintf("has the level %q, which readers take for a part of a Maildir", level)
		}
	}
	return ""
}

// maxFile bounds the name of a mailbox file: servers lock it with a file of
// that name and more behind it.
const maxFile = 240

// ends of names say that a file is a mailbox's, or a folder the one of a
// mailbox.
var ends = [...]string{".mbox", ".mbx", ".sbd", ".fol"}

// notFile says why a mailbox cannot be a file of its name; "" when it can.
func notFile(mailbox string) string {
	levels := strings.Split(mailbox, "/")
	if levels[0] == ims.Inbox && len(levels) > 1 {
		return "is below INBOX, which is a file"
	}
	for _, level := range levels {
		switch {
		case len(level) > maxFile:
			return fmt.Sprintf("has a level of %d bytes, at most %d are allowed in a file's name that is locked", len(level), maxFile)
		case strings.HasPrefix(level, "."):
			return fmt.Sprintf("has the level %q, and files with a dot in front are hidden", level)
		case mbox.NotMail(level), level == folderFile, slices.ContainsFunc(ends[:], func(end string) bool { return strings.HasSuffix(level, end) }):
			return fmt.Sprintf("has the level %q, which means something else among mailbox files", level)
		}
	}
	return ""
}

// folderNames gives the mailboxes of one user their names on the new side.
type folderNames struct {
	naming naming
	taken  map[string]bool // directories
}

func newFolderNames(n naming) *folderNames {
	return &folderNames{naming: n, taken: make(map[string]bool)}
}

// place is where a mailbox goes.
type place struct {
	target string // its name there
	dir    string // below the user's place
	why    string // why it has another name; "" when it has its own
	plugin bool   // the name needs listescape
}

// hold keeps a directory for a mailbox that an earlier run has placed.
func (f *folderNames) hold(dir string) { f.taken[dir] = true }

// own takes the own name of a mailbox; ok is false when it cannot be kept or is
// taken.
func (f *folderNames) own(name string) (p place, ok bool) {
	dir, err := f.naming.Dir(name)
	if err != nil || f.taken[dir] {
		return p, false
	}
	return f.take(name, dir), true
}

// take takes a directory for a mailbox.
func (f *folderNames) take(target, dir string) place {
	f.taken[dir] = true
	plain, err := maildir.Naming{Layout: f.naming.Layout}.Dir(target)
	return place{target: target, dir: dir, plugin: f.naming.Escape && (err != nil || plain != dir)}
}

// place chooses the name of a mailbox that cannot have its own: it is changed
// by rule, and gets a number when that is taken.
func (f *folderNames) place(name string) place {
	p := place{target: name}
	dir, err := f.naming.Dir(name)
	if err != nil {
		p.why = err.Error()
		p.target = changed(f.naming, name)
		dir, err = f.naming.Dir(p.target)
	}
	for n := 2; err != nil || f.taken[dir]; n++ {
		if p.why == "" {
			p.why = fmt.Sprintf("mailbox name %q is taken", name)
		}
		base := changed(f.naming, name)
		if err != nil && n > 2 || len(dir) > 240 {
			base = hashedName(name)
		}
		p.target = fmt.Sprintf("%s_%d", base, n)
		dir, err = f.naming.Dir(p.target)
	}
	taken := f.take(p.target, dir)
	taken.why = p.why
	return taken
}

// hashedName is the name of a mailbox whose own leaves no other way.
func hashedName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "mailbox-" + hex.EncodeToString(sum[:8])
}

// changed returns what a mailbox is called whose name cannot be kept: "_" for
// each byte that cannot stand, "_" behind a level that means something else,
// and a hash for what is too long.
func changed(n naming, name string) string {
	levels := strings.Split(name, "/")
	for i, level := range levels {
		levels[i] = changedLevel(n, level, i == 0)
	}
	if n.mbox && len(levels) > 1 && levels[0] == ims.Inbox {
		levels[0] += "_"
	}
	out := strings.Join(levels, "/")
	if _, err := n.Dir(out); err == nil {
		return out
	}
	if n.Layout == maildir.PlusPlus && len(out) > 200 {
		return shortened(out, name, 200)
	}
	return hashedName(name)
}

// changedLevel changes one level until the layout takes it.
func changedLevel(n naming, level string, first bool) string {
	kept := func(s string) bool {
		probe := s
		if !first {
			probe = "x/" + s
		}
		_, err := n.Dir(probe)
		return err == nil && s != ""
	}
	if kept(level) && (!first || level != ims.Inbox) || first && level == ims.Inbox {
		return level
	}
	if kept(level + "_") {
		return level + "_"
	}
	plain := strings.Map(func(r rune) rune {
		if r == '.' || r == '\\' || r == '~' || r == '&' || r < 0x20 || r > 0x7e {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(level, "_"))
	if len(plain) > 200 {
		plain = shortened(plain, level, 200)
	}
	if !kept(plain) {
		plain += "_"
	}
	return plain
}

// shortened cuts a name and puts the hash of the whole behind it.
func shortened(out, whole string, most int) string {
	sum := sha256.Sum256([]byte(whole))
	cut := strings.TrimRight(out[:most], "/")
	if i := strings.LastIndexByte(cut, '&'); i >= 0 && !strings.Contains(cut[i:], "-") {
		cut = strings.TrimRight(cut[:i], "/") // not within a character of modified UTF-7
	}
	return cut + "~" + hex.EncodeToString(sum[:4])
}
