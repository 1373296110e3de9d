package ldifconv

import (
	"bytes"
	"slices"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/schema"
)

const nmsSchema = "ns-mail-schema.conf of Directory Server 4.12"

// nmsUserRules turn the attributes of an NMS 4.x user into those of iMS.
var nmsUserRules = []rule{
	{
		name: "nms-license", from: NMS, kind: Users,
		needs:   []attrID{schema.NsLicensedFor, schema.NsLicenseStartTime, schema.NsLicenseEndTime},
		classes: []classID{schema.ClassNsLicenseUser},
		what:    "class nsLicenseUser and its attributes stay, unless the site drops them",
		source:  nmsSchema,
		apply: func(d *draft, o *ruleOptions) bool {
			if !o.DropLicenses {
				return false
			}
			d.dropClass(schema.ClassNsLicenseUser)
			d.remove(schema.NsLicensedFor)
			d.remove(schema.NsLicenseStartTime)
			d.remove(schema.NsLicenseEndTime)
			return true
		},
	},
	{
		name: "nms-forward", from: NMS, kind: Users, meaning: true,
		needs:      []attrID{schema.MailForwardingAddress},
		what:       "a mailForwardingAddress, which forwarded by being there, gets mailDeliveryOption forward",
		source:     "Directory Server 4.0 schema, attri116; Schema Reference, mailForwardingAddress",
		documented: true,
		apply:      addDelivery(schema.MailForwardingAddress, "forward"),
	},
	{
		name: "nms-autoreply", from: NMS, kind: Users, meaning: true,
		needs:  []attrID{schema.MailAutoReplyMode},
		what:   "a mailAutoReplyMode of vacation, reply or echo, which replied by being there, gets mailDeliveryOption autoreply; no other value does",
		source: "Directory Server 4.0 schema, attri114; Schema Reference, mailDeliveryOption",
		apply: func(d *draft, o *ruleOptions) bool {
			if !slices.ContainsFunc(d.values(schema.MailAutoReplyMode), isReplyMode) {
				return false
			}
			return addDelivery(schema.MailAutoReplyMode, "autoreply")(d, o)
		},
	},
	{
		name: "nms-delivery-missing", from: NMS, kind: Users, meaning: true,
		what:   "a user who is neither delivered to nor forwarded gets mailDeliveryOption mailbox; forward without an address, and autoreply, deliver nothing",
		source: "Directory Server 4.0 schema, attri116",
		apply: func(d *draft, _ *ruleOptions) bool {
			for _, v := range d.values(schema.MailDeliveryOption) {
				if delivers(d, v) {
					return false
				}
			}
			d.warn("delivery-missing", missingDelivery(d))
			d.add(schema.MailDeliveryOption, "mailbox")
			return true
		},
	},
	{
		name: "nms-autoreply-mode", from: NMS, kind: Users, meaning: true,
		needs:  []attrID{schema.MailAutoReplyMode},
		what:   "mailAutoReplyMode vacation becomes reply; reply and echo stay and get mailAutoReplyTimeOut 0, since NMS answered every message; no, none and off, which are no mode, go with a warning, alone or beside a mode; of several modes the first stays; any other value stays and is a problem",
		source: "Directory Server 4.0 schema, attri114; Schema Reference, mailAutoReplyMode, mailAutoReplyTimeOut",
		apply:  nmsAutoReplyMode,
	},
	{
		name: "nms-vacation-dates", from: NMS, kind: Users,
		needs:  []attrID{schema.VacationStartDate, schema.VacationEndDate},
		what:   "vacationStartDate and vacationEndDate are written as YYYYMMDDHHMMSSZ in GMT; what is not a time stays and is a problem",
		source: nmsSchema + "; Schema Reference, vacationStartDate",
		apply: func(d *draft, _ *ruleOptions) bool {
			fired := d.has(schema.VacationStartDate) && plainDate(d, schema.VacationStartDate)
			return d.has(schema.VacationEndDate) && plainDate(d, schema.VacationEndDate) || fired
		},
	},
	{
		name: "nms-quota-single", from: NMS, kind: Users, meaning: true,
		needs:      []attrID{schema.MailQuota},
		what:       "of several mailQuota the first stays, as from SIMS",
		source:     "Directory Server 4.0 schema, attri122; Schema Reference, mailQuota (single-valued)",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			return keepFirst(d, schema.MailQuota)
		},
	},
	{
		name: "nms-quota-zero", from: NMS, kind: Users, meaning: true,
		needs:      []attrID{schema.MailQuota},
		what:       "mailQuota 0, no limit in NMS, becomes -1: in iMS 0 is no space",
		source:     "Directory Server 4.0 schema, attri122; Schema Reference, mailQuota",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			return zeroIsUnlimited(d, schema.MailQuota)
		},
	},
	{
		name: "nms-message-quota", from: NMS, kind: Users,
		needs:  []attrID{schema.NsMsgNumMsgQuota},
		what:   "nsmsgNumMsgQuota becomes mailMsgQuota, an integer without leading zeros, and 0 becomes -1; what is not a number stays and is a problem",
		source: "50ns-mail.ldif; Schema Reference, mailMsgQuota",
		apply: func(d *draft, _ *ruleOptions) bool {
			if v := d.first(schema.NsMsgNumMsgQuota); !isLimit(v) {
				d.stays("quota-value", schema.NsMsgNumMsgQuota, v, "is not a number of messages")
				d.addClass(schema.ClassNsMessagingServerUser) // which allows it
				return false
			}
			if !zeroIsUnlimited(d, schema.NsMsgNumMsgQuota) {
				plainLimit(d, schema.NsMsgNumMsgQuota)
			}
			moveSingle(d, schema.NsMsgNumMsgQuota, schema.MailMsgQuota)
			return true
		},
	},
	{
		name: "nms-programs", from: NMS, kind: Both, meaning: true,
		needs:      []attrID{schema.MailProgramDeliveryInfo},
		what:       "a command line in mailProgramDeliveryInfo becomes the name of a program, given by the site or prog-1, prog-2 and so on; one of more than 4096 bytes, one with a quote that is not closed and those behind the 50000th stay and are problems; the commands that make the names known are listed",
		source:     "Directory Server 4.0 schema, attri121; Schema Reference, mailProgramDeliveryInfo",
		documented: true,
		apply:      nmsPrograms,
	},
	{
		name: "nms-member-of", from: NMS, kind: Users,
		needs:  []attrID{schema.NsDAMemberOf},
		what:   "nsDAMemberOf, the older spelling, becomes memberOf; what is no DN stays and is a problem",
		source: "Netscape Delegated Administrator ACIs; 50ns-delegated-admin.ldif",
		apply: func(d *draft, _ *ruleOptions) bool {
			return moveDNs(d, schema.NsDAMemberOf, schema.MemberOf, trimBlanks)
		},
	},
	{
		name: "nms-list-manager-user", from: NMS, kind: Users,
		needs:   listMemberAttributes,
		classes: []classID{schema.ClassMailGroupMember},
		what:    "class mailGroupMember and the mgmem attributes of the Mailing List Manager go",
		source:  "ns-mlm-schema.conf of Directory Server 4.12 (not in the iMS classes)",
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.hasClass(schema.ClassMailGroupMember) {
				d.warn("list-manager", "class mailGroupMember of the Mailing List Manager dropped")
				d.dropClass(schema.ClassMailGroupMember)
			}
			for _, a := range listMemberAttributes {
				if d.has(a) {
					d.warnf("list-manager", "%s %s of the Mailing List Manager dropped", schema.Name(a), d.several(a))
					d.remove(a)
				}
			}
			return true
		},
	},
	{
		name: "nms-vanity", from: NMS, kind: Users,
		needs:      []attrID{schema.Mail},
		what:       "with the vanity choice, and unless the domain gets an entry of its own, a user whose address is in another domain than the entry's gets msgVanityDomainUser and msgVanityDomain",
		source:     "Schema Reference, msgVanityDomainUser (deprecated later)",
		documented: false,
		apply:      nmsVanity,
	},
	{
		name: "nms-domain-tree", from: NMS, kind: Both,
		needs:  []attrID{schema.Mail},
		what:   "with the tree choice, the domain of mail, of a user or a list, gets an entry in the domain component tree; several of one subtree name the one that stands for all in inetCanonicalDomainName",
		source: "Provisioning Guide 5.2 (two trees); Schema Reference, inetCanonicalDomainName",
		apply: func(d *draft, o *ruleOptions) bool {
			if o.MakeDCTree {
				o.tree.note(d)
			}
			return false
		},
	},
}

