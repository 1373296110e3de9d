// Package filter matches LDIF entries against LDAP search filters.
//
// Filters are those of RFC 4515, parsed by go-ldap, and of the older RFC 1558:
// `\*`, `\(`, `\)` and `\\` for the bytes themselves, and a single comparison
// without parentheses ("uid=s*"). Values compare as Directory Server 4.x
// compares cis values: ignoring case, and with runs of blanks as one; >= and <=
// as numbers when both sides are integers. A name without options also finds
// the attribute with options. An attribute that the entry does not have makes a
// comparison false, and its negation true. ~= is =; of the extensible matches
// `attr:=v`, `attr:caseIgnoreMatch:=v` and `attr:caseExactMatch:=v` are known.
package filter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"imsconv/ldifconv/ldif"
)

// Filter is a compiled filter, safe for concurrent use.
type Filter struct{ root node }

// node is one parenthesis of a filter.
type node struct {
	op    op
	nodes []node   // and, or, not
	names []string // the attribute and its other names, lower case
	exact bool     // compare bytes as they are
	value string   // equal, less, greater; normalised unless exact
	parts []part   // substring
}

// part is one piece of a substring match, normalised.
type part struct {
	kind byte // 0 initial, 1 any, 2 final
	text string
}

type op uint8

const (
	opAnd op = iota
	opOr
	opNot
	opEqual
	opSubstring
	opGreater
	opLess
	opPresent
)

// maxDepth bounds the nesting of parentheses.
const maxDepth = 100

// Compile parses text. aliases, when not nil, gives the other names of an
// attribute.
func Compile(text string, aliases func(attr string) []string) (*Filter, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "(") {
		text = "(" + text + ")"
	}
	if depth(text) > maxDepth {
		return nil, fmt.Errorf("filter %q: nested deeper than %d", text, maxDepth)
	}
	packet, err := ldap.CompileFilter(unescape1558(text))
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	root, err := build(packet, aliases)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	return &Filter{root}, nil
}

func depth(text string) int {
	open, most := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(':
			open++
			most = max(most, open)
		case ')':
			open--
		}
	}
	return most
}

// unescape1558 turns the escapes of RFC 1558 into those of RFC 4515.
func unescape1558(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte(`*()\`, text[i+1]) >= 0 {
			fmt.Fprintf(&b, `\%02x`, text[i+1])
			i++
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

var errShape = errors.New("unexpected shape")

// build turns the BER tree of go-ldap into nodes.
func build(p *ber.Packet, aliases func(string) []string) (node, error) {
	switch p.Tag {
	case ldap.FilterAnd, ldap.FilterOr, ldap.FilterNot:
		n := node{op: map[ber.Tag]op{ldap.FilterAnd: opAnd, ldap.FilterOr: opOr, ldap.FilterNot: opNot}[p.Tag]}
		for _, child := range p.Children {
			c, err := build(child, aliases)
			if err != nil {
				return node{}, err
			}
			n.nodes = append(n.nodes, c)
		}
		if n.op == opNot && len(n.nodes) != 1 {
			return node{}, errShape
		}
		return n, nil
	case ldap.FilterPresent:
		return leaf(opPresent, content(p), "", aliases), nil
	case ldap.FilterEqualityMatch, ldap.FilterApproxMatch, ldap.FilterGreaterOrEqual, ldap.FilterLessOrEqual:
		if len(p.Children) != 2 {
			return node{}, errShape
		}
		o := opEqual
		switch p.Tag {
		case ldap.FilterGreaterOrEqual:
			o = opGreater
		case ldap.FilterLessOrEqual:
			o = opLess
		}
		return leaf(o, content(p.Children[0]), content(p.Children[1]), aliases), nil
	case ldap.FilterSubstrings:
		return substring(p, aliases)
	case ldap.FilterExtensibleMatch:
		return extensible(p, aliases)
	}
	return node{}, errShape
}

func leaf(o op, attr, value string, aliases func(string) []string) node {
	n := node{op: o, value: normString(value)}
	n.names = append(n.names, strings.ToLower(strings.TrimSpace(attr)))
	if aliases == nil {
		return n
	}
	name, options, _ := strings.Cut(n.names[0], ";")
	if options != "" {
		options = ";" + options
	}
	for _, a := range aliases(name) {
		n.names = append(n.names, strings.ToLower(a)+options)
	}
	return n
}

func substring(p *ber.Packet, aliases func(string) []string) (node, error) {
	if len(p.Children) != 2 {
		return node{}, errShape
	}
	n := leaf(opSubstring, content(p.Children[0]), "", aliases)
	for _, c := range p.Children[1].Children {
		text := fold(nil, []byte(content(c)), false)
		n.parts = append(n.parts, part{byte(c.Tag), string(text)})
	}
	return n, nil
}

func extensible(p *ber.Packet, aliases func(string) []string) (node, error) {
	var rule, attr, value string
	for _, c := range p.Children {
		switch c.Tag {
		case ldap.MatchingRuleAssertionMatchingRule:
			rule = content(c)
		case ldap.MatchingRuleAssertionType:
			attr = content(c)
		case ldap.MatchingRuleAssertionMatchValue:
			value = content(c)
		}
	}
	n := leaf(opEqual, attr, value, aliases)
	switch strings.ToLower(rule) {
	case "", "caseignorematch", "2.5.13.2":
	case "caseexactmatch", "2.5.13.5":
		n.exact, n.value = true, value
	default:
		return node{}, fmt.Errorf("matching rule %q is not known", rule)
	}
	if attr == "" {
		return node{}, errors.New("an extensible match needs an attribute")
	}
	return n, nil
}

// content is the text of a primitive packet.
func content(p *ber.Packet) string {
	if s, ok := p.Value.(string); ok && s != "" {
		return s
	}
	return string(p.Data.Bytes())
}

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

// hasOptions reports whether desc has the type and all options of name, in any order.
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
