package schema

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"imsconv/ldifconv/ldif"
)

// maxSchemaFile is the size in bytes above which Read refuses a file.
const maxSchemaFile = 16 << 20

// ErrTooBig: a schema file over 16 MiB.
var ErrTooBig = errors.New("larger than 16 MiB")

// Read reads a schema file of any of the forms a site has: slapd.user_at.conf
// and slapd.user_oc.conf of Directory Server 4.x (in one file or two), LDIF
// with attributeTypes and objectClasses (Directory Server 5, 389-ds, OpenLDAP's
// cn=config), and attributetype and objectclass directives of OpenLDAP. What
// else such files hold is passed over. Errors name the line.
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

// statement is a directive with the lines that continue it.
type statement struct {
	line  int
	words []string // of the first line
	text  strings.Builder
	conf  strings.Builder // as it stands
}

func readDirectives(data []byte) (d Definitions, err error) {
	list, err := statements(data)
	if err != nil {
		return d, err
	}
	macros := map[string]string{}
	for i := range list {
		if err := d.directive(&list[i], macros); err != nil {
			return d, &Error{list[i].line, err}
		}
	}
	return d, nil
}

// statements groups lines: a line that begins with a blank belongs to the one
// before, and comments and empty lines to none.
func statements(data []byte) (list []statement, err error) {
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, maxConfLine)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimRight(scan.Text(), " \t\r")
		if line == "" || strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' || len(list) == 0 {
			list = append(list, statement{line: n, words: strings.Fields(line)})
		}
		s := &list[len(list)-1]
		s.text.WriteString(line + " ")
		s.conf.WriteString(line + "\n")
	}
	return list, scan.Err()
}

// directive takes one statement of slapd.conf or of a .conf file of Directory
// Server 4.
func (d *Definitions) directive(s *statement, macros map[string]string) error {
	text := s.text.String()
	bracket := strings.IndexByte(text, '(')
	v3 := bracket >= 0 && len(strings.Fields(text[:bracket])) == 1
	switch keyword := strings.ToLower(s.words[0]); {
	case keyword == "objectidentifier" && len(s.words) == 3:
		macros[strings.ToLower(s.words[1])] = expandOID(s.words[2], macros)
	case v3 && (keyword == "attributetype" || keyword == "attribute"):
		if err := d.attribute(text[bracket:]); err != nil {
			return err
		}
		a := &d.Attributes[len(d.Attributes)-1]
		a.OID = expandOID(a.OID, macros)
	case v3 && keyword == "objectclass":
		if err := d.class(text[bracket:]); err != nil {
			return err
		}
		c := &d.Classes[len(d.Classes)-1]
		c.OID = expandOID(c.OID, macros)
	case keyword == "attribute":
		a, err := parseAttribute(s.words[1:])
		if err != nil {
			return err
		}
		d.Attributes = append(d.Attributes, AttributeType{
			Names: append([]string{a.Name}, a.Aliases...), OID: a.OID, Syntax: a.Syntax,
			Single: a.Single, OneInIMS: a.Single, Operational: a.Operational, Origin: Site,
		})
	case keyword == "objectclass":
		return d.confClass(s)
	}
	return nil
}

func (d *Definitions) confClass(s *statement) error {
	list, err := ReadOCConf(strings.NewReader(s.conf.String()))
	var at *Error
	if errors.As(err, &at) {
		return at.Err // the caller knows the line of the file
	}
	if err != nil {
		return err
	}
	for _, c := range list {
		o := ClassType{Names: []string{c.Name}, OID: c.OID, Must: c.Requires, May: c.Allows, Kind: Auxiliary, Origin: Site}
		if !strings.EqualFold(c.Superior, "top") {
			o.Superiors = []string{c.Superior}
		}
		d.Classes = append(d.Classes, o)
	}
	return nil
}

// expandOID replaces the name of an objectidentifier directive, name or
// name:suffix, by its number.
func expandOID(oid string, macros map[string]string) string {
	name, suffix, _ := strings.Cut(oid, ":")
	base, ok := macros[strings.ToLower(name)]
	if !ok {
		return oid
	}
	if suffix != "" {
		return base + "." + suffix
	}
	return base
}
