package aci

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
)

// ACI is one access control instruction.
type ACI struct {
	Targets     []Target
	Name        string
	Permissions []Permission
}

// Target is one (keyword = "value") before the permissions.
type Target struct {
	Keyword string // in lower case
	Not     bool   // != rather than =
	Value   string
}

// Permission is one allow or deny.
type Permission struct {
	Allow  bool
	Rights []string // in lower case
	Bind   Bind
}

// Bind is a bind rule: a comparison, or others joined.
type Bind struct {
	Join  string // "and", "or", "not", or "" for a comparison
	Rules []Bind

	Keyword, Op, Value string
}

// Error is what is wrong with the text of an ACI.
type Error struct {
	// Offset is the byte, counted from 0, at which it goes wrong.
	Offset int
	// Text says what is wrong, in lower case.
	Text string
}

// Error names the place and what is wrong there.
func (e *Error) Error() string { return "aci: " + e.Position() + ": " + e.Text }

// Position is the place in the ACI, "byte 5", counted from 1.
func (e *Error) Position() string { return "byte " + strconv.Itoa(e.Offset+1) }

// Kind is "bad-aci".
func (e *Error) Kind() string { return "bad-aci" }

// Severity is 2: what an ACI that is not understood allows is not known.
func (e *Error) Severity() int { return 2 }

// maxNesting bounds brackets of bind rules within each other.
const maxNesting = 50

var (
	targetKeywords = map[string]bool{"target": true, "targetattr": true, "targetfilter": true, "targattrfilters": true, "targetscope": true, "target_to": true, "target_from": true, "extop": true}
	rightWords     = map[string]bool{"read": true, "write": true, "add": true, "delete": true, "search": true, "compare": true, "selfwrite": true, "proxy": true, "all": true, "moddn": true}
	bindKeywords   = map[string]bool{"userdn": true, "groupdn": true, "roledn": true, "userattr": true, "userdnattr": true, "groupdnattr": true, "ip": true, "dns": true, "timeofday": true, "dayofweek": true, "authmethod": true, "ssf": true}
)

// Parse reads one ACI. The error is an *Error.
func Parse(text string) (*ACI, error) {
	p := parser{text: text}
	a, err := p.aci()
	if err != nil {
		return nil, err
	}
	return a, nil
}

type parser struct {
	text string
	pos  int
}

func (p *parser) fail(format string, args ...any) error {
	return &Error{Offset: p.pos, Text: fmt.Sprintf(format, args...)}
}

func (p *parser) blanks() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// take reads a sign that must be there.
func (p *parser) take(sign string) error {
	p.blanks()
	if !strings.HasPrefix(p.text[p.pos:], sign) {
		return p.fail("%q is missing", sign)
	}
	p.pos += len(sign)
	return nil
}

// next reports whether a sign comes, without reading it.
func (p *parser) next(sign string) bool {
	p.blanks()
	return strings.HasPrefix(p.text[p.pos:], sign)
}

// word reads letters, digits, underscores and dots, in lower case.
func (p *parser) word() string {
	p.blanks()
	from := p.pos
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' {
			break
		}
		p.pos++
	}
	return strings.ToLower(p.text[from:p.pos])
}

// quoted reads "text".
func (p *parser) quoted() (string, error) {
	if err := p.take(`"`); err != nil {
		return "", err
	}
	end := strings.IndexByte(p.text[p.pos:], '"')
	if end < 0 {
		return "", p.fail("the quote is not closed")
	}
	value := p.text[p.pos : p.pos+end]
	p.pos += end + 1
	return value, nil
}

func (p *parser) aci() (*ACI, error) {
	a := &ACI{}
	for {
		if err := p.take("("); err != nil {
			return nil, err
		}
		at := p.pos
		keyword := p.word()
		if keyword == "version" {
			break
		}
		if !targetKeywords[keyword] {
			p.pos = at
			return nil, p.fail("%q is no target", keyword)
		}
		t, err := p.target(keyword)
		if err != nil {
			return nil, err
		}
		for i := range a.Targets {
			if a.Targets[i].Keyword == keyword {
				p.pos = at
				return nil, p.fail("%s stands there twice", keyword)
			}
		}
		a.Targets = append(a.Targets, t)
	}
	return a, p.body(a)
}

