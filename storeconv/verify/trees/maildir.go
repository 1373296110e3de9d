package trees

import (
	"cmp"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"imsconv/storeconv/maildir"
	"imsconv/storeconv/sims"
)

// maildirUser is a user's Maildir at work.
type maildirUser struct {
	*writer
	user, root string
	inbox      string // directory of INBOX
	naming     maildir.Naming
	other      map[string]string // names of mailboxes by those on disk, where they differ
	subscribed map[string]bool   // nil: not said
}

func (w *writer) maildirUser(p place) error {
	u := &maildirUser{writer: w, user: p.user, root: p.path}
	m := &sims.Member{Kind: sims.User, Name: u.user}
	u.quota(m)
	if err := u.member(m); err != nil {
		return err
	}
	mailboxes := u.mailboxes()
	u.subscriptions()
	if err := u.mailbox(filepath.Join(u.root, u.inbox), "INBOX"); err != nil {
		return err
	}
	for _, b := range mailboxes {
		if err := u.mailbox(filepath.Join(u.root, b.dir), b.name); err != nil {
			return err
		}
	}
	return nil
}

// readLines reads a small file of a Maildir; false when there is none.
func (u *maildirUser) readLines(dir, name string, fn func(r io.Reader, tell func(*maildir.Error)) error) bool {
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err != nil {
		return false
	}
	if !isRegular(path) {
		u.problem(path, "not-regular", "a link or a device: not read")
		return true
	}
	u.read(path, func(r io.Reader) error {
		return fn(r, func(e *maildir.Error) { u.told(path, e) })
	})
	return true
}

func (u *maildirUser) quota(m *sims.Member) {
	u.readLines(u.root, "maildirsize", func(r io.Reader, _ func(*maildir.Error)) error {
		size, err := maildir.ReadSize(r)
		switch {
		case err != nil || size.MaxBytes < 0:
		case size.MaxBytes == 0:
			m.Quota, m.HasQuota = -1, true
		default:
			m.Quota, m.HasQuota = size.MaxBytes, true
		}
		return err
	})
}

func (u *maildirUser) subscriptions() {
	take := func(list []string, err error) error {
		if u.subscribed == nil {
			u.subscribed = map[string]bool{}
		}
		for _, name := range list {
			u.subscribed[u.subscription(name, u.other)] = true
		}
		return err
	}
	if !u.readLines(u.root, "subscriptions", func(r io.Reader, tell func(*maildir.Error)) error {
		return take(maildir.ReadSubscriptions(r, u.naming, tell))
	}) {
		u.readLines(u.root, "courierimapsubscribed", func(r io.Reader, tell func(*maildir.Error)) error {
			return take(maildir.ReadCourierSubscriptions(r, tell))
		})
	}
}

// box is a mailbox: its directory, and what a store calls it.
type box struct{ dir, name string }

// ownDirs are directories of a Maildir that are no mailboxes.
var ownDirs = []string{"cur", "new", "tmp", "courierimapkeywords", "courierimaphieracl", ".imsconv"}

// ownFiles are the lists of a Maildir that are read elsewhere.
var ownFiles = []string{"dovecot-uidlist", ".uidvalidity", "courierimapuiddb", "dovecot-keywords", "subscriptions", "courierimapsubscribed", "dovecot-acl", "courierimapacl", "maildirsize"}

