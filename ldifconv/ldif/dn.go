package ldif

import (
	"bytes"
	"errors"
	"sort"
	"unicode"
	"unicode/utf8"
)

// ErrDN is the error of a name that is not a DN.
var ErrDN = errors.New("not a distinguished name")

// AppendNormDN appends a form of dn to dst that is equal for equal names: types
// and values in lower case, blanks around separators gone, runs of blanks one
// blank, escapes and quotes (RFC 1779, 2253, 4514) undone, `;` a comma, long
// names and numbers of the usual types (organizationName, 2.5.4.10) short, the
// parts of a multi-valued RDN sorted. A comma in the result is always a
// separator; inside values the bytes , + = " \ are written as \ and two hex
// digits. The empty DN is empty. It is for comparing, never for writing.
func AppendNormDN(dst, dn []byte) ([]byte, error) {
	p := dnParser{in: dn, out: dst}
	p.blanks()
	if p.pos == len(p.in) {
		return dst, nil
	}
	for {
		if err := p.rdn(); err != nil {
			return dst, err
		}
		if p.pos == len(p.in) {
			return p.out, nil
		}
		p.pos++ // , or ;
		p.out = append(p.out, ',')
	}
}

// ParentNormDN returns the parent of a normalised DN, a slice of it, and
// whether it has one: the empty DN has none.
func ParentNormDN(norm []byte) (parent []byte, ok bool) {
	if len(norm) == 0 {
		return nil, false
	}
	if i := bytes.IndexByte(norm, ','); i >= 0 {
		return norm[i+1:], true
	}
	return norm[len(norm):], true
}

// DepthNormDN is the number of RDNs of a normalised DN.
func DepthNormDN(norm []byte) int {
	if len(norm) == 0 {
		return 0
	}
	return bytes.Count(norm, []byte{','}) + 1
}

// UnderNormDN reports whether norm is base or below it, both normalised.
func UnderNormDN(norm, base []byte) bool {
	if len(base) == 0 {
		return true
	}
	if !bytes.HasSuffix(norm, base) {
		return false
	}
	return len(norm) == len(base) || norm[len(norm)-len(base)-1] == ','
}

type dnParser struct {
	in  []byte
	pos int
	out []byte
}

func (p *dnParser) blanks() {
	for p.pos < len(p.in) && (p.in[p.pos] == ' ' || p.in[p.pos] == '\t' || p.in[p.pos] == '\n' || p.in[p.pos] == '\r') {
		p.pos++
	}
}

// rdn reads one RDN and stops at the separator or the end.
func (p *dnParser) rdn() error {
	from := len(p.out)
	parts := 1
	for {
		if err := p.pair(); err != nil {
			return err
		}
		if p.pos == len(p.in) || p.in[p.pos] != '+' {
			break
		}
		p.pos++
		p.out = append(p.out, '+')
		parts++
	}
	if parts > 1 {
		p.sortParts(from)
	}
	return nil
}

// sortParts puts the parts of the RDN at out[from:] in order.
func (p *dnParser) sortParts(from int) {
	parts := bytes.Split(append([]byte(nil), p.out[from:]...), []byte{'+'})
	sort.Slice(parts, func(i, j int) bool { return bytes.Compare(parts[i], parts[j]) < 0 })
	p.out = append(p.out[:from], bytes.Join(parts, []byte{'+'})...)
}

// pair reads type = value.
func (p *dnParser) pair() error {
	p.blanks()
	from := len(p.out)
	for p.pos < len(p.in) && descByte[p.in[p.pos]] && p.in[p.pos] != ';' {
		c := p.in[p.pos]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		p.out = append(p.out, c)
		p.pos++
	}
	p.blanks()
	if len(p.out) == from || p.pos == len(p.in) || p.in[p.pos] != '=' {
		return ErrDN
	}
	if name := p.out[from:]; len(name) > 4 && string(name[:4]) == "oid." {
		p.out = append(p.out[:from], name[4:]...)
	}
	if short := shortType(p.out[from:]); short != "" {
		p.out = append(p.out[:from], short...)
	}
	p.out = append(p.out, '=')
	p.pos++
	p.blanks()
	if p.pos < len(p.in) && p.in[p.pos] == '"' {
		return p.quoted()
	}
	return p.plain()
}

