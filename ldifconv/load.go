package ldifconv

import (
	"bytes"
	"slices"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// manyOthers is the number of unknown descriptions above which they get an
// index.
const manyOthers = 32

// load makes d the draft of rec. All runs of one description become one field,
// at the place of the first; values under an alias (rfc822mailbox) stand behind
// those under the name itself.
func (d *draft) load(rec *ldif.Record, out *batch) {
	keep := d.begin(rec, out)
	d.takeKept(keep)
	replica := false
	for i := keep; i < len(rec.Attrs); i++ {
		a := &rec.Attrs[i]
		at, alias, state := d.placeRun(a)
		replica = replica || state != ldif.NoState
		if state == ldif.Deleted {
			at = -1
		}
		d.runs = append(d.runs, placedAt(at, alias, a))
		if state != ldif.NoState {
			d.runs[i].desc = nil // told of in each entry
		}
		if at >= 0 {
			d.take(at, a.Values)
		}
	}
	if len(d.split) > 0 {
		d.mergeRuns()
	}
	d.loadClasses()
	if replica {
		d.warn("replication-state", "replication state of the export is left out")
	}
}

// begin makes the draft empty for a record, but for the number of fields that
// it returns: those that the attributes at the beginning have in the same way
// as in the record before.
func (d *draft) begin(rec *ldif.Record, out *batch) (keep int) {
	for keep < len(rec.Attrs) && keep < len(d.runs) && d.runs[keep].as(&rec.Attrs[keep]) && int(d.runs[keep].field) == keep {
		keep++
	}
	for i := keep; i < len(d.fields); i++ {
		d.slot[d.fields[i].id] = 0
	}
	for n := len(d.unknown); n > 0 && d.unknown[n-1] >= keep; n-- {
		d.unknown = d.unknown[:n-1]
	}
	d.rec, d.out, d.kind, d.renamed, d.warned, d.refused = rec, out, 0, nil, 0, 0
	d.fields, d.runs, d.split = d.fields[:keep], d.runs[:keep], d.split[:0]
	d.vals, d.text, d.others = d.vals[:0], d.text[:0], nil
	d.classes, d.had, d.present = classSet{}, classSet{}, attrSet{}
	d.leaving, d.coming, d.arrived = classSet{}, d.coming[:0], d.arrived[:0]
	d.roomForValues()
	return keep
}

// takeKept gives the fields that are those of the record before their values.
func (d *draft) takeKept(keep int) {
	vals := d.vals
	for i := range d.fields[:keep] {
		f, from := &d.fields[i], len(vals)
		values := d.rec.Attrs[i].Values
		for j := range values {
			vals = append(vals, values[j].Data)
		}
		f.old = vals[from:len(vals):len(vals)]
		f.now, f.same, f.split, f.count = f.old, true, false, 0
	}
	d.vals = vals
	if keep != d.kept {
		d.kept, d.keptPresent = keep, attrSet{}
		for i := range d.fields[:keep] {
			d.keptPresent.put(d.fields[i].id)
		}
		d.keptPresent.drop(schema.None)
	}
	d.present = d.keptPresent
}

// roomForValues makes room for the values of the record at once: what a long
// list takes is not taken twice.
func (d *draft) roomForValues() {
	total := 0
	for i := range d.rec.Attrs {
		total += len(d.rec.Attrs[i].Values)
	}
	if cap(d.vals) < total {
		d.vals = make([][]byte, 0, total+min(total/4, manyValues)+64)
	}
}

// take gives the values of one run to its field, when it is the first.
func (d *draft) take(at int, values []ldif.Value) {
	f := &d.fields[at]
	if len(f.old) > 0 {
		if !f.split {
			f.split = true
			d.split = append(d.split, at)
		}
		return
	}
	from := len(d.vals)
	for i := range values {
		d.vals = append(d.vals, values[i].Data)
	}
	f.old = d.vals[from:len(d.vals):len(d.vals)]
	f.now = f.old
	if f.id != schema.None {
		d.present.put(f.id)
	}
}

// mergeRuns gives the fields of several runs the values of all of them.
func (d *draft) mergeRuns() {
	for i, p := range d.runs {
		if p.field >= 0 && d.fields[p.field].split {
			d.fields[p.field].count += len(d.rec.Attrs[i].Values)
		}
	}
	for _, at := range d.split {
		f, from := &d.fields[at], len(d.vals)
		d.vals = slices.Grow(d.vals, f.count)[:from+f.count]
		f.old = d.vals[from : from : from+f.count]
	}
	d.mergeSpelled(false)
	d.mergeSpelled(true)
	for _, at := range d.split {
		d.fields[at].now = d.fields[at].old
	}
}

func (d *draft) mergeSpelled(alias bool) {
	for i, p := range d.runs {
		if p.field < 0 || p.alias != alias || !d.fields[p.field].split {
			continue
		}
		f := &d.fields[p.field]
		for _, v := range d.rec.Attrs[i].Values {
			f.old = append(f.old, v.Data)
		}
	}
}

// placed says which field a run of the record belongs to, -1 for none.
type placed struct {
	field int32
	alias bool
	desc  *byte // the description, when it has a number
}

// as reports whether a has the description of the run, both with a number.
func (p *placed) as(a *ldif.Attr) bool { return a.Num != 0 && p.desc == &a.Desc[0] }

// placedAt is the run of a in a field.
func placedAt(field int, alias bool, a *ldif.Attr) placed {
	p := placed{field: int32(field), alias: alias}
	if a.Num != 0 {
		p.desc = &a.Desc[0]
	}
	return p
}

// placeRun finds or makes the field of a run; state is that of its options.
func (d *draft) placeRun(a *ldif.Attr) (at int, alias bool, state ldif.ReplicaState) {
	k := d.known(a)
	if k.id == schema.None {
		desc := a.Desc
		if k.options {
			desc, state = stripState(desc)
		}
		at, alias = d.place(desc)
		return at, alias, state
	}
	if s := d.slot[k.id]; s != 0 {
		return int(s - 1), k.alias, ldif.NoState
	}
	return d.newField(k.id, k.desc, k.alias), k.alias, ldif.NoState
}

// knownDesc is what a description means.
type knownDesc struct {
	desc    []byte
	id      attrID // None when it is unknown or has options
	alias   bool   // it is not the attribute's own name
	options bool
}

// known returns what the description of a means, most often without looking
// into it.
func (d *draft) known(a *ldif.Attr) *knownDesc {
	if a.Num == 0 {
		d.unnumbered = d.meaning(a.Desc)
		return &d.unnumbered
	}
	n := int(a.Num)
	if n >= len(d.numbered) {
		d.numbered = append(d.numbered, make([]knownDesc, n+1-len(d.numbered))...)
	}
	k := &d.numbered[n]
	if len(k.desc) != len(a.Desc) || &k.desc[0] != &a.Desc[0] { // of another Scanner
		*k = d.meaning(a.Desc)
	}
	return k
}

func (d *draft) meaning(desc []byte) knownDesc {
	id, alias := d.names.attr(desc)
	return knownDesc{desc, id, alias, bytes.IndexByte(desc, ';') >= 0}
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
	return d.newField(id, desc, alias), alias
}

// newField makes the field of an attribute that has none.
func (d *draft) newField(id attrID, desc []byte, alias bool) int {
	if alias {
		desc = attrNames[id]
	}
	f := d.grow()
	f.id, f.desc = id, desc
	d.slot[id] = uint16(len(d.fields))
	return len(d.fields) - 1
}

// grow appends a field without values.
func (d *draft) grow() *field {
	d.fields = append(d.fields, field{same: true})
	return &d.fields[len(d.fields)-1]
}

// other finds or makes the field of a description that has no number.
func (d *draft) other(desc []byte) int {
	if at := d.findOther(desc); at >= 0 {
		return at
	}
	d.grow().desc = desc
	at := len(d.fields) - 1
	d.unknown = append(d.unknown, at)
	if d.others != nil {
		d.others[string(lower(desc))] = at
	} else if at >= manyOthers {
		d.others = make(map[string]int)
		for _, i := range d.unknown {
			d.others[string(lower(d.fields[i].desc))] = i
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
	for _, i := range d.unknown {
		if equalFold(d.fields[i].desc, desc) {
			return i
		}
	}
	return -1
}

// stripState cuts the replication state that db2ldif -r writes as options
// (;vucsn-..., ;deleted) off a description.
func stripState(desc []byte) (clean []byte, state ldif.ReplicaState) {
	if state = ldif.StateOf(desc); state == ldif.NoState {
		return desc, state
	}
	for i, part := range bytes.Split(desc, []byte{';'}) {
		if i > 0 && ldif.StateOfOption(part) != ldif.NoState {
			continue
		}
		if i > 0 {
			clean = append(clean, ';')
		}
		clean = append(clean, part...)
	}
	return clean, state
}