// mailboxes finds the mailboxes below the root, with their names, and says how
// names stand on disk.
func (u *maildirUser) mailboxes() []box {
	said := u.said
	switch {
	case u.opt.Layout != nil:
		u.naming.Layout = *u.opt.Layout
	case said["layout"] == "fs":
		u.naming.Layout = maildir.FS
	case said["layout"] == "++":
		u.naming.Layout = maildir.PlusPlus
	default:
		u.naming.Layout = u.layout()
	}
	var dirs []string
	u.search("", 0, &dirs)
	u.outside(u.root, 0)
	slices.Sort(dirs)
	switch names := said["names"]; {
	case u.opt.Escape != nil:
		u.naming.Escape = *u.opt.Escape
	case names == "escaped" || names == "plain":
		u.naming.Escape = names == "escaped"
	default:
		u.naming.Escape = isEscaped(dirs)
	}
	if !isMailbox(u.root) { // INBOX lies beside the others
		for _, name := range append([]string{"INBOX", ".INBOX"}, dirs...) {
			if i := slices.Index(dirs, name); i >= 0 && inbox(strings.TrimPrefix(name, ".")) == "INBOX" {
				u.inbox, dirs = name, slices.Delete(dirs, i, i+1)
				break
			}
		}
	}
	return u.named(dirs)
}

// layout is fs where more directories without a dot in front than with one are
// mailboxes or have some below them.
func (u *maildirUser) layout() maildir.Layout {
	list, _ := names(u.root) // an error comes again
	dots, plain := 0, 0
	for _, name := range list {
		path := filepath.Join(u.root, name)
		switch {
		case slices.Contains(ownDirs, name) || !isDir(path):
		case name[0] == '.' && isMailbox(path):
			dots++
		case holdsMailbox(path, 0):
			plain++
		}
	}
	if plain > dots {
		return maildir.FS
	}
	return maildir.PlusPlus
}

// holdsMailbox tells whether a directory is a mailbox, or one below it is.
func holdsMailbox(dir string, depth int) bool {
	if isMailbox(dir) {
		return true
	}
	list, _ := names(dir)
	return depth <= 64 && slices.ContainsFunc(list, func(name string) bool {
		path := filepath.Join(dir, name)
		return !slices.Contains(ownDirs, name) && isDir(path) && holdsMailbox(path, depth+1)
	})
}

// search collects the directories of mailboxes below one.
func (u *maildirUser) search(prefix string, depth int, dirs *[]string) {
	list, err := names(filepath.Join(u.root, prefix))
	if err != nil {
		u.told(filepath.Join(u.root, prefix), err)
	}
	fs := u.naming.Layout == maildir.FS
	for _, name := range list {
		below := filepath.Join(prefix, name)
		path := filepath.Join(u.root, below)
		switch {
		case slices.Contains(ownDirs, name) || !fs && slices.Contains(ownFiles, name):
		case !isDir(path):
		case !fs && (name[0] != '.' || !isMailbox(path)):
			if holdsMailbox(path, 0) {
				u.problem(path, "bad-mailbox", "messages below it, and no mailbox of this layout: not compared")
			}
		case !fs:
			*dirs = append(*dirs, below)
		case depth >= 64:
			u.problem(path, "bad-mailbox", "too many levels: not compared")
		default:
			if isMailbox(path) {
				*dirs = append(*dirs, below)
			}
			u.search(below, depth+1, dirs)
		}
	}
}

// isEscaped tells whether some name has an escape of listescape, and none a
// backslash that is none.
func isEscaped(dirs []string) bool {
	some := false
	for _, dir := range dirs {
		for i := strings.IndexByte(dir, '\\'); i >= 0; i = strings.IndexByte(dir, '\\') {
			dir = dir[i+1:]
			if len(dir) < 2 || !slices.Contains([]string{"2e", "2f", "5c", "7e"}, strings.ToLower(dir[:2])) {
				return false
			}
			some, dir = true, dir[2:]
		}
	}
	return some
}

