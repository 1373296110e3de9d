package maildirs

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"imsconv/dbconv/bdb"
)

// The sides of a crowd.
const (
	crowdAbsent = 0 // messages of the source that no line names
	crowdExtra  = 1 // lines and files that the source does not have
)

// crowdMemory is what a crowd holds in memory, in bytes; the rest goes to a
// temporary file.
const crowdMemory = 4 << 20

// crowdWeight is what a crowd takes with the messages in front of it.
const crowdWeight = 16 << 20

// crowd are more messages on one side only than are kept in memory. They are
// put in the order of their bytes.
type crowd struct {
	messages *bdb.Sorter
	err      error
}

func newCrowd() *crowd { return &crowd{messages: bdb.NewSorter("", crowdMemory)} }

// crowdKey begins with the SHA-256 of the bytes, then has the date where dated
// says that it counts, then the side, then the UID.
func crowdKey(side byte, l *lone, dated bool) []byte {
	key := append([]byte(nil), l.sum[:]...)
	if dated {
		date := max(l.want.date, 0)
		if side == crowdExtra {
			seconds, _, _ := strings.Cut(l.name, ".")
			var err error
			if date, err = strconv.ParseInt(seconds, 10, 64); err != nil {
				date = -1
			}
		}
		key = binary.BigEndian.AppendUint64(key, uint64(date))
	}
	return binary.BigEndian.AppendUint32(append(key, side), l.uid)
}

// add takes a message; an error comes with crowded.
func (c *crowd) add(side byte, l *lone) { c.put(c.messages, side, l, true) }

func (c *crowd) put(to *bdb.Sorter, side byte, l *lone, dated bool) {
	var p packer
	p.text(l.name)
	p.text(l.pop3)
	if err := to.Add(crowdKey(side, l, dated), l.want.pack(p.b)); err != nil && c.err == nil {
		c.err = err
	}
}

func unpackLone(key, value []byte) (l lone, err error) {
	u := unpacker{b: value}
	l.name, l.pop3 = u.text(), u.text()
	if err = u.err; err == nil {
		err = l.want.unpack(u.b)
	}
	copy(l.sum[:], key)
	l.uid = binary.BigEndian.Uint32(key[len(key)-4:])
	l.want.uid = l.uid
	return l, err
}

// crowded is otherUIDs for a crowd: messages of the same bytes and date belong
// together, then those of the same bytes.
func (b *boxChecker) crowded() error {
	c := b.crowd
	for i := range b.absent {
		c.add(crowdAbsent, &b.absent[i])
	}
	for i := range b.extra {
		c.add(crowdExtra, &b.extra[i])
	}
	b.absent, b.extra = nil, nil
	rest := bdb.NewSorter("", crowdMemory)
	defer rest.Close()
	defer c.messages.Close()
	if c.err != nil {
		return c.err
	}
	if err := b.pair(c.messages, func(side byte, l *lone) { c.put(rest, side, l, false) }); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	return b.pair(rest, func(side byte, l *lone) {
		if side == crowdAbsent {
			b.tellMissing(l.uid)
		} else {
			b.tellExtra(l)
		}
	})
}

// pair goes through messages in order and brings those of one key together, one
// of each side; left gets the others.
func (b *boxChecker) pair(messages *bdb.Sorter, left func(side byte, l *lone)) error {
	var key []byte
	var waiting []lone // of the source, all of one key
	leave := func() {
		for i := range waiting {
			left(crowdAbsent, &waiting[i])
		}
		waiting = waiting[:0]
	}
	err := messages.Drain(func(k, value []byte) error {
		if b.ctx.Err() != nil {
			return cause(b.ctx, b.ctx.Err())
		}
		l, err := unpackLone(k, value)
		if err != nil {
			return err
		}
		common, side := k[:len(k)-5], k[len(k)-5]
		if !bytes.Equal(common, key) {
			leave()
			key = append(key[:0], common...)
		}
		switch {
		case side == crowdAbsent && len(waiting) < maxSame:
			waiting = append(waiting, l)
		case side == crowdAbsent || len(waiting) == 0:
			left(side, &l)
		default:
			b.met(&waiting[0], &l)
			waiting = waiting[1:]
		}
		return nil
	})
	leave()
	return err
}
