package sims

import (
	"fmt"
)

// build makes the member of its last header b.
func (r *Reader) build(b []byte) (*Member, error) {
	e := &r.ext
	r.shared.apply(e)
	r.m = Member{Offset: r.extStart, Name: e.name(b)}
	m := &r.m
	typ := b[offType]
	size, ok := e.bodySize(b)
	switch {
	case typ == '1' && ok:
		size = r.linkBody(size)
		b = r.fill(blockSize) // the window may have moved
	case bodyless(typ):
		size, ok = 0, true
	}
	if !ok || size < 0 || size > maxBody {
		return nil, r.damaged(&Error{Offset: m.Offset, Name: m.Name, Class: BadSize, Text: "the size of its body cannot be"})
	}
	mtime, dated := e.time(b)
	if typ == '1' {
		if m.Link = e.link; !e.hasLink {
			m.Link = string(cString(b[offLink : offLink+100]))
		}
	}
	more := typ == 'S' && b[offMore] != 0
	r.advance(blockSize)
	r.sparseMap(more)
	m.Data, m.Time = r.pos, mtime
	r.size, r.left = size, size
	r.pad = roundUp(size) - size
	switch typ {
	case '1': // what a link carries is what it links to, or should be
		m.Carried = size
	case 'D':
	default:
		m.Size = size
	}
	return r.check(typ, dated)
}

// name is the name that headers give a member; b is the last of them.
func (e *extended) name(b []byte) string {
	switch {
	case e.realName != "":
		return e.realName
	case e.hasPath:
		return e.path
	}
	return headerName(b)
}

// bodySize is the size field, and whether it can be read.
func (e *extended) bodySize(b []byte) (int64, bool) {
	if e.hasSize {
		return e.size, !e.badSize
	}
	return parseNumeric(b[offSize : offSize+12])
}

// time is the modification time, 0 when it cannot be read.
func (e *extended) time(b []byte) (int64, bool) {
	switch {
	case e.badMtime:
		return 0, false
	case e.hasMtime:
		return e.mtime, true
	}
	n, ok := parseNumeric(b[offMtime : offMtime+12])
	if !ok {
		return 0, false
	}
	return n, true
}

// bodyless tells the types whose size field means nothing.
func bodyless(typ byte) bool { return typ >= '1' && typ <= '6' }

// check decides whether the member is one of the profile; dated says that its
// date can be read.
func (r *Reader) check(typ byte, dated bool) (*Member, error) {
	m := &r.m
	// D is a directory with the list of its files, of an incremental GNU archive.
	dir := typ == '5' || typ == 'D' || typ == 0 && len(m.Name) > 0 && m.Name[len(m.Name)-1] == '/'
	switch {
	case dir:
		m.Kind = Mailbox
	case typ == '0' || typ == 0 || typ == '7':
		m.Kind = Message
	case typ == '1':
		m.Kind = Link
	}
	refuse := func(kind, text string) (*Member, error) {
		p := &Error{Offset: m.Offset, Name: m.Name, Class: kind, Text: text}
		if m.Kind == Message {
			p.Member = m
		}
		return nil, p
	}
	damage := r.damage
	r.damage = false
	if r.ext.bad {
		return refuse(BadExtended, "its extended header cannot be read")
	}
	if damage && !r.ext.active && len(m.Name) >= 100 {
		return refuse(BadExtended, "its name may have been cut: the header before it is damaged")
	}
	if dir && len(m.Name) > 1 && m.Name[len(m.Name)-1] == '/' {
		m.Name = m.Name[:len(m.Name)-1]
	}
	var v values
	v.date(m, m.Time, dated)
	m.apply(r.ext.attrs, &v)
	if m.Kind == 0 {
		return refuse(BadType, typeText(typ))
	}
	if text := r.ext.changed(r.size); text != "" && m.Kind == Message {
		m.Kind = 0 // the body cannot stand for the message
		return refuse(BadType, text)
	}
	if text := checkName(m.Name); text != "" {
		return refuse(BadName, text)
	}
	if text := m.split(); text != "" {
		return refuse(BadName, text)
	}
	r.sum, r.summed = m.vouched(), 0
	if m.Kind == Link {
		if text := checkName(m.Link); text != "" {
			return refuse(BadName, "link target: "+text)
		}
	}
	r.refused, r.ready = v.take(m), true
	if text := r.root.take(m); text != "" {
		r.refused = append(r.refused, &Error{Offset: m.Offset, Name: m.Name, Class: OddName, Text: text, Tolerated: true})
	}
	return r.deliver()
}

func typeText(typ byte) string {
	switch typ {
	case 'S':
		return "a sparse file"
	case 'M':
		return "the rest of a file that another volume begins"
	case '2':
		return "a symbolic link"
	case '3':
		return "a character device"
	case '4':
		return "a block device"
	case '6':
		return "a named pipe"
	}
	return fmt.Sprintf("a member of type %q", typ)
}
