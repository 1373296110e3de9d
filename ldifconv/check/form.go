package check

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// addressees are where mail of an entry goes: addresses that are not its own.
var addressees = [...]schema.ID{
	schema.MailForwardingAddress, schema.MgrpRFC822MailMember, schema.RFC822MailMember,
	schema.MgrpErrorsTo, schema.MgrpModerator, schema.ErrorsTo, schema.Moderator,
}

// addressed checks where mail of a user or list goes.
func (c *checker) addressed() {
	own := c.ownAddresses()
	for _, id := range addressees {
		c.each(id, func(v ldif.Value, desc []byte) {
			address, ok := c.plainAddress(v.Data)
			if !ok {
				return
			}
			if c.product == NMS && (id == schema.MgrpRFC822MailMember || id == schema.RFC822MailMember) {
				address = withoutOptions(address)
			}
			local, domain, found := bytes.Cut(address, []byte{'@'})
			switch {
			case delivery.IsProgram(address):
				c.find("address-program", string(desc), v.Line, fmt.Sprintf("%.100q is a program or a file, not an address: no mail goes there", v.Data))
			case !found && len(address) > 0 && !bytes.ContainsAny(address, " \t,;<>()"):
				c.find("address-no-domain", string(desc), v.Line, fmt.Sprintf("address %.100q has no domain", v.Data))
			case !found || len(local) == 0 || !isAddress(local, domain, id):
				c.find("address-form", string(desc), v.Line, fmt.Sprintf("%.100q is no address", v.Data))
			case c.kind == list && own[string(address)] && id != schema.MgrpErrorsTo && id != schema.ErrorsTo:
				c.find("group-loop", string(desc), v.Line, fmt.Sprintf("%s is an address of the list itself", address))
			case c.kind == user && own[string(address)] && c.goesBy(id):
				c.find("forward-loop", string(desc), v.Line, fmt.Sprintf("%s is an address of the user itself", address))
			case c.goesBy(id):
				c.enterGoing(address, desc)
			}
		})
	}
	if c.kind == list || c.forwards {
		c.enterOwn(own)
	}
	c.posters()
	for _, id := range [...]schema.ID{schema.MgrpDeliverTo, schema.MembershipFilter} {
		c.each(id, func(v ldif.Value, desc []byte) {
			if fault := urlFault(v.Data); fault != "" {
				c.find("url-form", string(desc), v.Line, fmt.Sprintf("%.200q %s", v.Data, fault))
			}
		})
	}
}

// posters checks who may and may not post to a list: a value that is neither an
// address nor a URL is nobody.
func (c *checker) posters() {
	for _, id := range [...]schema.ID{
		schema.MgrpAllowedBroadcaster, schema.MgrpDisallowedBroadcaster, schema.AuthorizedSubmitter, schema.UnauthorizedSubmitter,
	} {
		c.each(id, func(v ldif.Value, desc []byte) {
			address, ok := c.plainAddress(v.Data)
			if local, domain, found := bytes.Cut(address, []byte{'@'}); ok && (!found && bytes.ContainsAny(address, "= \t,;<>()") || found && !isAddress(local, domain, id)) {
				c.find("address-form", string(desc), v.Line, fmt.Sprintf("%.100q is neither an address nor an LDAP URL", v.Data))
			}
		})
	}
}

// ownAddresses are the addresses that mail for the entry has, in lower case.
func (c *checker) ownAddresses() map[string]bool {
	own := map[string]bool{}
	for _, id := range addressAttributes {
		c.each(id, func(v ldif.Value, _ []byte) { own[lowerString(string(v.Data))] = true })
	}
	return own
}

// plainAddress is the address of a value, in lower case; ok is false for an
// LDAP URL, and for a DN where the product takes one. SIMS and NMS take a name
// before an address in angle brackets, all take mailto:.
func (c *checker) plainAddress(value []byte) (address []byte, ok bool) {
	address = bytes.ToLower(bytes.TrimSpace(value))
	if bytes.HasPrefix(address, []byte("ldap:")) || bytes.HasPrefix(address, []byte("ldaps:")) {
		return nil, false
	}
	if rest, found := bytes.CutPrefix(address, []byte("mailto:")); found {
		rest, _, _ = bytes.Cut(rest, []byte{'?'})
		return bytes.TrimSpace(rest), true
	}
	if c.product == IMS {
		return address, true
	}
	if bytes.IndexByte(address, '=') > 0 && bytes.IndexByte(address, '@') < 0 {
		if _, err := ldif.AppendNormDN(nil, address); err == nil {
			return nil, false
		}
	}
	if at := bytes.LastIndexByte(address, '<'); at >= 0 && bytes.HasSuffix(address, []byte{'>'}) {
		address = bytes.TrimSpace(address[at+1 : len(address)-1])
	}
	return address, true
}

