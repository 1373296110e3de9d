package delivery

import (
	"bytes"
	"net/url"
	"strings"

	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
)

// SearchFault says what keeps v from being an LDAP URL that finds the members
// of a list, "" for one that is: a base, a scope, and a filter that can be
// read (RFC 2255).
func SearchFault(v []byte) string {
	v = bytes.TrimSpace(v)
	if !IsURL(v) {
		return "is no LDAP URL"
	}
	_, rest, _ := bytes.Cut(v, []byte("//"))
	parts := bytes.Split(rest, []byte{'?'})
	base := parts[0]
	if i := bytes.IndexByte(base, '/'); i >= 0 && bytes.IndexByte(base[:i], '=') < 0 {
		base = base[i+1:]
	}
	dn, err := url.PathUnescape(string(base))
	if err != nil {
		return "is no LDAP URL"
	}
	if norm, err := ldif.AppendNormDN(nil, []byte(dn)); err != nil || len(norm) == 0 {
		return "has no base to search"
	}
	if len(parts) > 2 {
		switch strings.ToLower(string(parts[2])) {
		case "", "base", "one", "sub":
		default:
			return "has a scope that is none of base, one, sub"
		}
	}
	if len(parts) < 4 || len(parts[3]) == 0 {
		return ""
	}
	text, err := url.PathUnescape(string(parts[3]))
	if err == nil {
		_, err = filter.Compile(text, nil)
	}
	if err != nil {
		return "has a filter that cannot be read"
	}
	return ""
}
