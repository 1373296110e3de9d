package check

import (
	"bytes"
	"fmt"
	"strings"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// addressAttributes hold addresses of which each belongs to one entry.
var addressAttributes = [...]schema.ID{schema.Mail, schema.MailAlternateAddress, schema.MailEquivalentAddress, schema.RFC822MailAlias}

// addresses checks the addresses of a user or list and enters them.
func (c *checker) addresses() {
	for _, id := range addressAttributes {
		c.each(id, func(v ldif.Value, desc []byte) {
			switch fault := delivery.AddressFault(v.Data); {
			case fault == delivery.NoDomain:
				c.find("mail-no-domain", string(desc), v.Line, fmt.Sprintf("address %.100q has no domain", v.Data))
			case fault != delivery.NoFault && (id == schema.Mail || !delivery.IsCatchAll(v.Data)):
				c.find("mail-form", string(desc), v.Line, fmt.Sprintf("%.100q is no address", v.Data))
			default:
				address := bytes.ToLower(bytes.TrimSpace(v.Data))
				c.enterAddress(address, v.Line, desc)
				c.enterMailDomain(address[delivery.AddressAt(address)+1:])
			}
		})
	}
}

func (c *checker) enterAddress(address []byte, line int, desc []byte) {
	key := appendHash(append(c.key[:0], keyMail), address)
	c.val = appendUvarint(c.val[:0], uint64(line))
	c.val = append(append(c.val, desc...), 0)
	c.val = append(c.val, clip(address, longestText)...)
	c.put(appendNumber(key, c.number), c.val)
}

func (c *checker) enterMailDomain(domain []byte) {
	c.put(appendHash(append(c.key[:0], keyMailDom), domain), nil)
}

// uidForbidden are the characters that iMS does not allow in a uid, beside
// controls and bytes above 126 (Provisioning Guide 5.2).
const uidForbidden = "$~=#*+%!@,{}()/\\<>;:\"'`[]&?"

// uids checks the uid of a user and enters it.
func (c *checker) uids() {
	n := 0
	c.each(schema.UID, func(v ldif.Value, desc []byte) {
		if n++; n > 1 {
			if n == 2 {
				c.find("several-uids", string(desc), v.Line, "several uids: the first is the store id")
			}
			return
		}
		uid := bytes.ToLower(bytes.TrimSpace(v.Data))
		local, domain, compound := bytes.Cut(uid, []byte{'@'})
		if !isUID(local) || compound && (!delivery.IsDomain(domain) || bytes.IndexByte(domain, '.') < 0) {
			c.find("uid-form", string(desc), v.Line, fmt.Sprintf("uid %.100q holds a character that iMS forbids", v.Data))
		} else if compound {
			key := appendHash(append(c.key[:0], keyUIDDom), domain)
			c.val = append(c.val[:0], clip(v.Data, longestText)...)
			c.put(appendNumber(key, c.number), c.val)
		}
		key := appendHash(append(c.key[:0], keyUID), uid)
		c.put(appendNumber(key, c.number), nil)
	})
	if n == 0 {
		c.find("no-uid", "uid", 0, "the user has no uid, so no mailbox")
	}
}

func isUID(local []byte) bool {
	for _, b := range local {
		if b < ' ' || b > '~' || strings.IndexByte(uidForbidden, b) >= 0 {
			return false
		}
	}
	return len(local) > 0
}

// mailHost checks the server of a user or list.
func (c *checker) mailHost() {
	host := c.first(schema.MailHost)
	switch {
	case host == nil && c.kind == user:
		c.find("no-mailhost", "mailHost", 0, "the user has no mailHost: no server delivers")
	case host == nil:
		c.find("list-no-mailhost", "mailHost", 0, "the list has no mailHost: any server may expand it")
	}
	n := 0
	c.each(schema.MailHost, func(v ldif.Value, desc []byte) {
		if n++; n == 2 && c.product != IMS { // of iMS the schema says that it is one
			c.find("several-mailhosts", string(desc), v.Line, "several values of mailHost: one server has the mailbox or expands the list")
		}
		if !delivery.IsMailHost(v.Data) {
			c.find("mailhost-form", string(desc), v.Line, fmt.Sprintf("mailHost %.100q is neither a full host name nor an address", v.Data))
		}
		if len(c.hosts) > 0 && !c.hosts[lowerString(string(v.Data))] {
			c.find("mailhost-unknown", string(desc), v.Line, fmt.Sprintf("mailHost %.100q is none of the hosts that --host names", v.Data))
		}
	})
}
