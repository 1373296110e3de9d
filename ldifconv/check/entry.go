package check

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// kind is what an entry is to mail.
type kind uint8

const (
	other kind = iota
	user
	list
	domain
)

// classSet holds the known classes of an entry.
type classSet [(schema.ClassCount + 63) / 64]uint64

func (s *classSet) put(c schema.ClassID)      { s[c/64] |= 1 << (c % 64) }
func (s *classSet) has(c schema.ClassID) bool { return s[c/64]&(1<<(c%64)) != 0 }

func (s *classSet) any(list ...schema.ClassID) bool {
	for _, c := range list {
		if s.has(c) {
			return true
		}
	}
	return false
}

// record checks one record.
func (c *checker) record(rec *ldif.Record) {
	c.rec = rec
	c.begin(rec.Line, rec.DN)
	if rec.Type != ldif.Content && rec.Type != ldif.Add {
		c.report.Damaged++
		c.find("change-record", "", 0, fmt.Sprintf("a %s record is no entry", rec.Type))
		return
	}
	c.report.Entries++
	if c.o.CrossRead {
		c.cross(rec)
	}
	c.load(rec)
	if tombstone, conflict := ldif.OfServer(&c.entry); tombstone || conflict {
		c.find("server-only", "", 0, "a tombstone or replication conflict: left to its server")
		return
	}
	c.classify()
	var err error
	if c.norm, err = ldif.AppendNormDN(c.norm[:0], rec.DN); err != nil {
		c.find("bad-dn", "", 0, "the name is no distinguished name")
		return
	}
	if len(c.norm) == 0 {
		c.nameless()
		return
	}
	if !utf8.Valid(rec.DN) {
		c.find("syntax-utf8", "dn", 0, "the name of the entry is not UTF-8")
	}
	c.forwards = c.isForwarding()
	c.validate()
	c.enterName()
	c.references()
	switch c.kind {
	case user:
		c.report.Users++
		c.user()
	case list:
		c.report.Groups++
		c.list()
	case domain:
		c.report.Domains++
		c.domain()
	}
	if c.kind != other {
		c.unread()
	}
	c.leftovers()
}

// nameless tells of an entry whose name has no part. It is the root of the
// server (RFC 4512 5.1), which each makes of its own settings and takes from
// nobody; no user, list or domain can have its place.
func (c *checker) nameless() {
	if c.kind != other {
		c.find("bad-dn", "", 0, "a user, list or domain without a name: no server takes it")
		return
	}
	c.find("server-only", "", 0, "the root of the server, which has no name: each server makes its own")
}

// load takes the entry out of the record, without values that replication
// keeps though they are deleted.
func (c *checker) load(rec *ldif.Record) {
	c.entry = ldif.Entry{DN: rec.DN, RawDN: rec.RawDN, Line: rec.Line, Attrs: c.entry.Attrs[:0]}
	c.ids, c.subtypes = c.ids[:0], c.subtypes[:0]
	for i := range rec.Attrs {
		a := &rec.Attrs[i]
		if ldif.StateOf(a.Desc) == ldif.Deleted {
			continue
		}
		id := c.o.Schema.Attribute(a.Name())
		if id > 0 && id < schema.Count && hasOptions(a.Desc) {
			c.subtypes = append(c.subtypes, subtype{len(c.entry.Attrs), schema.ID(id)})
			id = 0 // servers do not read it as the attribute
		}
		c.entry.Attrs = append(c.entry.Attrs, *a)
		c.ids = append(c.ids, id)
	}
	c.classes = classSet{}
	c.each(schema.ObjectClass, func(v ldif.Value, _ []byte) {
		if id := c.o.Schema.Class(v.Data); id < schema.ClassCount {
			c.classes.put(schema.ClassID(id))
		}
	})
}

// subtype is an attribute with options (RFC 4512 2.5.2): its place in the entry
// and its type.
type subtype struct {
	at int
	id schema.ID
}