// mailbox writes a mailbox and its messages.
func (u *maildirUser) mailbox(dir, name string) error {
	b := &mailboxDir{maildirUser: u, dir: dir, name: name}
	b.list()
	b.readUIDs()
	b.keywordNames()
	m := &sims.Member{Kind: sims.Mailbox, Name: u.user + "/" + name, UIDValidity: b.validity, MadeUIDs: b.made, ACL: b.rights(), Subscribed: -1}
	m.Keywords = strings.Join(slices.DeleteFunc(slices.Clone(b.keywords), func(k string) bool { return k == "" }), " ")
	if u.subscribed != nil {
		m.Subscribed = 0
		if u.subscribed[name] {
			m.Subscribed = 1
		}
	}
	if b.last > 0 && b.last < 1<<32-1 {
		m.UIDNext = b.last + 1
	}
	if err := u.member(m); err != nil {
		return err
	}
	unread := 0
	for _, e := range b.files {
		unread += sign(e.unread())
		if err := b.message(e); err != nil {
			return err
		}
	}
	if unread > 0 {
		b.problem(dir, "unread-flags", "%d names of files have flags in no known form: not compared", unread)
	}
	return nil
}

// mailboxDir is a mailbox at work.
type mailboxDir struct {
	*maildirUser
	dir, name string
	files     []mailFile
	validity  uint32
	last      uint32 // highest UID
	made      uint32 // the first UID that was given here; 0: none
	newest    int64  // change of cur or new
	keywords  []string
	courier   map[string][]int
}

// mailFile is a message's file.
type mailFile struct {
	name  string
	base  string // without the flags
	isNew bool
	uid   uint32 // 0: none yet
}

// marked are flags behind what stands in place of a colon: a mark that only
// that is, or any other of ASCII that ends no word, with flags and no keywords.
var marked = regexp.MustCompile(`(?s)^(.+?)(?:(?:[;!\x{f03a}\x{f022}\x{ff1a}]|%3[Aa])2,[A-Za-z]*|[ -~]2,[DFPRST]*)$`)

// noMarks are what base names have in front of "2," without a mark.
const noMarks = ".,0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// withoutFlags is the base name of a file.
func withoutFlags(name string) string {
	base, _, colon := strings.Cut(name, ":")
	found := marked.FindStringSubmatch(name)
	if colon || found == nil || strings.ContainsAny(name[len(found[1]):][:1], noMarks) {
		return base
	}
	return found[1]
}

// unknown is the end of a name that may be flags.
var unknown = regexp.MustCompile(`[12],[DFPRSTa-z]+$`)

// unread tells a name with flags that nobody can read.
func (f *mailFile) unread() bool {
	rest := f.name[len(f.base):]
	return unknown.MatchString(f.name) && (rest == "" || rest[0] == ':' && !strings.HasPrefix(rest, ":2,"))
}

// list lists cur and new.
func (b *mailboxDir) list() {
	for _, sub := range []string{"cur", "new"} {
		path := filepath.Join(b.dir, sub)
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		b.newest = max(b.newest, info.ModTime().Unix())
		list, err := names(path)
		if err != nil {
			b.told(path, err)
		}
		for _, name := range list {
			if name[0] != '.' && len(name) <= 4096 {
				b.files = append(b.files, mailFile{name: name, base: withoutFlags(name), isNew: sub == "new"})
			}
		}
	}
	slices.SortFunc(b.files, func(x, y mailFile) int {
		return cmp.Or(strings.Compare(x.base, y.base), strings.Compare(x.name, y.name), cmp.Compare(sign(x.isNew), sign(y.isNew)))
	})
}

