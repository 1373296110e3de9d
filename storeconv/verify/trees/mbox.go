package trees

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/mbox"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/verify"
)

// mboxUser is the user at work.
type mboxUser struct {
	*writer
	user       string
	taken      map[string]bool
	other      map[string]string // names of mailboxes by those on disk
	subscribed map[string]bool   // nil: not said
	announced  bool
}

func (w *writer) mboxUser(p place, again bool) error {
	if !again {
		w.mail = &mboxUser{writer: w, user: p.user, taken: map[string]bool{}}
	}
	u := w.mail
	u.subscribed = nil
	switch {
	case w.opt.Input != nil:
		return u.input()
	case p.file:
		return u.file(p.path, "INBOX")
	}
	if err := u.announce(); err != nil {
		return err
	}
	u.otherNames(p.path)
	u.subscriptions(p.path)
	return u.folder(p.path, "", 0)
}

// otherNames says what the mailboxes of a user's folder are called whose names
// no store has.
func (u *mboxUser) otherNames(dir string) {
	list := u.mailboxes(dir, "", 0)
	plain := u.plainText(list)
	taken, ends, new := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, disk := range list {
		if new[disk] = storable(disk); plain {
			new[disk] = utf7(new[disk])
		}
		taken[disk] = new[disk] == disk
	}
	u.other = map[string]string{}
	for _, disk := range list {
		if _, done := u.other[disk]; done {
			continue
		}
		if u.other[disk] = disk; new[disk] != disk {
			u.other[disk] = free(new[disk], taken, ends)
		}
	}
}

// mailboxes lists what the files of a folder are called on disk, in the order
// in which they are read.
func (u *mboxUser) mailboxes(dir, name string, depth int) (out []string) {
	list, _ := names(dir) // told when it is read
	byMailbox(list)
	for _, n := range list {
		path := filepath.Join(dir, n)
		switch {
		case isBeside(n):
		case isRegular(path):
			out = append(out, fileMailbox(name, plainName(path)))
		case isDir(path) && !isMailbox(path) && depth < 64:
			out = append(out, u.mailboxes(path, childOf(name, n), depth+1)...)
		}
	}
	return out
}

func (u *mboxUser) announce() error {
	if u.announced {
		return nil
	}
	u.announced = true
	return u.member(&sims.Member{Kind: sims.User, Name: u.user})
}

// subscriptions reads the first list that there is.
func (u *mboxUser) subscriptions(dir string) {
	for _, name := range []string{".subscriptions", "subscriptions", ".mailboxlist"} {
		path := filepath.Join(dir, name)
		if !isRegular(path) {
			continue
		}
		u.subscribed = map[string]bool{}
		u.read(path, func(r io.Reader) error {
			list, err := maildir.ReadSubscriptions(r, maildir.Naming{Layout: maildir.FS}, func(e *maildir.Error) { u.told(path, e) })
			for _, name := range list {
				u.subscribed[u.subscription(strings.TrimSuffix(name, "/folder.msg"), u.other)] = true
			}
			return err
		})
		return
	}
}

// read reads a small file.
func (w *writer) read(path string, fn func(io.Reader) error) {
	f, err := os.Open(path)
	if err == nil {
		err = fn(f)
		f.Close()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.told(path, err)
	}
}

