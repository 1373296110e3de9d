package check

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// user checks what a mail user means.
func (c *checker) user() {
	c.uids()
	if !c.has(schema.Mail) {
		c.find("no-mail", "mail", 0, "the user has no address")
	}
	c.addresses()
	c.addressed()
	c.words()
	c.mailHost()
	c.statuses()
	c.quotas()
	c.delivery()
	c.services(schema.MailAllowedServiceAccess, true)
	c.source()
}

// list checks what a mailing list means.
func (c *checker) list() {
	if !c.has(schema.Mail) {
		c.find("no-mail", "mail", 0, "the list has no address")
	}
	c.addresses()
	c.addressed()
	c.words()
	c.posterDomains()
	c.mailHost()
	c.statuses()
	c.source()
	options := c.options()
	if !c.has(memberAttributes...) && !options["program"] && !options["file"] && !options["forward"] && !options["shared"] {
		c.find("list-no-members", "uniqueMember", 0, "the list has no members")
	}
	c.optionNeeds(options)
}

var memberAttributes = []schema.ID{
	schema.UniqueMember, schema.Member, schema.MailEnhancedUniqueMember, schema.MgrpRFC822MailMember, schema.RFC822MailMember,
	schema.MgrpDeliverTo, schema.MembershipFilter,
}

// domain checks what a domain node means.
func (c *checker) domain() {
	c.domainCount++
	c.statuses()
	c.quotas()
	c.services(schema.MailDomainAllowedServiceAccess, false)
	if c.product == SIMS {
		c.simsServices()
	}
	base := c.norm
	if c.product == IMS || c.has(schema.InetDomainBaseDN) {
		c.each(schema.InetDomainBaseDN, func(v ldif.Value, _ []byte) {
			if norm, err := ldif.AppendNormDN(nil, v.Data); err == nil {
				base = norm
			}
		})
	}
	c.put(appendHash(append(c.key[:0], keyDomain), base), nil)
	if name := dottedName(c.norm); name != "" {
		c.enterMailDomain([]byte(name))
	}
}

// dottedName is the domain that the dc parts, or else the first o part, of a
// normalised DN spell.
func dottedName(norm []byte) string {
	var parts []string
	for _, rdn := range bytes.Split(norm, []byte{','}) {
		name, value, _ := bytes.Cut(rdn, []byte{'='})
		if string(name) == "dc" {
			parts = append(parts, string(value))
		} else if len(parts) > 0 {
			break
		} else if string(name) == "o" {
			return string(value)
		}
	}
	return strings.Join(parts, ".")
}

// statusValues are the documented values; iMS takes any other for inactive.
var statusValues = map[schema.ID][]string{
	schema.InetUserStatus:       {"active", "inactive", "deleted"},
	schema.InetSubscriberStatus: {"active", "inactive", "deleted"},
	schema.MailUserStatus:       {"active", "inactive", "deleted", "hold", "overquota", "disabled", "removed"},
	schema.InetMailGroupStatus:  {"active", "inactive", "deleted", "disabled"},
	schema.InetDomainStatus:     {"active", "inactive", "deleted"},
	schema.MailDomainStatus:     {"active", "inactive", "deleted", "hold", "overquota", "disabled", "removed"},
}

func (c *checker) statuses() {
	for i := range c.entry.Attrs {
		a := &c.entry.Attrs[i]
		values := statusValues[schema.ID(c.ids[i])]
		if values == nil {
			continue
		}
		for _, v := range a.Values {
			if !slices.Contains(values, lowerString(string(v.Data))) {
				c.find("status-value", string(a.Desc), v.Line, fmt.Sprintf("%.100q is none of %s", v.Data, strings.Join(values, ", ")))
			}
		}
	}
}

// maxQuota is the largest number of bytes that iMS 5.x counts.
const maxQuota = 4294966272

var quotaAttributes = [...]schema.ID{schema.MailQuota, schema.MailMsgQuota, schema.MailDomainDiskQuota, schema.MailDomainMsgQuota, schema.NsMsgNumMsgQuota}

