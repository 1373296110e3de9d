package ldifconv

import (
	"encoding/binary"
	"math"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/schema"
)

// people is what a batch adds to a book.
type people struct {
	// records has for each entry its length, where the entry stands, its DN
	// and its addresses.
	records []byte
	// keys has for each record its length, the number of its different
	// addresses, and their keys.
	keys []byte
}

// keysHead is the size of what stands before the keys of a record.
const keysHead = 8

// add adds an entry, unless it has no address.
func (p *people) add(d *draft, pos uint64) {
	from, keys := len(p.records), len(p.keys)
	p.records = append(p.records, 0, 0, 0, 0)
	p.keys = append(p.keys, 0, 0, 0, 0, 0, 0, 0, 0)
	p.records = binary.AppendUvarint(p.records, pos)
	p.records = packBytes(p.records, d.rec.DN)
	for _, a := range [...]attrID{schema.Mail, schema.MailAlternateAddress} {
		for _, v := range d.values(a) {
			if hasBytes(v) {
				p.records = packBytes(p.records, v)
				p.addKey(keys+keysHead, addressKey(v))
			}
		}
	}
	size, n := len(p.records)-from-4, (len(p.keys)-keys)/8-1
	if n == 0 || size > math.MaxUint32 {
		p.records, p.keys = p.records[:from], p.keys[:keys]
		return
	}
	binary.BigEndian.PutUint32(p.records[from:], uint32(size))
	binary.BigEndian.PutUint32(p.keys[keys:], uint32(size))
	binary.BigEndian.PutUint32(p.keys[keys+4:], uint32(n))
}

// fewKeys is the number of keys of a record among which one is looked for
// before it is added.
const fewKeys = 256

// addKey adds a key of the record whose keys begin at from.
func (p *people) addKey(from int, key uint64) {
	if len(p.keys)-from < 8*fewKeys {
		for i := from; i < len(p.keys); i += 8 {
			if binary.BigEndian.Uint64(p.keys[i:]) == key {
				return
			}
		}
	}
	p.keys = binary.BigEndian.AppendUint64(p.keys, key)
}

// size is the memory it takes.
func (p *people) size() int { return len(p.records) + len(p.keys) }

func (p *people) empty() { p.records, p.keys = p.records[:0], p.keys[:0] }

// peopleMark is a place between two entries.
type peopleMark struct{ records, keys int }

func (p *people) mark() peopleMark { return peopleMark{len(p.records), len(p.keys)} }

// addPart adds a part of others.
func (p *people) addPart(others *people, from, to peopleMark) {
	p.records = append(p.records, others.records[from.records:to.records]...)
	p.keys = append(p.keys, others.keys[from.keys:to.keys]...)
}

// addressKey is equal for addresses that are one to a mail server.
func addressKey(v []byte) uint64 {
	v = trimBlanks(v)
	var room [128]byte
	if len(v) > len(room) {
		return index.Hash(lower(v))
	}
	for i, c := range v {
		room[i] = lowerByte(c)
	}
	return index.Hash(room[:len(v)])
}
