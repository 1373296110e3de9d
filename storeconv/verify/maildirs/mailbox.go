package maildirs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// boxChecker is the work on one mailbox.
type boxChecker struct {
	*checker
	box     *mailbox
	dir     string
	cur     int // open
	list    *uidlist
	names   *listing
	letters [maxLetters]string // keywords
	counts  map[string]int64   // messages by keyword in the source
	lost    map[string]int64   // of these, without the keyword, which has no letter

	absent, extra []lone // to find messages under another UID
	crowd         *crowd // what is too much for these; nil: nothing
	made          int    // those found whose UIDs name nothing
	strangeGUID   bool   // nothing has explained it yet
}

// maxLone is how many messages on one side are kept in memory in a mailbox;
// more go to a temporary file. It is a variable for tests.
var maxLone = 10000

// maxSame is how many messages of one mailbox that have the same bytes, and one
// date, are found under other UIDs.
const maxSame = 100000

// mailbox holds one mailbox against the source.
func (c *checker) mailbox(box *mailbox) error {
	dir, ok := c.place(box)
	if !ok {
		return nil
	}
	if c.dirs[dir] {
		c.notes.problem("merged", c.where(dir), "two mailboxes are in it, %q is one", box.name)
		return nil
	}
	c.dirs[dir] = true
	c.report.Mailboxes++
	if !box.known && !box.missing {
		c.report.Foreign++
	}
	b := &boxChecker{checker: c, box: box, dir: dir, counts: make(map[string]int64), lost: make(map[string]int64)}
	err := b.check()
	for _, n := range box.damage {
		c.notes.add(n)
	}
	return err
}