func (c *checker) quotas() {
	for _, id := range quotaAttributes {
		c.each(id, func(v ldif.Value, desc []byte) {
			n, ok := parseQuota(v.Data)
			switch {
			case !ok:
				c.find("quota-value", string(desc), v.Line, fmt.Sprintf("%.100q is no quota", v.Data))
			case n == 0 && c.product != NMS:
				c.find("quota-zero", string(desc), v.Line, "a quota of 0 leaves no space at all")
			case n > maxQuota && c.product == IMS && (id == schema.MailQuota || id == schema.MailDomainDiskQuota):
				c.find("quota-large", string(desc), v.Line, fmt.Sprintf("%s is above %d, the largest that iMS 5.x counts", v.Data, maxQuota))
			}
		})
	}
}

// parseQuota reads digits with an optional suffix K, M, G or T (base 1,024), or
// -1 (none) or -2 (the server's default).
func parseQuota(value []byte) (int64, bool) {
	text := bytes.TrimSpace(value)
	if string(text) == "-1" || string(text) == "-2" {
		return -1, true
	}
	shift := 0
	if len(text) > 1 {
		if i := bytes.IndexByte([]byte("KMGT"), text[len(text)-1]&^0x20); i >= 0 {
			shift, text = 10*(i+1), bytes.TrimSpace(text[:len(text)-1])
		}
	}
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, b := range text {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + int64(b-'0')
	}
	if n > math.MaxInt64>>shift {
		return 0, false
	}
	return n << shift, true
}

// knownOptions are the values of mailDeliveryOption by product and kind.
var knownOptions = map[Product]map[kind][]string{
	SIMS: {user: {"mailbox", "native", "autoreply", "program", "forward", "file", "hold"}, list: {"shared", "program", "file"}},
	NMS:  {user: {"mailbox", "native", "program"}, list: {"program", "file", "mailbox"}},
	IMS: {
		user: {"mailbox", "native", "unix", "autoreply", "program", "forward", "hold"},
		list: {"members", "members_offline", "file", "program", "forward", "hold"},
	},
}

// options returns the delivery options and reports those that are unknown.
func (c *checker) options() map[string]bool {
	var have map[string]bool
	c.each(schema.MailDeliveryOption, func(v ldif.Value, desc []byte) {
		word := lowerString(string(v.Data))
		if have == nil {
			have = map[string]bool{}
		}
		have[word] = true
		if known := knownOptions[c.product][c.kind]; known != nil && !slices.Contains(known, word) {
			c.find("option-unknown", string(desc), v.Line, fmt.Sprintf("delivery option %.100q is none of %s", v.Data, strings.Join(known, ", ")))
		}
	})
	return have
}

func (c *checker) delivery() {
	options := c.options()
	forwards := c.has(schema.MailForwardingAddress)
	if len(options) == 0 && (c.product != NMS || !forwards) {
		c.find("no-delivery", "mailDeliveryOption", 0, "the user has no mailDeliveryOption")
	}
	if c.product == IMS && forwards && !options["forward"] {
		c.find("address-no-forward", "mailForwardingAddress", 0, "the forwarding address is not in use: mailDeliveryOption has no forward")
	}
	c.optionNeeds(options)
}

// optionNeeds reports options without what they work with.
func (c *checker) optionNeeds(options map[string]bool) {
	if options["forward"] && !c.has(schema.MailForwardingAddress) {
		c.find("forward-no-address", "mailDeliveryOption", 0, "forward without mailForwardingAddress")
	}
	if options["program"] && !c.has(schema.MailProgramDeliveryInfo) {
		c.find("program-no-name", "mailDeliveryOption", 0, "program without mailProgramDeliveryInfo")
	}
	if options["file"] && !c.has(schema.MailDeliveryFile, schema.MailDeliveryFileURL) {
		c.find("file-no-name", "mailDeliveryOption", 0, "file without a file")
	}
	if options["autoreply"] && !c.has(schema.MailAutoReplyText, schema.MailAutoReplyTextInternal) && !bytes.EqualFold(c.first(schema.MailAutoReplyMode), []byte("echo")) {
		c.find("autoreply-no-text", "mailDeliveryOption", 0, "autoreply without mailAutoReplyText")
	}
}
