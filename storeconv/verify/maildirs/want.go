package maildirs

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// user is what a source says of one user.
type user struct {
	id       string // as it is called behind the export
	quota    storeconv.Quota
	hasQuota bool
	boxes    func(func(*mailbox) error) error // calls for every mailbox, each once
	refused  *storeconv.Note                  // why nothing is to be had of him; nil: it is
}

// mailbox is what a source says of one mailbox. What is not known is zero, of
// subscribed -1.
type mailbox struct {
	name           string
	validity, next uint32
	made           uint32 // UIDs from here on, and a UIDVALIDITY beside 1, name nothing; 0: none
	subscribed     int8
	rights         []string                 // identifier and rights in turns
	keywords       []string                 // those it announces
	known          bool                     // its flags and dates are
	missing        bool                     // INBOX of a user who has none: an export makes it
	damage         []storeconv.Note         // of the source, known when its messages have been read
	messages       func() (*message, error) // ascending UIDs, io.EOF at the end; valid until the next call
}

// message is what a source says of one message.
type message struct {
	uid      uint32
	date     int64
	size     int64    // as exported, when hasSum
	sum      [32]byte //
	hasSum   bool
	flags    ims.Flags
	keywords []string
	shared   [16]byte                      // which of the bodies that the source has once for several messages; zero: none
	open     func() (io.ReadCloser, error) // the bytes in the source; nil: there are none to ask
}

// Records of a stream lie in a sorter under a key of user, mailbox and UID.

const (
	recordHead    = 0 // a user or mailbox
	recordMessage = 1
)

func userKey(id string) []byte { return append([]byte(id), 0) }

func boxKey(id, mailbox string) []byte {
	return append(append(append(userKey(id), mailbox...), 0), recordHead)
}

func messageKey(id, mailbox string, uid uint32) []byte {
	key := append(append(append(userKey(id), mailbox...), 0), recordMessage)
	return binary.BigEndian.AppendUint32(key, uid)
}

// splitKey takes a key apart; mailbox is "" for a user, uid 0 for a mailbox.
func splitKey(key []byte) (id, mailbox string, uid uint32) {
	id, rest, _ := strings.Cut(string(key), "\x00")
	mailbox, rest, _ = strings.Cut(rest, "\x00")
	if len(rest) == 5 {
		uid = binary.BigEndian.Uint32([]byte(rest[1:]))
	}
	return id, mailbox, uid
}

// packer writes values one behind the other.
type packer struct{ b []byte }

func (p *packer) number(n int64) { p.b = binary.AppendVarint(p.b, n) }

func (p *packer) text(s string) {
	p.number(int64(len(s)))
	p.b = append(p.b, s...)
}

// unpacker reads what a packer wrote.
type unpacker struct {
	b   []byte
	err error
}

var errPacked = errors.New("internal: a record that was not written so")

func (u *unpacker) number() int64 {
	n, size := binary.Varint(u.b)
	if size <= 0 {
		u.b, u.err = nil, errPacked
		return 0
	}
	u.b = u.b[size:]
	return n
}

func (u *unpacker) text() string {
	n := u.number()
	if n < 0 || n > int64(len(u.b)) {
		u.b, u.err = nil, errPacked
		return ""
	}
	s := string(u.b[:n])
	u.b = u.b[n:]
	return s
}

func (m *message) pack(b []byte) []byte {
	p := packer{b}
	p.number(m.date)
	p.number(m.size)
	p.number(int64(m.flags))
	p.text(strings.Join(m.keywords, " "))
	p.b = append(append(p.b, m.shared[:]...), m.sum[:]...)
	p.number(int64(bit(m.hasSum)))
	return p.b
}

func (m *message) unpack(b []byte) error {
	u := unpacker{b: b}
	m.date, m.size, m.flags = u.number(), u.number(), ims.Flags(u.number())
	m.keywords = strings.Fields(u.text())
	n := copy(m.shared[:], u.b)
	n += copy(m.sum[:], u.b[n:])
	u.b = u.b[n:]
	m.hasSum = u.number() == 1
	return u.err
}

func (b *mailbox) pack() []byte {
	var p packer
	p.number(int64(b.validity))
	p.number(int64(b.next))
	p.number(int64(b.made))
	p.number(int64(b.subscribed))
	p.text(strings.Join(b.rights, "\t"))
	p.text(strings.Join(b.keywords, " "))
	return p.b
}

func (b *mailbox) unpack(value []byte) error {
	u := unpacker{b: value}
	b.validity, b.next, b.made, b.subscribed = uint32(u.number()), uint32(u.number()), uint32(u.number()), int8(u.number())
	if rights := u.text(); rights != "" {
		b.rights = strings.Split(rights, "\t")
	}
	b.keywords, b.known = strings.Fields(u.text()), true
	return u.err
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
