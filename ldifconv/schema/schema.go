package schema

import (
	"fmt"
	"strings"
)

// ID is a small number for an attribute of the table; None stands for any other
// attribute.
type ID uint16

// Syntax is the Directory Server 4.x syntax of an attribute.
type Syntax uint8

// The syntaxes of slapd.at.conf.
const (
	CIS Syntax = iota // case ignore string
	CES               // case exact string
	Tel               // telephone number
	DN                // distinguished name
	Int               // integer
	Bin               // octets
)

// String returns the slapd.at.conf keyword.
func (s Syntax) String() string {
	return [...]string{"cis", "ces", "tel", "dn", "int", "bin"}[s]
}

// Origin says which product brought an attribute or a class.
type Origin uint8

// The origins. An attribute of both NMS and iMS has the older one.
const (
	Standard Origin = iota
	SIMS
	NMS
	IMS
	Site // a file of the site
)

// String returns the short product name.
func (o Origin) String() string {
	return [...]string{"standard", "SIMS", "NMS", "iMS", "site"}[o]
}

const (
	netscape = "2.16.840.1.113730.3.1."
	sims     = "1.3.6.1.4.1.42.2.27.2.1."
	local    = "2.25.245730182716690340537366105713398467243."
)

// Attribute is one attribute type.
type Attribute struct {
	Name        string   // canonical spelling
	Aliases     []string // other names
	OID         string   // numeric
	Syntax      Syntax   // as slapd.at.conf names it
	Origin      Origin   // the product that brought it
	Single      bool     // iMS takes one value
	WasMulti    bool     // an older product took several: the merged definition does too
	Operational bool     // maintained by the server

	builtin bool // compiled into OpenLDAP's slapd
	loose   bool // values carry more than the syntax allows (parameters after a DN)
}

// names maps every spelling of an attribute; classNames every spelling of a
// class.
var (
	names      = newNameTable(attributeNames)
	classNames = newNameTable(classSpellings)
)

func attributeNames(add func(name string, id uint16)) {
	for i := range attributes {
		a := &attributes[i]
		if a.Name == "" {
			continue
		}
		add(a.Name, uint16(i))
		add(a.OID, uint16(i))
		for _, alias := range a.Aliases {
			add(alias, uint16(i))
		}
	}
	for _, other := range otherAttributeNumbers {
		add(other.oid, uint16(other.id))
	}
}

// Lookup returns the attribute that name means, ignoring case and resolving
// aliases and numeric identifiers. name is the attribute type alone, without
// options. It does not allocate.
func Lookup(name []byte) (ID, bool) {
	id, ok := names.lookup(trimOID(name))
	return ID(id), ok
}

// LookupString is Lookup for a string.
func LookupString(name string) (ID, bool) {
	return Lookup([]byte(name))
}

// trimOID cuts the prefix "oid." that RFC 2251 writers put before a numeric
// identifier.
func trimOID(name []byte) []byte {
	if len(name) > 4 && name[3] == '.' && name[4] >= '0' && name[4] <= '9' && strings.EqualFold(string(name[:3]), "oid") {
		return name[4:]
	}
	return name
}

// Name returns the canonical spelling of an attribute, or "" for None.
func Name(id ID) string { return attributes[id].Name }

// Operational reports whether the server maintains the attribute itself.
func Operational(id ID) bool { return attributes[id].Operational }

// SyntaxOf returns the syntax of an attribute; CIS for None, as Directory
// Server 4.x treats an attribute that it does not know.
func SyntaxOf(id ID) Syntax { return attributes[id].Syntax }

// Count is the number of attribute identifiers, None included: an ID is below
// it.
const Count = int(count)

// Info returns the definition of one attribute.
func Info(id ID) Attribute { return attributes[id] }

// Secret reports whether no message shows the values of an attribute.
func Secret(id ID) bool {
	switch id {
	case UserPassword, MgrpApprovePassword, MgrpAuthPassword, MgmemMailUserPassword:
		return true
	}
	return false
}

// shown is a value for messages.
func (a *AttributeType) shown(value []byte) string {
	if a.secret {
		return "a value (not shown)"
	}
	return fmt.Sprintf("%.100q", value)
}