var listMemberAttributes = []attrID{
	schema.MgmemMemberOfGroup, schema.MgmemRefDN, schema.MgmemMailUserPassword,
	schema.MgmemGroupMemberParam, schema.MgmemGroupServerParam, schema.MgmemAlternateSenderAddress,
}

// addDelivery returns a rule body that adds one delivery option when a says
// something.
func addDelivery(a attrID, option string) func(*draft, *ruleOptions) bool {
	return func(d *draft, _ *ruleOptions) bool {
		if !hasText(d, a) || d.hasValue(schema.MailDeliveryOption, option) {
			return false
		}
		d.add(schema.MailDeliveryOption, option)
		return true
	}
}

// delivers reports whether a delivery option gets mail of a user to a place.
func delivers(d *draft, option []byte) bool {
	switch {
	case !hasBytes(option) || equalFoldString(option, "autoreply"):
		return false
	case equalFoldString(option, "forward"):
		return hasText(d, schema.MailForwardingAddress)
	}
	return true
}

// missingDelivery says why mailbox is set.
func missingDelivery(d *draft) string {
	if d.hasValue(schema.MailDeliveryOption, "forward") {
		return "mailDeliveryOption forward without mailForwardingAddress: mailbox set"
	}
	return "no mailDeliveryOption: mailbox set"
}

