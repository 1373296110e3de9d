package ldifconv

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// migratedClasses are the classes an iMS user gets, in the order seen in
// migrated directories.
var migratedClasses = []classID{
	schema.ClassInetUser, schema.ClassIPUser, schema.ClassInetMailUser,
	schema.ClassInetLocalMailRecipient, schema.ClassNsManagedPerson, schema.ClassUserPresenceProfile,
}

// addressRules order the addresses of users and groups: one mail, the others
// alternates.
var addressRules = []rule{
	{
		name: "mail-single", from: AnySource, kind: Both,
		needs:      []attrID{schema.Mail},
		what:       "mail keeps its first value, one spelled mail before one spelled rfc822mailbox, but the one that names the entry when one does; further ones become mailAlternateAddress",
		source:     "Schema Reference, mail (single-valued); slapd.at.conf of Directory Server 4.12 (alias rfc822mailbox)",
		documented: true,
		apply:      mailSingle,
	},
	{
		name: "alias-addresses", from: SIMS, kind: Both,
		needs:  []attrID{schema.RFC822MailAlias},
		what:   "rfc822MailAlias becomes mailAlternateAddress",
		source: "draft-srivastava-ldap-mail-00 5; Schema Reference, mailAlternateAddress",
		apply: func(d *draft, _ *ruleOptions) bool {
			d.rename(schema.RFC822MailAlias, schema.MailAlternateAddress)
			return true
		},
	},
	{
		name: "alternate-unlike-mail", from: AnySource, kind: Both,
		needs:  []attrID{schema.MailAlternateAddress},
		what:   "a mailAlternateAddress equal to mail, or a second time in the entry, goes, ignoring case",
		source: "Schema Reference, mailAlternateAddress",
		apply:  alternateUnlikeMail,
	},
	{
		name: "mail-host-name", from: AnySource, kind: Both,
		what:   "mailHost stays; a warning when it is missing, has several values, or is neither a full host name nor an address",
		source: "Schema Reference, mailHost; imsimta dirsync",
		apply:  mailHostName,
	},
	{
		name: "address-domain", from: AnySource, kind: Both,
		what:   "addresses stay; a warning when mail is missing, and for an address without a domain, with bytes beyond ASCII, or that is none: blanks, two @, an empty part",
		source: "draft-srivastava-ldap-mail-00 3.1.3, inetMailRouting; Directory Server 4.0 schema, mailGroup",
		apply:  addressDomain,
	},
	{
		name: "user-uid", from: AnySource, kind: Users,
		what:   "uid stays; a warning when it is missing, has several values, or holds a character that iMS forbids",
		source: "draft-srivastava-ldap-mail-00, inetSubscriber; Migration Guide (the store is keyed on uid)",
		apply:  userID,
	},
}

// addressDomain warns of what no server could deliver to.
func addressDomain(d *draft, _ *ruleOptions) bool {
	if !d.has(schema.Mail) {
		d.warn("mail-missing", "no mail: nothing is delivered to the entry")
	}
	warnAddresses(d, schema.Mail)
	warnAddresses(d, schema.MailAlternateAddress)
	return false
}

// userID warns of a user that the store could not tell by its uid.
func userID(d *draft, _ *ruleOptions) bool {
	switch values := d.values(schema.UID); {
	case len(values) == 0:
		d.warn("uid-missing", "user without uid: there is no mailbox to log in to")
	case len(values) > 1:
		d.warnf("uid-values", "%d values of uid, %.200q and others: the mailbox is named by one of them", len(values), values[0])
	case formOf(trimBlanks(values[0])) == OtherUID:
		d.warnf("uid-form", "uid %.200q holds a character that iMS forbids", values[0])
	}
	return false
}

func mailSingle(d *draft, _ *ruleOptions) bool {
	values := d.values(schema.Mail)
	if len(values) < 2 {
		return false
	}
	kept := 0
	if name := namedBy(d, schema.Mail); name != nil {
		kept = max(0, slices.IndexFunc(values, func(v []byte) bool { return equalFold(v, name) }))
	}
	mail, had := values[kept], len(d.values(schema.MailAlternateAddress))
	more := make([][]byte, 0, len(values)-1)
	for _, v := range values {
		if !equalFold(v, mail) {
			more = append(more, v)
		}
	}
	d.addBytes(schema.MailAlternateAddress, more...)
	moved := len(d.values(schema.MailAlternateAddress)) - had
	if dropped := len(values) - 1 - moved; dropped > 0 {
		d.warnf("mail-values", "mail keeps %.200q, %d moved to mailAlternateAddress, %d dropped, which the entry has already", mail, moved, dropped)
	} else {
		d.warnf("mail-values", "mail keeps %.200q, %d moved to mailAlternateAddress", mail, moved)
	}
	d.setBytes(schema.Mail, mail)
	return true
}