// inbox is the name of INBOX, however it is written.
func inbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// folder goes through the files of a mailbox's folder; of the user's own, name
// is "". Of two files for one mailbox the first one counts: names are compared
// without .sbd and .mbox, and folder.msg is before all others.
func (u *mboxUser) folder(dir, name string, depth int) error {
	list, err := names(dir)
	if err != nil {
		u.told(dir, err)
	}
	byMailbox(list)
	for _, n := range list {
		path := filepath.Join(dir, n)
		err = nil
		switch {
		case isBeside(n):
			u.hidden(path)
		case isDir(path) && isMailbox(path):
			u.problem(path, "bad-mailbox", "a Maildir among mailbox files: not compared")
		case isDir(path) && depth >= 64:
			u.problem(path, "bad-mailbox", "too many levels: not compared")
		case isDir(path):
			err = u.folder(path, childOf(name, n), depth+1)
		case isRegular(path):
			err = u.file(path, u.other[fileMailbox(name, plainName(path))])
		default:
			u.problem(path, "not-regular", "a link or a device: not compared")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folderNames are names of the folder of a mailbox: Mozilla's and Eudora's,
// KMail's.
var folderNames = regexp.MustCompile(`^(?s:(.+)\.(?:sbd|fol)|\.(.+)\.directory)$`)

// parent is the mailbox that a folder belongs to by its name; without such a
// name it is the folder's own.
func parent(folder string) string {
	if m := folderNames.FindStringSubmatch(folder); m != nil {
		return m[1] + m[2]
	}
	return folder
}

// fileEnds are the ends of names of mailbox files.
var fileEnds = regexp.MustCompile(`^(?s:(.+))\.mbo?x$`)

func withoutEnd(file string) string {
	if m := fileEnds.FindStringSubmatch(file); m != nil {
		return m[1]
	}
	return file
}

// isBeside tells what is no mailbox file, nor a folder of them, by its name.
func isBeside(name string) bool {
	return name[0] == '.' && !folderNames.MatchString(name) || mbox.NotMail(name)
}

// hidden tells of mail in a file or a folder where none is looked for.
func (w *writer) hidden(path string) {
	if isDir(path) {
		if w.hasMail(path, 0) {
			w.problem(path, "hidden", "mail in a folder that is hidden, or no mailbox's by its name: not compared")
		}
		return
	}
	if isMessageFile(path) {
		w.problem(path, "hidden", "a message by its text, but not by its name: not compared")
		return
	}
	w.beside(path, "hidden", "a mailbox file by its text, but not by its name")
}

// hasMail tells whether there is mail in a folder, or below it.
func (w *writer) hasMail(dir string, depth int) bool {
	list, _ := names(dir) // what cannot be read has none
	return isMailbox(dir) || slices.ContainsFunc(list, func(n string) bool {
		path := filepath.Join(dir, n)
		if isDir(path) {
			return depth < 64 && w.hasMail(path, depth+1)
		}
		return beginsFrom(path) || isMessageFile(path)
	})
}

// byMailbox sorts the names in a folder.
func byMailbox(list []string) {
	key := func(n string) string {
		if n == "folder.msg" {
			return ""
		}
		return withoutEnd(parent(n))
	}
	slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(key(a), key(b)) })
}

// childOf is the mailbox that a folder in the folder of another belongs to.
func childOf(name, folder string) string {
	if name == "" {
		return inbox(parent(folder))
	}
	return name + "/" + parent(folder)
}

// fileMailbox is the mailbox of a file in the folder of another.
func fileMailbox(folder, file string) string {
	own, isMbox := strings.CutSuffix(folder, ".mbox")
	switch {
	case folder == "":
		return inbox(withoutEnd(file))
	case file == "folder.msg", file == "mbox" && isMbox:
		return own
	}
	return folder + "/" + withoutEnd(file)
}

func (u *mboxUser) file(path, mailbox string) error {
	f, err := os.Open(path)
	if err != nil {
		u.told(path, err)
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		u.told(path, err)
		return nil
	}
	return u.opened(f, path, mailbox, info.ModTime().Unix())
}

// input reads a mailbox file that can be read only once.
func (u *mboxUser) input() error {
	f, err := os.CreateTemp("", "storeconv-verify-")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	if _, err := io.Copy(f, u.opt.Input); err != nil {
		return err
	}
	return u.opened(f, "standard input", "INBOX", 0)
}

func (u *mboxUser) opened(f *os.File, path, mailbox string, mtime int64) error {
	text, refused, err := u.plain(f, path)
	if err != nil {
		return err
	}
	if refused != "" {
		u.problem(path, "no-mbox", "compressed with %s", refused)
		return nil
	}
	if text != f {
		defer text.Close()
	}
	info, err := text.Stat()
	if err != nil {
		return err
	}
	b := &mboxFile{u: u, path: path, name: u.user + "/" + mailbox, text: text, size: info.Size(), mtime: mtime}
	switch {
	case b.size > 0 && !b.hasMail() && mbox.IsIndex(path) && !isMessage(firstBytes(text, 4096)):
		return nil // of no message, and no loss
	case b.size > 0 && !b.hasMail():
		u.problem(path, "no-mbox", "no mailbox file: not compared")
		return nil
	case u.taken[mailbox]:
		u.problem(path, "two-files", "mailbox %s is another file: not compared", mailbox)
		return nil
	}
	u.taken[mailbox] = true
	if err := u.announce(); err != nil {
		return err
	}
	if err := b.survey(); err != nil {
		u.told(path, err)
		return nil
	}
	return b.write(mailbox)
}

// mboxFile is a mailbox file at work.
type mboxFile struct {
	u          *mboxUser
	path, name string
	text       *os.File
	size       int64
	mtime      int64

	base     mbox.Base
	messages int64
	first    int64 // date of the first one
	latest   int64
	last     uint32 // highest UID
	named    int64  // messages whose UIDs stand
	keywords []string
	words    int   // bytes of them, each with a blank
	lost     int64 // words among keywords of messages that cannot be any
}

// hasMail looks for a message in the first bytes; a file of blank lines is an
// empty mailbox.
func (b *mboxFile) hasMail() bool {
	head := firstBytes(b.text, 64<<10)
	r := mbox.NewReader(bytes.NewReader(head), int64(len(head)), mbox.Options{})
	for m := range r.All() {
		if m != nil {
			return true
		}
	}
	return r.Base.Validity != 0 || len(bytes.Trim(head, "\r\n\x00")) == 0
}

func (b *mboxFile) reader() *mbox.Reader {
	return mbox.NewReader(b.text, b.size, mbox.Options{Quoting: b.u.opt.Quoting})
}

// survey reads what the mailbox as a whole has.
func (b *mboxFile) survey() error {
	r, own := b.reader(), uint32(0)
	b.first, b.latest = math.MinInt64, 0
	for m, err := range r.All() {
		var fault *mbox.Error
		if errors.As(err, &fault) {
			continue
		}
		if err != nil {
			return err
		}
		if b.messages++; b.messages == 1 {
			b.first = m.Date
			b.announceKeywords(r.Base.Keywords)
		}
		b.latest = max(b.latest, m.Date)
		b.last = max(b.last, m.UID)
		if m.UID > own {
			own, b.named = m.UID, b.named+1
		}
		b.announceKeywords(m.Keywords)
	}
	b.base = r.Base
	b.announceKeywords(r.Base.Keywords)
	b.last = max(b.last, r.Base.LastUID)
	if b.mtime == 0 {
		b.mtime = b.latest
	}
	return nil
}

func (b *mboxFile) announceKeywords(words []string) {
	for _, k := range words {
		if isKeyword(k) && !slices.Contains(b.keywords, k) && len(b.keywords) < 4096 && b.words+len(k) < 96<<10 {
			b.keywords = append(b.keywords, k)
			b.words += len(k) + 1
		}
	}
}

// isKeyword tells what can stand among flags.
func isKeyword(k string) bool {
	return k != "" && len(k) <= 128 && !strings.HasPrefix(k, `\`) && strings.IndexFunc(k, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xa0 || r == 0xfffd }) < 0
}

// otherThan is a UIDVALIDITY made of a time, and not the old one.
func otherThan(old uint32, seconds int64) uint32 {
	v := uint32(min(max(seconds, 1), math.MaxUint32-1))
	if v == old {
		v++
	}
	return v
}

func (b *mboxFile) write(mailbox string) error {
	given := b.messages - b.named                               // behind the last one
	full := given > 0 && int64(b.last)+given > math.MaxUint32-1 // no UIDs are left: all get new ones
	m := &sims.Member{Kind: sims.Mailbox, Name: b.name, UIDValidity: b.base.Validity, Keywords: strings.Join(b.keywords, " "), Subscribed: -1}
	if b.u.subscribed != nil {
		m.Subscribed = 0
		if b.u.subscribed[mailbox] {
			m.Subscribed = 1
		}
	}
	switch {
	case b.base.Validity == 0 || full:
		m.MadeUIDs = 1
	case b.named < b.messages:
		m.MadeUIDs = b.last + 1
	}
	switch {
	case full:
		b.last = 0
		m.UIDValidity = otherThan(b.base.Validity, b.mtime)
	case m.UIDValidity == 0 && b.first > 0 && b.first < math.MaxUint32:
		m.UIDValidity = uint32(b.first)
	case m.UIDValidity == 0:
		m.UIDValidity = otherThan(0, b.mtime)
	}
	if b.last > 0 && b.last < math.MaxUint32 {
		m.UIDNext = b.last + 1
	}
	if err := b.u.member(m); err != nil {
		return err
	}
	r, own := b.reader(), uint32(0)
	for m, err := range r.All() {
		var fault *mbox.Error
		switch {
		case errors.As(err, &fault):
			b.u.told(b.path, fault)
			continue
		case err != nil:
			b.u.told(b.path, err)
			return nil
		}
		uid := m.UID
		if full || uid <= own {
			b.last++
			uid = b.last
		} else {
			own = uid
		}
		if err := b.message(r, m, uid); err != nil {
			return err
		}
	}
	if b.lost > 0 {
		b.u.problem(b.path, "keyword", "%d times a message has a keyword that cannot be one: not compared", b.lost)
	}
	return nil
}

func (b *mboxFile) message(r *mbox.Reader, m *mbox.Message, uid uint32) error {
	words := m.Flags.Names()
	size := 0
	for _, k := range m.Keywords {
		size += len(k) + 1
		switch {
		case !isKeyword(k), size > 96<<10:
			b.lost++
		case !slices.Contains(words, k):
			words = append(words, k)
		}
	}
	date := m.Date
	if date == math.MinInt64 {
		head := make([]byte, 64<<10)
		n, _ := io.ReadFull(r.Open(m), head) // an error comes again
		var ok bool
		if date, ok = verify.SentDate(head[:n]); !ok {
			date = b.mtime
		}
	}
	return b.u.body(&sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/%d", b.name, uid), Time: date, Size: m.Size, Flags: strings.Join(words, " ")}, r)
}
