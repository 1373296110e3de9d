package ldifconv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"imsconv/ldifconv/internal/index"
)

// addressBook finds addresses that two entries have. It holds the names and
// addresses of entries in a temporary file, about a fifth of the size of the
// input, and the keys of the addresses in another, which it goes through at the
// end if some address may have come twice. It is not safe for concurrent use.
type addressBook struct {
	dir     string
	records spool
	keys    spool
	met     index.Maybe
	twice   index.Maybe // addresses that may have come twice
	any     bool        // there are some
}

// spool is a temporary file that is written to its end, then read.
type spool struct {
	file *os.File
	w    *bufio.Writer
}

func (s *spool) create(dir string) (err error) {
	if s.file, err = index.TempFile(dir); err == nil {
		s.w = bufio.NewWriterSize(s.file, 64<<10)
	}
	return err
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
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
	if b.records.file == nil {
		if err := errors.Join(b.records.create(b.dir), b.keys.create(b.dir)); err != nil {
			return err
		}
	}
	for rest := p.keys; len(rest) > 0; {
		end := keysHead + 8*int(binary.BigEndian.Uint32(rest[4:]))
		for i := keysHead; i < end; i += 8 {
			b.note(binary.BigEndian.Uint64(rest[i:]))
		}
		rest = rest[end:]
	}
	_, err := b.records.w.Write(p.records)
	if err == nil {
		_, err = b.keys.w.Write(p.keys)
	}
	if err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	return nil
}

// note remembers an address, and whether it may have been there.
func (b *addressBook) note(key uint64) {
	if b.met.Put(key) {
		b.twice.Put(key)
		b.any = true
	}
}

// each calls use for every address that more than one entry has, with the first
// of them and each of the others, in the order of those others.
func (b *addressBook) each(use func(address []byte, first, other *listed) error) error {
	if b.records.file == nil {
		return nil
	}
	if err := errors.Join(b.records.w.Flush(), b.keys.w.Flush()); err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	if !b.any {
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

// sort puts the addresses that may have come twice in order, each with the
// place of its record.
func (b *addressBook) sort(hashes *index.Pairs) error {
	r := bufio.NewReaderSize(io.NewSectionReader(b.keys.file, 0, math.MaxInt64), 64<<10)
	for at := uint64(0); ; {
		head, err := r.Peek(keysHead)
		if err == io.EOF && len(head) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		size, n := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
		r.Discard(keysHead)
		if err := b.sortKeys(r, int(n), at, hashes); err != nil {
			return err
		}
		at += 4 + uint64(size)
	}
}

// sortKeys is sort for the n keys of the record at a place.
func (b *addressBook) sortKeys(r *bufio.Reader, n int, at uint64, hashes *index.Pairs) error {
	for n > 0 {
		some, err := r.Peek(8 * min(n, fewKeys))
		if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		for i := 0; i < len(some); i += 8 {
			key := binary.BigEndian.Uint64(some[i:])
			if !b.twice.Has(key) {
				continue
			}
			if err := hashes.Add(key, at); err != nil {
				return err
			}
		}
		n -= len(some) / 8
		r.Discard(len(some))
	}
	return nil
}

func (b *addressBook) read(at uint64) (*listed, error) {
	var head [4]byte
	if _, err := b.records.file.ReadAt(head[:], int64(at)); err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	buf := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := b.records.file.ReadAt(buf, int64(at)+4); err != nil && err != io.EOF {
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

func (b *addressBook) close() error { return errors.Join(b.records.close(), b.keys.close()) }
