package directory

import "strings"

// rdn is one attribute and value of a DN, escapes and quotes undone, the type
// in lower case. Of a multi-valued RDN it is the first pair.
type rdn struct{ typ, value string }

// splitDN splits a DN as RFC 4514 and RFC 1779 write them: separators are
// commas and semicolons outside quotes and escapes.
func splitDN(dn string) []rdn {
	var out []rdn
	for dn != "" {
		var part string
		part, dn = cutRDN(dn)
		typ, value, _ := strings.Cut(part, "=")
		out = append(out, rdn{strings.ToLower(strings.TrimSpace(typ)), unescape(strings.TrimSpace(value))})
	}
	return out
}

// cutRDN cuts the first RDN off dn.
func cutRDN(dn string) (first, rest string) {
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch c := dn[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case (c == ',' || c == ';') && !quoted:
			return dn[:i], dn[i+1:]
		}
	}
	return dn, ""
}

// unescape undoes quotes, \c and \xx.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\"`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			continue
		}
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if hi, ok := hexDigit(s[i]); ok && i+1 < len(s) {
			if lo, ok := hexDigit(s[i+1]); ok {
				b.WriteByte(hi<<4 | lo)
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// normal is a DN in a form that equal DNs share.
func normal(rdns []rdn) string {
	var b strings.Builder
	for i, r := range rdns {
		if i > 0 {
			b.WriteByte(0)
		}
		b.WriteString(r.typ)
		b.WriteByte('=')
		b.WriteString(strings.ToLower(strings.Join(strings.Fields(r.value), " ")))
	}
	return b.String()
}

// domainOf is the domain that an entry of this DN belongs to, "" when the DN
// does not tell.
func domainOf(rdns []rdn) string {
	var labels []string
	for _, r := range rdns {
		if r.typ == "dc" || r.typ == "domaincomponent" {
			labels = append(labels, strings.ToLower(r.value))
			continue
		}
		if len(labels) > 0 {
			break
		}
		if (r.typ == "o" || r.typ == "organizationname") && strings.Contains(r.value, ".") && !strings.ContainsAny(r.value, " @") {
			return strings.ToLower(r.value)
		}
	}
	return strings.Join(labels, ".")
}
