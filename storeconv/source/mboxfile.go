package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/message"
	"imsconv/storeconv/sims"
)

// survey is what a first pass over a mailbox file finds.
type survey struct {
	base     mbox.Base
	messages int64
	last     uint32 // the highest UID
	uids     int64  // messages whose UIDs stand, since they ascend
	first    int64  // date of the first message; ims.NoTime: none
	anew     bool   // no UIDs are left behind it: none of the file's counts
	keywords []string
}

// file gives the mailbox of a mailbox file.
func (u *mboxUser) file(d *maildir.Dir, name, mailbox string) {
	f, info, err := d.OpenFile(name)
	if err != nil {
		u.s.tell(err)
		return
	}
	defer f.Close()
	path := below(d, name)
	m, damage, err := unpacked(f, info)
	var refused *refusedPacking
	switch {
	case errors.As(err, &refused):
		u.s.told(path, "no-mbox", 2, err.Error())
		return
	case err != nil: // of the temporary file
		u.s.fail(fmt.Errorf("%s: %w", path, err))
		return
	}
	if m.File != f {
		defer m.Close()
	}
	if damage != nil {
		u.s.told(path, "compressed", 2, damage.Error())
	}
	u.opened(m, path, mailbox)
}

// opened gives the mailbox of a file that is open.
func (u *mboxUser) opened(f *mboxFile, path, mailbox string) {
	if f.size > 0 && !isMbox(f) {
		if head := headOf(f, 4096); mbox.IsIndex(path) && !isMessage(head) {
			u.s.stray(path)
			return
		}
		u.s.told(path, "no-mbox", 2, noMbox(headOf(f, 4096), f.size))
		return
	}
	if other, ok := u.taken[mailbox]; ok {
		u.s.told(path, "two-files", 2, "mailbox "+sims.DisplayName(mailbox)+" is "+other+": this file is left out")
		return
	}
	u.taken[mailbox] = path
	if !u.enterUser() {
		return
	}
	b := &mboxBox{mboxUser: u, path: path, mailbox: mailbox, file: f}
	var err error
	if b.survey, err = b.look(); err != nil {
		u.s.told(path, sims.ReadError, 2, err.Error())
		return
	}
	b.give(f.time)
}

// isMbox looks for a From line at the start, or for one with a date in the
// first bytes.
func isMbox(f io.ReaderAt) bool {
	head := make([]byte, 64<<10)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return true // the error comes again
	}
	r := mbox.NewReader(bytes.NewReader(head[:n]), int64(n), mbox.Options{})
	for m, err := range r.All() {
		if err == nil && m != nil {
			return true
		}
	}
	return r.Base.Validity != 0 || len(bytes.Trim(head[:n], "\r\n\x00")) == 0
}

type mboxBox struct {
	*mboxUser
	survey
	path    string
	mailbox string
	file    *mboxFile

	uid   uint32 // the last one that the file has said in its place
	next  uint32 // for those that it does not say
	moved int64  // messages whose UIDs did not ascend
	dates int64  // messages without a date
	words int64  // keywords that cannot be,
	word  string // the first of which is this

	foreign map[string]int64 // messages with flags or labels that are not read, by their fields
}

func (b *mboxBox) reader() *mbox.Reader {
	return mbox.NewReader(b.file, b.file.size, mbox.Options{Quoting: b.s.opt.Quoting})
}

// look reads the file for what stands in front of its messages in a stream.
func (b *mboxBox) look() (v survey, err error) {
	v.first = ims.NoTime
	r, own, size := b.reader(), uint32(0), 0
	seen := map[string]bool{}
	add := func(words []string) {
		for _, w := range words {
			if !seen[w] && isKeyword(w) && len(seen) < maxKeywords && size+len(w) < maxWords {
				seen[w] = true
				size += len(w) + 1
				v.keywords = append(v.keywords, w)
			}
		}
	}
	for m, err := range r.All() {
		var fault *mbox.Error
		switch {
		case errors.As(err, &fault):
		case err != nil:
			return v, err
		default:
			v.messages++
			if m.UID > own {
				own = m.UID
				v.uids++
			}
			v.last = max(v.last, m.UID)
			if v.messages == 1 {
				v.first = m.Date
				add(r.Base.Keywords)
			}
			add(m.Keywords)
		}
	}
	v.base = r.Base
	add(v.base.Keywords)
	v.last = max(v.last, v.base.LastUID)
	if given := v.messages - v.uids; given > 0 && int64(v.last)+given > maildir.MaxUID {
		v.anew, v.last, v.uids = true, 0, 0
	}
	return v, nil
}

// maxKeywords bounds the keywords that a mailbox has before its messages.
const maxKeywords = 4096

