package schema

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// OpenLDAPOptions says which definitions WriteOpenLDAP writes.
type OpenLDAPOptions struct {
	// Standalone adds the standard attributes and classes, for a server
	// that includes neither core.schema, cosine.schema nor
	// inetorgperson.schema. Its groupOfUniqueNames needs no member, as in
	// Directory Server 4.x. Without it those three files come first.
	Standalone bool
}

// WriteOpenLDAP writes the merged schema as slapd.conf directives. Left out are
// what slapd defines itself, the operational attributes of Netscape servers,
// which slapd.conf cannot define, and the one class of the Mailing List Manager
// with an underscore in its name. Exact-case strings become directory strings,
// since values with bytes above 127 occur in exports; binary ones become octet
// strings, which can be compared and so deleted by value.
func WriteOpenLDAP(w io.Writer, o OpenLDAPOptions) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail schema of SIMS 4.0, NMS 4.x and iMS 5.x for OpenLDAP.")
	if !o.Standalone {
		writeComment(out, "Include core.schema, cosine.schema and inetorgperson.schema before it.")
	}
	for i := range attributes {
		a := &attributes[i]
		if a.Name == "" || a.builtin || a.Operational || a.Origin == Standard && !o.Standalone {
			continue
		}
		writeOpenLDAPAttribute(out, a)
	}
	for i := range classes {
		c := &classes[i]
		if c.Name == "" || ClassID(i) == ClassTop || c.Origin == Standard && !o.Standalone {
			continue
		}
		if strings.Contains(c.Name, "_") {
			continue // not a name to LDAPv3
		}
		writeOpenLDAPClass(out, c)
	}
	return out.Flush()
}

func writeComment(out *bufio.Writer, text string) {
	fmt.Fprintf(out, "# %s\n", text)
}

func writeOpenLDAPAttribute(out *bufio.Writer, a *Attribute) {
	fmt.Fprintf(out, "\nattributetype ( %s NAME %s\n\tDESC '%s'\n\t%s", a.OID, quotedNames(a), a.Origin, matching(a))
	if a.Single && !a.WasMulti {
		out.WriteString(" SINGLE-VALUE")
	}
	out.WriteString(" )\n")
}

// quotedNames returns the NAME field: one quoted name, or several in brackets.
func quotedNames(a *Attribute) string {
	if len(a.Aliases) == 0 {
		return "'" + a.Name + "'"
	}
	var b strings.Builder
	b.WriteString("( '" + a.Name + "'")
	for _, alias := range a.Aliases {
		b.WriteString(" '" + alias + "'")
	}
	b.WriteString(" )")
	return b.String()
}

const syntaxArc = "1.3.6.1.4.1.1466.115.121.1."

// matching returns the matching rules and the syntax slapd needs for an
// attribute.
func matching(a *Attribute) string {
	if a.loose {
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

func writeOpenLDAPClass(out *bufio.Writer, c *Class) {
	fmt.Fprintf(out, "\nobjectclass ( %s NAME '%s'\n\tDESC '%s'\n\tSUP %s %s", c.OID, c.Name, c.Origin, superior(c), c.Kind)
	writeNameList(out, "MUST", c.Must)
	writeNameList(out, "MAY", c.May)
	out.WriteString(" )\n")
}

func superior(c *Class) string {
	if c.Superior == "" {
		return "top"
	}
	return c.Superior
}

func writeNameList(out *bufio.Writer, keyword string, list []ID) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\n\t%s ( ", keyword)
	for i, id := range list {
		if i > 0 {
			out.WriteString(" $ ")
		}
		if i > 0 && i%6 == 0 {
			out.WriteString("\n\t\t")
		}
		out.WriteString(attributes[id].Name)
	}
	out.WriteString(" )")
}

// WriteATConf writes the attributes that the products brought in the form of
// slapd.user_at.conf (Directory Server 4.x). The server's own files define the
// standard ones.
func WriteATConf(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail attributes of SIMS 4.0, NMS 4.x and iMS 5.x.")
	for i := range attributes {
		a := &attributes[i]
		if a.Name == "" || a.Origin == Standard {
			continue
		}
		fmt.Fprintf(out, "attribute %s", a.Name)
		for _, alias := range a.Aliases {
			out.WriteString(" " + alias)
		}
		fmt.Fprintf(out, " %s %s", a.OID, a.Syntax)
		if a.Single && !a.WasMulti {
			out.WriteString(" single")
		}
		if a.Operational {
			out.WriteString(" operational")
		}
		out.WriteByte('\n')
	}
	return out.Flush()
}

// WriteOCConf writes the classes that the products brought in the form of
// slapd.user_oc.conf. Every class but top requires objectClass, as the Netscape
// files have it.
func WriteOCConf(w io.Writer) error {
	out := bufio.NewWriter(w)
	writeComment(out, "Merged mail object classes of SIMS 4.0, NMS 4.x and iMS 5.x.")
	for i := range classes {
		c := &classes[i]
		if c.Name == "" || c.Origin == Standard {
			continue
		}
		fmt.Fprintf(out, "\nobjectclass %s\n\toid %s\n\tsuperior %s\n", c.Name, c.OID, superior(c))
		writeConfList(out, "requires", append([]ID{ObjectClass}, c.Must...))
		writeConfList(out, "allows", c.May)
	}
	return out.Flush()
}

func writeConfList(out *bufio.Writer, keyword string, list []ID) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\t%s\n", keyword)
	for i, id := range list {
		out.WriteString("\t\t" + attributes[id].Name)
		if i < len(list)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
}