// target reads the rest of a target behind its keyword.
func (p *parser) target(keyword string) (t Target, err error) {
	t = Target{Keyword: keyword}
	p.blanks()
	if p.next("!=") {
		t.Not = true
		p.pos += 2
	} else if err := p.take("="); err != nil {
		return t, err
	}
	p.blanks()
	at := p.pos
	if !p.next(`"`) && keyword == "targetfilter" { // filters stand without quotes too
		t.Value, err = p.brackets()
	} else {
		t.Value, err = p.quoted()
	}
	if err == nil {
		if err = checkTarget(t); err != nil {
			p.pos = at
			err = p.fail("%s: %v", keyword, err)
		}
	}
	if err != nil {
		return t, err
	}
	return t, p.take(")")
}

// brackets reads a filter with its brackets.
func (p *parser) brackets() (string, error) {
	from, depth := p.pos, 0
	for ; p.pos < len(p.text); p.pos++ {
		switch p.text[p.pos] {
		case '(':
			depth++
		case ')':
			if depth--; depth <= 0 {
				if depth < 0 {
					return p.text[from:p.pos], nil
				}
				p.pos++
				return p.text[from:p.pos], nil
			}
		}
	}
	return "", p.fail("the brackets are not closed")
}

// name reads the name of the ACI; the servers take one without quotes too.
func (p *parser) name() (string, error) {
	if p.next(`"`) {
		return p.quoted()
	}
	end := strings.IndexAny(p.text[p.pos:], `;"`)
	if end <= 0 || p.text[p.pos+end] == '"' {
		return "", p.fail("the name is missing")
	}
	name := p.text[p.pos : p.pos+end]
	p.pos += end
	return strings.TrimSpace(name), nil
}

// body reads what follows "(version".
func (p *parser) body(a *ACI) (err error) {
	if version := p.word(); version != "3.0" {
		return p.fail("version %q is not 3.0", version)
	}
	if err := p.take(";"); err != nil {
		return err
	}
	if word := p.word(); word != "acl" {
		return p.fail("%q stands where acl should", word)
	}
	if a.Name, err = p.name(); err != nil {
		return err
	}
	if err := p.take(";"); err != nil {
		return err
	}
	for !p.next(")") {
		permission, err := p.permission()
		if err != nil {
			return err
		}
		a.Permissions = append(a.Permissions, permission)
	}
	if len(a.Permissions) == 0 {
		return p.fail("nothing is allowed or denied")
	}
	if err := p.take(")"); err != nil {
		return err
	}
	if p.blanks(); p.pos < len(p.text) {
		return p.fail("%.20q follows the end", p.text[p.pos:])
	}
	return nil
}

func (p *parser) permission() (r Permission, err error) {
	at := p.pos
	switch word := p.word(); word {
	case "allow":
		r.Allow = true
	case "deny":
	default:
		p.pos = at
		return r, p.fail("%q is neither allow nor deny", word)
	}
	if err := p.take("("); err != nil {
		return r, err
	}
	for {
		at := p.pos
		word := p.word()
		if !rightWords[word] {
			p.pos = at
			return r, p.fail("%q is no right", word)
		}
		r.Rights = append(r.Rights, word)
		if p.next(")") {
			p.pos++
			break
		}
		if err := p.take(","); err != nil {
			return r, err
		}
	}
	if r.Bind, err = p.or(0); err != nil {
		return r, err
	}
	return r, p.take(";")
}

// or reads rules joined by or; and binds closer.
func (p *parser) or(depth int) (Bind, error) { return p.joined("or", depth, p.and) }

func (p *parser) and(depth int) (Bind, error) { return p.joined("and", depth, p.not) }

func (p *parser) joined(word string, depth int, part func(int) (Bind, error)) (Bind, error) {
	first, err := part(depth)
	if err != nil {
		return first, err
	}
	rules := []Bind{first}
	for {
		at := p.pos
		if p.word() != word {
			p.pos = at
			break
		}
		rule, err := part(depth)
		if err != nil {
			return rule, err
		}
		rules = append(rules, rule)
	}
	if len(rules) == 1 {
		return first, nil
	}
	return Bind{Join: word, Rules: rules}, nil
}

