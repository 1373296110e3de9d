package source

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// maildirBox is a mailbox whose messages are given.
type maildirBox struct {
	*maildirUser
	name     string // of the mailbox
	dir      *maildir.Dir
	box      *maildir.Box
	keywords []string         // by their letters
	courier  map[string][]int // numbers of keywords by base names
	unnamed  int              // letters that no keyword belongs to
	odd      int              // names with flags in no known form,
	oddName  string           // the first of which is this
	renewed  int              // messages whose dates were taken from their names
}

// mailbox gives a mailbox and its messages.
func (u *maildirUser) mailbox(path, name string) {
	dir := u.root
	if path != "" {
		var err error
		if dir, err = openBelow(u.root, path); err != nil {
			u.s.tell(err)
			return
		}
		defer dir.Close()
	}
	b := &maildirBox{maildirUser: u, name: name, dir: dir}
	b.box = maildir.ReadBox(dir, u.tell)
	b.readKeywords()
	m := &sims.Member{
		Kind: sims.Mailbox, Name: u.user + "/" + name, User: u.user, Mailbox: name,
		UIDValidity: b.box.Header.Validity, Subscribed: u.isSubscribed(name), ACL: b.acl(),
		Keywords: strings.Join(slices.DeleteFunc(slices.Clone(b.keywords), func(k string) bool { return k == "" }), " "),
	}
	if b.box.Last < 1<<32-1 && b.box.Last > 0 {
		m.UIDNext = b.box.Last + 1
	}
	switch {
	case !b.box.Listed:
		m.MadeUIDs = 1
	case b.box.Given > 0: // behind the others
		m.MadeUIDs = b.box.Last - uint32(b.box.Given) + 1
	}
	b.tellUIDs(m)
	if !u.s.emit(m) {
		return
	}
	for i := range b.box.Len() {
		if !b.message(b.box.At(i)) {
			return
		}
	}
	b.tellRest()
}

// tellUIDs tells what the mailbox does not say of UIDs, and what takes its
// place.
func (b *maildirBox) tellUIDs(m *sims.Member) {
	where := b.where(b.dirName())
	switch {
	case !b.box.Listed:
		var of string
		m.UIDValidity, of = b.guessValidity()
		if b.box.Len() > 0 || b.name == ims.Inbox {
			b.s.told(where, "no-uidlist", 1, fmt.Sprintf("no list of UIDs: %d messages got theirs in the order of their names, and UIDVALIDITY %d is %s%s", b.box.Len(), m.UIDValidity, of, b.notTaken()))
		}
	case b.box.Anew:
		m.UIDValidity = otherThan(b.box.Header.Validity, b.box.Newest)
		b.s.told(where, "no-uid", 1, fmt.Sprintf("no UIDs are left behind the last one: all messages got new ones, and UIDVALIDITY is %d", m.UIDValidity))
	case b.box.Given > 0:
		b.s.told(where, "new-uid", 1, fmt.Sprintf("%d messages that the list of UIDs does not name got UIDs behind the last one", b.box.Given))
	}
	if n := b.dir.Leftovers(); n > 0 {
		b.s.told(where, "unfinished", 1, fmt.Sprintf("%d files of unfinished deliveries in tmp are left out", n))
	}
}

// notTaken says which UIDs there are that nothing is known to be of.
func (b *maildirBox) notTaken() string {
	if _, err := b.dir.Stat(maildir.MbsyncDatabase); err == nil {
		return "; those in " + maildir.MbsyncDatabase + " are not read"
	}
	if b.box.Named > 0 {
		return fmt.Sprintf("; the UIDs in the names of %d files (,U=) are not taken: no UIDVALIDITY is known to be theirs", b.box.Named)
	}
	return ""
}

// guessValidity is the UIDVALIDITY of a mailbox without a list of UIDs. It is
// the same when mail has come meanwhile, so that a later run knows what it has
// restored.
func (b *maildirBox) guessValidity() (v uint32, of string) {
	for i := range b.box.Len() {
		if n := maildir.ParseFileName(b.box.At(i).Name).Date; n >= firstDate && n < 1<<32-1 {
			return uint32(n), "the date of the first one"
		}
	}
	return otherThan(0, b.box.Newest), "the latest change of the mailbox"
}

// otherThan is a UIDVALIDITY of a time, and another one than the old.
func otherThan(old uint32, seconds int64) uint32 {
	v := uint32(max(1, min(seconds, 1<<32-2)))
	if v == old {
		v++
	}
	return v
}

func (b *maildirBox) dirName() string {
	if b.dir == b.root {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(b.dir.Path(), b.root.Path()), "/")
}

// tellRest tells what the messages had that has no place.
func (b *maildirBox) tellRest() {
	where := b.where(b.dirName())
	if b.unnamed > 0 {
		b.s.told(where, "keyword", 1, fmt.Sprintf("%d times a message has a letter that no keyword belongs to: left out", b.unnamed))
	}
	if b.odd > 0 {
		b.s.told(where, "unread-flags", 2, fmt.Sprintf("%d names of files end as if flags stood there, in no known form: left out (%s)", b.odd, b.oddName))
	}
	if b.renewed > 0 {
		b.s.told(where, "lost-date", 1, fmt.Sprintf("%d files are younger than their names say: the receive dates are those of the names", b.renewed))
	}
}

