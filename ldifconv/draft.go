package ldifconv

import (
	"bytes"
	"fmt"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// attrID and classID are the small numbers that rules address attributes and
// object classes by; aliases (rfc822mailbox, commonname) have the number of
// what they stand for. A name outside the schema keeps its text.
type (
	attrID  = schema.ID
	classID = schema.ClassID
)

// attrSet and classSet are sets of such numbers.
type (
	attrSet  [(schema.Count + 63) / 64]uint64
	classSet [(schema.ClassCount + 63) / 64]uint64
)

func newAttrSet(ids ...attrID) (s attrSet) {
	for _, id := range ids {
		s.put(id)
	}
	return s
}

func (s *attrSet) has(id attrID) bool { return s[id>>6]&(1<<(id&63)) != 0 }
func (s *attrSet) put(id attrID)      { s[id>>6] |= 1 << (id & 63) }
func (s *attrSet) drop(id attrID)     { s[id>>6] &^= 1 << (id & 63) }

// meets reports whether s and t have a member in common.
func (s *attrSet) meets(t *attrSet) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

func newClassSet(ids ...classID) (s classSet) {
	for _, id := range ids {
		s.put(id)
	}
	return s
}

func (s *classSet) has(id classID) bool { return s[id>>6]&(1<<(id&63)) != 0 }
func (s *classSet) put(id classID)      { s[id>>6] |= 1 << (id & 63) }
func (s *classSet) drop(id classID)     { s[id>>6] &^= 1 << (id & 63) }

func (s *classSet) meets(t *classSet) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// field is one attribute of a draft: all runs of one description together.
type field struct {
	id   attrID   // None when the name is unknown or has options
	desc []byte   // the description as it will be written
	old  [][]byte // values of the source entry; nil when it has none
	now  [][]byte // values of the upgraded entry; empty when it has none
	same bool     // now is old, untouched

	split bool // several runs of the record hold its values,
	count int  // so many
}

// draft is one entry being upgraded: what it was, which nothing changes, and
// what it becomes. Rules see attributes without options by their attrID;
// attributes with options and unknown ones pass through untouched.
//
// What a draft hands out (values) is to be read only, and valid until the
// attribute is changed. What it is given is copied. A draft is reused for one
// entry after the other and works without allocating.
type draft struct {
	rec  *ldif.Record
	kind Kind // the kind this entry is upgraded as, or Both; 0 when it is none

	fields      []field
	slot        [schema.Count]uint16 // index into fields + 1, 0 when absent
	present     attrSet              // attributes without options that have values now
	arrived     []attrID             // those of them that had none when the rule at work began
	due         due                  // the rules of the entry before
	classes     classSet             // known classes the entry has now
	had         classSet             // known classes the source entry has
	ids         []classID            // numbers of the values of objectClass
	idsKnown    bool                 // ids are those of the values now
	leaving     classSet             // classes to be taken from the values of objectClass,
	coming      []classID            // and those to be added to them
	others      map[string]int       // unknown descriptions, when they are many
	runs        []placed             // where the runs of the record went
	split       []int                // the fields of several runs
	unknown     []int                // the fields without a number
	kept        int                  // the number of fields that the record before has too,
	keptPresent attrSet              // and which those are
	vals        [][]byte             // the memory of old and now
	text        []byte               // the memory of new values

	warned  int    // number of warnings about the entry
	refused int    // number of problems with its values
	renamed []byte // the DN the entry gets, nil when it keeps its own

	names       nameCache
	numbered    []knownDesc               // what the descriptions of the Scanner mean, by number
	unnumbered  knownDesc                 // the last one that has no number
	lastClasses []cachedName              // the classes of the entry before
	replaced    [schema.Count]replacement // what attributes got last
	out         *batch                    // counters and messages of the chunk this entry belongs to
}

// has reports whether the entry has a value of a now.
func (d *draft) has(a attrID) bool { return d.present.has(a) }

// values returns the values of a, those without options, as they are now. Rules
// ask hasClass for object classes: what addClass and dropClass change is
// written to the values when all rules have run.
func (d *draft) values(a attrID) [][]byte {
	if s := d.slot[a]; s != 0 {
		return d.fields[s-1].now
	}
	return nil
}

// first returns the first value of a, or nil.
func (d *draft) first(a attrID) []byte {
	if v := d.values(a); len(v) > 0 {
		return v[0]
	}
	return nil
}

// hasValue reports whether a has the value v, ignoring ASCII case.
func (d *draft) hasValue(a attrID, v string) bool {
	for _, have := range d.values(a) {
		if equalFoldString(have, v) {
			return true
		}
	}
	return false
}

// set gives a exactly these values; none removes it.
func (d *draft) set(a attrID, values ...string) {
	from := len(d.vals)
	for _, v := range values {
		d.vals = append(d.vals, d.keepString(v))
	}
	d.assign(a, d.vals[from:len(d.vals):len(d.vals)])
}

// setBytes is set for values held as bytes.
func (d *draft) setBytes(a attrID, values ...[]byte) {
	from := len(d.vals)
	for _, v := range values {
		d.vals = append(d.vals, d.keep(v))
	}
	d.assign(a, d.vals[from:len(d.vals):len(d.vals)])
}

// add appends those of values that a does not have yet, ignoring ASCII case.
func (d *draft) add(a attrID, values ...string) {
	for _, v := range values {
		if !d.hasValue(a, v) {
			d.push(a, d.keepString(v))
		}
	}
}

// addBytes is add for values held as bytes. It stays fast for long lists.
func (d *draft) addBytes(a attrID, values ...[]byte) {
	if len(values)*len(d.values(a)) > 1<<14 || len(values) > 128 {
		d.addMany(a, values)
		return
	}
	for _, v := range values {
		if !d.hasValueBytes(a, v) {
			d.push(a, d.keep(v))
		}
	}
}

func (d *draft) hasValueBytes(a attrID, v []byte) bool {
	for _, have := range d.values(a) {
		if equalFold(have, v) {
			return true
		}
	}
	return false
}

// addMany is addBytes with an index of the values.
func (d *draft) addMany(a attrID, values [][]byte) {
	have := d.values(a)
	var seen hashedSet
	all := make([][]byte, 0, len(have)+len(values))
	put := func(v []byte, keep bool) {
		if !seen.add(lower(v), func(i int) bool { return equalFold(all[i], v) }) {
			return
		}
		if keep {
			v = d.keep(v)
		}
		all = append(all, v)
	}
	for _, v := range have {
		put(v, false)
	}
	for _, v := range values {
		put(v, true)
	}
	d.assign(a, all)
}

// remove takes a away.
func (d *draft) remove(a attrID) {
	if d.has(a) {
		d.assign(a, nil)
	}
}

// removeValue takes the value v away from a, ignoring ASCII case.
func (d *draft) removeValue(a attrID, v string) {
	if d.hasValue(a, v) {
		d.retain(a, func(have []byte) bool { return !equalFoldString(have, v) })
	}
}

// retain keeps the values of a that ok accepts.
func (d *draft) retain(a attrID, ok func(value []byte) bool) {
	now := d.values(a)
	from := len(d.vals)
	for _, v := range now {
		if ok(v) {
			d.vals = append(d.vals, v)
		}
	}
	if kept := d.vals[from:len(d.vals):len(d.vals)]; len(kept) != len(now) {
		d.assign(a, kept)
	}
}

// rename moves the values of from to the attribute to, behind those it has.
func (d *draft) rename(from, to attrID) {
	values := d.values(from)
	if len(values) == 0 || from == to {
		return
	}
	if d.has(to) {
		d.addBytes(to, values...)
	} else {
		d.assign(to, values)
	}
	d.assign(from, nil)
}

// dn is the entry's DN as written in the source, decoded.
func (d *draft) dn() []byte { return d.rec.DN }

// warn reports a note of the mapping about this entry. kind is a short
// kebab-case class, text is lower case without a full stop.
// Of an entry with very many, the first mostWarnings are told.
func (d *draft) warn(kind, text string) {
	switch d.warned++; {
	case d.warned <= mostWarnings:
		d.out.warn(d.rec, kind, text)
	case d.warned == mostWarnings+1:
		d.out.warn(d.rec, "warnings-many", "more warnings about this entry are left out")
	}
}

// warnf is warn with a text that is made when somebody reads it.
func (d *draft) warnf(kind, format string, args ...any) {
	if d.warned >= mostWarnings || d.out.mute.has(false, kind) {
		d.warn(kind, "")
		return
	}
	d.warn(kind, fmt.Sprintf(format, args...))
}

// mostWarnings bounds the warnings and the problems about one entry.
const mostWarnings = 50

// problem reports that something of this entry is not understood or lost: the
// run ends with exit status 3. v is the value of a that it is about; the
// position is the value's line.
func (d *draft) problem(kind string, a attrID, v []byte, text string) {
	switch d.refused++; {
	case d.refused <= mostWarnings && d.out.mute.has(true, kind):
		d.out.notes = append(d.out.notes, note{problem: true, kind: kind, counted: true})
	case d.refused <= mostWarnings:
		d.out.problem(kind, d.lineOf(a, v), string(d.rec.DN), text)
	case d.refused == mostWarnings+1:
		d.out.problem("problems-many", d.rec.Line, string(d.rec.DN), "more problems with the values of this entry are left out")
	}
}

// stays is problem for a value that no rule understands and that stays in the
// entry. why begins with a verb.
func (d *draft) stays(kind string, a attrID, v []byte, why string) {
	if d.refused >= mostWarnings || d.out.mute.has(true, kind) {
		d.problem(kind, a, v, "")
		return
	}
	d.problem(kind, a, v, fmt.Sprintf("%s %s %s: it stays as it is", schema.Name(a), quoted(a, v), why))
}

// several is the values of a for messages: the first, and how many there are
// beside it.
func (d *draft) several(a attrID) string {
	values := d.values(a)
	if len(values) < 2 {
		return quoted(a, d.first(a))
	}
	return fmt.Sprintf("%s and %d more", quoted(a, values[0]), len(values)-1)
}

// quoted is a value of a for messages.
func quoted(a attrID, v []byte) string {
	if schema.Secret(a) {
		return "(not shown)"
	}
	return fmt.Sprintf("%.200q", v)
}

// lineOf returns the line of a value of the source entry, or that of the entry.
func (d *draft) lineOf(a attrID, v []byte) int {
	for i := range d.rec.Attrs {
		if id, _ := d.names.attr(d.rec.Attrs[i].Desc); id != a {
			continue
		}
		for _, have := range d.rec.Attrs[i].Values {
			if bytes.Equal(have.Data, v) && have.Line > 0 {
				return have.Line
			}
		}
	}
	return d.rec.Line
}

// inOrder returns when every entry before the chunk of this one is done. What
// is shared between entries and must not depend on the number of workers, such
// as numbers given in order of appearance, is changed after it. No other entry
// returns from inOrder before this chunk is done. It costs parallel work, so
// look first whether the shared state has the answer already.
func (d *draft) inOrder() { d.out.inOrder() }

// assign makes values, which the draft keeps, the values of a.
func (d *draft) assign(a attrID, values [][]byte) {
	if a == schema.ObjectClass {
		d.settleClasses()
		d.idsKnown = false
	}
	f := d.field(a)
	f.now, f.same = values, false
	if len(values) == 0 {
		d.present.drop(a)
		return
	}
	d.arrive(a)
}

// arrive notes that a has a value.
func (d *draft) arrive(a attrID) {
	if !d.present.has(a) {
		d.present.put(a)
		d.arrived = append(d.arrived, a)
	}
}

// push appends one value, which the draft keeps, to a.
func (d *draft) push(a attrID, v []byte) {
	if a == schema.ObjectClass {
		d.settleClasses()
		d.idsKnown = false
	}
	f := d.field(a)
	n := len(d.vals)
	d.vals = append(append(d.vals, f.now...), v)
	f.now = d.vals[n:len(d.vals):len(d.vals)]
	f.same = false
	d.arrive(a)
}

// field returns the field of a, making one when there is none.
func (d *draft) field(a attrID) *field {
	if s := d.slot[a]; s != 0 {
		return &d.fields[s-1]
	}
	d.fields = append(d.fields, field{id: a, desc: attrNames[a]})
	d.slot[a] = uint16(len(d.fields))
	return &d.fields[len(d.fields)-1]
}

// attrNames and classNames are the canonical spellings as bytes.
var attrNames = func() (names [schema.Count][]byte) {
	for id := 1; id < schema.Count; id++ {
		names[id] = []byte(schema.Name(attrID(id)))
	}
	return names
}()

var classNames = func() (names [schema.ClassCount][]byte) {
	for id := 1; id < schema.ClassCount; id++ {
		names[id] = []byte(schema.ClassName(classID(id)))
	}
	return names
}()

// keep copies v into the draft's memory.
func (d *draft) keep(v []byte) []byte {
	from := len(d.text)
	d.text = append(d.text, v...)
	return d.text[from:len(d.text):len(d.text)]
}

func (d *draft) keepString(v string) []byte {
	from := len(d.text)
	d.text = append(d.text, v...)
	return d.text[from:len(d.text):len(d.text)]
}

// equalFold compares as a directory compares text: ignoring ASCII case and
// blanks around it.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		if a, b = trimBlanks(a), trimBlanks(b); len(a) != len(b) {
			return false
		}
	}
	if bytes.Equal(a, b) {
		return true
	}
	for i := range a {
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

// equalFoldString is equalFold with a string that has no blanks around it.
func equalFoldString(a []byte, b string) bool {
	if string(a) == b {
		return true
	}
	if len(a) != len(b) {
		if a = trimBlanks(a); len(a) != len(b) {
			return false
		}
	}
	for i := range a {
		if lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lower returns a lower-case copy.
func lower(v []byte) []byte {
	out := make([]byte, len(v))
	for i, c := range v {
		out[i] = lowerByte(c)
	}
	return out
}