// withoutOptions cuts what NMS has behind the address of a member: from the
// first % or blank behind the domain on.
func withoutOptions(address []byte) []byte {
	at := bytes.LastIndexByte(address, '@')
	if first, _, cut := bytes.Cut(address, []byte{'%'}); cut && bytes.IndexByte(first, '@') >= 0 {
		at = bytes.LastIndexByte(first, '@') // the options may have an @
	}
	if at < 0 {
		return address
	}
	if i := bytes.IndexAny(address[at:], "% \t"); i >= 0 {
		return address[:at+i]
	}
	return address
}

// urlFault says what is wrong with an LDAP URL (RFC 2255: base, attributes,
// scope, filter), "" when nothing is.
func urlFault(value []byte) string {
	text := strings.TrimSpace(string(value))
	lower := strings.ToLower(text)
	if !strings.HasPrefix(lower, "ldap://") && !strings.HasPrefix(lower, "ldaps://") {
		return "is no LDAP URL"
	}
	parts := strings.SplitN(text, "?", 5)
	_, base, _ := strings.Cut(parts[0], "//")
	if host, rest, found := strings.Cut(base, "/"); found && !strings.Contains(host, "=") {
		base = rest
	}
	if base == "" {
		return "has no base to search"
	}
	if len(parts) > 2 && !slices.Contains([]string{"", "base", "one", "sub"}, strings.ToLower(parts[2])) {
		return "has a scope that is none of base, one, sub"
	}
	if len(parts) < 4 || parts[3] == "" {
		return ""
	}
	condition, err := url.PathUnescape(parts[3])
	if err != nil {
		condition = parts[3] // written without escapes
	}
	if _, err := filter.Compile(condition, func(string) []string { return nil }); err != nil {
		return "has a filter that is none: " + err.Error()
	}
	return ""
}

// knownWords are the values of attributes that hold one of a few, by product.
var knownWords = map[Product]map[schema.ID][]string{
	NMS: {
		schema.MgrpMsgRejectAction: {"reply", "bounce", "tomoderator"},
		schema.MailAutoReplyMode:   {"vacation", "reply", "echo"},
	},
	IMS: {
		schema.MgrpMsgRejectAction: {"reply", "tomoderator"},
		schema.MailAutoReplyMode:   {"reply", "echo"},
		schema.MgrpBroadcasterPolicy: {
			"smtp_auth_required", "auth_req", "password_required", "passwd_required", "passwd_req", "or", "and", "no_requirements",
		},
	},
}

// words checks the values of attributes that hold words or numbers.
func (c *checker) words() {
	for i := range c.entry.Attrs {
		a := &c.entry.Attrs[i]
		id := schema.ID(c.ids[i])
		known := knownWords[c.product][id]
		for _, v := range a.Values {
			word := lowerString(string(v.Data))
			switch {
			case id == schema.MailAutoReplyTimeOut:
				if word == "" || strings.Trim(word, "0123456789") != "" {
					c.find("number-value", string(a.Desc), v.Line, fmt.Sprintf("%.100q is no number of hours", v.Data))
				}
			case id == schema.MgrpMsgMaxSize:
				if word == "" || strings.Trim(word, "0123456789") != "" {
					c.find("number-value", string(a.Desc), v.Line, fmt.Sprintf("%.100q is no number of bytes", v.Data))
				}
			case known != nil && !allKnown(id, word, c.product, known):
				c.find("word-unknown", string(a.Desc), v.Line, fmt.Sprintf("%.100q is none of %s", v.Data, strings.Join(known, ", ")))
			}
		}
	}
}

// allKnown reports whether a value is known: a policy is a list of words, an
// action of NMS may have a prefix that says when it counts.
func allKnown(id schema.ID, value string, p Product, known []string) bool {
	words := []string{value}
	switch {
	case id == schema.MgrpBroadcasterPolicy:
		words = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case id == schema.MgrpMsgRejectAction && p == NMS:
		for _, prefix := range []string{"size:", "domain:", "sender:"} {
			if rest, ok := strings.CutPrefix(value, prefix); ok {
				words[0] = strings.TrimSpace(rest)
			}
		}
	}
	for _, w := range words {
		if !slices.Contains(known, w) {
			return false
		}
	}
	return len(words) > 0
}