// hasOptions reports whether a description has options other than those in
// which db2ldif -r keeps replication state.
func hasOptions(desc []byte) bool {
	_, options, _ := bytes.Cut(desc, []byte{';'})
	for option := range bytes.SplitSeq(options, []byte{';'}) {
		if len(option) > 0 && ldif.StateOfOption(option) == ldif.NoState {
			return true
		}
	}
	return false
}

// standardRead are attributes of standard schemas that a mail server reads.
var standardRead = []schema.ID{schema.ObjectClass, schema.UID, schema.Mail, schema.UniqueMember, schema.AliasedObjectName}

// spoken are read by people, who may have them in several languages.
var spoken = []schema.ID{schema.MailAutoReplySubject, schema.MailAutoReplyText, schema.MailAutoReplyTextInternal, schema.MgrpMsgRejectText, schema.MultiLineDescription}

// unread finds what stands under options in a mail entry and would count
// without them.
func (c *checker) unread() {
	for _, s := range c.subtypes {
		a := &c.entry.Attrs[s.at]
		if schema.Info(s.id).Origin == schema.Standard && !slices.Contains(standardRead, s.id) {
			continue
		}
		if slices.Contains(spoken, s.id) && ldif.InLanguages(a.Desc) {
			continue
		}
		c.find("options-unread", string(a.Desc), a.Values[0].Line, fmt.Sprintf("servers read %s without options", schema.Name(s.id)))
	}
}

// each calls use for the values of an attribute, under any of its names, and
// without options but those of replication.
func (c *checker) each(id schema.ID, use func(v ldif.Value, desc []byte)) {
	for i := range c.entry.Attrs {
		a := &c.entry.Attrs[i]
		if c.ids[i] != int(id) {
			continue
		}
		for _, v := range a.Values {
			use(v, a.Desc)
		}
	}
}

// first returns the first value of an attribute, nil without one.
func (c *checker) first(id schema.ID) (value []byte) {
	c.each(id, func(v ldif.Value, _ []byte) {
		if value == nil {
			value = v.Data
			if value == nil {
				value = []byte{}
			}
		}
	})
	return value
}

func (c *checker) has(ids ...schema.ID) bool {
	for _, n := range c.ids {
		for _, id := range ids {
			if n == int(id) {
				return true
			}
		}
	}
	return false
}

// classify settles kind and product.
func (c *checker) classify() {
	h := &c.classes
	switch {
	case h.any(schema.ClassMailGroup):
		c.kind = list
	case h.any(schema.ClassInetMailUser, schema.ClassMailRecipient, schema.ClassNsMessagingServerUser):
		c.kind = user
	case h.any(schema.ClassInetMailGroup):
		c.kind = list
	case h.any(schema.ClassInetDomain, schema.ClassMailDomain, schema.ClassNsManagedDomain, schema.ClassInetDomainAlias):
		c.kind = domain
	default:
		c.kind = other
	}
	c.product = c.o.As
	if c.product == Auto {
		c.product = c.productOf()
	}
}

// productOf is the product whose classes the entry has; iMS where it has those
// of two.
func (c *checker) productOf() Product {
	h := &c.classes
	switch {
	case h.any(schema.ClassInetLocalMailRecipient, schema.ClassMailDomain, schema.ClassInetUser, schema.ClassIPUser):
		return IMS
	case h.any(schema.ClassMailGroup, schema.ClassMailRecipient, schema.ClassNsMessagingServerUser):
		return NMS
	case h.any(schema.ClassInetMailRouting, schema.ClassInetMailUser, schema.ClassInetMailGroup):
		return SIMS
	}
	return Auto
}

// validate checks the entry against the schema.
func (c *checker) validate() {
	v := c.valid[Auto]
	if c.kind != other {
		v = c.valid[c.product]
	}
	v.Check(&c.entry, func(x schema.Violation) {
		c.find(x.Code, x.Attr, x.Line, x.Text)
	})
}

