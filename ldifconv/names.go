package ldifconv

import (
	"bytes"
	"encoding/binary"

	"imsconv/ldifconv/schema"
)

// nameCache remembers what the spellings of attributes and classes that an
// export uses mean: it writes the same few dozen names in the same way a
// million times.
type nameCache struct {
	attrs   [cacheSize]cachedName
	classes [cacheSize]cachedName
}

const cacheSize = 256

// longestCached is the length in bytes above which a name is looked up each
// time: one with a million blanks around it is not kept.
const longestCached = 256

type cachedName struct {
	text  []byte
	id    uint16
	alias bool
}

// slotOf is a cheap hash of a name: its length, beginning and end.
func slotOf(name []byte) uint64 {
	var h uint64
	switch n := len(name); {
	case n >= 8:
		h = binary.LittleEndian.Uint64(name) ^ binary.LittleEndian.Uint64(name[n-8:])*31 ^ uint64(n)
	case n >= 4:
		h = uint64(binary.LittleEndian.Uint32(name)) ^ uint64(binary.LittleEndian.Uint32(name[n-4:]))<<24 ^ uint64(n)
	default:
		for _, c := range name {
			h = h<<8 | uint64(c)
		}
	}
	return h * 0x9e3779b97f4a7c15 >> 56
}

// find returns the place of a name, and whether the name is there. A name has
// four places, so that two that hash alike do not drive each other out.
func find(names *[cacheSize]cachedName, name []byte) (*cachedName, bool) {
	at := slotOf(name)
	free := &names[at]
	for i := range uint64(4) {
		e := &names[(at+i)%cacheSize]
		if len(e.text) == 0 {
			return e, false
		}
		if bytes.Equal(e.text, name) {
			return e, true
		}
	}
	return free, false
}

// attr returns the number of an attribute description, None for one that is
// unknown or has options, and whether the description is not the attribute's
// own name.
func (c *nameCache) attr(desc []byte) (id attrID, alias bool) {
	e, ok := find(&c.attrs, desc)
	if ok {
		return attrID(e.id), e.alias
	}
	if bytes.IndexByte(desc, ';') >= 0 {
		return schema.None, false
	}
	id, ok = schema.Lookup(desc)
	if !ok {
		return schema.None, false
	}
	alias = !equalFold(desc, attrNames[id])
	if len(desc) <= longestCached {
		*e = cachedName{bytes.Clone(desc), uint16(id), alias}
	}
	return id, alias
}

// class returns the number of an object class, NoClass for an unknown one.
func (c *nameCache) class(name []byte) classID {
	e, ok := find(&c.classes, name)
	if ok {
		return classID(e.id)
	}
	id, ok := schema.LookupClass(name)
	if !ok {
		return schema.NoClass
	}
	if len(name) <= longestCached {
		*e = cachedName{text: bytes.Clone(name), id: uint16(id)}
	}
	return id
}
