package diff

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// The first byte of each key of the index says what the pair is.
const (
	keyName   = 'n' // hash of a DN, side, position -> place
	keyParent = 'p' // hash of a DN, side -> nothing: an entry lies below it
	keyMatch  = 'm' // turn, hash of a value, 0 gone or 1 new, position -> place
	keyUnread = 'u' // hash of a DN -> the side whose record of it is damaged
	keyWork   = 'w' // turn, phase, order, position -> work
)

const hashSize = 16

// hash names a DN or a value, by the first bytes of its SHA-256.
func hash(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:hashSize]
}

// contentSum is a hash of what an entry holds: the sum of the hashes of its
// values, so that no order matters.
type contentSum [4]uint64

func (s *contentSum) add(name string, value []byte) {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write(value)
	var room [sha256.Size]byte
	sum := h.Sum(room[:0])
	carry := uint64(0)
	for i := range s {
		s[i], carry = bits.Add64(s[i], binary.LittleEndian.Uint64(sum[8*i:]), carry)
	}
}

// place is where an entry's text lies, and what is known of it.
type place struct {
	position     uint64 // among the entries of its side
	depth        uint64 // RDNs of its name
	offset, size int64
	line         int // of its dn in the export
	sum          contentSum
}

// where is the place for people: file, line, DN.
func (p place) where(file, dn string) string {
	at := fmt.Sprintf("%s:%d", file, p.line)
	if dn == "" {
		return at
	}
	return at + ": " + shown([]byte(dn[:min(len(dn), longestName)]))
}

// longestName is how much of a DN is shown, in bytes.
const longestName = 1000

func (p *place) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, p.position)
	dst = binary.BigEndian.AppendUint64(dst, p.depth)
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.offset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.size))
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.line))
	for _, n := range p.sum {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	return dst
}

const placeSize = 72

func placeAt(b []byte) (p place) {
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	p = place{position: n(0), depth: n(1), offset: int64(n(2)), size: int64(n(3)), line: int(n(4))}
	for i := range p.sum {
		p.sum[i] = n(5 + i)
	}
	return p
}

// enter enters an entry whose text will lie at offset; it is not taken when it
// has no DN.
func (c *comparer) enter(s side, in *ldif.Input, rec *ldif.Record, offset int64) (taken bool, err error) {
	if c.norm, err = ldif.AppendNormDN(c.norm[:0], rec.DN); err != nil {
		c.problem("bad-dn", in.Name, rec.Line, string(rec.DN), "the name is no distinguished name")
		return false, nil
	}
	c.counts[s]++
	c.key = append(append(append(c.key[:0], keyName), hash(c.norm)...), byte(s))
	c.key = binary.BigEndian.AppendUint64(c.key, uint64(c.counts[s]))
	c.sum = contentSum{}
	for i := range rec.Attrs {
		a := &rec.Attrs[i]
		name, number := c.compared(a.Desc)
		if name == "" {
			continue
		}
		for _, v := range a.Values {
			c.sum.add(name, c.value(number, v.Data))
		}
	}
	p := place{position: uint64(c.counts[s]), line: rec.Line, depth: uint64(ldif.DepthNormDN(c.norm)), offset: offset, size: int64(len(rec.Raw)), sum: c.sum}
	c.val = p.append(c.val[:0])
	if err := c.store.Put(c.key, c.val); err != nil {
		return false, err
	}
	if c.o.Match == "" {
		return true, nil
	}
	if parent, ok := ldif.ParentNormDN(c.norm); ok {
		key := append(append([]byte{keyParent}, hash(parent)...), byte(s))
		return true, c.store.Put(key, nil)
	}
	return true, nil
}

// isTombstone reports whether an entry is what its server keeps of a deleted
// one: no client can add or delete it.
func isTombstone(e *ldif.Entry) bool {
	tombstone, _ := ldif.OfServer(e)
	return tombstone
}

// compared returns the canonical description of an attribute, and the number of
// its type; "" for one that is not compared.
func (c *comparer) compared(desc []byte) (name string, number int) {
	base, _, options := bytes.Cut(desc, []byte{';'})
	if c.o.Schema.ServerOwn(base) {
		return "", 0
	}
	if options && ldif.StateOf(desc) == ldif.Deleted {
		return "", 0
	}
	name = c.canonical(desc)
	if c.ignored(name) {
		return "", 0
	}
	if name == c.match {
		c.met[name] = true
	}
	return name, c.o.Schema.Attribute(base)
}

// ignored reports whether an attribute is not to be compared: it is named, or
// the attribute whose subtype its options make it is (RFC 4512 2.5.2).
func (c *comparer) ignored(name string) bool {
	base, _, _ := strings.Cut(name, ";")
	for _, name := range [...]string{name, base} {
		if c.ignore[name] {
			c.met[name] = true
			return true
		}
	}
	return false
}

// canonical is a description with its type's own name and its options in order,
// in lower case.
func (c *comparer) canonical(desc []byte) string {
	base, rest, _ := bytes.Cut(desc, []byte{';'})
	name := strings.ToLower(string(base))
	if n := c.o.Schema.Attribute(base); n != 0 {
		name = strings.ToLower(c.o.Schema.AttributeType(n).Name())
	}
	if len(rest) == 0 {
		return name
	}
	var kept []string
	for _, option := range strings.Split(strings.ToLower(string(rest)), ";") {
		if option != "" && ldif.StateOfOption([]byte(option)) != ldif.ChangeTime {
			kept = append(kept, option)
		}
	}
	slices.Sort(kept)
	return strings.Join(append([]string{name}, kept...), ";")
}

// value is the form in which a value is compared.
func (c *comparer) value(number int, value []byte) []byte {
	switch {
	case number == 0:
		return value
	case number == int(schema.ObjectClass):
		if class := c.o.Schema.Class(value); class != 0 {
			return []byte(strings.ToLower(c.o.Schema.ClassType(class).Name()))
		}
		return bytes.ToLower(bytes.TrimSpace(value))
	}
	if t := c.o.Schema.AttributeType(number); t.Syntax == schema.DN && !t.Loose {
		if norm, err := ldif.AppendNormDN(nil, value); err == nil {
			return norm
		}
	}
	return value
}

// load reads an entry again.
func (c *comparer) load(s side, p *place) (*ldif.Record, error) {
	raw := make([]byte, p.size)
	if _, err := c.text[s].ReadAt(raw, p.offset); err != nil {
		return nil, err
	}
	return ldif.NewReader(bytes.NewReader(raw), ldif.Options{MaxEntry: c.o.MaxEntry, ChunkSize: len(raw) + 16}).Next()
}
