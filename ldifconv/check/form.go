package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// addressees are where mail of an entry goes: addresses that are not its own.
var addressees = [...]schema.ID{
	schema.MailForwardingAddress, schema.MgrpRFC822MailMember, schema.RFC822MailMember,
	schema.MgrpErrorsTo, schema.MgrpModerator, schema.ErrorsTo, schema.Moderator,
}

// isPeer tells the attributes that take mailto: and LDAP URLs beside addresses.
func isPeer(id schema.ID) bool {
	switch id {
	case schema.MgrpErrorsTo, schema.MgrpModerator, schema.ErrorsTo, schema.Moderator,
		schema.MgrpAllowedBroadcaster, schema.MgrpDisallowedBroadcaster, schema.AuthorizedSubmitter, schema.UnauthorizedSubmitter:
		return true
	}
	return false
}

// addressed checks where mail of a user or list goes.
func (c *checker) addressed() {
	own := c.ownAddresses()
	for _, id := range addressees {
		c.each(id, func(v ldif.Value, desc []byte) {
			if isPeer(id) && delivery.IsURL(bytes.TrimSpace(v.Data)) {
				c.search(v, desc)
			} else {
				c.addressee(id, v, desc, own)
			}
		})
	}
	if c.kind == list || c.forwards {
		c.enterOwn(own)
	}
	c.posters()
	for _, id := range [...]schema.ID{schema.MgrpDeliverTo, schema.MembershipFilter} {
		c.each(id, c.search)
	}
}

// addressee checks an address that mail goes on to; own are those that mail of
// the entry comes by.
func (c *checker) addressee(id schema.ID, v ldif.Value, desc []byte, own map[string]bool) {
	address, fault := c.addressOf(id, v.Data)
	switch {
	case delivery.IsProgram(address):
		c.find("address-program", string(desc), v.Line, fmt.Sprintf("%.100q is a program or a file, not an address: no mail goes there", v.Data))
	case fault == delivery.NoDomain:
		c.find("address-no-domain", string(desc), v.Line, fmt.Sprintf("address %.100q has no domain", v.Data))
	case fault != delivery.NoFault:
		c.find("address-form", string(desc), v.Line, fmt.Sprintf("%.100q is no address", v.Data))
	case c.kind == list && own[string(address)] && id != schema.MgrpErrorsTo && id != schema.ErrorsTo:
		c.find("group-loop", string(desc), v.Line, fmt.Sprintf("%s is an address of the list itself", address))
	case c.kind == user && own[string(address)] && c.goesBy(id):
		c.find("forward-loop", string(desc), v.Line, fmt.Sprintf("%s is an address of the user itself", address))
	case c.goesBy(id):
		c.enterGoing(address, desc)
	}
}

// addressOf is the address that a value stands for, in lower case, and what is
// wrong with it.
func (c *checker) addressOf(id schema.ID, value []byte) ([]byte, delivery.Fault) {
	address := bytes.ToLower(bytes.TrimSpace(value))
	if isPeer(id) {
		return delivery.WithoutMailto(address), delivery.PeerFault(address)
	}
	if c.product == NMS && id != schema.MailForwardingAddress {
		address = delivery.WithoutParameters(address)
	}
	return address, delivery.AddressFault(address)
}

// posters checks who may and may not post to a list: a value that is neither an
// address nor a URL is nobody.
func (c *checker) posters() {
	for _, id := range [...]schema.ID{
		schema.MgrpAllowedBroadcaster, schema.MgrpDisallowedBroadcaster, schema.AuthorizedSubmitter, schema.UnauthorizedSubmitter,
	} {
		c.each(id, func(v ldif.Value, desc []byte) {
			if delivery.IsURL(bytes.TrimSpace(v.Data)) {
				c.search(v, desc)
				return
			}
			switch delivery.PeerFault(v.Data) {
			case delivery.NoFault:
			case delivery.NoDomain:
				c.find("address-no-domain", string(desc), v.Line, fmt.Sprintf("address %.100q has no domain", v.Data))
			default:
				c.find("address-form", string(desc), v.Line, fmt.Sprintf("%.100q is neither an address nor an LDAP URL", v.Data))
			}
		})
	}
}

// search checks an LDAP URL.
func (c *checker) search(v ldif.Value, desc []byte) {
	if fault := delivery.SearchFault(v.Data); fault != "" {
		c.find("url-form", string(desc), v.Line, fmt.Sprintf("%.200q %s", v.Data, fault))
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

// policies are the words of mgrpBroadcasterPolicy, for which no list of NMS is
// known: those of iMS, into which the upgrade does not change it.
var policies = []string{
	"smtp_auth_required", "auth_req", "password_required", "passwd_required", "passwd_req", "or", "and", "no_requirements",
}

// knownWords are the values of attributes that hold one of a few, by product.
var knownWords = map[Product]map[schema.ID][]string{
	SIMS: {
		schema.MailAutoReplyMode: {"reply", "echo"},
	},
	NMS: {
		schema.MgrpMsgRejectAction:   {"reply", "bounce", "tomoderator"},
		schema.MailAutoReplyMode:     {"vacation", "reply", "echo"},
		schema.MgrpBroadcasterPolicy: policies,
	},
	IMS: {
		schema.MgrpMsgRejectAction:   {"reply", "tomoderator"},
		schema.MailAutoReplyMode:     {"reply", "echo"},
		schema.MgrpBroadcasterPolicy: policies,
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
	list := []string{value}
	switch {
	case id == schema.MgrpBroadcasterPolicy:
		list = words(value)
	case id == schema.MgrpMsgRejectAction && p == NMS:
		for _, prefix := range []string{"size:", "domain:", "sender:"} {
			if rest, ok := strings.CutPrefix(value, prefix); ok {
				list[0] = strings.TrimSpace(rest)
			}
		}
	}
	for _, w := range list {
		if !slices.Contains(known, w) {
			return false
		}
	}
	return len(list) > 0
}
