package ldifconv

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

var wordDN = []byte("dn")

// differs reports whether the upgrade changed the field.
func (f *field) differs() bool {
	return !f.same && !equalValues(f.old, f.now)
}

// equalValues is slices.EqualFunc(a, b, bytes.Equal), without its calls.
func equalValues(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, v := range a {
		if string(v) != string(b[i]) {
			return false
		}
	}
	return true
}

// writable reports whether a client may change the attribute: operational ones
// belong to the server, but for aci.
func (f *field) writable() bool {
	return f.id == schema.None || f.id == schema.ACI || !schema.Operational(f.id)
}

// changed reports whether the entry has to be modified.
func (d *draft) changed() bool {
	if d.renamed != nil {
		return true
	}
	for i := range d.fields {
		if f := &d.fields[i]; f.differs() && f.writable() {
			return true
		}
	}
	return false
}

// appendFull appends the upgraded entry as a content record.
func (d *draft) appendFull(dst []byte) []byte {
	dst = ldif.AppendValue(dst, "dn", d.newDN())
	for i := range d.fields {
		f := &d.fields[i]
		dst = room(dst, f.desc, f.now)
		dst = ldif.AppendLines(dst, f.desc, f.now)
	}
	return append(dst, '\n')
}

// appendChanges appends the modify record that makes the source entry the
// upgraded one: one replace for each changed attribute, delete for one that is
// gone, a - line after each. A new name comes in a modrdn record behind it.
func (d *draft) appendChanges(dst []byte) []byte {
	from := len(dst)
	dst = d.appendModifyHead(dst)
	head := len(dst)
	for i := range d.fields {
		if f := &d.fields[i]; f.differs() && f.writable() && !d.byRename(f) {
			dst = d.appendReplacement(dst, f)
		}
	}
	if len(dst) == head {
		dst = dst[:from]
	} else {
		dst = append(dst, '\n')
	}
	if d.renamed != nil {
		dst = appendRename(dst, d.rec.DN, d.renamed)
	}
	return dst
}

// appendUndo appends the modify record that makes the upgraded entry the source
// entry again, without its empty values, which a directory would refuse. With
// only, it covers the fields for which only is true, and it appends nothing
// when there are none.
func (d *draft) appendUndo(dst []byte, only func(*field) bool) []byte {
	if d.renamed != nil && only == nil {
		dst = appendRename(dst, d.renamed, d.rec.DN)
	}
	from := len(dst)
	dst = d.appendModifyHead(dst)
	head := len(dst)
	for i := range d.fields {
		f := &d.fields[i]
		if !f.differs() || !f.writable() || d.byRename(f) || only != nil && !only(f) {
			continue
		}
		if old := withoutEmpty(f.old); len(old)+len(f.now) > 0 {
			dst = appendReplace(dst, f, old, d.unique(f, f.old, &d.had))
		}
	}
	if len(dst) == head {
		return dst[:from]
	}
	return append(dst, '\n')
}

func (d *draft) appendModifyHead(dst []byte) []byte {
	dst = ldif.AppendLine(dst, wordDN, d.rec.DN)
	return append(dst, "changetype: modify\n"...)
}

// replacement is a modification that was written: the values that an attribute
// got, and its text.
type replacement struct {
	desc   []byte
	values [][]byte
	text   []byte
}

// mostReplaced is the size in bytes up to which the text of a replacement is
// kept, and mostReplacing the number of values.
const (
	mostReplaced  = 1 << 10
	mostReplacing = 64
)

// is reports whether the replacement gives f the values that it has now.
func (r *replacement) is(f *field) bool {
	return len(r.text) > 0 && bytes.Equal(r.desc, f.desc) && equalValues(r.values, f.now)
}

// appendReplacement appends the modification of a field. Most entries of an
// export get what the one before got: classes, a status, a quota.
func (d *draft) appendReplacement(dst []byte, f *field) []byte {
	if f.id == schema.None {
		return appendReplace(dst, f, f.now, len(f.now) < 2)
	}
	r := &d.replaced[f.id]
	if r.is(f) {
		return append(dst, r.text...)
	}
	from := len(dst)
	dst = appendReplace(dst, f, f.now, d.unique(f, f.now, &d.classes))
	r.keep(f, dst[from:])
	return dst
}

// keep remembers the replacement of f.
func (r *replacement) keep(f *field, text []byte) {
	if r.text = r.text[:0]; len(text) > mostReplaced || len(f.now) > mostReplacing {
		return
	}
	r.desc = append(r.desc[:0], f.desc...)
	r.text = append(r.text, text...)
	r.values = slices.Grow(r.values[:0], len(f.now))[:len(f.now)]
	for i, v := range f.now {
		r.values[i] = append(r.values[i][:0], v...)
	}
}

// appendReplace appends the modification that gives f the values now; none
// removes it. unique says that no two of them are the same.
func appendReplace(dst []byte, f *field, now [][]byte, unique bool) []byte {
	if len(now) == 0 {
		return append(appendWord(dst, "delete", f.desc), "-\n"...)
	}
	dst = appendWord(dst, "replace", f.desc)
	if !unique {
		now = distinct(f.id, now)
	}
	dst = room(dst, f.desc, now)
	dst = ldif.AppendLines(dst, f.desc, now)
	return append(dst, "-\n"...)
}

