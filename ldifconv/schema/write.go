package schema

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"imsconv/ldifconv/ldif"
)

// commentWidth is the length of the longest comment line written.
const commentWidth = 76

// writeComment writes text as comment lines.
func writeComment(out *bufio.Writer, text string) {
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > commentWidth && line != "#" {
			out.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	out.WriteString(line + "\n")
}

// reasons writes what there is to say about one definition.
func reasons(out *bufio.Writer, name, reason string, placeholder bool) {
	if reason != "" {
		writeComment(out, name+": "+reason)
	}
	if placeholder {
		writeComment(out, name+": its identifier is a placeholder, no public source gives one")
	}
}

// WriteSlapd writes attributetype and objectclass directives of slapd.conf, the
// form of OpenLDAP's .schema files. Left out are what slapd defines itself, the
// operational attributes of Netscape servers, which slapd.conf cannot define,
// and the one class of the Mailing List Manager with an underscore in its name.
// Exact-case strings become directory strings, since values with bytes above
// 127 occur in exports; binary ones become octet strings, which can be compared
// and so deleted by value.
func (s *Set) WriteSlapd(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail schema of SIMS 4.0, NMS 4.x and iMS 5.x for OpenLDAP.")
	if s.Attribute([]byte("sn")) == 0 {
		writeComment(out, "Include core.schema, cosine.schema and inetorgperson.schema before it.")
	}
	s.eachForOpenLDAP(func(a *AttributeType) {
		out.WriteByte('\n')
		reasons(out, a.Name(), a.Reason, a.Placeholder)
		fmt.Fprintf(out, "attributetype ( %s )\n", describeAttribute(a, openLDAPMatching(a), "\n\t"))
	}, func(c *ClassType) {
		out.WriteByte('\n')
		reasons(out, c.Name(), c.Reason, c.Placeholder)
		fmt.Fprintf(out, "objectclass ( %s )\n", describeClass(c, s.kindOf(c), "\n\t"))
	})
	return out.Flush()
}

// WriteSlapdConfig writes the same as an entry below cn=schema,cn=config.
func (s *Set) WriteSlapdConfig(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail schema of SIMS 4.0, NMS 4.x and iMS 5.x for OpenLDAP's cn=config.")
	out.WriteString("dn: cn=imsconv,cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: imsconv\n")
	var line []byte
	value := func(name, text string) {
		line = ldif.AppendValue(line[:0], name, text)
		out.Write(line)
	}
	s.eachForOpenLDAP(func(a *AttributeType) {
		reasons(out, a.Name(), a.Reason, a.Placeholder)
		value("olcAttributeTypes", "( "+describeAttribute(a, openLDAPMatching(a), " ")+" )")
	}, func(c *ClassType) {
		reasons(out, c.Name(), c.Reason, c.Placeholder)
		value("olcObjectClasses", "( "+describeClass(c, s.kindOf(c), " ")+" )")
	})
	return out.Flush()
}

// eachForOpenLDAP calls the functions for what OpenLDAP can be told.
func (s *Set) eachForOpenLDAP(attribute func(*AttributeType), class func(*ClassType)) {
	for i := range s.attrs {
		if a := s.attrs[i]; i > 0 && !a.builtin && !a.Operational {
			a.OID, a.Placeholder = numbered(a.OID, a.Name(), a.Placeholder)
			attribute(&a)
		}
	}
	for i := range s.classes {
		if c := s.classes[i]; i > 0 && !builtinClass(c.Name()) && !strings.Contains(c.Name(), "_") {
			c.OID, c.Placeholder = numbered(c.OID, c.Name(), c.Placeholder)
			class(&c)
		}
	}
}

// numbered is an identifier for OpenLDAP, which takes no NAME-oid: that is how
// Netscape's servers call what has none.
func numbered(oid, name string, placeholder bool) (string, bool) {
	if strings.HasSuffix(strings.ToLower(oid), "-oid") {
		return Placeholder(name), true
	}
	return oid, placeholder
}

// kindOf is the kind of a class. Files of Directory Server 4 know none: a class
// below a structural one is structural, and any other may stand beside one.
func (s *Set) kindOf(c *ClassType) Kind {
	if c.KindKnown {
		return c.Kind
	}
	standard := Merged()
	up := c
	for range maxSuperiors {
		if len(up.Superiors) == 0 {
			break
		}
		name := []byte(up.Superiors[0])
		if n := s.Class(name); n > 0 {
			up = s.ClassType(n)
		} else {
			up = standard.ClassType(standard.Class(name))
		}
		if up.KindKnown && up.Kind == Structural {
			return Structural
		}
		if up.KindKnown {
			break
		}
	}
	return Auxiliary
}

// maxSuperiors bounds the way up from a class: files may have rings.
const maxSuperiors = 30

// builtinClass reports whether slapd has the class compiled in, and takes no
// other of its name or number.
func builtinClass(name string) bool {
	switch strings.ToLower(name) {
	case "top", "alias", "referral", "extensibleobject", "subschema", "subentry":
		return true
	}
	return false
}

// WriteLDIF writes cn=schema with attributeTypes and objectClasses, the form
// that Directory Server 5 and 389 Directory Server read at their start from a
// file such as 99imsconv.ldif in their schema folder.
func (s *Set) WriteLDIF(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail schema of SIMS 4.0, NMS 4.x and iMS 5.x.")
	out.WriteString("dn: cn=schema\nobjectClass: top\nobjectClass: ldapSubentry\nobjectClass: subschema\ncn: schema\n")
	var line []byte
	value := func(name, text, origin string) {
		line = ldif.AppendValue(line[:0], name, fmt.Sprintf("( %s X-ORIGIN '%s' )", text, origin))
		out.Write(line)
	}
	for i := range s.attrs {
		if a := &s.attrs[i]; i > 0 && !a.Operational {
			reasons(out, a.Name(), a.Reason, a.Placeholder && !a.nameOID)
			named := *a
			named.OID = a.netscapeOID()
			value("attributeTypes", describeAttribute(&named, syntaxOf(a), " "), a.Origin.String())
		}
	}
	for i := range s.classes {
		if c := &s.classes[i]; i > 0 && !strings.Contains(c.Name(), "_") {
			reasons(out, c.Name(), c.Reason, c.Placeholder)
			value("objectClasses", describeClass(c, s.kindOf(c), " "), c.Origin.String())
		}
	}
	return out.Flush()
}

// netscapeOID is the identifier as Netscape's servers know it.
func (a *AttributeType) netscapeOID() string {
	if a.nameOID && a.Placeholder {
		return a.Name() + "-oid"
	}
	return a.OID
}

// describeAttribute is the inside of an attribute's description.
func describeAttribute(a *AttributeType, matching, glue string) string {
	text := fmt.Sprintf("%s NAME %s%sDESC '%s'%s%s", a.OID, quoted(a.Names), glue, a.Origin, glue, matching)
	if a.Single {
		text += " SINGLE-VALUE"
	}
	return text
}

// quoted is the NAME field: one quoted name, or several in brackets.
func quoted(names []string) string {
	if len(names) == 1 {
		return "'" + names[0] + "'"
	}
	return "( '" + strings.Join(names, "' '") + "' )"
}

const syntaxArc = "1.3.6.1.4.1.1466.115.121.1."

// openLDAPMatching returns the matching rules and the syntax that slapd needs.
func openLDAPMatching(a *AttributeType) string {
	if a.Loose {
		return "EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX " + syntaxArc + "15"
	}
	switch a.Syntax {
	case CES:
		return "EQUALITY caseExactMatch SUBSTR caseExactSubstringsMatch SYNTAX " + syntaxArc + "15"
	case Tel:
		return "EQUALITY telephoneNumberMatch SUBSTR telephoneNumberSubstringsMatch SYNTAX " + syntaxArc + "50"
	case DN:
		return "EQUALITY distinguishedNameMatch SYNTAX " + syntaxArc + "12"
	case Int:
		return "EQUALITY integerMatch SYNTAX " + syntaxArc + "27"
	case Bin:
		return "EQUALITY octetStringMatch SYNTAX " + syntaxArc + "40"
	}
	return "EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX " + syntaxArc + "15"
}

// syntaxOf returns equality and syntax as Directory Server 5 has them.
func syntaxOf(a *AttributeType) string {
	text, _, _ := strings.Cut(openLDAPMatching(a), " SUBSTR")
	_, syntax, _ := strings.Cut(openLDAPMatching(a), " SYNTAX ")
	text, _, _ = strings.Cut(text, " SYNTAX")
	return text + " SYNTAX " + syntax
}

// describeClass is the inside of a class's description.
func describeClass(c *ClassType, kind Kind, glue string) string {
	superiors := "top"
	if len(c.Superiors) == 1 {
		superiors = c.Superiors[0]
	} else if len(c.Superiors) > 1 {
		superiors = "( " + strings.Join(c.Superiors, " $ ") + " )"
	}
	text := fmt.Sprintf("%s NAME %s%sDESC '%s'%sSUP %s %s", c.OID, quoted(c.Names), glue, c.Origin, glue, superiors, kind)
	if strings.EqualFold(c.Name(), "top") {
		text = fmt.Sprintf("%s NAME %s%sDESC '%s'%s%s", c.OID, quoted(c.Names), glue, c.Origin, glue, kind)
	}
	return text + nameList("MUST", c.Must, glue) + nameList("MAY", c.May, glue)
}

func nameList(keyword string, list []string, glue string) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(glue + keyword + " ( ")
	for i, name := range list {
		if i > 0 {
			b.WriteString(" $ ")
		}
		if i > 0 && i%6 == 0 && glue != " " {
			b.WriteString("\n\t\t")
		}
		b.WriteString(name)
	}
	b.WriteString(" )")
	return b.String()
}

