package schema

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"imsconv/ldifconv/ldif"
)

// Violation is one thing about an entry that a server with this schema would
// refuse.
type Violation struct {
	Code string // one of the codes below
	Attr string // the attribute as the entry has it, "" when it is not about one
	Line int    // of the value, 0 when there is none
	Text string // what is wrong, in lower case
}

// The codes of Violation.
const (
	NoObjectClass    = "no-class"          // an entry without objectClass
	NoStructural     = "no-structural"     // no class says what the entry is
	TwoStructural    = "two-structural"    // two classes say so, and neither is above the other
	UnknownClass     = "unknown-class"     // a class that the schema does not have
	UnknownAttribute = "unknown-attribute" // an attribute that the schema does not have
	Required         = "required"          // a class requires an attribute that is not there
	NotAllowed       = "not-allowed"       // no class allows an attribute that is there
	TooManyValues    = "single-valued"     // several values of an attribute that takes one
	DuplicateValue   = "duplicate-value"   // the same value twice
	EmptyValue       = "empty-value"       // a value of no bytes
	BadDN            = "syntax-dn"         // a value that is no DN
	BadInteger       = "syntax-integer"    // a value that is no integer
	BadTelephone     = "syntax-telephone"  // a value that is no telephone number
	BadTime          = "syntax-time"       // a value that is no point in time
	BadUTF8          = "syntax-utf8"       // a text that is not UTF-8
	RDNValue         = "rdn-value"         // the name of the entry is not among its values
)

// Validator checks entries against a Set. It keeps what it learned of one entry
// for the next, and is not safe for concurrent use.
type Validator struct {
	set *Set
	// OneInIMS takes iMS's word for how many values an attribute has, not
	// that of the merged schema.
	OneInIMS bool

	classes []int // of the entry, known ones
	last    []int // of the entry before
	open    bool  // the classes of the entry before leave any attribute open
	stamp   []uint32
	now     uint32
	must    []mustRow
	apart   [2]int               // of the entry: structural classes that do not belong together
	lines   map[int]map[int]bool // by class: it and those above it
	present []uint32
	at      uint32
	groups  []attrGroup
	norm    []byte
	sums    []valueSum
	report  func(Violation)
}

// mustRow is an attribute that is required, once, and the first class that
// requires it.
type mustRow struct{ attr, class int }

// attrGroup is all values of one description of the entry.
type attrGroup struct {
	desc   []byte
	number int
	runs   []int // into Entry.Attrs
	values int
}

// NewValidator returns a Validator for set.
func NewValidator(set *Set) *Validator {
	return &Validator{set: set, stamp: make([]uint32, len(set.attrs)), present: make([]uint32, len(set.attrs))}
}

// Check calls report for every violation of e, in the order of the entry.
func (v *Validator) Check(e *ldif.Entry, report func(Violation)) {
	v.report = report
	v.group(e)
	v.loadClasses(e)
	for i := range v.groups {
		v.attribute(e, &v.groups[i])
	}
	v.required()
	v.rdn(e)
}

// group collects the runs of one description.
func (v *Validator) group(e *ldif.Entry) {
	v.groups = v.groups[:0]
	v.at++
	var seen map[string]int
	if len(e.Attrs) > 64 {
		seen = make(map[string]int, len(e.Attrs))
	}
	for i := range e.Attrs {
		a := &e.Attrs[i]
		at := v.find(a.Desc, seen)
		if at < 0 {
			at = len(v.groups)
			if at < cap(v.groups) {
				v.groups = v.groups[:at+1]
				v.groups[at] = attrGroup{desc: a.Desc, number: v.set.Attribute(a.Name()), runs: v.groups[at].runs[:0]}
			} else {
				v.groups = append(v.groups, attrGroup{desc: a.Desc, number: v.set.Attribute(a.Name())})
			}
			if seen != nil {
				seen[string(bytes.ToLower(a.Desc))] = at + 1
			}
			if n := v.groups[at].number; n != 0 {
				v.present[n] = v.at
			}
		}
		g := &v.groups[at]
		g.runs = append(g.runs, i)
		g.values += len(a.Values)
	}
}

// find returns the group of a description, -1 when there is none yet. Two
// spellings of one attribute are one group.
func (v *Validator) find(desc []byte, seen map[string]int) int {
	if seen != nil {
		return seen[string(bytes.ToLower(desc))] - 1
	}
	number := -1
	for i := range v.groups {
		g := &v.groups[i]
		if bytes.EqualFold(g.desc, desc) {
			return i
		}
		if bytes.IndexByte(desc, ';') < 0 && bytes.IndexByte(g.desc, ';') < 0 && g.number != 0 {
			if number < 0 {
				number = v.set.Attribute(desc)
			}
			if g.number == number {
				return i
			}
		}
	}
	return -1
}

