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
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
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

// maxDepth bounds the nesting of parentheses, and maxLength the bytes of a
// filter. What go-ldap makes of one takes some hundred times the memory, and a
// time that grows with the square of the depth.
const (
	maxDepth  = 100
	maxLength = 64 << 10
)

// Compile parses text, of at most 64 KiB and 100 parentheses within each other:
// a filter may be a value that nobody has looked at. aliases, when not nil,
// gives the other names of an attribute. The error is an *Error.
func Compile(text string, aliases func(attr string) []string) (*Filter, error) {
	given := text
	if len(text) > maxLength {
		return nil, &Error{given[:200], 0, fmt.Sprintf("longer than %d bytes", maxLength)}
	}
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "(") {
		text = "(" + text + ")"
	}
	if depth(text) > maxDepth {
		return nil, &Error{given, 0, fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	packet, err := ldap.CompileFilter(closeUp(unescape1558(text)))
	if err != nil {
		return nil, inGiven(explain(text), given, text)
	}
	root, err := build(packet, aliases)
	if err != nil {
		return nil, &Error{given, 0, err.Error()}
	}
	f := &Filter{root}
	if slices.Contains(f.Attributes(), "") {
		return nil, inGiven(explain(text), given, text)
	}
	return f, nil
}

// inGiven makes an error about text one about what was given, which lacks the
// outer brackets or has blanks around it.
func inGiven(e *Error, given, text string) *Error {
	at := strings.Index(given, strings.Trim(text, "()"))
	if inner := strings.Index(text, strings.Trim(text, "()")); at >= 0 && inner >= 0 && !strings.HasPrefix(strings.TrimSpace(given), "(") {
		e.Offset = max(0, e.Offset+at-inner)
	}
	e.Filter = given
	return e
}

// closeUp takes away the blanks between the parts of a filter, "(&(a=b)
// (c=d))", which no RFC has and which servers and their users take for granted.
// No value loses one: in a value brackets are escaped.
func closeUp(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if !isBlank(text[i]) || len(out) == 0 {
			out = append(out, text[i])
			continue
		}
		end := i
		for end < len(text) && isBlank(text[end]) {
			end++
		}
		if !betweenParts(out, text[end:]) {
			out = append(out, text[i:end]...)
		}
		i = end - 1
	}
	return string(out)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// betweenParts reports whether a blank between before and after belongs to no
// name or value.
func betweenParts(before []byte, after string) bool {
	const operators = "&|!"
	n := len(before)
	switch {
	case after == "":
		return false
	case before[n-1] == ')':
		return after[0] == '(' || after[0] == ')'
	case before[n-1] == '(':
		return strings.IndexByte(operators, after[0]) >= 0
	}
	return n > 1 && before[n-2] == '(' && strings.IndexByte(operators, before[n-1]) >= 0 && after[0] == '('
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

var errShape = errors.New("a comparison of this form is not known")

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
	return p.Data.String()
}

// Attributes returns the names of the attributes that the filter compares, in
// lower case and without options, in order and once each.
func (f *Filter) Attributes() []string {
	seen := map[string]bool{}
	f.root.attributes(seen)
	return slices.Sorted(maps.Keys(seen))
}

func (n *node) attributes(seen map[string]bool) {
	for i := range n.nodes {
		n.nodes[i].attributes(seen)
	}
	if len(n.names) > 0 {
		name, _, _ := strings.Cut(n.names[0], ";")
		seen[name] = true
	}
}
