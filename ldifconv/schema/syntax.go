package schema

import (
	"bytes"
	"time"
	"unicode"
	"unicode/utf8"

	"imsconv/ldifconv/ldif"
)

// check returns the code of what is wrong with a value, "" for nothing.
func (a *AttributeType) check(value []byte) (code, text string) {
	if a.Syntax == Bin {
		return "", ""
	}
	if len(value) == 0 {
		if a.Syntax == DN { // the DN of the root
			return "", ""
		}
		return EmptyValue, "an empty value"
	}
	if !utf8.Valid(value) {
		return BadUTF8, a.shown(value) + " is not UTF-8"
	}
	switch {
	case a.Syntax == DN && !a.Loose:
		if _, err := ldif.AppendNormDN(nil, ldif.WithoutUniqueID(value)); err != nil {
			return BadDN, a.shown(value) + " is no distinguished name"
		}
	case a.Syntax == Int:
		if !IsInteger(value) {
			return BadInteger, a.shown(value) + " is no integer as servers take it: digits without leading zeros"
		}
	case a.Syntax == Tel:
		if !isTelephone(value) {
			return BadTelephone, a.shown(value) + " is no telephone number"
		}
	case a.Time:
		if !IsTime(value) {
			return BadTime, a.shown(value) + " is no time of the form 20001231235959Z"
		}
	}
	return "", ""
}

// IsInteger reports whether value is an integer of RFC 4517 3.3.16, which has
// no leading zeros: servers refuse them.
func IsInteger(value []byte) bool {
	if string(value) == "0" {
		return true
	}
	value = bytes.TrimPrefix(value, []byte{'-'})
	if len(value) > 0 && value[0] == '0' {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(value) > 0
}

// isTelephone reports whether value is a printable string (RFC 4517 3.3.31),
// with the signs that telephone numbers are written with.
func isTelephone(value []byte) bool {
	digits := false
	for _, c := range value {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', bytes.IndexByte([]byte(" '()+,-./:?="), c) >= 0:
		default:
			return false
		}
	}
	return digits
}

// IsTime reports whether value is a generalized time (RFC 4517 3.3.13) with a
// time zone: year to hour at least, fractions allowed.
func IsTime(value []byte) bool {
	digits := 0
	for digits < len(value) && value[digits] >= '0' && value[digits] <= '9' {
		digits++
	}
	layout := "20060102150405"
	if digits < 10 || digits > len(layout) || digits%2 != 0 {
		return false
	}
	text := string(value[:digits])
	if digits == len(layout) && text[12:] == "60" { // a leap second
		text = text[:12] + "59"
	}
	if _, err := time.Parse(layout[:digits], text); err != nil {
		return false
	}
	return isZone(skipDecimals(value[digits:]))
}

func skipDecimals(rest []byte) []byte {
	if len(rest) < 2 || rest[0] != '.' && rest[0] != ',' {
		return rest
	}
	i := 1
	for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
		i++
	}
	if i == 1 {
		return rest
	}
	return rest[i:]
}

func isZone(zone []byte) bool {
	if len(zone) == 1 {
		return zone[0] == 'Z'
	}
	if len(zone) != 3 && len(zone) != 5 || zone[0] != '+' && zone[0] != '-' {
		return false
	}
	for _, c := range zone[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// AppendNorm appends a form of value to dst that is equal for values that are
// equal under the attribute's matching rule. It is for comparing only.
func (a *AttributeType) AppendNorm(dst, value []byte) []byte {
	switch a.Syntax {
	case Bin:
		return append(dst, value...)
	case CES:
		return appendSpaced(dst, value)
	case DN:
		from := len(dst)
		if !a.Loose {
			if norm, err := ldif.AppendNormDN(dst, value); err == nil {
				return norm
			}
		}
		return appendFold(dst[:from], value)
	case Tel:
		for _, c := range appendFold(nil, value) {
			if c != ' ' && c != '-' {
				dst = append(dst, c)
			}
		}
		return dst
	}
	return appendFold(dst, value)
}

// appendFold appends value in lower case, with runs of blanks as one and none
// at the ends.
func appendFold(dst, value []byte) []byte {
	from := len(dst)
	dst = appendSpaced(dst, value)
	ascii := true
	for i := from; i < len(dst); i++ {
		dst[i] = lowerASCII(dst[i])
		ascii = ascii && dst[i] < utf8.RuneSelf
	}
	if !ascii && utf8.Valid(dst[from:]) {
		dst = append(dst[:from], bytes.Map(unicode.ToLower, dst[from:])...)
	}
	return dst
}

// appendSpaced appends value with runs of blanks as one and none at the ends.
func appendSpaced(dst, value []byte) []byte {
	from := len(dst)
	for i, c := range value {
		if c == ' ' && (len(dst) == from || value[i-1] == ' ') {
			continue
		}
		dst = append(dst, c)
	}
	if len(dst) > from && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