// shortType returns the short name (RFC 4514 3, RFC 4519) of an attribute type
// in lower case that is written with its long name or its object identifier,
// and "" for any other.
func shortType(name []byte) string {
	if len(name) < 6 {
		return ""
	}
	switch string(name) {
	case "commonname", "2.5.4.3":
		return "cn"
	case "surname", "2.5.4.4":
		return "sn"
	case "countryname", "2.5.4.6":
		return "c"
	case "locality", "localityname", "2.5.4.7":
		return "l"
	case "stateorprovincename", "2.5.4.8":
		return "st"
	case "streetaddress", "2.5.4.9":
		return "street"
	case "organizationname", "2.5.4.10":
		return "o"
	case "organizationalunitname", "2.5.4.11":
		return "ou"
	case "userid", "0.9.2342.19200300.100.1.1":
		return "uid"
	case "domaincomponent", "0.9.2342.19200300.100.1.25":
		return "dc"
	}
	return ""
}

// plain reads a value without quotes up to a separator.
func (p *dnParser) plain() error {
	start := len(p.out)
	solid := start // end of out without the blanks at the end
	ascii := true
	for p.pos < len(p.in) {
		if p.letters() {
			solid = len(p.out)
			continue
		}
		c := p.in[p.pos]
		switch c {
		case ',', ';', '+':
			p.out = p.out[:solid]
			p.lower(start, ascii)
			return nil
		case '\\':
			b, err := p.escape()
			if err != nil {
				return err
			}
			ascii = ascii && b < utf8.RuneSelf
			p.byte(b)
			solid = len(p.out)
			continue
		case '"':
			return ErrDN
		case ' ':
			if len(p.out) == solid { // the first of a run
				p.out = append(p.out, ' ')
			}
			p.pos++
			continue
		case '=':
			p.byte(c)
		default:
			ascii = ascii && c < utf8.RuneSelf
			p.out = append(p.out, c)
		}
		solid = len(p.out)
		p.pos++
	}
	p.out = p.out[:solid]
	p.lower(start, ascii)
	return nil
}

// letters reads bytes that are what they are but for their case, and reports
// whether there were any.
func (p *dnParser) letters() bool {
	in, out := p.in[p.pos:], p.out
	for _, c := range in {
		c = dnLetter[c]
		if c == 0 {
			break
		}
		out = append(out, c)
	}
	n := len(out) - len(p.out)
	p.pos, p.out = p.pos+n, out
	return n > 0
}

// dnLetter has the lower case of the bytes of ASCII that mean nothing in a DN,
// and 0 for the others.
var dnLetter = func() (t [256]byte) {
	for c := byte('!'); c < utf8.RuneSelf; c++ {
		switch {
		case c >= 'A' && c <= 'Z':
			t[c] = c | 0x20
		case !bytes.ContainsRune([]byte(`,;+\"=`), rune(c)):
			t[c] = c
		}
	}
	return t
}()

// quoted reads a value in double quotes (RFC 1779).
func (p *dnParser) quoted() error {
	start := len(p.out)
	p.pos++
	for p.pos < len(p.in) && p.in[p.pos] != '"' {
		b := p.in[p.pos]
		if b == '\\' {
			var err error
			if b, err = p.escape(); err != nil {
				return err
			}
		} else {
			p.pos++
		}
		if b == ' ' && len(p.out) > start && p.out[len(p.out)-1] == ' ' {
			continue
		}
		p.byte(b)
	}
	if p.pos == len(p.in) {
		return ErrDN
	}
	p.pos++
	p.lower(start, false)
	p.blanks()
	if p.pos < len(p.in) && p.in[p.pos] != ',' && p.in[p.pos] != ';' && p.in[p.pos] != '+' {
		return ErrDN
	}
	return nil
}

// escape reads a backslash and what it escapes.
func (p *dnParser) escape() (byte, error) {
	rest := p.in[p.pos+1:]
	if len(rest) >= 2 && isHex(rest[0]) && isHex(rest[1]) {
		p.pos += 3
		return unhex(rest[0])<<4 | unhex(rest[1]), nil
	}
	if len(rest) == 0 {
		return 0, ErrDN
	}
	p.pos += 2
	return rest[0], nil
}

// byte writes one byte of a value in lower case, escaped when it separates.
func (p *dnParser) byte(b byte) {
	switch b {
	case ',', '+', '=', '"', '\\':
		const hex = "0123456789abcdef"
		p.out = append(p.out, '\\', hex[b>>4], hex[b&15])
		return
	}
	if b >= 'A' && b <= 'Z' {
		b |= 0x20
	}
	p.out = append(p.out, b)
}

// lower folds the letters beyond ASCII of out[from:].
func (p *dnParser) lower(from int, ascii bool) {
	if ascii {
		return
	}
	p.out = append(p.out[:from], lowerUTF8(p.out[from:])...)
}

// lowerUTF8 returns b in lower case when it is UTF-8, else b.
func lowerUTF8(b []byte) []byte {
	if !utf8.Valid(b) {
		return b
	}
	return bytes.Map(unicode.ToLower, b)
}