// readKeywords reads the names behind the letters.
func (b *maildirBox) readKeywords() {
	found := b.dir.ReadFile(maildir.KeywordsName, maildir.BadKeywords, b.tell, func(r io.Reader) (err error) {
		b.keywords, err = maildir.ReadKeywords(r, b.inFile(b.fileName(maildir.KeywordsName)))
		return err
	})
	if !found {
		b.readCourierKeywords()
	}
	for i, k := range b.keywords {
		if k != "" && !isKeyword(k) {
			b.s.told(b.where(b.fileName(maildir.KeywordsName)), "keyword", 2, fmt.Sprintf("%q cannot be a keyword: left out", clip(k)))
			b.keywords[i] = ""
		}
	}
}

// readCourierKeywords reads the list of Courier, where there is one.
func (b *maildirBox) readCourierKeywords() {
	dir, err := b.dir.Open(maildir.CourierKeywords)
	if err != nil {
		return // Dovecot has none
	}
	defer dir.Close()
	where := b.fileName(maildir.CourierKeywords)
	dir.ReadFile(maildir.CourierKeywordsList, maildir.BadKeywords, b.tell, func(r io.Reader) (err error) {
		b.keywords, b.courier, err = maildir.ReadCourierKeywords(r, b.inFile(where+"/"+maildir.CourierKeywordsList))
		return err
	})
	names, err := dir.Names()
	if err != nil {
		b.s.tell(err)
	}
	if n := len(names) - b2i(slices.Contains(names, maildir.CourierKeywordsList)); n > 0 {
		b.s.told(b.where(where), maildir.BadKeywords, 2, fmt.Sprintf("changes of keywords in %d files are not read", n))
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (b *maildirBox) fileName(name string) string {
	return strings.TrimPrefix(b.dirName()+"/"+name, "/")
}

// maxKeyword bounds a keyword, in bytes; servers have shorter ones. All of a
// mailbox, and all of a message, are bounded by maxWords.
const (
	maxKeyword = 128
	maxWords   = 96 << 10
)

// isKeyword tells a word that can stand among flags.
func isKeyword(k string) bool {
	return k != "" && len(k) <= maxKeyword && k[0] != '\\' && !strings.ContainsFunc(k, func(r rune) bool { return r <= 0x20 || r == 0x7f || r == 0xa0 || r == 0xfffd })
}

// acl reads the rights of the mailbox, Dovecot's or Courier's.
func (b *maildirBox) acl() string {
	var rights []maildir.Right
	name := maildir.ACLName
	read := func(r io.Reader) (err error) {
		rights, err = maildir.ReadACL(r, b.inFile(b.fileName(name)))
		return err
	}
	if !b.dir.ReadFile(name, maildir.BadACL, b.tell, read) {
		name = maildir.CourierACLName
		b.dir.ReadFile(name, maildir.BadACL, b.tell, func(r io.Reader) (err error) {
			rights, err = maildir.ReadCourierACL(r, b.inFile(b.fileName(name)))
			return err
		})
	}
	if name == maildir.ACLName {
		rights = maildir.Served(b.user, rights)
	}
	acl, lost := maildir.ACLOf(b.user, rights)
	for _, r := range lost {
		b.s.told(b.where(b.fileName(name)), maildir.BadACL, 2, fmt.Sprintf("%s of %s has no form in a store: left out", r.Letters, r.Identifier))
	}
	if len(acl) > maxRights { // a part may give somebody more than the whole
		b.s.told(b.where(b.fileName(name)), maildir.BadACL, 2, fmt.Sprintf("the rights of %d names take more than %d bytes: left out", strings.Count(acl, "\n")+1, maxRights))
		return ""
	}
	return acl
}

// maxRights bounds the rights of a mailbox, in bytes: with the keywords they
// must fit into a header of a stream, and into a line of an index.
const maxRights = 128 << 10

// clip is a part of a word for a message.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// flags returns the flags of a message as a stream says them.
func (b *maildirBox) flags(m maildir.Message, f maildir.File) string {
	if f.OddFlags(m.Name) {
		if b.odd++; b.odd == 1 {
			b.oddName = m.String()
		}
	}
	flags, letters, other := maildir.ParseLetters(f.Flags)
	if m.Dir == "new" {
		flags |= ims.Recent
	}
	words := flags.Names()
	for _, l := range append(letters, b.courier[f.Base]...) {
		if l >= 0 && l < len(b.keywords) && b.keywords[l] != "" {
			words = append(words, b.keywords[l])
		} else {
			b.unnamed++
		}
	}
	if strings.Contains(other, "P") { // passed on
		words = append(words, "$Forwarded")
	}
	for _, l := range other {
		if l != 'P' && l != 'Z' { // Z: compressed
			b.unnamed++
		}
	}
	return strings.Join(words, " ")
}
