package ldifconv

import (
	"bytes"
	"fmt"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// ParsePairs splits an argument of -A: pairs at `;`, each at its first `:`.
// A part without a `:` is the beginning of a name with options
// (cn;lang-ja:value). A `\` before the `;`, which the shell of old command
// lines took away, is taken away too, and so are blanks around names and
// values. The error tells what is no pair.
func ParsePairs(arg string) ([]Pair, error) {
	var pairs []Pair
	name := ""
	parts := strings.Split(strings.ReplaceAll(arg, `\;`, ";"), ";")
	for i, part := range parts {
		if strings.TrimSpace(part) == "" && name == "" {
			continue
		}
		if !strings.Contains(part, ":") && i < len(parts)-1 {
			name += strings.TrimSpace(part) + ";"
			continue
		}
		part, name = name+part, ""
		attr, value, ok := strings.Cut(part, ":")
		attr = strings.TrimSpace(attr)
		if !ok || attr == "" {
			return nil, fmt.Errorf("%q is not attribute:value", part)
		}
		pairs = append(pairs, Pair{Attr: attr, Value: strings.Trim(value, " \t")})
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("%q holds no attribute:value", arg)
	}
	return pairs, nil
}

// setting is all pairs of one attribute.
type setting struct {
	kinds  Kind                     // of entries that it is for; 0: all
	add    bool                     // to the values that are there
	only   func(have [][]byte) bool // see [Pair]
	id     attrID                   // None: desc has options or is unknown
	desc   []byte
	values []string // empty: the attribute is removed
}

// settings groups pairs by attribute, in the order of the first of each. An
// empty value stands for none.
func settings(pairs []Pair) ([]setting, error) {
	var list []setting
next:
	for _, p := range pairs {
		if !validDesc(p.Attr) {
			return nil, fmt.Errorf("%q is not an attribute name", p.Attr)
		}
		if isMarker(p.Attr) {
			return nil, fmt.Errorf("%q is no attribute: it is a word of LDIF itself", p.Attr)
		}
		s := setting{kinds: p.Kinds, add: p.Append, only: p.Only, desc: []byte(p.Attr)}
		if p.Value != "" {
			s.values = []string{p.Value}
		}
		if !strings.Contains(p.Attr, ";") {
			s.id, _ = schema.LookupString(p.Attr)
		}
		for i := range list {
			if list[i].only == nil && s.only == nil && list[i].kinds == s.kinds && list[i].add == s.add && list[i].id == s.id && (s.id != schema.None || equalFold(list[i].desc, s.desc)) {
				list[i].put(p.Value)
				continue next
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// put appends a value unless it is there.
func (s *setting) put(value string) {
	for _, v := range s.values {
		if strings.EqualFold(v, value) {
			return
		}
	}
	if value != "" {
		s.values = append(s.values, value)
	}
}

// validDesc reports whether s is an attribute type, perhaps with options.
func validDesc(s string) bool {
	for part := range strings.SplitSeq(s, ";") {
		if part == "" {
			return false
		}
		for i := range len(part) {
			if c := part[i]; !isAlnum(c) && strings.IndexByte("-._", c) < 0 {
				return false
			}
		}
	}
	return isAlnum(s[0])
}

// isMarker reports whether a line of this name says what a record is, instead
// of an attribute (RFC 2849).
func isMarker(desc string) bool {
	name, _, _ := strings.Cut(desc, ";")
	return oneOf(name, "dn", "version", "changetype", "control", "newrdn", "deleteoldrdn", "newsuperior") || strings.Trim(name, "0123456789") == ""
}

// applyPairs sets the attributes of -A, or adds to them.
func (d *draft) applyPairs(list []setting, appendTo bool) {
	for i := range list {
		s := &list[i]
		if s.kinds != 0 && d.kind&s.kinds == 0 || s.only != nil && !s.only(d.have(s)) {
			continue
		}
		if s.id != schema.None {
			if appendTo || s.add {
				d.add(s.id, s.values...)
			} else {
				d.set(s.id, s.values...)
			}
			if s.id == schema.ObjectClass {
				d.readClasses()
			}
			continue
		}
		d.setOther(s, appendTo || s.add)
	}
}

// have are the values that the draft has of the attribute of a setting.
func (d *draft) have(s *setting) [][]byte {
	if s.id != schema.None {
		return d.values(s.id)
	}
	return d.fields[d.other(s.desc)].now
}

// setOther is applyPairs for an attribute that has no number.
func (d *draft) setOther(s *setting, appendTo bool) {
	f := &d.fields[d.other(s.desc)]
	from := len(d.vals)
	if appendTo {
		d.vals = append(d.vals, f.now...)
	}
next:
	for _, v := range s.values {
		for _, have := range d.vals[from:] {
			if equalFoldString(have, v) {
				continue next
			}
		}
		d.vals = append(d.vals, d.keepString(v))
	}
	f.now, f.same = d.vals[from:len(d.vals):len(d.vals)], false
}

// warnPairs tells of pairs that do what is seldom meant: one uid or address for
// all entries, and several values of an attribute that holds one.
func (r *run) warnPairs() {
	for _, s := range r.pairs {
		name := schema.Name(s.id)
		switch {
		case s.id == schema.ObjectClass && len(s.values) == 0:
			r.warn("classes-replaced", "-A", "an empty objectClass takes every class from every selected entry: no directory takes an entry without one")
		case s.id == schema.None && len(s.values) > 0:
			r.warnOptions(s.desc)
		case len(s.values) == 0:
		case s.id == schema.ObjectClass && !r.opt.Append && !s.add:
			r.warn("classes-replaced", "-A", "objectClass replaces all classes of every selected entry; -P adds to them")
		case s.id == schema.UID:
			r.warn("same-for-all", "-A", name+" names one entry: every selected entry gets the same")
		case schema.Info(s.id).Single && len(s.values) > 1:
			r.warn("single-value", "-A", fmt.Sprintf("%s holds one value: a directory refuses %d", name, len(s.values)))
		case schema.Info(s.id).Single && (r.opt.Append || s.add):
			r.warn("single-value", "-A", fmt.Sprintf("%s holds one value: where an entry has one, -P makes two, which a directory refuses", name))
		}
	}
}

// warnOptions tells of an attribute that is set with options and that servers
// read without.
func (r *run) warnOptions(desc []byte) {
	name, _, found := bytes.Cut(desc, []byte{';'})
	id, _ := schema.Lookup(name)
	if !found || id == schema.None || spokenTexts.has(id) && ldif.InLanguages(desc) {
		return
	}
	if mapped := &r.rules.options.mapped; mapped.has(id) || readWithOptions.has(id) {
		r.warn("options-unread", "-A", fmt.Sprintf("%s: servers go by %s without options: is a : missing behind the name", desc, schema.Name(id)))
	}
}