// namedBy returns the value, in lower case, of the attribute a that the entry
// is named by, or nil.
func namedBy(d *draft, a attrID) []byte {
	rdn, _ := ldif.CutRDN(d.dn())
	name, value, _ := bytes.Cut(rdn, []byte{'='})
	if id, _ := schema.Lookup(bytes.TrimSpace(name)); id != a {
		return nil
	}
	return unescapeRDN(value)
}

func alternateUnlikeMail(d *draft, _ *ruleOptions) bool {
	values, mail := d.values(schema.MailAlternateAddress), d.first(schema.Mail)
	fired := repeats(values)
	if mail != nil {
		for _, v := range values {
			fired = fired || equalFold(v, mail)
		}
	}
	if !fired {
		return false
	}
	kept := make([][]byte, 0, len(values))
	for _, v := range values {
		if mail == nil || !equalFold(v, mail) {
			kept = append(kept, v)
		}
	}
	d.remove(schema.MailAlternateAddress)
	d.addBytes(schema.MailAlternateAddress, kept...)
	return true
}

// repeats reports whether two values are equal ignoring case.
func repeats(values [][]byte) bool {
	if len(values) > 32 {
		seen := make(map[string]bool, len(values))
		for _, v := range values {
			seen[string(lower(v))] = true
		}
		return len(seen) < len(values)
	}
	for i, v := range values {
		if containsFold(values[:i], v) {
			return true
		}
	}
	return false
}

func containsFold(list [][]byte, v []byte) bool {
	for _, have := range list {
		if equalFold(have, v) {
			return true
		}
	}
	return false
}

func mailHostName(d *draft, _ *ruleOptions) bool {
	host := d.first(schema.MailHost)
	switch {
	case host == nil && d.kind&Users == 0:
		d.warn("mail-host-missing", "list without mailHost: no server expands it")
	case host == nil:
		d.warn("mail-host-missing", "user without mailHost: no server has the mailbox")
	case len(d.values(schema.MailHost)) > 1:
		d.warnf("mail-host-values", "%d values of mailHost, %.200q and others: one server has the mailbox", len(d.values(schema.MailHost)), host)
	case !delivery.IsMailHost(host):
		d.warnf("mail-host-name", "mailHost %.200q is neither a full host name nor an address", host)
	}
	return false
}

// userClassRules give a user the classes of iMS.
var userClassRules = []rule{
	{
		name: "user-classes", from: AnySource, kind: Users,
		what:   "the six classes of a migrated user are added: inetUser, ipUser, inetMailUser, inetLocalMailRecipient, nsManagedPerson, userPresenceProfile",
		source: "Schema Reference 5.0, table 1-1; migrated directories",
		apply: func(d *draft, _ *ruleOptions) bool {
			before := d.classes
			d.addClass(migratedClasses...)
			return d.classes != before
		},
	},
	{
		name: "person-classes", from: NMS, kind: Users,
		what:   "an entry with cn and sn gets person, organizationalPerson and inetOrgPerson where it lacks them",
		source: "Schema Reference 5.0, table 1-1",
		apply: func(d *draft, _ *ruleOptions) bool {
			if !d.has(schema.CN) || !d.has(schema.SN) || d.hasClass(schema.ClassInetOrgPerson) {
				return false
			}
			d.addClass(schema.ClassPerson, schema.ClassOrganizationalPerson, schema.ClassInetOrgPerson)
			return true
		},
	},
	{
		name: "sims-routing-class", from: SIMS, kind: Both,
		classes:    []classID{schema.ClassInetMailRouting},
		what:       "class inetMailRouting goes, inetLocalMailRecipient stands for it; else the entry would satisfy sims40 and ims50",
		source:     "Messaging Server 6.3 Administration Guide 9.1.3.1",
		documented: true,
		apply: func(d *draft, o *ruleOptions) bool {
			return dropOldClasses(d, o, schema.ClassInetMailRouting)
		},
	},
	{
		name: "nms-user-classes", from: NMS, kind: Users,
		classes:    []classID{schema.ClassMailRecipient, schema.ClassNsMessagingServerUser},
		what:       "classes mailRecipient and nsMessagingServerUser go, unless the site keeps them; a warning when the second was missing",
		source:     "Messaging Server 6.3 Administration Guide 9.1.3.1; migrated directories",
		documented: true,
		apply: func(d *draft, o *ruleOptions) bool {
			if !d.hasClass(schema.ClassNsMessagingServerUser) {
				d.warn("class-missing", "mailRecipient without nsMessagingServerUser, as in 3.x: taken as a user")
			}
			return dropOldClasses(d, o, schema.ClassMailRecipient, schema.ClassNsMessagingServerUser)
		},
	},
}