// leftovers reports what an upgrade left, or has not done.
func (c *checker) leftovers() {
	if c.kind != user && c.kind != list {
		return
	}
	h := &c.classes
	nms := h.has(schema.ClassMailGroup) || h.has(schema.ClassMailRecipient) && h.has(schema.ClassNsMessagingServerUser)
	sims := h.has(schema.ClassInetMailRouting) && h.any(schema.ClassInetMailUser, schema.ClassInetMailGroup)
	old := nms || h.has(schema.ClassInetMailRouting)
	tagged := h.has(schema.ClassInetLocalMailRecipient) && h.any(schema.ClassInetMailUser, schema.ClassInetMailGroup)
	switch {
	case c.o.As == IMS && !tagged:
		c.find("not-upgraded", "objectClass", 0, "the entry does not satisfy ims50: inetLocalMailRecipient with inetMailUser or inetMailGroup")
		return
	case tagged && old:
		c.find("half-upgraded", "objectClass", 0, "the entry satisfies ims50 and an old tag too")
		return
	case sims && nms:
		c.find("two-products", "objectClass", 0, "the entry satisfies sims40 and nms41 at once")
		return
	case (c.o.As == SIMS || c.o.As == NMS) && c.productOf() != c.o.As:
		c.find("other-product", "objectClass", 0, "the classes are those of another product")
		return
	case c.product != IMS || !tagged:
		return
	}
	c.each(schema.ObjectClass, func(v ldif.Value, _ []byte) {
		if id := c.o.Schema.Class(v.Data); id > 0 && id < schema.ClassCount && oldClasses[schema.ClassID(id)] {
			c.find("old-class", "objectClass", v.Line, fmt.Sprintf("class %s is of no use to iMS", schema.ClassName(schema.ClassID(id))))
		}
	})
	for i := range c.entry.Attrs {
		a := &c.entry.Attrs[i]
		if id := c.ids[i]; id > 0 && id < schema.Count && oldAttribute(schema.ID(id)) {
			c.find("old-attribute", string(a.Desc), a.Values[0].Line, fmt.Sprintf("attribute %s is of no use to iMS", schema.Name(schema.ID(id))))
		}
	}
	for _, s := range c.subtypes {
		if a := &c.entry.Attrs[s.at]; oldAttribute(s.id) {
			c.find("old-attribute", string(a.Desc), a.Values[0].Line, fmt.Sprintf("attribute %s is of no use to iMS", schema.Name(s.id)))
		}
	}
}

// oldClasses mean nothing to iMS.
var oldClasses = map[schema.ClassID]bool{
	schema.ClassInetMailRouting: true, schema.ClassInetAdministrator: true, schema.ClassEmailPerson: true, schema.ClassEmailGroup: true,
	schema.ClassRFC822MailGroup: true, schema.ClassMailRecipient: true, schema.ClassNsMessagingServerUser: true, schema.ClassMailGroup: true,
	schema.ClassGroupOfMailEnhancedUniqueNames: true, schema.ClassMailGroupManagement: true, schema.ClassMailGroupManagementGlobalConfig: true,
	schema.ClassMailGroupMember: true,
}

// oldAttributes are attributes of NMS that iMS has no use for; those of SIMS
// are known by their origin.
var oldAttributes = map[schema.ID]bool{
	schema.MailAccessDomain: true, schema.NsMsgDisallowAccess: true, schema.NsMsgNumMsgQuota: true, schema.MgrpApprovePassword: true,
	schema.MailEnhancedUniqueMember: true, schema.MgrpDeliverException: true, schema.MgmanGroupKey: true, schema.MgmanGroupStat: true,
	schema.MgmanJoinLocalType: true, schema.MgmemMemberOfGroup: true, schema.MgmemRefDN: true, schema.MgmemMailUserPassword: true,
	schema.MgmemGroupMemberParam: true, schema.MgmemGroupServerParam: true, schema.MgmemAlternateSenderAddress: true, schema.NsDAMemberOf: true,
}

// oldAttribute reports whether iMS has no use for an attribute.
func oldAttribute(id schema.ID) bool {
	if oldAttributes[id] {
		return true
	}
	// iMS keeps these two under the names that SIMS gave them.
	if id == schema.MultiLineDescription || id == schema.MailAutoReplySubject || id == schema.MailAutoReplyTextInternal {
		return false
	}
	return schema.Info(id).Origin == schema.SIMS
}
