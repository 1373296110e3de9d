package ldif

import (
	"bytes"
	"encoding/binary"
)

// descriptions numbers attribute descriptions. An export has the same few dozen
// of them a million times, most often one behind the other in one of two ways.
type descriptions struct {
	list  []description
	slots [1024]uint16 // numbers by hash, open addressing; 0 is free
}

// description is one of them. Number 0 is the beginning of an entry.
type description struct {
	head []byte    // a copy that stays, with colon and blank behind it
	next [2]uint16 // the numbers of those that came behind it, the last one first
}

// text is the description itself.
func (d *description) text() []byte {
	n := len(d.head) - len(": ")
	return d.head[:n:n]
}

// mostNumbers is how many descriptions get a number.
const mostNumbers = 700

// all returns them by number.
func (d *descriptions) all() []description {
	if len(d.list) == 0 {
		d.list = append(d.list, description{})
	}
	return d.list
}

// longestNumbered is the length in bytes above which a description gets no
// number: what is kept of them does not grow with what stands in a file.
const longestNumbered = 256

// number returns the number of a description, 0 when there are too many or it
// is too long.
func (d *descriptions) number(text []byte) uint16 {
	list := d.all()
	if len(text) > longestNumbered {
		return 0
	}
	for at := hashName(text); ; at++ {
		slot := &d.slots[at%uint64(len(d.slots))]
		switch {
		case *slot == 0 && len(list) < mostNumbers:
			*slot = uint16(len(list))
			d.list = append(list, description{head: append(bytes.Clone(text), ": "...)})
			return *slot
		case *slot == 0 || bytes.Equal(list[*slot].text(), text):
			return *slot
		}
	}
}

// follow notes that next came behind at.
func (d *descriptions) follow(at, next uint16) {
	if e := &d.all()[at]; next != e.next[0] {
		e.next = [2]uint16{next, e.next[0]}
	}
}

// hashName is a cheap hash of a name: its length, beginning and end.
func hashName(name []byte) uint64 {
	h := uint64(len(name))
	switch n := len(name); {
	case n >= 8:
		h ^= binary.LittleEndian.Uint64(name) ^ binary.LittleEndian.Uint64(name[n-8:])*31
	case n >= 4:
		h ^= uint64(binary.LittleEndian.Uint32(name)) ^ uint64(binary.LittleEndian.Uint32(name[n-4:]))<<24
	default:
		for _, c := range name {
			h = h<<8 | uint64(c)
		}
	}
	return h * 0x9e3779b97f4a7c15 >> 54
}