func sign(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readUIDs reads the list of UIDs; files that it does not name get those behind
// the last, in the order of the numbers in front of their names.
func (b *mailboxDir) readUIDs() {
	listed := false
	for _, name := range []string{"dovecot-uidlist", "courierimapuiddb"} {
		if listed {
			break
		}
		b.readLines(b.dir, name, func(r io.Reader, tell func(*maildir.Error)) error {
			list, err := maildir.NewUidlistReader(r)
			if err != nil {
				return err
			}
			for e, err := range list.All() {
				var fault *maildir.Error
				switch {
				case errors.As(err, &fault):
					tell(fault)
				case err != nil:
					return err
				default:
					b.last = max(b.last, e.UID)
					b.take(e)
				}
			}
			listed, b.validity = true, list.Header.Validity
			b.last = max(b.last, max(list.Header.Next, 1)-1)
			return nil
		})
	}
	listed = listed || b.ofMbsync()
	b.giveUIDs()
	if !listed {
		b.validity, b.made = b.unlisted(), 1
	}
}

// uidInName is the UID that mbsync puts into a name; the first one counts.
var uidInName = regexp.MustCompile(`,U=([^,]*)`)

// ofMbsync takes the UIDs in names, if each is there once and none is above the
// highest that mbsync says beside UIDVALIDITY.
func (b *mailboxDir) ofMbsync() (ok bool) {
	var validity, last uint32
	b.readLines(b.dir, ".uidvalidity", func(r io.Reader, _ func(*maildir.Error)) (err error) {
		if validity, last, err = maildir.ReadMbsync(r); err != nil {
			err = &maildir.Error{Class: maildir.BadUidlist, Err: err}
		}
		return err
	})
	if validity == 0 {
		return false
	}
	uids, owners := make([]uint32, len(b.files)), make(map[uint32]int)
	for i, f := range b.files {
		if m := uidInName.FindStringSubmatch(f.base); m != nil {
			n, err := strconv.ParseUint(m[1], 10, 64)
			if err != nil || n > math.MaxUint32-1 || n == 0 {
				continue
			}
			uids[i] = uint32(n)
			if owners[uids[i]]++; owners[uids[i]] > 1 || uids[i] > last {
				b.problem(filepath.Join(b.dir, ".uidvalidity"), "bad-uidlist", "UID %d in a name cannot be: none is taken", n)
				return false
			}
		}
	}
	for i := range b.files {
		b.files[i].uid = uids[i]
	}
	b.validity, b.last = validity, last
	return true
}

// unlisted is the UIDVALIDITY of a mailbox without a list of UIDs: the number
// of the first message whose name has one that is a date, else the latest
// change.
func (b *mailboxDir) unlisted() uint32 {
	for _, f := range b.files {
		if n := maildir.ParseFileName(f.name).Date; n >= 100_000_000 && n < 1<<32-1 {
			return uint32(n)
		}
	}
	return otherThan(0, b.newest)
}

// take gives the file of a line its UID: of several with one base name the one
// that the line has in full.
func (b *mailboxDir) take(line *maildir.UidlistEntry) {
	base := withoutFlags(line.Name)
	at, _ := slices.BinarySearchFunc(b.files, base, func(f mailFile, base string) int { return strings.Compare(f.base, base) })
	best := -1
	for i := at; i < len(b.files) && b.files[i].base == base; i++ {
		if b.files[i].uid == 0 && (best < 0 || b.files[i].name == line.Name) {
			best = i
		}
	}
	if best >= 0 {
		b.files[best].uid = line.UID
	}
}

func (b *mailboxDir) giveUIDs() {
	without := 0
	for _, f := range b.files {
		if f.uid == 0 {
			without++
		}
	}
	// Those without one come behind the others, by number.
	slices.SortStableFunc(b.files, func(x, y mailFile) int {
		if x.uid == 0 && y.uid == 0 {
			return cmp.Compare(leading(x.name), leading(y.name))
		}
		return cmp.Compare(x.uid-1, y.uid-1) // 0 becomes the largest
	})
	if int64(b.last)+int64(without) > 1<<32-2 { // none are left: all get new ones
		b.validity, b.last = otherThan(b.validity, b.newest), 0
		for i := range b.files {
			b.files[i].uid = 0
		}
	}
	for i := range b.files {
		if b.files[i].uid == 0 {
			if b.last++; b.made == 0 {
				b.made = b.last
			}
			b.files[i].uid = b.last
		}
	}
}

// leading is the number that a name begins with, -1 when it begins with none.
func leading(name string) int64 {
	digits, _, _ := strings.Cut(name, ".")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 18 {
		return -1
	}
	n := int64(0)
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	return n
}