// dropOldClasses takes away those of classes that the site does not keep.
func dropOldClasses(d *draft, o *ruleOptions, classes ...classID) bool {
	fired := false
	for _, c := range classes {
		if o.old.has(c) && d.hasClass(c) {
			d.dropClass(c)
			fired = true
		}
	}
	return fired
}

// userEndRules fill in what every iMS user has, after the attributes of the
// source are moved.
var userEndRules = []rule{
	{
		name: "quota-large", from: AnySource, kind: Users,
		needs:      []attrID{schema.MailQuota},
		what:       "a warning for a mailQuota above 4294966272 bytes, the most that iMS 5.x counts; one that is no number stays and is a problem",
		source:     "Schema Reference, mailQuota",
		documented: true,
		apply:      quotaLarge,
	},
	{
		name: "user-description", from: AnySource, kind: Users,
		needs:  []attrID{schema.MultiLineDescription},
		what:   "multiLineDescription becomes description, $ for a line break kept; what is a list too keeps it",
		source: "Schema Reference, inetMailUser",
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.kind&Groups != 0 {
				return false
			}
			d.rename(schema.MultiLineDescription, schema.Description)
			return true
		},
	},
	{
		name: "sims-subscriber-class", from: SIMS, kind: Users,
		classes:    []classID{schema.ClassInetSubscriber},
		what:       "class inetSubscriber goes unless an attribute of it is left",
		source:     "Schema Reference, inetSubscriber (not required)",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.present.meets(&subscriberAttributes) {
				return false
			}
			d.dropClass(schema.ClassInetSubscriber)
			return true
		},
	},
	{
		name: "user-status", from: AnySource, kind: Users,
		what:   "inetUserStatus and mailUserStatus are active when missing, the first not beside an inetSubscriberStatus that stays",
		source: "Provisioning Guide 5.2, example 4-1",
		apply: func(d *draft, _ *ruleOptions) bool {
			a := !d.has(schema.InetSubscriberStatus) && setMissing(d, schema.InetUserStatus, "active")
			return setMissing(d, schema.MailUserStatus, "active") || a
		},
	},
	{
		name: "uid-map", from: AnySource, kind: Users,
		needs:  []attrID{schema.UID},
		what:   "uid stays, unless the site maps it to another; an entry named by its uid gets another name then, in a modrdn record; one of several uids, with the name made of it, stays and is a problem",
		source: "Migration Guide (the store is keyed on uid)",
		apply:  mapUID,
	},
}

var (
	userDelivery = []string{"mailbox", "native", "unix", "autoreply", "program", "forward", "hold", ""}
	listDelivery = []string{"members", "members_offline", "file", "program", "forward", "hold", ""}
)

func deliveryOptions(d *draft, _ *ruleOptions) bool {
	for _, v := range d.values(schema.MailDeliveryOption) {
		if d.kind&Users != 0 && isOneOf(v, userDelivery...) || d.kind&Groups != 0 && isOneOf(v, listDelivery...) {
			continue
		}
		d.stays("delivery-option", schema.MailDeliveryOption, v, "is not known")
	}
	return false
}

func setMissing(d *draft, a attrID, value string) bool {
	if d.has(a) {
		return false
	}
	d.set(a, value)
	return true
}

func quotaLarge(d *draft, o *ruleOptions) bool {
	v := d.first(schema.MailQuota)
	q, ok := parseQuota(trimBlanks(v))
	n, fits := q.bytes()
	switch {
	case !ok || q.suffix != 0 && (!o.QuotaSuffix || q.suffix == 'T'):
		d.stays("quota-value", schema.MailQuota, v, "is not a number of bytes")
	case !fits || n > maxQuota:
		d.warnf("quota-large", "mailQuota %.200q is above %d bytes", v, maxQuota)
	}
	return false
}

// statuses are the attributes that open and close something, and their values.
var statuses = []struct {
	attr   attrID
	values []string
}{
	{schema.InetUserStatus, []string{"active", "inactive", "deleted"}},
	{schema.MailUserStatus, []string{"active", "inactive", "deleted", "hold", "overquota", "disabled", "removed"}},
	{schema.InetMailGroupStatus, []string{"active", "inactive", "deleted", "disabled"}},
	{schema.InetDomainStatus, []string{"active", "inactive", "deleted"}},
	{schema.MailDomainStatus, []string{"active", "inactive", "deleted", "hold", "overquota", "disabled"}},
}