// loadClasses settles what the classes of the entry allow and require.
func (v *Validator) loadClasses(e *ldif.Entry) {
	v.classes = v.classes[:0]
	unknown, any := false, false
	for i := range v.groups {
		if v.groups[i].number != int(ObjectClass) {
			continue
		}
		any = true
		for _, run := range v.groups[i].runs {
			for _, value := range e.Attrs[run].Values {
				if c := v.set.Class(value.Data); c != 0 {
					v.classes = append(v.classes, c)
				} else if !bytes.EqualFold(bytes.TrimSpace(value.Data), []byte("extensibleObject")) {
					v.tell(UnknownClass, "objectClass", value.Line, fmt.Sprintf("class %.100q is not in the schema", value.Data))
					unknown = true
				} else {
					unknown = true
				}
			}
		}
	}
	if !any {
		v.tell(NoObjectClass, "", 0, "the entry has no objectClass")
	}
	if !slices.Equal(v.classes, v.last) || v.now == 0 {
		v.expand()
	}
	v.open = unknown || !any
	if any && !unknown && !v.structural() {
		v.tell(NoStructural, "objectClass", 0, "no structural class: OpenLDAP refuses the entry")
	}
	if v.apart != [2]int{} {
		one, other := v.set.classes[v.apart[0]].Name(), v.set.classes[v.apart[1]].Name()
		v.tell(TwoStructural, "objectClass", 0, fmt.Sprintf("structural classes %s and %s, neither of which is above the other: OpenLDAP refuses the entry", one, other))
	}
}

func (v *Validator) structural() bool {
	for _, c := range v.classes {
		if t := &v.set.classes[c]; t.Kind == Structural || !t.KindKnown {
			return true
		}
	}
	return false
}

// unrelated returns two structural classes of the entry of which neither is
// above the other; an entry is of one, and of those above it.
func (v *Validator) unrelated() (pair [2]int) {
	low := 0 // below all that were seen
	for _, c := range v.classes {
		switch t := &v.set.classes[c]; {
		case t.Kind != Structural || !t.KindKnown:
		case low == 0 || v.above(low, c):
			low = c
		case !v.above(c, low):
			return [2]int{low, c}
		}
	}
	return pair
}

// above reports whether a class is another one or above it.
func (v *Validator) above(c, other int) bool {
	if v.lines == nil {
		v.lines = make(map[int]map[int]bool)
	}
	line, known := v.lines[other]
	if !known {
		line = make(map[int]bool)
		v.set.lineage(other, line)
		v.lines[other] = line
	}
	return line[c]
}

// lineage adds a class and those above it. A file of a site may have classes in
// a circle.
func (s *Set) lineage(c int, line map[int]bool) {
	if c == 0 || line[c] {
		return
	}
	line[c] = true
	for _, name := range s.classes[c].Superiors {
		s.lineage(s.classNames[strings.ToLower(name)], line)
	}
}

// expand notes what v.classes and the classes above them allow and require.
func (v *Validator) expand() {
	v.last = append(v.last[:0], v.classes...)
	v.now++
	v.must = v.must[:0]
	done, required := map[int]bool{}, map[int]bool{}
	var add func(c int)
	add = func(c int) {
		if done[c] {
			return
		}
		done[c] = true
		t := &v.set.classes[c]
		for _, name := range t.Must {
			if a := v.set.attrNames[strings.ToLower(name)]; a != 0 {
				v.stamp[a] = v.now
				if !required[a] && a != int(ObjectClass) {
					required[a] = true
					v.must = append(v.must, mustRow{a, c})
				}
			}
		}
		for _, name := range t.May {
			if a := v.set.attrNames[strings.ToLower(name)]; a != 0 {
				v.stamp[a] = v.now
			}
		}
		for _, name := range t.Superiors {
			if up := v.set.classNames[strings.ToLower(name)]; up != 0 {
				add(up)
			}
		}
	}
	for _, c := range v.classes {
		add(c)
	}
	v.apart = v.unrelated()
}

func (v *Validator) required() {
	for _, row := range v.must {
		if v.present[row.attr] == v.at {
			continue
		}
		name := v.set.attrs[row.attr].Name()
		v.tell(Required, name, 0, fmt.Sprintf("class %s requires %s", v.set.classes[row.class].Name(), name))
	}
}

