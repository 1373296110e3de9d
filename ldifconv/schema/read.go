package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"imsconv/ldifconv/ldif"
)

// maxSchemaFile is the size in bytes above which Read refuses a file: twice
// what the largest directories define, and no more than can be held at once.
const maxSchemaFile = 4 << 20

// maxOID is the length in bytes above which an identifier is refused, so that
// names of identifiers made of each other do not grow without end.
const maxOID = 512

// ErrTooBig: a schema file over 4 MiB.
var ErrTooBig = errors.New("larger than 4 MiB, as no schema is: give the definitions of the site alone")

// Read reads a schema file of any of the forms a site has: slapd.user_at.conf
// and slapd.user_oc.conf of Directory Server 4.x (in one file or two), LDIF
// with attributeTypes and objectClasses (Directory Server 5, 389-ds, OpenLDAP's
// cn=config), and attributetype and objectclass directives of OpenLDAP. What
// else such files hold is passed over. The first line that cannot be read is an
// error that names it, *Error or *ldif.Error, since a server would not start on
// such a file.
func Read(r io.Reader) (Definitions, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSchemaFile+1))
	if err != nil {
		return Definitions{}, err
	}
	if len(data) > maxSchemaFile {
		return Definitions{}, ErrTooBig
	}
	if isLDIF(data) {
		return readLDIF(data)
	}
	return readDirectives(data)
}

// isLDIF tells LDIF by its first line that is no comment.
func isLDIF(data []byte) bool {
	for len(data) > 0 {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		line = bytes.ToLower(line)
		return bytes.HasPrefix(line, []byte("dn:")) || bytes.HasPrefix(line, []byte("version:"))
	}
	return false
}

func readLDIF(data []byte) (d Definitions, err error) {
	in := ldif.NewReader(bytes.NewReader(data), ldif.Options{})
	for {
		rec, err := in.Next()
		if err == io.EOF {
			return d, nil
		}
		if err != nil {
			return d, err
		}
		attrs := rec.Attrs
		for i := range rec.Mods {
			attrs = append(attrs, rec.Mods[i].Attr)
		}
		for i := range attrs {
			if err := d.takeValues(&attrs[i]); err != nil {
				return d, err
			}
		}
	}
}

// takeValues takes the values of one attribute of cn=schema.
func (d *Definitions) takeValues(a *ldif.Attr) error {
	name := strings.ToLower(string(a.Name()))
	for _, v := range a.Values {
		text := stripOrder(string(v.Data))
		var err error
		switch name {
		case "attributetypes", "olcattributetypes":
			err = d.attribute(text)
		case "objectclasses", "olcobjectclasses":
			err = d.class(text)
		}
		if err != nil {
			return &Error{v.Line, err}
		}
	}
	return nil
}

// stripOrder cuts the number in braces that cn=config puts before a value.
func stripOrder(text string) string {
	if strings.HasPrefix(text, "{") {
		if i := strings.IndexByte(text, '}'); i > 0 {
			return text[i+1:]
		}
	}
	return text
}

func (d *Definitions) attribute(text string) error {
	a, err := parseAttributeType(text)
	if err == nil {
		d.Attributes = append(d.Attributes, a)
	}
	return err
}

func (d *Definitions) class(text string) error {
	c, err := parseObjectClass(text)
	if err == nil {
		d.Classes = append(d.Classes, c)
	}
	return err
}

// statement is a directive: its line, and the lines that continue it.
type statement struct {
	lines []confLine
	text  strings.Builder // of all lines, a blank behind each
}

func readDirectives(data []byte) (d Definitions, err error) {
	macros := map[string]string{}
	for s := range statements(data) {
		err := d.directive(s, macros)
		var at *Error
		switch {
		case errors.As(err, &at):
			return d, err
		case err != nil:
			return d, &Error{s.lines[0].number, err}
		}
	}
	return d, nil
}

// statements groups lines: a line that begins with a blank belongs to the one
// before, and comments and empty lines to none. A statement is valid until the
// next.
func statements(data []byte) iter.Seq[*statement] {
	return func(yield func(*statement) bool) {
		number := 0
		s := &statement{}
		for line := range bytes.Lines(data) {
			number++
			words := strings.Fields(string(line))
			if len(words) == 0 || words[0][0] == '#' {
				continue
			}
			if line[0] != ' ' && line[0] != '\t' && len(s.lines) > 0 {
				if !yield(s) {
					return
				}
				s = &statement{lines: s.lines[:0]}
			}
			s.lines = append(s.lines, confLine{number, words})
			s.text.Write(bytes.TrimRight(line, " \t\r\n"))
			s.text.WriteByte(' ')
		}
		if len(s.lines) > 0 {
			yield(s)
		}
	}
}

// directive takes one statement of slapd.conf or of a .conf file of Directory
// Server 4. An error that is no *Error is of its first line.
func (d *Definitions) directive(s *statement, macros map[string]string) error {
	text, words := s.text.String(), s.lines[0].words
	bracket := strings.IndexByte(text, '(')
	v3 := bracket >= 0 && len(strings.Fields(text[:bracket])) == 1
	switch keyword := strings.ToLower(words[0]); {
	case keyword == "objectidentifier" && len(words) == 3:
		oid, err := expandOID(words[2], macros)
		if err != nil {
			return err
		}
		macros[strings.ToLower(words[1])] = oid
	case v3 && (keyword == "attributetype" || keyword == "attribute"):
		if err := d.attribute(text[bracket:]); err != nil {
			return err
		}
		a := &d.Attributes[len(d.Attributes)-1]
		var err error
		if a.OID, err = expandOID(a.OID, macros); err != nil {
			return err
		}
	case v3 && keyword == "objectclass":
		if err := d.class(text[bracket:]); err != nil {
			return err
		}
		c := &d.Classes[len(d.Classes)-1]
		var err error
		if c.OID, err = expandOID(c.OID, macros); err != nil {
			return err
		}
	case keyword == "attribute":
		a, err := parseConfAttribute(words[1:])
		if err != nil {
			return err
		}
		d.Attributes = append(d.Attributes, a)
	case keyword == "objectclass":
		c, err := parseConfClass(s.lines)
		if err != nil {
			return err
		}
		d.Classes = append(d.Classes, c)
	}
	return nil
}

// expandOID replaces the name of an objectidentifier directive, name or
// name:suffix, by its number.
func expandOID(oid string, macros map[string]string) (string, error) {
	name, suffix, _ := strings.Cut(oid, ":")
	if base, ok := macros[strings.ToLower(name)]; ok {
		oid = base
		if suffix != "" {
			oid += "." + suffix
		}
	}
	if len(oid) > maxOID {
		return "", fmt.Errorf("an identifier of %d bytes, over the %d that one may have", len(oid), maxOID)
	}
	return oid, nil
}