// appendWord appends the line that begins a modification. A description has no
// bytes that ask for base64.
func appendWord(dst []byte, word string, desc []byte) []byte {
	if len(word)+len(": ")+len(desc) > ldif.Width {
		return ldif.AppendValue(dst, word, desc)
	}
	dst = append(append(dst, word...), ": "...)
	return append(append(dst, desc...), '\n')
}

// unique reports cheaply whether no two of the values are the same: as many
// object classes as the entry has different ones. False means not known.
func (d *draft) unique(f *field, values [][]byte, classes *classSet) bool {
	if f.id != schema.ObjectClass {
		return len(values) < 2
	}
	n := 0
	for _, word := range classes {
		n += bits.OnesCount64(word)
	}
	return n == len(values)
}

// manyValues is the number of values for which it pays to know their size.
const manyValues = 1000

// room makes dst large enough for the lines of a long list, at once.
func room(dst, desc []byte, values [][]byte) []byte {
	if len(values) < manyValues {
		return dst
	}
	size := 0
	for _, v := range values {
		size += len(desc) + 3 + len(v) + len(v)/8
	}
	return slices.Grow(dst, size)
}

// distinct drops values that are equal to an earlier one for the directory: it
// refuses a modification that names a value twice.
func distinct(id attrID, values [][]byte) [][]byte {
	if len(values) < 2 || len(values) == 2 && endsOf(values[0]) != endsOf(values[1]) {
		return values
	}
	if len(values) <= 16 {
		var ends [16]uint16
		for i, v := range values {
			ends[i] = endsOf(v)
			for j, w := range values[:i] {
				if ends[i] == ends[j] && sameValue(id, v, w) {
					return distinctMany(id, values)
				}
			}
		}
		return values
	}
	return distinctMany(id, values)
}

// distinctMany is distinct for long lists: most often sorting the hashes shows
// that no two values are the same.
func distinctMany(id attrID, values [][]byte) [][]byte {
	hashes := make([]uint64, len(values))
	for i, v := range values {
		hashes[i] = index.Hash(normalValue(id, v))
	}
	slices.Sort(hashes)
	if len(slices.Compact(hashes)) == len(values) {
		return values
	}
	var seen hashedSet
	out := make([][]byte, 0, len(values))
	for _, v := range values {
		if seen.add(normalValue(id, v), func(i int) bool { return sameValue(id, out[i], v) }) {
			out = append(out, v)
		}
	}
	return out
}

// hashedSet is a set of values kept elsewhere: it holds their hashes and
// numbers, which for a list of a quarter of a million members is ten times less
// than the values.
type hashedSet struct{ at map[uint64]int32 }

// add reports whether no value equal to key was added before; same compares the
// new one with the value that was added as number i.
func (s *hashedSet) add(key []byte, same func(i int) bool) bool {
	if s.at == nil {
		s.at = map[uint64]int32{}
	}
	h := index.Hash(key)
	for {
		i, ok := s.at[h]
		if !ok {
			s.at[h] = int32(len(s.at))
			return true
		}
		if same(int(i)) {
			return false
		}
		h++ // another value with the same hash
	}
}

// endsOf is equal for values that may be the same: the first and last byte that
// is no blank or hyphen, in lower case; 0 when they say nothing.
func endsOf(v []byte) uint16 {
	for len(v) > 0 && (v[0] <= ' ' || v[0] == '-') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] <= ' ' || v[len(v)-1] == '-') {
		v = v[:len(v)-1]
	}
	if len(v) == 0 || v[0] >= 0x80 || v[len(v)-1] >= 0x80 || v[0] == '"' || v[0] == '\\' {
		return 0
	}
	return uint16(lowerByte(v[0]))<<8 | uint16(lowerByte(v[len(v)-1]))
}

// sameValue reports whether a directory takes a and b for one value.
func sameValue(id attrID, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	switch schema.SyntaxOf(id) {
	case schema.CES, schema.Bin:
		return false
	case schema.CIS, schema.Int:
		if bytes.IndexByte(a, ' ') < 0 && bytes.IndexByte(b, ' ') < 0 && isASCII(a) && isASCII(b) {
			return equalFold(a, b)
		}
	}
	return bytes.Equal(normalValue(id, a), normalValue(id, b))
}

func isASCII(v []byte) bool {
	for len(v) >= 8 {
		if binary.LittleEndian.Uint64(v)&0x8080808080808080 != 0 {
			return false
		}
		v = v[8:]
	}
	for _, c := range v {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// normalValue returns a form of v that is equal for values that a directory
// takes for one.
func normalValue(id attrID, v []byte) []byte {
	switch schema.SyntaxOf(id) {
	case schema.CES, schema.Bin:
		return v
	case schema.DN:
		if norm, err := ldif.AppendNormDN(nil, v); err == nil {
			return norm
		}
	case schema.Tel:
		out := make([]byte, 0, len(v))
		for _, c := range lower(v) {
			if c != ' ' && c != '-' {
				out = append(out, c)
			}
		}
		return out
	}
	return bytes.ToLower(bytes.Join(bytes.Fields(v), []byte{' '}))
}
