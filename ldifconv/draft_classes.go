package ldifconv

import (
	"bytes"
	"slices"

	"imsconv/ldifconv/schema"
)

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
		c := classID(last.id)
		if !bytes.Equal(last.text, v) {
			c = d.names.class(v)
			if len(v) <= longestCached {
				last.text, last.id = append(last.text[:0], v...), uint16(c)
			}
		}
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

// hasClass reports whether the entry has the class now.
func (d *draft) hasClass(c classID) bool { return d.classes.has(c) }

// hadClass reports whether the source entry has the class.
func (d *draft) hadClass(c classID) bool { return d.had.has(c) }

// classIDs returns the numbers of the values of objectClass.
func (d *draft) classIDs() []classID {
	if !d.idsKnown {
		d.ids = d.ids[:0]
		for _, v := range d.values(schema.ObjectClass) {
			d.ids = append(d.ids, d.names.class(v))
		}
		d.idsKnown = true
	}
	return d.ids
}

// addClass appends the classes in their canonical spelling, those that the
// entry does not have.
func (d *draft) addClass(classes ...classID) {
	for _, c := range classes {
		if !d.classes.has(c) {
			d.field(schema.ObjectClass) // has its place now
			d.classes.put(c)
			d.coming = append(d.coming, c)
		}
	}
}

// dropClass takes the classes away.
func (d *draft) dropClass(classes ...classID) {
	for _, c := range classes {
		if !d.classes.has(c) {
			continue
		}
		d.classes.drop(c)
		d.leaving.put(c)
		if i := slices.Index(d.coming, c); i >= 0 {
			d.coming = slices.Delete(d.coming, i, i+1)
		}
	}
}

// settleClasses makes the values of objectClass those that addClass and
// dropClass left: of several changes the list is written once.
func (d *draft) settleClasses() {
	if len(d.coming) == 0 && d.leaving == (classSet{}) {
		return
	}
	leaving, coming := d.leaving, d.coming
	d.leaving, d.coming = classSet{}, d.coming[:0]
	ids, from, n := d.classIDs(), len(d.vals), 0
	for i, v := range d.values(schema.ObjectClass) {
		if !leaving.has(ids[i]) {
			d.vals, ids[n] = append(d.vals, v), ids[i]
			n++
		}
	}
	ids = ids[:n]
	for _, c := range coming {
		d.vals, ids = append(d.vals, classNames[c]), append(ids, c)
	}
	d.assign(schema.ObjectClass, d.vals[from:len(d.vals):len(d.vals)])
	d.ids, d.idsKnown = ids, true
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
