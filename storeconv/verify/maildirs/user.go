package maildirs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// checker is the work on one user.
type checker struct {
	v      *verifier
	u      *user
	ctx    context.Context
	notes  notes
	report Report

	path string // of the Maildir below the export
	fd   int    // the Maildir, open

	dirs       map[string]bool // directories of mailboxes: whether one has been met
	subscribed map[string]int8 // lines of subscriptions by what the source says: 1, 0 or, not known, -1
	used       size            // of all files
}

func (c *checker) where(dir string) string {
	if dir == "" {
		return c.path
	}
	return c.path + "/" + dir
}

// check holds everything of the user against the source.
func (c *checker) check(ctx context.Context) error {
	if c.u.refused != nil {
		c.notes.add(*c.u.refused)
		return nil
	}
	c.ctx = ctx
	var err error
	if c.path, err = c.v.place.of(c.u.id); err == nil {
		c.v.met.add(c.path)
		c.fd, err = openDir(c.v.root, c.path)
	}
	if err != nil {
		return c.nobody(err)
	}
	defer unix.Close(c.fd)
	c.report.Users++
	c.directory(c.path, c.fd)
	if c.dirs, err = c.mailboxDirs(); err != nil {
		c.notes.problem("unreadable", c.path, "%v", err)
	}
	c.subscribed = make(map[string]int8)
	if err := c.u.boxes(c.mailbox); err != nil {
		return err
	}
	for _, dir := range sortedKeys(c.dirs) {
		if !c.dirs[dir] && (dir != "" || c.hasMail("")) {
			c.notes.problem("extra-mailbox", c.where(dir), "the source has no such mailbox")
			c.count(dir)
		}
	}
	c.subscriptions()
	c.quota()
	return nil
}

// nobody is for a user who is not there.
func (c *checker) nobody(why error) error {
	boxes := 0
	err := c.u.boxes(func(*mailbox) error {
		boxes++
		return nil
	})
	c.notes.problem("missing-user", "user "+c.u.id, "%d mailboxes, and no Maildir: %v", boxes, why)
	return err
}

// directory checks mode and owner of a directory.
func (c *checker) directory(where string, fd int) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		c.notes.problem("unreadable", where, "%v", err)
		return
	}
	c.attributes(where, &st)
}

func (c *checker) attributes(where string, st *unix.Stat_t) {
	if text := c.v.attributes(st); text != "" {
		kind, _, _ := strings.Cut(text, " ")
		c.notes.problem(kind, where, "%s", text)
	}
}

// known are the files that lie beside mailboxes, by exports and by servers.
var known = map[string]bool{
	"dovecot-uidlist": true, "dovecot-keywords": true, "dovecot-acl": true, "subscriptions": true, "maildirsize": true, "maildirfolder": true,
	"dovecot-acl-list": true, "dovecot-uidvalidity": true, "dovecot.mailbox.log": true, "dovecot.mailbox.log.2": true,
}

func isKnown(name string) bool {
	return known[name] || strings.HasPrefix(name, "dovecot.index") || strings.HasPrefix(name, "dovecot.list.index") || strings.HasPrefix(name, "dovecot-uidvalidity.")
}

// mailboxDirs finds the directories of mailboxes: those with a cur.
func (c *checker) mailboxDirs() (map[string]bool, error) {
	dirs := make(map[string]bool)
	err := c.walk("", dirs)
	return dirs, err
}

// walk looks at one directory and, where a level is a directory, below it.
func (c *checker) walk(dir string, dirs map[string]bool) error {
	entries, err := readDir(c.fd, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", c.where(dir), err)
	}
	if slices.Contains(entries, entry{"cur", true}) {
		dirs[dir] = false
	}
	for _, e := range entries {
		below := e.name
		if dir != "" {
			below = dir + "/" + e.name
		}
		switch {
		case e.dir && (e.name == "cur" || e.name == "new" || e.name == "tmp"):
		case e.dir && (c.v.naming.fs || dir == "" && strings.HasPrefix(e.name, ".")):
			if err := c.walk(below, dirs); err != nil {
				return err
			}
		case strings.HasSuffix(e.name, ".lock"):
			c.notes.problem("locked", c.where(below), "a lock of somebody at work, or left by one who was")
		case e.dir || !isKnown(e.name):
			c.notes.warning("stray-file", c.where(below), "no part of a Maildir")
		}
	}
	return nil
}

// hasMail tells whether anything lies in a mailbox.
func (c *checker) hasMail(dir string) bool {
	for _, sub := range []string{"cur", "new"} {
		if l, err := readDir(c.fd, join(dir, sub)); err == nil && len(l) > 0 {
			return true
		}
	}
	return false
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// count adds what a mailbox that the source does not have holds: it is in the
// user's sum.
func (c *checker) count(dir string) {
	for _, sub := range []string{"cur", "new"} {
		entries, err := readDir(c.fd, join(dir, sub))
		if err != nil {
			continue
		}
		for _, e := range entries {
			c.countFile(join(dir, sub) + "/" + e.name)
		}
	}
}

func (c *checker) countFile(path string) {
	var st unix.Stat_t
	if unix.Fstatat(c.fd, path, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		c.used.bytes += st.Size
		c.used.count++
	}
}

// subscriptions compares the lines of the file.
func (c *checker) subscriptions() {
	where := c.where("subscriptions")
	text, st, err := readSmall(c.fd, "subscriptions")
	var lines []string
	if err == nil && st != nil {
		c.attributes(where, st)
		lines, err = readSubscriptions(text)
	}
	if err != nil {
		c.notes.problem("subscriptions", where, "%v", err)
		return
	}
	for _, line := range lines {
		if want, ok := c.subscribed[line]; !ok || want == 0 {
			c.notes.problem("subscribed", where, "%q is there, the source does not have it", line)
		}
		delete(c.subscribed, line)
	}
	for _, line := range slices.Sorted(maps.Keys(c.subscribed)) {
		if c.subscribed[line] == 1 {
			c.notes.problem("subscribed", where, "%q is not there", line)
		}
	}
}

// quota compares limits with the source, and the sums with the files.
func (c *checker) quota() {
	where := c.where("maildirsize")
	text, st, err := readSmall(c.fd, "maildirsize")
	bytes, messages := limitsOf(c.u.quota)
	if !c.u.hasQuota {
		bytes, messages = 0, 0
	}
	if err == nil && st == nil {
		if bytes > 0 || messages > 0 {
			c.notes.problem("quota", where, "not there, the source has a limit of %d bytes and %d messages (0: none)", bytes, messages)
		}
		return
	}
	var s size
	if err == nil {
		c.attributes(where, st)
		s, err = readSize(text)
	}
	if err != nil {
		c.notes.problem("quota", where, "%v", err)
		return
	}
	if whole := bytes >> 10 << 10; len(c.v.opts.Streams) > 0 && s.maxBytes == whole {
		bytes = whole // by way of a store, which counts in KB
	}
	if s.maxBytes != bytes || s.maxCount != messages {
		c.notes.problem("quota", where, "a limit of %d bytes and %d messages, the source has %d and %d (0: none)", s.maxBytes, s.maxCount, bytes, messages)
	}
	if s.bytes != c.used.bytes || s.count != c.used.count {
		c.notes.problem("usage", where, "%d bytes in %d messages, there are %d in %d", s.bytes, s.count, c.used.bytes, c.used.count)
	}
}