// place finds where a mailbox lies and notes what subscriptions must say of it.
// false: it lies nowhere, which is told.
func (c *checker) place(box *mailbox) (dir string, ok bool) {
	name := box.name
	dir, why := c.v.naming.dir(name)
	if why != "" {
		var found bool
		if name, dir, found = c.renamed(box); !found {
			escaped := naming{fs: c.v.naming.fs, escape: true}
			if dir, why := escaped.dir(box.name); why == "" && c.has(dir) {
				c.dirs[dir] = true
				c.notes.problem("configuration", c.where(dir), "%s does not switch on listescape, which %q needs", configName, box.name)
				return "", false
			}
			c.notes.problem("missing-mailbox", c.path, "%q is not there, nor under the name that it must get (%s)", box.name, why)
			return "", false
		}
		c.report.Renamed++
		c.notes.warning("renamed", c.where(dir), "%q is called %q (%s)", box.name, name, why)
	}
	if _, there := c.dirs[dir]; !there {
		c.notes.problem("missing-mailbox", c.where(dir), "%q is not there", box.name)
		return "", false
	}
	if c.v.naming.escape && strings.Contains(dir, `\`) && !c.v.plugin && c.v.configured {
		c.notes.problem("configuration", c.where(dir), "%s does not switch on listescape, which %q needs", configName, box.name)
	}
	c.subscribed[c.v.naming.subscription(name)] = box.subscribed
	return dir, true
}

func (c *checker) has(dir string) bool {
	_, there := c.dirs[dir]
	return there
}

func (b *boxChecker) at(name string) string { return b.where(join(b.dir, name)) }

func (b *boxChecker) check() error {
	fd, err := openDir(b.fd, b.dir)
	if err != nil {
		b.notes.problem("unreadable", b.where(b.dir), "%v", err)
		return nil
	}
	defer unix.Close(fd)
	b.parts(fd)
	if b.cur, err = openDir(fd, "cur"); err != nil {
		b.notes.problem("unreadable", b.at("cur"), "%v", err)
		return nil
	}
	defer unix.Close(b.cur)
	file, st, err := openFile(fd, "dovecot-uidlist")
	if err != nil {
		if b.box.known || b.hasMail(b.dir) || !errors.Is(err, fs.ErrNotExist) {
			b.notes.problem("uidlist", b.at("dovecot-uidlist"), "%v", err)
		}
		return nil
	}
	defer file.Close()
	b.attributes(b.at("dovecot-uidlist"), st)
	weight := st.Size + 1
	if b.box.made != 0 {
		weight += min(3*weight, crowdWeight) // all of its messages may have to be remembered
	}
	weight = min(weight, workMemory)
	if err := b.v.work.Acquire(b.ctx, weight); err != nil {
		return cause(b.ctx, err)
	}
	defer b.v.work.Release(weight)
	return b.compare(fd, file)
}

// parts checks the three directories and the file that marks a folder.
func (b *boxChecker) parts(fd int) {
	for _, sub := range []string{"", "cur", "new", "tmp"} {
		part, err := openDir(fd, sub)
		if err != nil {
			b.notes.problem("missing-directory", b.at(sub), "%v", err)
			continue
		}
		if sub != "" || b.dir != "" {
			b.directory(b.where(strings.TrimSuffix(join(b.dir, sub), "/")), part)
		}
		unix.Close(part)
	}
	if b.dir == "" || b.v.naming.fs {
		return
	}
	text, st, err := readSmall(fd, "maildirfolder")
	switch {
	case err != nil || st == nil:
		b.notes.problem("maildirfolder", b.at("maildirfolder"), "not there (%v)", err)
	case text != "":
		b.notes.problem("maildirfolder", b.at("maildirfolder"), "not empty")
	default:
		b.attributes(b.at("maildirfolder"), st)
	}
}

// compare holds the head, the messages and the small files against the source.
func (b *boxChecker) compare(fd int, file *os.File) error {
	var err error
	if b.names, err = listMessages(b.cur, ""); err != nil {
		b.notes.problem("unreadable", b.at("cur"), "%v", err)
		return nil
	}
	if b.list, err = newUidlist(file); err != nil {
		b.notes.problem("uidlist", b.at("dovecot-uidlist"), "%v", err)
		return nil
	}
	b.head()
	b.keywords(fd)
	if err := b.merge(); err != nil {
		return err
	}
	b.strays()
	b.lostKeywords()
	b.rights(fd)
	return nil
}

// head compares UIDVALIDITY, the next UID and the GUID.
func (b *boxChecker) head() {
	where := b.at("dovecot-uidlist")
	want, next := b.box.validity, b.box.next
	switch {
	case want == 0 || b.list.validity == want:
	case b.box.made == 1:
		b.notes.warning("uidvalidity", where, "UIDVALIDITY is %d; the source says none, and %d took its place when it was read this time", b.list.validity, want)
	default:
		b.notes.problem("uidvalidity", where, "UIDVALIDITY is %d, the source has %d", b.list.validity, want)
	}
	switch {
	case b.box.made != 0:
		if b.list.next < b.box.made {
			b.notes.problem("uidnext", where, "the next UID is %d, the source has given those below %d", b.list.next, b.box.made)
		}
	case next != 0 && next <= maxUID+1 && b.list.next != next:
		b.notes.problem("uidnext", where, "the next UID is %d, the source has %d", b.list.next, next)
	}
	b.strangeGUID = b.list.guid != b.guid("") && b.list.guid != b.guid("\x000")
}

// guid is the GUID of the mailbox. One that was exported before, and was gone
// when it had to be made again, has the last UID of then behind the rest.
func (b *boxChecker) guid(made string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d%s", b.u.id, b.box.name, b.list.validity, made))
	return hex.EncodeToString(sum[:16])
}

// explainGUID sees whether the mailbox was made again behind a message that is
// not in it.
func (b *boxChecker) explainGUID(uid uint32) {
	b.strangeGUID = b.strangeGUID && b.list.guid != b.guid(fmt.Sprintf("\x00%d", uid))
}

// keywords reads the letters of keywords.
func (b *boxChecker) keywords(fd int) {
	where := b.at("dovecot-keywords")
	text, st, err := readSmall(fd, "dovecot-keywords")
	if err == nil && st != nil {
		b.attributes(where, st)
		b.letters, err = readKeywords(text)
	}
	if err != nil {
		b.notes.problem("keywords", where, "%v", err)
	}
}

// letter is the number of a keyword's letter, -1 when it has none.
func (b *boxChecker) letter(word string) int {
	return slices.IndexFunc(b.letters[:], func(name string) bool { return name != "" && strings.EqualFold(name, word) })
}

// lostKeywords tells of keywords without a letter: there must be 26 others,
// each used as often or more.
func (b *boxChecker) lostKeywords() {
	where := b.at("dovecot-keywords")
	least := int64(1<<63 - 1)
	for i, name := range b.letters {
		if name == "" {
			least = -1
			continue
		}
		least = min(least, b.counts[strings.ToLower(name)])
		if b.box.known && b.counts[strings.ToLower(name)] == 0 && !slices.ContainsFunc(b.box.keywords, func(word string) bool { return strings.EqualFold(word, name) }) {
			b.notes.problem("keywords", where, "%c is %q, which the source does not have", 'a'+i, name)
		}
	}
	for _, word := range sortedKeys(b.lost) {
		if n := b.lost[word]; n > least {
			b.notes.problem("keywords", where, "%q has no letter, and %d messages have it", word, n)
		} else {
			b.notes.warning("keywords", where, "%q has no letter: there are more than 26, and others are used more", word)
		}
	}
}

// rights compares the access control list.
func (b *boxChecker) rights(fd int) {
	where := b.at("dovecot-acl")
	text, st, err := readSmall(fd, "dovecot-acl")
	var has map[string]string
	if err == nil && st != nil {
		b.attributes(where, st)
		has, err = readRights(text)
	}
	if err != nil {
		b.notes.problem("acl", where, "%v", err)
		return
	}
	if len(b.box.rights) == 0 && !b.box.known {
		return
	}
	want, left := turnRights(b.u.id, b.v.place.login, b.box.rights)
	for _, line := range left {
		b.notes.warning("acl", where, "%q has no form here", line)
	}
	if st == nil { // what a server gives by itself
		has = map[string]string{"owner": allRights}
	}
	if len(b.box.rights) == 0 {
		want = map[string]string{"owner": allRights}
	}
	for _, id := range sortedKeys(want) {
		if got, ok := has[id]; !ok || got != want[id] {
			b.notes.problem("acl", where, "%s has the rights %q, the source gives %q", id, got, want[id])
		}
		delete(has, id)
	}
	for _, id := range sortedKeys(has) {
		b.notes.problem("acl", where, "%s has the rights %q, the source gives none", id, has[id])
	}
}

// merge goes through the lines and the messages of the source, both by UID.
func (b *boxChecker) merge() error {
	line, lineErr := b.nextLine()
	want, err := b.box.messages()
	for err == nil || lineErr == nil {
		if b.ctx.Err() != nil {
			return context.Cause(b.ctx)
		}
		switch {
		case err == nil && (lineErr != nil || want.uid < line.uid):
			b.explainGUID(want.uid)
			b.missing(want)
			want, err = b.next(err)
		case lineErr == nil && (err != nil || line.uid < want.uid):
			b.unwanted(line)
			line, lineErr = b.nextLine()
		case b.isOther(line, want):
			b.missing(want)
			b.unwanted(line)
			line, lineErr = b.nextLine()
			want, err = b.next(err)
		default:
			b.message(line, want)
			line, lineErr = b.nextLine()
			want, err = b.next(err)
		}
	}
	if err := b.otherUIDs(); err != nil {
		return err
	}
	if b.strangeGUID {
		b.notes.problem("guid", b.at("dovecot-uidlist"), "the GUID is %q, should be %s", b.list.guid, b.guid(""))
	}
	if err != io.EOF {
		b.notes.problem("source", b.where(b.dir), "the source cannot be read further: %v", err)
	}
	return nil
}

func (b *boxChecker) next(err error) (*message, error) {
	if err != nil {
		return nil, err
	}
	return b.box.messages()
}

// nextLine returns the next line. One that is none is told and ends the list,
// as it does for a server.
func (b *boxChecker) nextLine() (uidLine, error) {
	line, err := b.list.nextLine()
	if err != nil && err != io.EOF {
		b.notes.problem("uidlist", b.at("dovecot-uidlist"), "%v", err)
		err = io.EOF
	}
	return line, err
}

// strays tells of files that no line names.
func (b *boxChecker) strays() {
	for i := range b.names.at {
		if !b.names.met[i] {
			name := string(b.names.name(i))
			b.notes.problem("no-uid", b.at("cur/"+name), "no line of dovecot-uidlist names it: a server gives it a new UID")
			b.countFile(join(b.dir, "cur") + "/" + name)
		}
	}
	for _, sub := range []string{"new", "tmp"} {
		entries, err := readDir(b.fd, join(b.dir, sub))
		if err != nil {
			continue // told
		}
		for _, e := range entries {
			if sub == "tmp" {
				b.notes.warning("stray-file", b.at("tmp/"+e.name), "left by somebody at work")
				continue
			}
			b.notes.problem("extra-message", b.at("new/"+e.name), "it is not in the source")
			b.countFile(join(b.dir, "new") + "/" + e.name)
		}
	}
}
