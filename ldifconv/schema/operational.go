package schema

// serverOwn are operational attributes of Netscape's heirs and of OpenLDAP that
// exports have and no table of a messaging product names, in lower case.
var serverOwn = map[string]bool{
	"accesslog": true, "contextcsn": true, "dsentrydn": true, "passwordgraceusertime": true, "copyingfrom": true, "createtimestamp": true, "dncomp": true, "entrycsn": true,
	"entrydn": true, "entryid": true, "entryuuid": true, "hassubordinates": true, "ldapsubentry": true, "modifytimestamp": true,
	"nsaccountlock": true, "nsbackendsuffix": true, "nscpentrydn": true, "nsds50ruv": true, "nsds5replconflict": true,
	"nsparentuniqueid": true, "nsrole": true, "nsroledn": true, "nsslapd-state": true, "nsuniqueid": true,
	"numallsubordinates": true, "numsubordinates": true, "parentid": true, "structuralobjectclass": true,
	"subschemasubentry": true, "tombstonenumsubordinates": true, "pwdchangedtime": true, "pwdhistory": true,
	"pwdfailuretime": true, "pwdaccountlockedtime": true, "pwdreset": true, "memberofuid": true,
}

// ServerOwn reports whether a server keeps the attribute itself, in any of the
// servers that exports come from, so that a comparison of contents leaves it
// out. aci is content, though Directory Server calls it operational.
func (s *Set) ServerOwn(name []byte) bool {
	if at := s.Attribute(name); at != 0 {
		return at != int(ACI) && s.attrs[at].Operational
	}
	return serverOwn[string(lowerName(name))]
}

func lowerName(name []byte) []byte {
	out := make([]byte, len(name))
	for i, c := range name {
		out[i] = lowerASCII(c)
	}
	return out
}