// not reads a comparison, a bracket of rules, or the negation of either.
func (p *parser) not(depth int) (Bind, error) {
	if depth > maxNesting {
		return Bind{}, p.fail("brackets within brackets, more than %d", maxNesting)
	}
	if p.next("(") {
		p.pos++
		rule, err := p.or(depth + 1)
		if err != nil {
			return rule, err
		}
		return rule, p.take(")")
	}
	at := p.pos
	keyword := p.word()
	if keyword == "not" {
		rule, err := p.not(depth + 1)
		return Bind{Join: "not", Rules: []Bind{rule}}, err
	}
	if !bindKeywords[keyword] {
		p.pos = at
		return Bind{}, p.fail("%q is no bind rule", keyword)
	}
	return p.comparison(keyword)
}

func (p *parser) comparison(keyword string) (b Bind, err error) {
	b.Keyword = keyword
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.next(op) {
			b.Op = op
			p.pos += len(op)
			break
		}
	}
	ordered := keyword == "timeofday" || keyword == "ssf"
	if b.Op == "" || !ordered && b.Op != "=" && b.Op != "!=" {
		return b, p.fail("%s has no comparison", keyword)
	}
	p.blanks()
	at := p.pos
	if b.Value, err = p.quoted(); err != nil {
		return b, err
	}
	if err := checkBind(keyword, b.Value); err != nil {
		p.pos = at
		return b, p.fail("%s: %v", keyword, err)
	}
	return b, nil
}

// checkTarget looks at the value of a target.
func checkTarget(t Target) error {
	switch t.Keyword {
	case "target", "target_to", "target_from":
		return checkURL(t.Value)
	case "targetfilter":
		_, err := filter.Compile(t.Value, nil)
		var e *filter.Error
		if errors.As(err, &e) {
			return errors.New(e.Position() + ": " + e.Text)
		}
		return err
	case "targetattr":
		for _, name := range strings.Split(t.Value, "||") {
			if name = strings.TrimSpace(name); name != "*" && name != "+" && !isAttribute(name) {
				return fmt.Errorf("%q is no attribute", name)
			}
		}
	case "targetscope":
		switch strings.ToLower(t.Value) {
		case "base", "onelevel", "subtree", "subordinate":
		default:
			return fmt.Errorf("%q is no scope", t.Value)
		}
	}
	return nil
}

// isAttribute reports whether name is an attribute description: a wildcard may
// stand in it.
func isAttribute(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-_.;*", c) < 0 {
			return false
		}
	}
	return name != ""
}

// checkURL looks at an ldap:/// URL whose DN may hold wildcards and macros.
func checkURL(value string) error {
	rest, ok := cutFold(strings.TrimSpace(value), "ldap:///")
	if !ok {
		return fmt.Errorf("%q does not begin with ldap:///", value)
	}
	dn, _, _ := strings.Cut(rest, "?")
	if strings.ContainsAny(dn, "*$[") || dn == "" {
		return nil
	}
	if _, err := ldif.AppendNormDN(nil, []byte(dn)); err != nil {
		return fmt.Errorf("%q is no distinguished name", dn)
	}
	return nil
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// specialUsers are what stands in place of a DN in userdn.
var specialUsers = map[string]bool{"self": true, "anyone": true, "all": true, "parent": true}

// checkBind looks at the value of a comparison.
func checkBind(keyword, value string) error {
	switch keyword {
	case "userdn", "groupdn", "roledn":
		for _, part := range strings.Split(value, "||") {
			rest, ok := cutFold(strings.TrimSpace(part), "ldap:///")
			if ok && keyword == "userdn" && specialUsers[strings.ToLower(rest)] {
				continue
			}
			if err := checkURL(part); err != nil {
				return err
			}
		}
	case "userattr":
		if !strings.Contains(value, "#") {
			return fmt.Errorf("%q has no #", value)
		}
	case "timeofday":
		if len(value) != 4 || strings.Trim(value, "0123456789") != "" || value > "2400" {
			return fmt.Errorf("%q is no time of day", value)
		}
	case "dayofweek":
		for _, day := range strings.Split(strings.ToLower(value), ",") {
			if !strings.Contains(" sun mon tue wed thu fri sat ", " "+strings.TrimSpace(day)+" ") {
				return fmt.Errorf("%q is no day of the week", day)
			}
		}
	case "authmethod":
		word := strings.ToLower(value)
		if word != "none" && word != "simple" && word != "ssl" && word != "ldapi" && !strings.HasPrefix(word, "sasl") {
			return fmt.Errorf("%q is no method", value)
		}
	}
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("the value is empty")
	}
	return nil
}
