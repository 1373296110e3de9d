package ldifconv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/schema"
)

// addressBook finds addresses that two entries have. It holds the names and
// addresses of entries in a temporary file, about a fifth of the size of the
// input, and goes through it at the end if some address may have come twice.
// It is not safe for concurrent use.
type addressBook struct {
	dir   string
	file  *os.File
	w     *bufio.Writer
	met   index.Maybe
	twice map[uint64]bool // addresses that may have come twice; nil when they are many
	many  bool
}

// mostTwice is the number of addresses above which all of them are sorted.
const mostTwice = 1 << 16

// appendAddresses appends the record of an entry to a part of a book: where it
// stands, its DN, and its addresses, each behind its key. It appends nothing
// for one without any.
func appendAddresses(dst []byte, d *draft, pos uint64) []byte {
	from := len(dst)
	dst = append(dst, 0, 0, 0, 0) // the length of what follows
	dst = binary.AppendUvarint(dst, pos)
	dst = packBytes(dst, d.rec.DN)
	head := len(dst)
	for _, a := range [...]attrID{schema.Mail, schema.MailAlternateAddress} {
		for _, v := range d.values(a) {
			if hasBytes(v) {
				dst = binary.BigEndian.AppendUint64(dst, addressKey(v))
				dst = packBytes(dst, v)
			}
		}
	}
	size := uint64(len(dst) - from - 4)
	if len(dst) == head || size > math.MaxUint32 {
		return dst[:from]
	}
	binary.BigEndian.PutUint32(dst[from:], uint32(size))
	return dst
}

// listed is one record of a book.
type listed struct {
	pos       uint64
	dn        []byte
	addresses [][]byte
	keys      []uint64 // of the addresses
}

func unpackListed(buf []byte) (e listed, ok bool) {
	u := unpacker{buf: buf}
	e.pos, e.dn = u.number(), u.bytes()
	for len(u.buf) > 0 && !u.bad {
		e.keys = append(e.keys, u.fixed())
		e.addresses = append(e.addresses, u.bytes())
	}
	return e, !u.bad
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

// put adds the records that appendAddresses made.
func (b *addressBook) put(records []byte) error {
	if len(records) == 0 {
		return nil
	}
	if b.file == nil {
		var err error
		if b.file, err = index.TempFile(b.dir); err != nil {
			return err
		}
		b.w, b.twice = bufio.NewWriterSize(b.file, 64<<10), map[uint64]bool{}
	}
	for rest := records; len(rest) > 0; {
		size := int(binary.BigEndian.Uint32(rest)) + 4
		if err := eachAddress(rest[4:size], b.note); err != nil {
			return err
		}
		rest = rest[size:]
	}
	if _, err := b.w.Write(records); err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	return nil
}

// note remembers an address, and whether it may have been there.
func (b *addressBook) note(key uint64) error {
	if !b.met.Put(key) || b.many {
		return nil
	}
	b.twice[key] = true
	if len(b.twice) > mostTwice {
		b.twice, b.many = nil, true
	}
	return nil
}

// eachAddress calls use for the different addresses of a record.
func eachAddress(record []byte, use func(key uint64) error) error {
	u := unpacker{buf: record}
	u.number()
	u.bytes()
	var room [8]uint64
	keys := room[:0]
	for len(u.buf) > 0 && !u.bad {
		key := u.fixed()
		u.bytes()
		if len(keys) < 256 && slices.Contains(keys, key) {
			continue
		}
		keys = append(keys, key)
		if err := use(key); err != nil {
			return err
		}
	}
	if u.bad {
		return errPacked
	}
	return nil
}

// each calls use for every address that more than one entry has, with the first
// of them and each of the others, in the order of those others.
func (b *addressBook) each(use func(address []byte, first, other *listed) error) error {
	if b.file == nil {
		return nil
	}
	if err := b.w.Flush(); err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	if len(b.twice) == 0 && !b.many {
		return nil
	}
	hashes, found := index.Pairs{Dir: b.dir}, index.Pairs{Dir: b.dir}
	defer hashes.Close()
	defer found.Close()
	if err := b.sort(&hashes); err != nil {
		return err
	}
	if err := b.pair(&hashes, &found); err != nil {
		return err
	}
	return found.Each(func(other, packed uint64) error { return b.tell(other, packed, use) })
}

// pair finds the addresses of two entries among keys in order: for each entry
// but the first of an address it adds where its record is, and packed with the
// number of the address in it, where that of the first is.
func (b *addressBook) pair(hashes, found *index.Pairs) error {
	var key, last, first uint64
	begun := false
	return hashes.Each(func(k, at uint64) error {
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
		number := min(max(slices.Index(e.keys, k), 0), mostNumbered)
		return found.Add(at, uint64(number)<<placeBits|first)
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

// sort puts the addresses that may have come twice in order, each with the
// place of its record.
func (b *addressBook) sort(hashes *index.Pairs) error {
	r := bufio.NewReaderSize(io.NewSectionReader(b.file, 0, math.MaxInt64), 64<<10)
	var head [4]byte
	var record []byte
	for at := uint64(0); ; at += 4 + uint64(len(record)) {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if err == io.EOF {
				return nil
			}
			return fmt.Errorf("temporary file: %w", err)
		}
		n := int(binary.BigEndian.Uint32(head[:]))
		record = slices.Grow(record[:0], n)[:n]
		if _, err := io.ReadFull(r, record); err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		err := eachAddress(record, func(key uint64) error {
			if !b.many && !b.twice[key] {
				return nil
			}
			return hashes.Add(key, at)
		})
		if err != nil {
			return err
		}
	}
}

func (b *addressBook) read(at uint64) (*listed, error) {
	var head [4]byte
	if _, err := b.file.ReadAt(head[:], int64(at)); err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	buf := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := b.file.ReadAt(buf, int64(at)+4); err != nil && err != io.EOF {
		return nil, fmt.Errorf("temporary file: %w", err)
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

func (b *addressBook) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