// nmsAutoReplyMode keeps one mode of several, and every value that is none.
func nmsAutoReplyMode(d *draft, _ *ruleOptions) bool {
	values := d.values(schema.MailAutoReplyMode)
	var mode []byte
	var kept [][]byte
	for _, v := range values {
		switch {
		case isOneOf(v, "no", "none", "off", "false", ""):
			d.warnf("autoreply-off", "mailAutoReplyMode %.200q is no mode: dropped", v)
		case !isReplyMode(v):
			d.stays("autoreply-mode", schema.MailAutoReplyMode, v, "is none of vacation, reply, echo, and sends no reply")
			kept = append(kept, v)
		case mode == nil:
			mode = v
		case !equalFold(mode, v):
			d.warnf("single-value", "mailAutoReplyMode keeps %.200q, %.200q dropped", mode, v)
		}
	}
	fired := false
	switch {
	case mode == nil:
	case equalFoldString(mode, "vacation"):
		mode = []byte("reply")
	default:
		fired = setMissing(d, schema.MailAutoReplyTimeOut, "0")
	}
	if mode != nil {
		kept = append([][]byte{mode}, kept...)
	}
	if slices.EqualFunc(kept, values, bytes.Equal) {
		return fired
	}
	d.setBytes(schema.MailAutoReplyMode, kept...)
	return true
}

func isReplyMode(v []byte) bool { return isOneOf(v, "vacation", "reply", "echo") }

// isLimit reports whether v is a number that limits something, or -1 or -2.
func isLimit(v []byte) bool {
	q, ok := parseQuota(trimBlanks(v))
	return ok && q.suffix == 0
}

// zeroIsUnlimited turns a limit of 0 into -1.
func zeroIsUnlimited(d *draft, a attrID) bool {
	v := trimBlanks(d.first(a))
	if len(v) == 0 || len(bytes.TrimLeft(v, "0")) > 0 {
		return false
	}
	warnSingle(d, a)
	d.set(a, "-1")
	return true
}

// plainLimit writes a limit as an integer of a directory: the old attribute is
// a string, which takes leading zeros and blanks.
func plainLimit(d *draft, a attrID) {
	v := d.first(a)
	q, _ := parseQuota(trimBlanks(v))
	var memory [24]byte
	if text := appendInt(memory[:0], q.n); !bytes.Equal(text, v) {
		warnSingle(d, a)
		d.setBytes(a, text)
	}
}

func nmsPrograms(d *draft, o *ruleOptions) bool {
	values := d.values(schema.MailProgramDeliveryInfo)
	names := make([][]byte, len(values))
	for i, command := range values {
		names[i] = []byte(o.programs.name(d, command))
	}
	if slices.EqualFunc(values, names, bytes.Equal) {
		return false
	}
	d.remove(schema.MailProgramDeliveryInfo)
	d.addBytes(schema.MailProgramDeliveryInfo, names...)
	return true
}

func nmsVanity(d *draft, o *ruleOptions) bool {
	if !o.Vanity || o.MakeDCTree || d.has(schema.MsgVanityDomain) {
		return false
	}
	domain := string(lower(domainOf(d.first(schema.Mail))))
	if domain == "" || domain == domainOfDN(d.dn()) || oneOf(domain, o.Domains...) {
		return false
	}
	d.warn("vanity", "address in "+domain+", which has no entry: msgVanityDomain set")
	d.addClass(schema.ClassMsgVanityDomainUser)
	d.set(schema.MsgVanityDomain, domain)
	return true
}

// domainOf returns what stands behind the @ of an address, or nil.
func domainOf(address []byte) []byte {
	at := delivery.AddressAt(address)
	if at < 0 {
		return nil
	}
	return bytes.TrimSpace(address[at+1:])
}

// domainOfDN returns the mail domain that a DN lies in, in lower case: the last
// o= that looks like one, or the dc= parts joined.
func domainOfDN(dn []byte) string {
	var dc []byte
	organization := ""
	for _, part := range bytes.Split(dn, []byte{','}) {
		name, value, _ := bytes.Cut(part, []byte{'='})
		value = bytes.TrimSpace(value)
		switch id, _ := schema.Lookup(bytes.TrimSpace(name)); {
		case id == schema.DC:
			if len(dc) > 0 {
				dc = append(dc, '.')
			}
			dc = append(dc, value...)
		case id == schema.O && bytes.IndexByte(value, '.') > 0:
			organization = string(lower(value))
		}
	}
	if organization != "" {
		return organization
	}
	return string(lower(dc))
}
