package diff

import (
	"bytes"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// group is all values of one canonical description of an entry.
type group struct {
	name   string // canonical
	desc   []byte // as the entry has it first
	number int
	values [][]byte
	norms  map[string]bool // the values as they are compared
}

// groups collects what is compared of an entry, in its order, equal values
// once.
func (c *comparer) groups(e *ldif.Entry) []*group {
	var list []*group
	byName := map[string]*group{}
	for i := range e.Attrs {
		a := &e.Attrs[i]
		name, number := c.compared(a.Desc)
		if name == "" {
			continue
		}
		g := byName[name]
		if g == nil {
			g = &group{name: name, desc: a.Desc, number: number, norms: map[string]bool{}}
			if i := bytes.IndexByte(a.Desc, ';'); i >= 0 && bytes.Contains(bytes.ToLower(a.Desc), []byte("csn-")) {
				g.desc = []byte(name)
			}
			byName[name] = g
			list = append(list, g)
		}
		for _, v := range a.Values {
			g.add(c.value(number, v.Data), v.Data)
		}
	}
	return list
}

func (g *group) add(norm, value []byte) {
	if !g.norms[string(norm)] {
		g.norms[string(norm)] = true
		g.values = append(g.values, value)
	}
}

// valuesOf returns the values of one attribute.
func (c *comparer) valuesOf(e *ldif.Entry, name string) (values [][]byte) {
	for i := range e.Attrs {
		if c.canonical(e.Attrs[i].Desc) != name {
			continue
		}
		for _, v := range e.Attrs[i].Values {
			values = append(values, v.Data)
		}
	}
	return values
}

func find(list []*group, name string) *group {
	for _, g := range list {
		if g.name == name {
			return g
		}
	}
	return nil
}

// manyValues is the number of values from which on single ones are added and
// deleted rather than all replaced.
const manyValues = 16

// change is one attribute that differs: the values that come and go. was or is
// is nil when the attribute is new or goes as a whole.
type change struct {
	was, is    *group
	more, less [][]byte
}

// changes returns what makes is out of was, in the order of is.
func (c *comparer) changes(was, is []*group) (list []change) {
	old := make(map[string]*group, len(was))
	for _, g := range was {
		old[g.name] = g
	}
	for _, g := range is {
		ch := change{was: old[g.name], is: g}
		delete(old, g.name)
		if ch.was == nil {
			ch.more = g.values
		} else {
			ch.more, ch.less = c.beyond(g, ch.was), c.beyond(ch.was, g)
		}
		if len(ch.more)+len(ch.less) > 0 {
			list = append(list, ch)
		}
	}
	for _, g := range was {
		if old[g.name] != nil {
			list = append(list, change{was: g, less: g.values})
		}
	}
	return list
}

// beyond returns the values of a that b does not have.
func (c *comparer) beyond(a, b *group) (list [][]byte) {
	for _, v := range a.values {
		if !b.norms[string(c.value(a.number, v))] {
			list = append(list, v)
		}
	}
	return list
}

// mods are the modifications that make the change. All values are replaced, but
// for few of many.
func (ch *change) mods(deletable func(number int) bool) []ldif.Mod {
	switch {
	case ch.is == nil:
		return []ldif.Mod{{Op: ldif.ModDelete, Attr: ldif.Attr{Desc: ch.was.desc}}}
	case ch.was == nil:
		return []ldif.Mod{{Op: ldif.ModAdd, Attr: ldif.Attr{Desc: ch.is.desc, Values: ldifValues(ch.is.values)}}}
	case len(ch.is.values) < manyValues || len(ch.more)+len(ch.less) > len(ch.is.values)/2 || !deletable(ch.is.number):
		return []ldif.Mod{{Op: ldif.ModReplace, Attr: ldif.Attr{Desc: ch.is.desc, Values: ldifValues(ch.is.values)}}}
	}
	var mods []ldif.Mod
	if len(ch.less) > 0 {
		mods = append(mods, ldif.Mod{Op: ldif.ModDelete, Attr: ldif.Attr{Desc: ch.is.desc, Values: ldifValues(ch.less)}})
	}
	if len(ch.more) > 0 {
		mods = append(mods, ldif.Mod{Op: ldif.ModAdd, Attr: ldif.Attr{Desc: ch.is.desc, Values: ldifValues(ch.more)}})
	}
	return mods
}

func ldifValues(values [][]byte) (list []ldif.Value) {
	for _, v := range values {
		list = append(list, ldif.Value{Data: v})
	}
	return list
}

// added is a new entry without what its server will keep itself.
func (c *comparer) added(rec *ldif.Record) *ldif.Record {
	out := &ldif.Record{Entry: ldif.Entry{DN: rec.DN}, Type: ldif.Add}
	ignore := c.ignore
	c.ignore = nil // an attribute that is not compared is still written
	for _, g := range c.groups(&rec.Entry) {
		out.Attrs = append(out.Attrs, ldif.Attr{Desc: g.desc, Values: ldifValues(g.values)})
	}
	c.ignore = ignore
	return out
}

// rename is the record that gives an entry its new name.
func (c *comparer) rename(old, now *ldif.Record, is []*group) *ldif.Record {
	r := &ldif.Record{Entry: ldif.Entry{DN: old.DN}, Type: ldif.ModRDN}
	rdn, parent := splitDN(now.DN)
	_, oldParent := splitDN(old.DN)
	r.NewRDN = rdn
	a, errA := ldif.AppendNormDN(nil, parent)
	b, errB := ldif.AppendNormDN(nil, oldParent)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		r.NewSuperior = parent
	}
	for _, pair := range rdnPairs(old.DN) {
		g := find(is, c.canonical([]byte(pair.name)))
		r.DeleteOldRDN = r.DeleteOldRDN || g == nil || !g.holdsFold(pair.value)
	}
	return r
}