func statusValues(d *draft, _ *ruleOptions) bool {
	for _, s := range statuses {
		first := d.first(s.attr)
		for _, v := range d.values(s.attr) {
			switch {
			case !isOneOf(v, s.values...):
				d.stays("status-value", s.attr, v, "is not a status that iMS knows, and counts as inactive there")
			case !equalFold(v, first):
				d.stays("status-value", s.attr, v, fmt.Sprintf("contradicts the value %.200q", first))
			}
		}
	}
	return false
}

// textEncoding warns of text that LDAP version 3 does not take.
func textEncoding(d *draft, _ *ruleOptions) bool {
	if !d.rec.Encoded && utf8.Valid(d.rec.Raw) {
		return false // nothing that base64 could hide
	}
	if !utf8.Valid(d.rec.DN) {
		d.warn("not-utf8", "the name of the entry is not UTF-8: kept byte for byte, a directory may refuse it")
	}
	for i := range d.fields {
		f := &d.fields[i]
		if f.id == schema.None || schema.SyntaxOf(f.id) == schema.Bin {
			continue
		}
		for _, v := range f.now {
			if !utf8.Valid(v) {
				d.warnf("not-utf8", "%s %s is not UTF-8: kept byte for byte, a directory may refuse it", f.desc, quoted(f.id, v))
				break
			}
		}
	}
	return false
}

// lastRules end every kind.
var lastRules = []rule{
	{
		name: "delivery-options", from: AnySource, kind: Both,
		needs:      []attrID{schema.MailDeliveryOption},
		what:       "a mailDeliveryOption that iMS does not know for users or lists stays and is a problem",
		source:     "Schema Reference, mailDeliveryOption",
		documented: true,
		apply:      deliveryOptions,
	},
	{
		name: "addressees", from: AnySource, kind: Both,
		needs:  addressees,
		what:   "mailForwardingAddress and mgrpRFC822MailMember stay; a warning for one without a domain, with bytes beyond ASCII, that is a program or a file, or that is no address",
		source: "RFC 822 6.1",
		apply:  addresseeForm,
	},
	{
		name: "status-values", from: AnySource, kind: All,
		needs:      []attrID{schema.InetUserStatus, schema.MailUserStatus, schema.InetMailGroupStatus, schema.InetDomainStatus, schema.MailDomainStatus},
		what:       "a status that iMS does not know, and would take for inactive, and one that contradicts another stay and are a problem",
		source:     "Schema Reference, mailUserStatus and its siblings",
		documented: true,
		apply:      statusValues,
	},
	{
		name: "text-encoding", from: AnySource, kind: All,
		what:   "text that is not UTF-8, the name of the entry too, stays byte for byte, with a warning",
		source: "RFC 2252 6.10 (Directory String)",
		apply:  textEncoding,
	},
	{
		name: "uid-map-references", from: AnySource, kind: All,
		needs:  referenceAttributes,
		what:   "DNs and LDAP URLs that name a user by a uid that the site maps follow, unless the input has the entry and its name stays; a name that the input has not got follows with a warning, and a name by an old uid in any other entry, access control, filter or attribute, with wildcards too, stays and is a problem",
		source: "Migration Guide (the store is keyed on uid)",
		apply:  mapReferences,
	},
	{
		name: "old-with-options", from: AnySource, kind: All,
		what:   "an attribute of the source with options (multiLineDescription;lang-ja) stays, as all with options do; a warning, since no class of iMS allows it",
		source: "RFC 2251 4.1.5 (options); Schema Reference",
		apply:  oldWithOptions,
	},
	{
		name: "options-unread", from: AnySource, kind: All,
		what:   "an attribute with options (mailQuota;lang-ja) whose values without options a rule reads or writes stays, and nothing comes of it; a warning, but for descriptions and reply texts in a language",
		source: "RFC 2251 4.1.5 (an option makes a subtype); RFC 4512 2.5.2",
		apply:  optionsUnread,
	},
	{
		name: "single-values", from: AnySource, kind: All,
		what:   "several values, which no rule has settled, of an attribute that iMS takes one value of stay; a warning, since a directory may refuse them",
		source: "Schema Reference",
		apply:  singleValues,
	},
	{
		name: "data-source", from: AnySource, kind: Both,
		what:   "dataSource is set to the tag of this tool when missing",
		source: "Schema Reference 5.0, dataSource",
		apply: func(d *draft, o *ruleOptions) bool {
			return setMissing(d, schema.DataSource, o.dataSource)
		},
	},
}
