package sims

import (
	"fmt"
	"strings"
)

// build makes the member of its last header b.
func (r *Reader) build(b []byte) (*Member, error) {
	e := &r.ext
	typ := b[offType]
	r.lost = ""
	if !e.bad {
		if r.lost = e.strayed(b); r.lost != "" {
			e.reset()
			r.damage = true
		}
	}
	r.shared.apply(e)
	r.cut = e.mayBeCut(b, r.damage)
	if r.cut == "" && r.header.Profile != "" && e.fillsField(b) {
		r.cut = "its name may have been cut: it fills its field, does not end as that of a directory does, and has no extended header"
	}
	if r.cut == "" && e.doubled(b, r.m.Name) {
		r.cut = "its name may have been cut: that of the member in front of it begins so, and goes on"
	}
	r.m = Member{Offset: r.extStart, Name: e.name(b)}
	m := &r.m
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
	r.seen, r.tail = 0, 0
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

// strayed says why the extended headers in front of the header b are those of
// another member, which is missing; "": they are its own.
//
// What GNU headers give in full begins in the header's own fields. SIMS records
// are those of messages or of directories.
func (e *extended) strayed(b []byte) string {
	typ := b[offType]
	own := func(offset int) string { return string(cString(b[offset : offset+100])) }
	switch {
	case !e.active:
		return ""
	case e.link != "" && typ != '1' && typ != '2':
		return "an extended header names the target of a link, and the member behind it is none: the link is missing"
	case e.longLink && e.hasLink && !strings.HasPrefix(e.link, own(offLink)):
		return "an extended header names another target than the link behind it: the link that it belongs to is missing"
	case e.long && e.hasPath && !strings.HasPrefix(e.path, own(offName)):
		return fmt.Sprintf("an extended header names %s, and another member stands behind it: that one is missing", DisplayName(e.path))
	}
	dir := typ == '5' || typ == 'D' || typ == 0 && isDirectory(typ, e.name(b))
	if !dir && bodyless(typ) && typ != '1' {
		return "" // no member of the profile
	}
	for _, a := range e.attrs {
		switch a.Key {
		case "SIMS.flags", "SIMS.sha256":
			if dir {
				return fmt.Sprintf("an extended header has %s, as messages do, and a directory stands behind it: the message is missing", a.Key)
			}
		case "SIMS.quota", "SIMS.uidvalidity", "SIMS.uidnext", "SIMS.madeuids", "SIMS.subscribed", "SIMS.keywords", "SIMS.acl":
			if !dir {
				return fmt.Sprintf("an extended header has %s, as users and mailboxes do, and a message stands behind it: what it belongs to is missing", a.Key)
			}
		}
	}
	return ""
}

// isDirectory tells a directory by its type. D is one with the list of its
// files, of an incremental GNU archive.
func isDirectory(typ byte, name string) bool {
	return typ == '5' || typ == 'D' || typ == 0 && strings.HasSuffix(name, "/")
}

// mayBeCut says why the name of a member, or the target of a link, may be only
// a part of it, where the header that should give all of it says nothing, or is
// gone by damage in front of the member; "": it is whole.
func (e *extended) mayBeCut(b []byte, damage bool) string {
	why := "the header before it is damaged"
	switch {
	case e.blank:
		why = "the extended header before it holds zeros, or nothing, or control bytes in a key"
	case e.active || !damage:
		return ""
	}
	const field = 100 // bytes
	link := cString(b[offLink : offLink+field])
	switch {
	case e.realName == "" && !e.hasPath && (e.long || len(headerName(b)) >= field):
		return "its name may have been cut: " + why
	case b[offType] == '1' && !e.hasLink && (e.longLink || len(link) == field):
		return "its link target may have been cut: " + why
	}
	return ""
}

// fillsField tells a directory that fills the field with a name that does not
// end as those of directories do, and has no extended header with another.
func (e *extended) fillsField(b []byte) bool {
	const field = 100 // bytes
	name := headerName(b)
	return !e.active && b[offType] == '5' && len(name) == field && name[field-1] != '/'
}

// doubled tells a directory that seems to be the header of the member before
// it, which stands twice: its name seems to be cut, and the name before, which
// is longer, begins so.
func (e *extended) doubled(b []byte, before string) bool {
	if !e.fillsField(b) {
		return false
	}
	name := headerName(b)
	rest, begins := strings.CutPrefix(before, name)
	return begins && rest != "" && rest[0] != '/'
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

// bodySize is the size of the body, and whether it can be read. A header that
// has room for the size of its record and says another one contradicts it: one
// of the two is wrong. 0 is what a writer has there that relies on the record.
func (e *extended) bodySize(b []byte) (int64, bool) {
	size, ok := parseNumeric(b[offSize : offSize+12])
	if !e.hasSize {
		return size, ok
	}
	agree := !ok || size == 0 || size == e.size || e.size >= 1<<33
	return e.size, !e.badSize && agree
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
	dir := isDirectory(typ, m.Name)
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
		r.refused = append(r.refused, p)
		return r.deliver()
	}
	if r.lost != "" {
		r.refused = append(r.refused, &Error{Offset: m.Offset, Name: m.Name, Class: Lost, Text: r.lost})
	}
	r.damage = false
	if r.ext.bad {
		return refuse(BadExtended, "its extended header cannot be read")
	}
	if r.cut != "" {
		return refuse(BadExtended, r.cut)
	}
	if dir && len(m.Name) > 1 && m.Name[len(m.Name)-1] == '/' {
		m.Name = m.Name[:len(m.Name)-1]
	}
	var v values
	if r.ext.blank {
		v.refuse(m, BadExtended, "its extended header holds zeros, or nothing, where it should say something, or control bytes in a key: what it said is lost")
	}
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
	r.sum = m.vouched()
	if m.Kind == Link {
		if text := checkName(m.Link); text != "" {
			return refuse(BadName, "link target: "+text)
		}
	}
	r.refused, r.ready = append(r.refused, v.take(m)...), true
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
