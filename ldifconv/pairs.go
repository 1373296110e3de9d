package ldifconv

import (
	"fmt"
	"strings"

	"imsconv/ldifconv/schema"
)

// ParsePairs splits an argument of -A: pairs at `;`, each at its first `:`.
// A `\` before the `;`, which the shell of old command lines took away, is
// taken away too, and so are blanks around names and values.
func ParsePairs(arg string) ([]Pair, error) {
	var pairs []Pair
	for _, part := range strings.Split(strings.ReplaceAll(arg, `\;`, ";"), ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		attr, value, ok := strings.Cut(part, ":")
		attr = strings.TrimSpace(attr)
		if !ok || attr == "" {
			return nil, fmt.Errorf("%q is not attribute:value", part)
		}
		pairs = append(pairs, Pair{attr, strings.Trim(value, " \t")})
	}
	return pairs, nil
}

// setting is all pairs of one attribute.
type setting struct {
	id     attrID // None: desc has options or is unknown
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
		s := setting{desc: []byte(p.Attr)}
		if p.Value != "" {
			s.values = []string{p.Value}
		}
		if !strings.Contains(p.Attr, ";") {
			s.id, _ = schema.LookupString(p.Attr)
		}
		for i := range list {
			if list[i].id == s.id && (s.id != schema.None || equalFold(list[i].desc, s.desc)) {
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

func validDesc(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlnum(c) && strings.IndexByte("-._;", c) < 0 {
			return false
		}
	}
	return s != ""
}

// applyPairs sets the attributes of -A, or adds to them.
func (d *draft) applyPairs(list []setting, appendTo bool) {
	for i := range list {
		s := &list[i]
		if s.id != schema.None {
			if appendTo {
				d.add(s.id, s.values...)
			} else {
				d.set(s.id, s.values...)
			}
			if s.id == schema.ObjectClass {
				d.readClasses()
			}
			continue
		}
		d.setOther(s, appendTo)
	}
}

// readClasses takes the classes from the values of objectClass.
func (d *draft) readClasses() {
	d.classes = classSet{}
	for _, v := range d.values(schema.ObjectClass) {
		if c, ok := schema.LookupClass(v); ok {
			d.classes.put(c)
		}
	}
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
