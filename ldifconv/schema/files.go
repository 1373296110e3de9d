package schema

import "io"

// The forms of the files that a schema is written as.
const (
	DS4      = "ds4"      // Directory Server 4.x: userat and useroc directives
	LDIF     = "ldif"     // Directory Server 5 and 389 Directory Server
	OpenLDAP = "openldap" // slapd.conf, and cn=config
)

// Forms are all of them.
func Forms() []string { return []string{DS4, LDIF, OpenLDAP} }

// Products are the origins of the products, whose merged schema goes to a
// directory server.
func Products() []Origin { return []Origin{SIMS, NMS, IMS} }

// File is one file of a form.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// Files are the files of the form; of another form than those of Forms there
// are none.
func (s *Set) Files(form string) []File {
	switch form {
	case DS4:
		return []File{{"merged.at.conf", s.WriteAT}, {"merged.oc.conf", s.WriteOC}}
	case LDIF:
		return []File{{"99imsconv.ldif", s.WriteLDIF}}
	case OpenLDAP:
		return []File{{"imsconv.schema", s.WriteSlapd}, {"imsconv.ldif", s.WriteSlapdConfig}}
	}
	return nil
}
