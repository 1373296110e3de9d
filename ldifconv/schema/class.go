package schema

import "bytes"

// Kind is the LDAPv3 kind of a class; Directory Server 4.x knew no kinds.
type Kind uint8

// The kinds.
const (
	Abstract Kind = iota
	Structural
	Auxiliary
)

// String returns the LDAPv3 keyword.
func (k Kind) String() string {
	return [...]string{"ABSTRACT", "STRUCTURAL", "AUXILIARY"}[k]
}

const netscapeClass = "2.16.840.1.113730.3.2."

// Class is one object class, merged over the products: what one of them allowed
// is allowed, what all of them required is required.
type Class struct {
	// Name is the canonical spelling and OID the number that the definition
	// has; LookupClass knows more.
	Name string
	OID  string
	// Kind tells structural, auxiliary and abstract classes apart.
	Kind Kind
	// Origin is the product that brought the class.
	Origin Origin
	// Superior is the name of the superior class; "" for top.
	Superior string
	// Must and May are the attributes that the class itself requires and
	// allows, without those of its superiors.
	Must []ID
	May  []ID
}

func classSpellings(add func(name string, id uint16)) {
	for i := range classes {
		c := &classes[i]
		if c.Name == "" {
			continue
		}
		add(c.Name, uint16(i))
		add(c.OID, uint16(i))
	}
	for _, other := range otherClassNumbers {
		add(other.oid, uint16(other.id))
	}
}

// LookupClass returns the class that name means, ignoring case and blanks
// around it, which mean nothing in a value of objectClass. It does not
// allocate.
func LookupClass(name []byte) (ClassID, bool) {
	id, ok := classNames.lookup(trimOID(bytes.TrimSpace(name)))
	return ClassID(id), ok
}

// ClassName returns the canonical spelling of a class, or "" for NoClass.
func ClassName(id ClassID) string { return classes[id].Name }

// ClassCount is the number of class identifiers, NoClass included: a ClassID is
// below it.
const ClassCount = int(classCount)
