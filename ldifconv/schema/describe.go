package schema

import (
	"errors"
	"fmt"
	"strings"
)

// tokens splits a description of RFC 4512 4.1, "( 1.2.3 NAME 'x' ... )", into
// words, quoted strings (with their quotes), and the signs ( ) $.
func tokens(text string) ([]string, error) {
	var list []string
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')' || c == '$':
			list = append(list, text[i:i+1])
			i++
		case c == '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a quote that is not closed")
			}
			list = append(list, text[i:i+end+2])
			i += end + 2
		default:
			end := strings.IndexAny(text[i:], " \t\r\n()$'")
			if end < 0 {
				end = len(text) - i
			}
			list = append(list, text[i:i+end])
			i += end
		}
	}
	return list, nil
}

// description is a parsed description: the identifier, and the values behind
// each keyword.
type description struct {
	oid    string
	fields map[string][]string
}

func (d *description) has(keyword string) bool { _, ok := d.fields[keyword]; return ok }

func (d *description) first(keyword string) string {
	if v := d.fields[keyword]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// flags are the keywords that stand alone.
var flags = map[string]bool{
	"OBSOLETE": true, "SINGLE-VALUE": true, "COLLECTIVE": true, "NO-USER-MODIFICATION": true,
	"ABSTRACT": true, "STRUCTURAL": true, "AUXILIARY": true,
}

// describe parses one description.
func describe(text string) (d description, err error) {
	words, err := tokens(text)
	if err != nil {
		return d, err
	}
	if len(words) < 3 || words[0] != "(" || words[len(words)-1] != ")" {
		return d, fmt.Errorf("%.60q is no description in brackets", text)
	}
	d = description{oid: unquote(words[1]), fields: map[string][]string{}}
	words = words[2 : len(words)-1]
	for len(words) > 0 {
		keyword := strings.ToUpper(words[0])
		words = words[1:]
		if flags[keyword] {
			d.fields[keyword] = nil
			continue
		}
		if len(words) == 0 {
			return d, fmt.Errorf("%.60s has no value", keyword)
		}
		var values []string
		if values, words, err = valueList(words); err != nil {
			return d, fmt.Errorf("%.60s: %w", keyword, err)
		}
		d.fields[keyword] = values
	}
	return d, nil
}

// valueList reads one value or a bracket of them.
func valueList(words []string) (values, rest []string, err error) {
	if words[0] != "(" {
		return []string{unquote(words[0])}, words[1:], nil
	}
	for i, word := range words[1:] {
		switch word {
		case ")":
			return values, words[i+2:], nil
		case "$":
		case "(":
			return nil, nil, errors.New("a bracket within brackets")
		default:
			values = append(values, unquote(word))
		}
	}
	return nil, nil, errors.New("a bracket that is not closed")
}

func unquote(word string) string { return strings.Trim(word, "'") }

// parseAttributeType reads the description of an attribute.
func parseAttributeType(text string) (a AttributeType, err error) {
	d, err := describe(text)
	if err != nil {
		return a, err
	}
	a = AttributeType{Names: d.fields["NAME"], OID: d.oid, Single: d.has("SINGLE-VALUE"), OneInIMS: d.has("SINGLE-VALUE"), Origin: Site}
	if len(a.Names) == 0 {
		a.Names = []string{d.oid}
	}
	switch strings.ToLower(d.first("USAGE")) {
	case "directoryoperation", "distributedoperation", "dsaoperation":
		a.Operational = true
	}
	if a.OID == "" || a.OID == "NAME" {
		return a, fmt.Errorf("attribute %.60s has no identifier", a.Name())
	}
	syntax, _, _ := strings.Cut(d.first("SYNTAX"), "{")
	a.setSyntax(syntax, strings.HasPrefix(strings.ToLower(d.first("EQUALITY")), "caseexact"))
	return a, nil
}

// setSyntax takes the last number of an LDAPv3 syntax identifier.
func (a *AttributeType) setSyntax(oid string, exact bool) {
	switch strings.TrimPrefix(oid, syntaxArc) {
	case "12":
		a.Syntax = DN
	case "34": // a DN, perhaps with a unique identifier
		a.Syntax = DN
	case "27":
		a.Syntax = Int
	case "50":
		a.Syntax = Tel
	case "24", "53":
		a.Syntax, a.Time = CIS, true
	case "5", "8", "28", "40", "4", "9", "10", "23", "49":
		a.Syntax = Bin
	case "26":
		a.Syntax = CES
	default:
		a.Syntax = CIS
	}
	if exact && a.Syntax == CIS {
		a.Syntax = CES
	}
}

// parseObjectClass reads the description of a class.
func parseObjectClass(text string) (c ClassType, err error) {
	d, err := describe(text)
	if err != nil {
		return c, err
	}
	c = ClassType{
		Names: d.fields["NAME"], OID: d.oid, Superiors: d.fields["SUP"], Must: d.fields["MUST"], May: d.fields["MAY"],
		Kind: Structural, KindKnown: true, Origin: Site,
	}
	if len(c.Names) == 0 {
		c.Names = []string{d.oid}
	}
	if c.OID == "" || c.OID == "NAME" {
		return c, fmt.Errorf("class %.60s has no identifier", c.Name())
	}
	switch {
	case d.has("ABSTRACT"):
		c.Kind = Abstract
	case d.has("AUXILIARY"):
		c.Kind = Auxiliary
	}
	return c, nil
}
