package ldif

import (
	"bytes"
	"fmt"
)

// change reads a change record from its first control or changetype line.
func (s *Scanner) change(l logical, desc, rest []byte, control bool) *Error {
	var damage *Error
	for control {
		if damage = s.control(&l, rest); damage != nil {
			return damage
		}
		var ok bool
		if l, ok = s.next(); !ok {
			return &Error{Class: BadChange, Line: s.rec.Line, Text: "control without a changetype"}
		}
		if desc, rest, damage = split(&l); damage != nil {
			return damage
		}
		control = foldEqual(desc, "control")
	}
	if !foldEqual(desc, "changetype") {
		return &Error{Class: BadChange, Line: l.num, Text: "control line without a changetype line after it"}
	}
	v, damage := s.value(&l, rest)
	if damage != nil {
		return damage
	}
	v = trimSpace(v)
	for t := Add; int(t) < len(changeTypes); t++ {
		if foldEqual(v, changeTypes[t]) {
			s.rec.Type = t
		}
	}
	switch s.rec.Type {
	case Add:
		return s.addBody(l.num)
	case Delete:
		if l, ok := s.next(); ok {
			return &Error{Class: BadChange, Line: l.num, Text: "delete record has more lines"}
		}
		return nil
	case Modify:
		return s.modify()
	case ModRDN, ModDN:
		return s.rename(l.num)
	}
	return &Error{Class: BadChange, Line: l.num, Text: fmt.Sprintf("unknown changetype %q", clip(v))}
}

// control reads `control: OID [true|false] [: value | :: base64]`.
func (s *Scanner) control(l *logical, rest []byte) *Error {
	text := trimSpace(rest[1:])
	end := bytes.IndexAny(text, " :")
	c := Control{OID: text}
	if end >= 0 {
		c.OID, text = text[:end], trimLeft(text[end:])
	} else {
		text = nil
	}
	for _, word := range [...]string{"true", "false"} {
		if len(text) >= len(word) && foldEqual(text[:len(word)], word) {
			c.Critical = word == "true"
			text = trimLeft(text[len(word):])
			break
		}
	}
	if len(c.OID) == 0 || len(text) > 0 && text[0] != ':' {
		return &Error{Class: BadChange, Line: l.num, Text: "bad control line"}
	}
	if len(text) > 0 {
		v, damage := s.value(l, text)
		if damage != nil {
			return damage
		}
		c.Value = v
		if v == nil {
			c.Value = []byte{}
		}
	}
	s.rec.Controls = append(s.rec.Controls, c)
	return nil
}

// addBody reads the attributes of an add record.
func (s *Scanner) addBody(num int) *Error {
	for {
		l, ok := s.next()
		if !ok {
			break
		}
		desc, rest, damage := split(&l)
		if damage != nil {
			return damage
		}
		if marker(desc) {
			return s.marked(l, desc, rest, false)
		}
		v, damage := s.value(&l, rest)
		if damage != nil {
			return damage
		}
		if damage := s.push(desc, v, l.num); damage != nil {
			return damage
		}
	}
	if len(s.starts) == 0 {
		return &Error{Class: BadChange, Line: num, Text: "add record has no attributes"}
	}
	s.close()
	return nil
}

// modify reads the modifications of a modify record.
func (s *Scanner) modify() *Error {
	open := false
	for {
		l, ok := s.next()
		if !ok {
			break
		}
		if len(l.text) == 1 && l.text[0] == '-' {
			open = false
			continue
		}
		desc, rest, damage := split(&l)
		if damage != nil {
			return damage
		}
		if !open {
			if damage := s.openMod(&l, desc, rest); damage != nil {
				return damage
			}
			open = true
			continue
		}
		n := len(s.runs) - 1
		if !bytes.EqualFold(desc, s.rec.Mods[n].Desc) {
			return &Error{Class: BadChange, Line: l.num, Text: fmt.Sprintf("%q is not the attribute being modified (is a - line missing?)", clip(desc))}
		}
		v, damage := s.value(&l, rest)
		if damage != nil {
			return damage
		}
		s.vals = append(s.vals, Value{Data: v, Line: l.num})
		s.runs[n].to = len(s.vals)
	}
	for i, r := range s.runs {
		s.rec.Mods[i].Values = s.vals[r.from:r.to:r.to]
	}
	return nil
}

// openMod reads an add:, delete:, replace: or increment: line.
func (s *Scanner) openMod(l *logical, desc, rest []byte) *Error {
	v, damage := s.value(l, rest)
	if damage != nil {
		return damage
	}
	m := Mod{Attr: Attr{Desc: trimSpace(v)}, Line: l.num}
	for op := ModAdd; int(op) < len(modOps); op++ {
		if foldEqual(desc, modOps[op]) {
			m.Op = op
		}
	}
	if m.Op == 0 {
		return &Error{Class: BadChange, Line: l.num, Text: fmt.Sprintf("unknown modification %q", clip(desc))}
	}
	bad := len(m.Desc) == 0
	for _, c := range m.Desc {
		bad = bad || !descByte[c]
	}
	if bad {
		return &Error{Class: BadChange, Line: l.num, Text: fmt.Sprintf("%q is not an attribute description", clip(m.Desc))}
	}
	if len(s.rec.Mods) == maxAttrs {
		return &Error{Class: EntryTooLong, Line: s.rec.Line, Text: fmt.Sprintf("record has more than %d modifications", maxAttrs)}
	}
	s.rec.Mods = append(s.rec.Mods, m)
	s.runs = append(s.runs, run{len(s.vals), len(s.vals)})
	return nil
}

// rename reads the lines of a modrdn or moddn record.
func (s *Scanner) rename(num int) *Error {
	var haveRDN, haveDelete bool
	for {
		l, ok := s.next()
		if !ok {
			break
		}
		desc, rest, damage := split(&l)
		if damage != nil {
			return damage
		}
		v, damage := s.value(&l, rest)
		if damage != nil {
			return damage
		}
		switch {
		case !haveRDN && foldEqual(desc, "newrdn"):
			s.rec.NewRDN, haveRDN = v, true
		case haveRDN && !haveDelete && foldEqual(desc, "deleteoldrdn") && (string(v) == "0" || string(v) == "1"):
			s.rec.DeleteOldRDN, haveDelete = v[0] == '1', true
		case haveDelete && s.rec.NewSuperior == nil && foldEqual(desc, "newsuperior"):
			if s.rec.NewSuperior = v; v == nil {
				s.rec.NewSuperior = []byte{}
			}
		default:
			return &Error{Class: BadChange, Line: l.num, Text: fmt.Sprintf("unexpected line %q in a %s record", clip(l.text), s.rec.Type)}
		}
	}
	if !haveDelete {
		return &Error{Class: BadChange, Line: num, Text: fmt.Sprintf("%s record without newrdn and deleteoldrdn", s.rec.Type)}
	}
	return nil
}
