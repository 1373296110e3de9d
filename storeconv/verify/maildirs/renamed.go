package maildirs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// maxNumber is up to which number behind a name it is looked for.
const maxNumber = 1000

// renamed finds a mailbox whose own name cannot be kept under one that it may
// get: by rule, with a number behind it where that is taken. UIDVALIDITY, where
// it is known, tells it from others.
func (c *checker) renamed(box *mailbox) (name, dir string, ok bool) {
	base := c.v.naming.changed(box.name)
	for _, base := range []string{base, hashed(box.name)} {
		for n := 1; n < maxNumber; n++ {
			name := base
			if n > 1 {
				name = fmt.Sprintf("%s_%d", base, n)
			}
			dir, why := c.v.naming.dir(name)
			met, there := c.dirs[dir]
			if why != "" || !there {
				break
			}
			if !met && c.isThis(dir, box) {
				return name, dir, true
			}
		}
	}
	return "", "", false
}

// isThis tells whether a directory may be a mailbox, by its UIDVALIDITY.
func (c *checker) isThis(dir string, box *mailbox) bool {
	if box.validity == 0 {
		return true
	}
	fd, err := openDir(c.fd, dir)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	f, _, err := openFile(fd, "dovecot-uidlist")
	if err != nil {
		return false
	}
	defer f.Close()
	u, err := newUidlist(f)
	return err == nil && u.validity == box.validity
}

// changed is what a mailbox is called whose name cannot be kept.
func (n naming) changed(mailbox string) string {
	levels := strings.Split(mailbox, "/")
	for i := range levels {
		levels[i] = n.changedLevel(levels[i], i == 0)
	}
	name := strings.Join(levels, "/")
	if _, why := n.dir(name); why == "" {
		return name
	}
	if !n.fs && len(name) > 200 {
		return short(name, mailbox)
	}
	return hashed(mailbox)
}

// changedLevel changes one level: a "_" behind it when that is enough, else a
// "_" for whatever may be the cause.
func (n naming) changedLevel(level string, first bool) string {
	fits := func(s string) bool {
		if !first {
			s = "x/" + s
		} else if s == inbox {
			return true // above others it stays
		}
		_, why := n.dir(s)
		return why == ""
	}
	for _, try := range []string{level, level + "_"} {
		if fits(try) {
			return try
		}
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(level, "_") {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`.\~&`, r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	plain := b.String()
	if len(plain) > 200 {
		plain = short(plain, level)
	}
	if !fits(plain) {
		plain += "_"
	}
	return plain
}

// short cuts a name and puts a hash of the whole behind it.
func short(name, whole string) string {
	name = strings.TrimRight(name[:200], "/")
	if at := strings.LastIndexByte(name, '&'); at >= 0 && strings.IndexByte(name[at:], '-') < 0 {
		name = strings.TrimRight(name[:at], "/") // within a letter
	}
	sum := sha256.Sum256([]byte(whole))
	return name + "~" + hex.EncodeToString(sum[:4])
}

// hashed is a name that says nothing of the old one.
func hashed(mailbox string) string {
	sum := sha256.Sum256([]byte(mailbox))
	return "mailbox-" + hex.EncodeToString(sum[:8])
}