// give gives the mailbox and its messages.
func (b *mboxBox) give(mtime int64) {
	m := &sims.Member{
		Kind: sims.Mailbox, Name: b.user + "/" + b.mailbox, User: b.user, Mailbox: b.mailbox, UIDValidity: b.base.Validity,
		Subscribed: b.isSubscribed(b.mailbox), Keywords: strings.Join(b.keywords, " "),
	}
	b.next = b.last
	if b.last > 0 && b.last < 1<<32-1 {
		m.UIDNext = b.last + 1
	}
	if b.uids < b.messages { // those are given behind the last
		m.MadeUIDs = b.last + 1
	}
	if b.base.Validity == 0 {
		m.MadeUIDs = 1
	}
	switch {
	case b.anew:
		m.UIDValidity = otherThan(b.base.Validity, mtime)
		b.s.told(b.path, "no-uid", 1, fmt.Sprintf("no UIDs are left behind the last one: all messages got new ones, and UIDVALIDITY is %d", m.UIDValidity))
	case m.UIDValidity == 0:
		m.UIDValidity = b.guessValidity(mtime)
	}
	if !b.s.emit(m) {
		return
	}
	r := b.reader()
	for m, err := range r.All() {
		var fault *mbox.Error
		switch {
		case errors.As(err, &fault):
			b.s.told(b.path+", "+fault.Position(), fault.Class, fault.Severity(), fault.Text)
		case err != nil:
			b.s.told(b.path, sims.ReadError, 2, err.Error())
			return
		case !b.message(r, m, mtime):
			return
		}
		if b.s.over {
			return
		}
	}
	b.tellRest()
}

// guessValidity is the UIDVALIDITY of a file that says none. It is the same
// when mail has been added to the file, so that a later run knows what it has
// restored.
func (b *mboxBox) guessValidity(mtime int64) uint32 {
	of, seconds := "the date of its first message", b.first
	if seconds < 1 || seconds > 1<<32-2 {
		of, seconds = "its time", mtime
	}
	v := otherThan(0, seconds)
	if b.messages > 0 {
		b.s.told(b.path, "no-uidvalidity", 1, fmt.Sprintf("the file says no UIDVALIDITY: %s, %d, takes its place", of, v))
	}
	return v
}

func (b *mboxBox) tellRest() {
	for _, name := range slices.Sorted(maps.Keys(b.foreign)) {
		b.s.told(b.path, "unread-flags", 1, fmt.Sprintf("%d messages have another program's flags or labels in the field %s: it stays, and makes no flags, keywords or mailboxes", b.foreign[name], name))
	}
	if b.words > 0 {
		b.s.told(b.path, "keyword", 2, fmt.Sprintf("%d times a message has a keyword that cannot be one: left out (%q)", b.words, clip(b.word)))
	}
	if b.moved > 0 {
		b.s.told(b.path, "bad-uid", 1, fmt.Sprintf("%d UIDs do not ascend: their messages got UIDs behind the last one", b.moved))
	}
	if b.dates > 0 {
		b.s.told(b.path, "no-date", 1, fmt.Sprintf("%d messages have no date in their From lines: that of the message, or of the file, takes its place", b.dates))
	}
}

// message gives one message. false: nobody wants more.
func (b *mboxBox) message(r *mbox.Reader, m *mbox.Message, mtime int64) bool {
	uid := m.UID
	if uid > b.uid && !b.anew {
		b.uid = uid
	} else {
		if uid != 0 && !b.anew {
			b.moved++
		}
		b.next++
		uid = b.next
	}
	if m.Foreign != "" {
		if b.foreign == nil {
			b.foreign = map[string]int64{}
		}
		b.foreign[m.Foreign]++
	}
	words := m.Flags.Names()
	size := 0
	for _, k := range m.Keywords {
		size += len(k) + 1
		switch {
		case !isKeyword(k), size > maxWords:
			if b.words++; b.words == 1 {
				b.word = k
			}
		case !slices.Contains(words, k):
			words = append(words, k)
		}
	}
	member := &sims.Member{
		Kind: sims.Message, Name: b.user + "/" + b.mailbox + "/" + strconv.FormatUint(uint64(uid), 10),
		User: b.user, Mailbox: b.mailbox, UID: uid, Size: m.Size, Time: m.Date, Flags: strings.Join(words, " "), Subscribed: -1,
	}
	if m.Date == ims.NoTime {
		b.dates++
		member.Time, member.NoTime = b.dateOf(r.Open(m), mtime)
	}
	b.s.body, b.s.bodyAt = r, fmt.Sprintf("%s, byte %d", b.path, m.Offset)
	return b.s.emit(member)
}

// dateOf is the date of a message without one in its From line; made says that
// it is the file's.
func (b *mboxBox) dateOf(text io.Reader, mtime int64) (date int64, made bool) {
	head := make([]byte, 64<<10)
	n, _ := io.ReadFull(text, head) // an error comes again with the body
	if sent := message.Summarize(head[:n]).Sent; sent != ims.NoTime {
		return sent, false
	}
	return mtime, true
}
