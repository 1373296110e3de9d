package ldifconv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"imsconv/ldifconv/internal/index"
)

// addressBook finds addresses that two entries have. It holds the names and
// addresses of entries in a temporary file, about a fifth of the size of the
// input, and the keys of the addresses with the places of their records in
// another. Which keys came twice is looked for at the end, since sorting them
// costs the same for each, however many there are; a filter of those met would
// have to grow with them. It is not safe for concurrent use.
type addressBook struct {
	dir     string
	records index.Spool
	keys    index.Hashes
}

// listed is one record of a book.
type listed struct {
	pos       uint64
	dn        []byte
	addresses [][]byte
}

func unpackListed(buf []byte) (e listed, ok bool) {
	u := unpacker{buf: buf}
	e.pos, e.dn = u.number(), u.bytes()
	for len(u.buf) > 0 && !u.bad {
		e.addresses = append(e.addresses, u.bytes())
	}
	return e, !u.bad
}

// number is the place of the address with a key among the addresses.
func (e *listed) number(key uint64) int {
	i := slices.IndexFunc(e.addresses, func(v []byte) bool { return addressKey(v) == key })
	return min(max(i, 0), mostNumbered)
}

// put adds people.
func (b *addressBook) put(p *people) error {
	if len(p.records) == 0 {
		return nil
	}
	b.keys.Dir, b.records.Dir = b.dir, b.dir
	at := uint64(b.records.Size())
	for rest := p.keys; len(rest) > 0; {
		size, n := binary.BigEndian.Uint32(rest), int(binary.BigEndian.Uint32(rest[4:]))
		for rest = rest[keysHead:]; n > 0; n-- {
			if err := b.keys.Add(binary.BigEndian.Uint64(rest), at); err != nil {
				return err
			}
			rest = rest[8:]
		}
		at += 4 + uint64(size)
	}
	_, err := b.records.Write(p.records)
	return err
}

// each calls use for every address that more than one entry has, with the first
// of them and each of the others, in the order of those others.
func (b *addressBook) each(use func(address []byte, first, other *listed) error) error {
	if b.records.Size() == 0 {
		return nil
	}
	found := index.Pairs{Dir: b.dir}
	defer found.Close()
	if err := b.pair(&found); err != nil {
		return err
	}
	return found.Each(func(other, packed uint64) error { return b.tell(other, packed, use) })
}

// pair finds the addresses of two entries by their keys: for each entry but the
// first of an address it adds where its record is, and packed with the number
// of the address in it, where that of the first is.
func (b *addressBook) pair(found *index.Pairs) error {
	var key, last, first uint64
	begun := false
	return b.keys.Each(func(k, at uint64) error {
		if !begun || k != key {
			key, first, last, begun = k, at, at, true
			return nil
		}
		if at == last { // the entry has the address twice
			return nil
		}
		last = at
		e, err := b.read(at)
		if err != nil {
			return err
		}
		return found.Add(at, uint64(e.number(k))<<placeBits|first)
	})
}

// The places of records have 40 bits beside the numbers of addresses.
const (
	placeBits    = 40
	mostNumbered = 1<<(64-placeBits) - 1
)

// tell calls use for what pair added.
func (b *addressBook) tell(other, packed uint64, use func(address []byte, first, other *listed) error) error {
	two, err := b.read(other)
	if err != nil {
		return err
	}
	one, err := b.read(packed & (1<<placeBits - 1))
	if err != nil {
		return err
	}
	number := packed >> placeBits
	if number >= uint64(len(two.addresses)) {
		return errPacked
	}
	return use(two.addresses[number], one, two)
}

func (b *addressBook) read(at uint64) (*listed, error) {
	var head [4]byte
	if _, err := b.records.ReadAt(head[:], int64(at)); err != nil {
		return nil, err
	}
	buf := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := b.records.ReadAt(buf, int64(at)+4); err != nil {
		return nil, err
	}
	e, ok := unpackListed(buf)
	if !ok {
		return nil, errPacked
	}
	return &e, nil
}

// warnTwice is the text about an address of two entries.
func warnTwice(address []byte, first string) string {
	return fmt.Sprintf("the address %s is also that of %s", shown(string(bytes.TrimSpace(address))), first)
}

func (b *addressBook) close() error { return errors.Join(b.records.Close(), b.keys.Close()) }