// afterRename is what the entry holds once it has its new name.
func (c *comparer) afterRename(was []*group, old, now *ldif.Entry, deleteOld bool) []*group {
	if deleteOld {
		for _, pair := range rdnPairs(old.DN) {
			if g := find(was, c.canonical([]byte(pair.name))); g != nil {
				g.dropFold(c, pair.value)
			}
		}
	}
	for _, pair := range rdnPairs(now.DN) {
		name := c.canonical([]byte(pair.name))
		g := find(was, name)
		if g == nil {
			g = &group{name: name, desc: []byte(pair.name), number: c.o.Schema.Attribute([]byte(pair.name)), norms: map[string]bool{}}
			was = append(was, g)
		}
		if !g.holdsFold(pair.value) {
			g.add(c.value(g.number, []byte(pair.value)), []byte(pair.value))
		}
	}
	kept := was[:0]
	for _, g := range was {
		if len(g.values) > 0 {
			kept = append(kept, g)
		}
	}
	return kept
}

func (g *group) holdsFold(value string) bool {
	for _, v := range g.values {
		if strings.EqualFold(strings.Join(strings.Fields(string(v)), " "), value) {
			return true
		}
	}
	return false
}

func (g *group) dropFold(c *comparer, value string) {
	kept := g.values[:0]
	for _, v := range g.values {
		if strings.EqualFold(strings.Join(strings.Fields(string(v)), " "), value) {
			delete(g.norms, string(c.value(g.number, v)))
			continue
		}
		kept = append(kept, v)
	}
	g.values = kept
}

// splitDN cuts the first RDN off, as it is written.
func splitDN(dn []byte) (rdn, parent []byte) {
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch {
		case dn[i] == '\\':
			i++
		case dn[i] == '"':
			quoted = !quoted
		case (dn[i] == ',' || dn[i] == ';') && !quoted:
			return bytes.TrimSpace(dn[:i]), bytes.TrimSpace(dn[i+1:])
		}
	}
	return bytes.TrimSpace(dn), nil
}

// namePair is one part of an RDN.
type namePair struct{ name, value string }

// rdnPairs are the parts of the first RDN, their escapes undone.
func rdnPairs(dn []byte) (pairs []namePair) {
	rdn, _ := splitDN(dn)
	var p namePair
	value, escaped := false, 0
	var b []byte
	end := func() {
		if value {
			p.value = strings.TrimRight(string(b[escaped:]), " ")
			p.value = string(b[:escaped]) + p.value
			pairs = append(pairs, p)
		}
		p, value, b, escaped = namePair{}, false, nil, 0
	}
	quoted := false
	for i := 0; i < len(rdn); i++ {
		ch := rdn[i]
		switch {
		case ch == '\\' && i+2 < len(rdn) && isHex(rdn[i+1]) && isHex(rdn[i+2]):
			b = append(b, unhex(rdn[i+1])<<4|unhex(rdn[i+2]))
			escaped = len(b)
			i += 2
		case ch == '\\' && i+1 < len(rdn):
			i++
			b = append(b, rdn[i])
			escaped = len(b)
		case ch == '"':
			quoted = !quoted
			escaped = len(b)
		case ch == '+' && !quoted:
			end()
		case ch == '=' && !value:
			p.name, value, b = strings.TrimSpace(string(b)), true, nil
		case ch == ' ' && value && len(b) == 0 && !quoted:
		default:
			b = append(b, ch)
		}
	}
	end()
	return pairs
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// deletable reports whether a server can delete single values of the attribute:
// it needs a matching rule, which an unknown one may lack.
func (c *comparer) deletable(number int) bool {
	return number != 0 && c.o.Schema.AttributeType(number).Syntax != schema.Bin
}
