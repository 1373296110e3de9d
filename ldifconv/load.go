package ldifconv

import (
	"bytes"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// manyOthers is the number of unknown descriptions above which they get an index.
const manyOthers = 32

// load makes d the draft of rec. All runs of one description become one field,
// at the place of the first; values under an alias (rfc822mailbox) stand behind
// those under the name itself.
func (d *draft) load(rec *ldif.Record, out *batch) {
	for i := range d.fields {
		d.slot[d.fields[i].id] = 0
	}
	d.rec, d.out, d.kind, d.renamed, d.warned = rec, out, 0, nil, 0
	d.fields, d.vals, d.text, d.others = d.fields[:0], d.vals[:0], d.text[:0], nil
	d.present, d.classes, d.had = attrSet{}, classSet{}, classSet{}
	d.runs = d.runs[:0]

	total, aliased, replica := 0, false, false
	d.expect = len(d.layout)
	for i := range rec.Attrs {
		a := &rec.Attrs[i]
		if p := d.expected(i, a.Desc); p != nil {
			d.fields[p.field].count += len(a.Values)
			total += len(a.Values)
			aliased = aliased || p.alias
			d.runs = append(d.runs, placed{p.field, p.alias})
			continue
		}
		desc, state := a.Desc, 0
		if bytes.IndexByte(desc, ';') >= 0 {
			if desc, state = stripState(desc); state != 0 {
				replica = true
			}
		}
		at, alias := d.place(desc)
		if state == deletedState {
			at = -1
		} else {
			d.fields[at].count += len(a.Values)
			total += len(a.Values)
		}
		aliased = aliased || alias
		d.runs = append(d.runs, placed{at, alias})
	}
	d.fill(total, aliased)
	d.learn(replica)
	if replica {
		d.warn("replication-state", "replication state of the export is left out")
	}
	d.loadClasses()
}

// loadClasses finds the numbers of the object classes: most often those of the
// entry before.
func (d *draft) loadClasses() {
	values := d.values(schema.ObjectClass)
	d.ids, d.idsKnown = d.ids[:0], true
	for i, v := range values {
		if i >= len(d.lastClasses) {
			d.lastClasses = append(d.lastClasses, cachedName{})
		}
		last := &d.lastClasses[i]
		if !bytes.Equal(last.text, v) {
			last.text, last.id = append(last.text[:0], v...), uint16(d.names.class(v))
		}
		c := classID(last.id)
		d.ids = append(d.ids, c)
		if c != schema.NoClass {
			d.had.put(c)
		}
	}
	if len(d.lastClasses) > manyOthers {
		d.lastClasses = d.lastClasses[:manyOthers]
	}
	d.classes = d.had
}

// layoutRun is one run of the entry before: the next entry most often has the
// same attributes in the same order.
type layoutRun struct {
	desc  []byte // as written
	field int
	alias bool
	id    attrID
	name  []byte // desc of the field
}

// expected returns where run i goes when all runs up to it are those of the
// entry before, making its field; nil when they are not.
func (d *draft) expected(i int, desc []byte) *layoutRun {
	if i >= d.expect {
		return nil
	}
	p := &d.layout[i]
	if !bytes.Equal(p.desc, desc) {
		d.expect = i
		return nil
	}
	if p.field == len(d.fields) {
		d.fields = append(d.fields, field{id: p.id, desc: p.name, same: true})
		d.slot[p.id] = uint16(len(d.fields))
	}
	return p
}

// learn remembers the runs of the entry when they are not those of the one
// before. Long and odd entries are not worth it.
func (d *draft) learn(replica bool) {
	n := len(d.runs)
	if d.expect == n && len(d.layout) == n || n > 64 || replica || d.others != nil {
		return
	}
	for len(d.layout) < n {
		d.layout = append(d.layout, layoutRun{})
	}
	d.layout = d.layout[:n]
	for i := d.expect; i < n; i++ {
		p, run := &d.layout[i], d.runs[i]
		f := &d.fields[run.field]
		p.desc = append(p.desc[:0], d.rec.Attrs[i].Desc...)
		p.field, p.alias, p.id = run.field, run.alias, f.id
		if p.name = p.desc; f.id != schema.None && run.alias {
			p.name = attrNames[f.id]
		}
	}
}

// placed says which field a run of the record belongs to, -1 for none.
type placed struct {
	field int
	alias bool
}

// place finds or makes the field of a description.
func (d *draft) place(desc []byte) (at int, alias bool) {
	id, alias := d.names.attr(desc)
	if id == schema.None {
		return d.other(desc), false
	}
	if s := d.slot[id]; s != 0 {
		return int(s - 1), alias
	}
	if alias {
		desc = attrNames[id]
	}
	d.fields = append(d.fields, field{id: id, desc: desc, same: true})
	d.slot[id] = uint16(len(d.fields))
	return len(d.fields) - 1, alias
}

// other finds or makes the field of a description that has no number.
func (d *draft) other(desc []byte) int {
	if at := d.findOther(desc); at >= 0 {
		return at
	}
	d.fields = append(d.fields, field{desc: desc, same: true})
	at := len(d.fields) - 1
	if d.others != nil {
		d.others[string(lower(desc))] = at
	} else if at >= manyOthers {
		d.others = make(map[string]int)
		for i := range d.fields {
			if d.fields[i].id == schema.None {
				d.others[string(lower(d.fields[i].desc))] = i
			}
		}
	}
	return at
}

// findOther returns the field of a description that has no number, or -1.
func (d *draft) findOther(desc []byte) int {
	if d.others != nil {
		if at, ok := d.others[string(lower(desc))]; ok {
			return at
		}
		return -1
	}
	for i := range d.fields {
		if d.fields[i].id == schema.None && equalFold(d.fields[i].desc, desc) {
			return i
		}
	}
	return -1
}

// fill gives every field its values, total in all.
func (d *draft) fill(total int, aliased bool) {
	if cap(d.vals) < total {
		d.vals = make([][]byte, 0, total+total/4+64)
	}
	d.vals = d.vals[:total]
	from := 0
	for i := range d.fields {
		f := &d.fields[i]
		f.old = d.vals[from : from : from+f.count]
		from += f.count
	}
	d.fillRuns(false)
	if aliased {
		d.fillRuns(true)
	}
	for i := range d.fields {
		f := &d.fields[i]
		f.now = f.old
		if len(f.old) > 0 && f.id != schema.None {
			d.present.put(f.id)
		}
	}
}

func (d *draft) fillRuns(alias bool) {
	for i, p := range d.runs {
		if p.field < 0 || p.alias != alias {
			continue
		}
		f := &d.fields[p.field]
		for _, v := range d.rec.Attrs[i].Values {
			f.old = append(f.old, v.Data)
		}
	}
}

// What stripState found.
const (
	plainState = iota + 1
	deletedState
)

// stripState cuts the replication state that db2ldif -r writes as options
// (;vucsn-..., ;deleted) off a description.
func stripState(desc []byte) (clean []byte, state int) {
	rest := desc
	for len(rest) > 0 {
		part := rest
		if i := bytes.IndexByte(rest, ';'); i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		s := stateOption(part)
		state = max(state, s)
	}
	if state == 0 {
		return desc, 0
	}
	for i, part := range bytes.Split(desc, []byte{';'}) {
		if i > 0 && stateOption(part) != 0 {
			continue
		}
		if i > 0 {
			clean = append(clean, ';')
		}
		clean = append(clean, part...)
	}
	return clean, state
}

func stateOption(option []byte) int {
	if equalFoldString(option, "deleted") || equalFoldString(option, "deletedattribute") {
		return deletedState
	}
	for _, prefix := range [...]string{"vucsn-", "vdcsn-", "mdcsn-", "adcsn-"} {
		if len(option) > len(prefix) && equalFoldString(option[:len(prefix)], prefix) {
			return plainState
		}
	}
	return 0
}
