package filter

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"imsconv/ldifconv/ldif"
)

// Match reports whether e matches.
func (f *Filter) Match(e *ldif.Entry) bool { return f.root.match(e) }

func (n *node) match(e *ldif.Entry) bool {
	switch n.op {
	case opAnd:
		for i := range n.nodes {
			if !n.nodes[i].match(e) {
				return false
			}
		}
		return true
	case opOr:
		for i := range n.nodes {
			if n.nodes[i].match(e) {
				return true
			}
		}
		return false
	case opNot:
		return !n.nodes[0].match(e)
	}
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if n.matchesDesc(a.Desc) && n.any(a.Values) {
			return true
		}
	}
	return false
}

// matchesDesc reports whether desc is the attribute of n or a subtype of it.
func (n *node) matchesDesc(desc []byte) bool {
	for _, name := range n.names {
		if len(desc) >= len(name) && equalFold(desc[:len(name)], name) &&
			(len(desc) == len(name) || desc[len(name)] == ';') {
			return true
		}
		if strings.IndexByte(name, ';') >= 0 && hasOptions(desc, name) {
			return true
		}
	}
	return false
}

// hasOptions reports whether desc has the type and all options of name, in any
// order.
func hasOptions(desc []byte, name string) bool {
	want := strings.Split(name, ";")
	have := strings.Split(strings.ToLower(string(desc)), ";")
	if want[0] != have[0] {
		return false
	}
next:
	for _, w := range want[1:] {
		for _, h := range have[1:] {
			if w == h {
				continue next
			}
		}
		return false
	}
	return true
}

func (n *node) any(values []ldif.Value) bool {
	if n.op == opPresent {
		return len(values) > 0
	}
	var room [128]byte
	buf := room[:0]
	for _, v := range values {
		if n.exact {
			if string(v.Data) == n.value {
				return true
			}
			continue
		}
		buf = fold(buf[:0], v.Data, true)
		if n.compare(buf) {
			return true
		}
	}
	return false
}

// compare compares one normalised value.
func (n *node) compare(v []byte) bool {
	switch n.op {
	case opEqual:
		return string(v) == n.value
	case opGreater:
		return order(v, n.value) >= 0
	case opLess:
		return order(v, n.value) <= 0
	}
	for i, p := range n.parts {
		switch {
		case p.kind == 0:
			if !bytes.HasPrefix(v, []byte(p.text)) {
				return false
			}
			v = v[len(p.text):]
		case p.kind == 2 && i == len(n.parts)-1:
			return bytes.HasSuffix(v, []byte(p.text))
		default:
			at := bytes.Index(v, []byte(p.text))
			if at < 0 {
				return false
			}
			v = v[at+len(p.text):]
		}
	}
	return true
}

// order compares as integers when both are, else byte by byte.
func order(v []byte, with string) int {
	a, okA := integer(string(v))
	b, okB := integer(with)
	if !okA || !okB {
		return strings.Compare(string(v), with)
	}
	if a.negative != b.negative {
		if a.negative {
			return -1
		}
		return 1
	}
	sign := 1
	if a.negative {
		sign = -1
	}
	if len(a.digits) != len(b.digits) {
		if len(a.digits) < len(b.digits) {
			return -sign
		}
		return sign
	}
	return sign * strings.Compare(a.digits, b.digits)
}

type number struct {
	negative bool
	digits   string
}

// integer splits a decimal number of any length.
func integer(s string) (number, bool) {
	n := number{}
	if strings.HasPrefix(s, "-") {
		n.negative, s = true, s[1:]
	}
	if s == "" {
		return n, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return n, false
		}
	}
	n.digits = strings.TrimLeft(s, "0")
	n.negative = n.negative && n.digits != ""
	return n, true
}

func normString(s string) string { return string(fold(nil, []byte(s), true)) }

// fold appends v to dst in lower case with runs of blanks as one, without the
// blanks at the ends when trim is set.
func fold(dst, v []byte, trim bool) []byte {
	from := len(dst)
	ascii := true
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c == ' ' && (i > 0 && v[i-1] == ' ' || trim && len(dst) == from) {
			continue
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		ascii = ascii && c < utf8.RuneSelf
		dst = append(dst, c)
	}
	if trim && len(dst) > from && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	if !ascii && utf8.Valid(dst[from:]) {
		dst = append(dst[:from], bytes.Map(unicode.ToLower, dst[from:])...)
	}
	return dst
}

// equalFold compares b with a lower-case name.
func equalFold(b []byte, lower string) bool {
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