// WriteAT writes the attributes in the form of slapd.user_at.conf (Directory
// Server 4.x). The server's own files define the standard ones.
func (s *Set) WriteAT(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail attributes of SIMS 4.0, NMS 4.x and iMS 5.x.")
	for i := range s.attrs {
		if i == 0 {
			continue
		}
		a := &s.attrs[i]
		reasons(out, a.Name(), a.Reason, a.Placeholder && !a.nameOID)
		fmt.Fprintf(out, "attribute %s %s %s", strings.Join(a.Names, " "), a.netscapeOID(), a.Syntax)
		if a.Single {
			out.WriteString(" single")
		}
		if a.Operational {
			out.WriteString(" operational")
		}
		out.WriteByte('\n')
	}
	return out.Flush()
}

// WriteOC writes the classes in the form of slapd.user_oc.conf. Every class
// requires objectClass, as the Netscape files have it.
func (s *Set) WriteOC(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail object classes of SIMS 4.0, NMS 4.x and iMS 5.x.")
	for i := range s.classes {
		if i == 0 {
			continue
		}
		c := &s.classes[i]
		superior := "top"
		if len(c.Superiors) > 0 {
			superior = c.Superiors[0]
		}
		out.WriteByte('\n')
		reasons(out, c.Name(), c.Reason, c.Placeholder)
		fmt.Fprintf(out, "objectclass %s\n\toid %s\n\tsuperior %s\n", c.Name(), c.OID, superior)
		must := []string{"objectClass"}
		for _, name := range c.Must {
			if !strings.EqualFold(name, "objectClass") {
				must = append(must, name)
			}
		}
		writeConfList(out, "requires", must)
		writeConfList(out, "allows", c.May)
	}
	return out.Flush()
}

func writeConfList(out *bufio.Writer, keyword string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\t%s\n\t\t%s\n", keyword, strings.Join(list, ",\n\t\t"))
}
