package ldif

import (
	"bytes"
	"strings"
)

// CutRDN cuts a DN, as it is written, in front of the comma or semicolon that
// ends its first part; rest is nil where the DN has one part. It knows escapes
// and quotes, and takes what is no DN as it comes.
func CutRDN(dn []byte) (rdn, rest []byte) {
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch {
		case dn[i] == '\\':
			i++
		case dn[i] == '"':
			quoted = !quoted
		case (dn[i] == ',' || dn[i] == ';') && !quoted:
			return dn[:i], dn[i:]
		}
	}
	return dn, nil
}

// TrimDN is a DN, or a part of one, without the blanks around it. An escaped
// one at the end belongs to the value, and stays.
func TrimDN(dn []byte) []byte {
	dn = bytes.TrimLeft(dn, " \t\r\n")
	cut := bytes.TrimRight(dn, " ")
	escapes := len(cut) - len(bytes.TrimRight(cut, `\`))
	if escapes%2 == 1 && len(cut) < len(dn) {
		return dn[:len(cut)+1]
	}
	return cut
}

// WithoutUniqueID is a DN without the unique identifier that a value of the
// syntax Name and Optional UID has behind it (RFC 4517 3.3.21): #'0101'B, any
// number of bits.
func WithoutUniqueID(value []byte) []byte {
	bits, ok := bytes.CutSuffix(value, []byte("'B"))
	if !ok {
		return value
	}
	dn := bytes.TrimRight(bits, "01")
	if dn, ok = bytes.CutSuffix(dn, []byte("#'")); ok && len(dn) > 0 {
		return dn
	}
	return value
}

// Naming is a type and a value in the first part of a DN, in the letters that
// they are written in, the value's escapes and quotes undone.
type Naming struct{ Type, Value string }

// NamingOf are the types and values of the first part of a DN, as it is
// written: several where they stand together with +.
func NamingOf(dn []byte) (list []Naming) {
	rdn, _ := CutRDN(dn)
	rdn = TrimDN(rdn)
	var n Naming
	value, solid := false, 0 // behind the =; end of b in front of which blanks stay
	var b []byte
	end := func() {
		if value {
			n.Value = string(b[:solid]) + strings.TrimRight(string(b[solid:]), " ")
			list = append(list, n)
		}
		n, value, b, solid = Naming{}, false, nil, 0
	}
	quoted := false
	for i := 0; i < len(rdn); i++ {
		c := rdn[i]
		switch {
		case c == '\\' && i+2 < len(rdn) && isHex(rdn[i+1]) && isHex(rdn[i+2]):
			b = append(b, unhex(rdn[i+1])<<4|unhex(rdn[i+2]))
			solid = len(b)
			i += 2
		case c == '\\' && i+1 < len(rdn):
			i++
			b = append(b, rdn[i])
			solid = len(b)
		case c == '"':
			quoted = !quoted
			solid = len(b)
		case c == '+' && !quoted:
			end()
		case c == '=' && !value:
			n.Type, value, b, solid = strings.TrimSpace(string(b)), true, nil, 0
		case c == ' ' && value && len(b) == 0 && !quoted:
		default:
			b = append(b, c)
		}
	}
	end()
	return list
}

// UnescapeNorm undoes the escapes in a value of a normalised DN. What has none
// is returned itself.
func UnescapeNorm(value []byte) []byte {
	if bytes.IndexByte(value, '\\') < 0 {
		return value
	}
	out := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+2 < len(value) {
			out = append(out, unhex(value[i+1])<<4|unhex(value[i+2]))
			i += 2
			continue
		}
		out = append(out, value[i])
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