// attribute checks the values of one description.
func (v *Validator) attribute(e *ldif.Entry, g *attrGroup) {
	name, _, _ := strings.Cut(string(g.desc), ";")
	line := e.Attrs[g.runs[0]].Values[0].Line
	if g.number == 0 {
		if !serverOwn[strings.ToLower(name)] {
			v.tell(UnknownAttribute, string(g.desc), line, fmt.Sprintf("attribute %s is not in the schema", name))
		}
		return
	}
	t := &v.set.attrs[g.number]
	if !v.open && v.stamp[g.number] != v.now && !t.Operational {
		v.tell(NotAllowed, string(g.desc), line, fmt.Sprintf("no class of the entry allows %s", name))
	}
	if g.values > 1 && (t.Single || v.OneInIMS && t.OneInIMS) {
		v.tell(TooManyValues, string(g.desc), line, fmt.Sprintf("%d values of %s, which takes one", g.values, t.Name()))
	}
	for _, run := range g.runs {
		for _, value := range e.Attrs[run].Values {
			if code, text := t.check(value.Data); code != "" {
				v.tell(code, string(g.desc), value.Line, text)
			}
		}
	}
	v.duplicates(e, g, t)
}

// valueSum stands for one value of a description: a hash of its normalised
// form, and its place among the values.
type valueSum struct {
	sum [16]byte
	at  int
}

// duplicates reports values that are equal under the attribute's syntax.
func (v *Validator) duplicates(e *ldif.Entry, g *attrGroup, t *AttributeType) {
	if g.values < 2 {
		return
	}
	v.sums = slices.Grow(v.sums[:0], g.values)
	for _, run := range g.runs {
		for _, value := range e.Attrs[run].Values {
			v.norm = t.AppendNorm(v.norm[:0], value.Data)
			sum := sha256.Sum256(v.norm)
			v.sums = append(v.sums, valueSum{[16]byte(sum[:]), len(v.sums)})
		}
	}
	slices.SortFunc(v.sums, func(a, b valueSum) int {
		return cmp.Or(bytes.Compare(a.sum[:], b.sum[:]), cmp.Compare(a.at, b.at))
	})
	again, last := v.sums[:0], v.sums[0].sum // those that were there before, in place
	for _, s := range v.sums[1:] {
		if s.sum == last {
			again = append(again, s)
		}
		last = s.sum
	}
	slices.SortFunc(again, func(a, b valueSum) int { return cmp.Compare(a.at, b.at) })
	for _, s := range again {
		value := valueOf(e, g, s.at)
		v.tell(DuplicateValue, string(g.desc), value.Line, t.shown(value.Data)+" stands there twice")
	}
}

// valueOf is the value at a place among those of a description.
func valueOf(e *ldif.Entry, g *attrGroup, at int) ldif.Value {
	for _, run := range g.runs {
		values := e.Attrs[run].Values
		if at < len(values) {
			return values[at]
		}
		at -= len(values)
	}
	panic("internal error: no value at that place")
}

// rdn reports a part of the entry's own name that its attributes do not have.
func (v *Validator) rdn(e *ldif.Entry) {
	norm, err := ldif.AppendNormDN(v.norm[:0], e.DN)
	v.norm = norm
	if err != nil || len(norm) == 0 {
		return
	}
	first, _, _ := bytes.Cut(norm, []byte{','})
	for _, part := range bytes.Split(first, []byte{'+'}) {
		name, value, _ := bytes.Cut(part, []byte{'='})
		number := v.set.Attribute(name)
		if number == 0 || v.holds(e, number, ldif.UnescapeNorm(value)) {
			continue
		}
		if plain := hexValue(value); plain != nil && v.holds(e, number, plain) {
			continue
		}
		v.tell(RDNValue, v.set.attrs[number].Name(), 0, fmt.Sprintf("the name says %s=%.100s and the entry does not", name, value))
	}
}

// hexValue is the value that a name writes as # and the hexadecimal digits of
// its BER encoding, as servers write what they have no text for (RFC 4514 2.4),
// or nil.
func hexValue(text []byte) []byte {
	digits, ok := bytes.CutPrefix(text, []byte{'#'})
	if !ok {
		return nil
	}
	ber := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(ber, digits); err != nil {
		return nil
	}
	var value asn1.RawValue
	if rest, err := asn1.Unmarshal(ber, &value); err != nil || len(rest) > 0 || value.IsCompound {
		return nil
	}
	return value.Bytes
}

// holds reports whether the entry has a value of the attribute that equals
// want, which is in lower case.
func (v *Validator) holds(e *ldif.Entry, number int, want []byte) bool {
	want = appendFold(nil, want)
	for i := range v.groups {
		if v.groups[i].number != number {
			continue
		}
		for _, run := range v.groups[i].runs {
			for _, value := range e.Attrs[run].Values {
				if bytes.Equal(appendFold(nil, value.Data), want) {
					return true
				}
			}
		}
	}
	return false
}

func (v *Validator) tell(code, attr string, line int, text string) {
	v.report(Violation{Code: code, Attr: attr, Line: line, Text: text})
}
