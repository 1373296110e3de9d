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
	rdn, _ := ldif.CutRDN(now.DN)
	r.NewRDN = ldif.TrimDN(rdn)
	parent := parentOf(now.DN)
	a, errA := ldif.AppendNormDN(nil, parent)
	b, errB := ldif.AppendNormDN(nil, parentOf(old.DN))
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		r.NewSuperior = parent
	}
	for _, part := range ldif.NamingOf(old.DN) {
		g := find(is, c.canonical([]byte(part.Type)))
		r.DeleteOldRDN = r.DeleteOldRDN || g == nil || !g.holdsFold(part.Value)
	}
	return r
}

// afterRename is what the entry holds once it has its new name.
func (c *comparer) afterRename(was []*group, old, now *ldif.Entry, deleteOld bool) []*group {
	if deleteOld {
		for _, part := range ldif.NamingOf(old.DN) {
			if g := find(was, c.canonical([]byte(part.Type))); g != nil {
				g.dropFold(c, part.Value)
			}
		}
	}
	for _, part := range ldif.NamingOf(now.DN) {
		name := c.canonical([]byte(part.Type))
		g := find(was, name)
		if g == nil {
			g = &group{name: name, desc: []byte(part.Type), number: c.o.Schema.Attribute([]byte(part.Type)), norms: map[string]bool{}}
			was = append(was, g)
		}
		if !g.holdsFold(part.Value) {
			g.add(c.value(g.number, []byte(part.Value)), []byte(part.Value))
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

// parentOf is the DN without its first part, as it is written; nil of a DN of
// one part.
func parentOf(dn []byte) []byte {
	_, rest := ldif.CutRDN(dn)
	if rest == nil {
		return nil
	}
	return ldif.TrimDN(rest[1:])
}

// deletable reports whether a server can delete single values of the attribute:
// it needs a matching rule, which an unknown one may lack.
func (c *comparer) deletable(number int) bool {
	return number != 0 && c.o.Schema.AttributeType(number).Syntax != schema.Bin
}
