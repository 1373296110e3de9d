package ldifconv

import (
	"bytes"

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
	keep := 0 // fields that stay from the entry before
	same := rec.Shape != 0 && rec.Shape == d.shape
	if same {
		keep = d.loaded
	}
	for i := keep; i < len(d.fields); i++ {
		d.slot[d.fields[i].id] = 0
	}
	d.rec, d.out, d.kind, d.renamed, d.warned, d.refused = rec, out, 0, nil, 0, 0
	d.fields, d.vals, d.text, d.others = d.fields[:keep], d.vals[:0], d.text[:0], nil
	d.classes, d.had = classSet{}, classSet{}
	if same {
		d.loadSame(rec)
		return
	}
	d.present = attrSet{}
	d.runs = d.runs[:0]

	total, aliased, replica := 0, false, false
	for i := range rec.Attrs {
		a := &rec.Attrs[i]
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
	d.loadClasses()
	d.shape = 0
	if !aliased && !replica && len(d.fields) == len(d.runs) {
		d.shape, d.loaded, d.loadedPresent = rec.Shape, len(d.fields), d.present
	}
	if replica {
		d.warn("replication-state", "replication state of the export is left out")
	}
}

// loadSame is load for a record that has the attributes of the one loaded
// before: the fields are those, only their values are others. Each field is one
// run, in order.
func (d *draft) loadSame(rec *ldif.Record) {
	d.present = d.loadedPresent
	for i := range rec.Attrs {
		from := len(d.vals)
		for _, v := range rec.Attrs[i].Values {
			d.vals = append(d.vals, v.Data)
		}
		f := &d.fields[i]
		f.old = d.vals[from:len(d.vals):len(d.vals)]
		f.now, f.same = f.old, true
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
		d.vals = make([][]byte, 0, total+min(total/4, manyValues)+64)
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
