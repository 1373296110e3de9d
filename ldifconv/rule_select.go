package ldifconv

import "imsconv/ldifconv/schema"

// kindOf says as what an entry is upgraded, 0 when it is no mail entry of the
// source. An entry that is upgraded already has its kind too, for -A.
func (s *ruleSet) kindOf(d *draft) Kind {
	var kind Kind
	if s.options.from == NMS {
		kind = nmsKind(d)
	} else {
		kind = simsKind(d)
	}
	if kind == 0 && !d.classes.meets(&sims3Classes) {
		kind = s.options.domainKind(d)
	}
	return kind
}

func simsKind(d *draft) (kind Kind) {
	c := &d.classes
	if c.has(schema.ClassInetMailUser) {
		kind |= Users
	}
	if c.has(schema.ClassInetMailGroup) {
		kind |= Groups
	}
	if kind == 0 && c.meets(&sims3Classes) {
		d.warn("sims-3x", "entry of SIMS 3.x: not converted")
	}
	return kind
}

// nmsKind tells a list by mailGroup. A list may carry the user class
// mailRecipient for its addresses: it takes a uid or nsMessagingServerUser
// beside that to be a user as well.
func nmsKind(d *draft) (kind Kind) {
	c := &d.classes
	list := c.has(schema.ClassMailGroup) || c.has(schema.ClassInetMailGroup)
	if list {
		kind |= Groups
	}
	recipient, user := c.has(schema.ClassMailRecipient), c.has(schema.ClassNsMessagingServerUser)
	switch {
	case c.has(schema.ClassInetMailUser),
		recipient && (!list || user || d.has(schema.UID)):
		kind |= Users
	case user && kind == 0:
		d.warn("class-missing", "nsMessagingServerUser without mailRecipient, no user for NMS: left as it is")
	}
	return kind
}

var sims3Classes = newClassSet(schema.ClassEmailPerson, schema.ClassEmailGroup, schema.ClassRFC822MailGroup)

// domainMarks are the attributes and domainClasses the classes by which a dc
// node is known as a mail domain and not only a step on the way to one.
var (
	domainMarks = newAttrSet(
		schema.InetDomainStatus, schema.InetDomainBaseDN, schema.InetAuthorizedServices,
		schema.MailQuota, schema.MailDomainDiskQuota, schema.PreferredMailHost, schema.MailRoutingHosts,
		schema.MailDomainStatus, schema.RFC822Postmaster, schema.AdminDN, schema.AliasedObjectName,
	)
	domainClasses = newClassSet(
		schema.ClassInetDomain, schema.ClassMailDomain, schema.ClassNsManagedDomain,
		schema.ClassInetDomainAlias, schema.ClassInetDomainAuthInfo, schema.ClassInetDomainOrg,
	)
)

// domainKind tells a mail domain. An alias of one need not have class domain:
// in a directory that checks structural classes it is an alias instead.
func (o *ruleOptions) domainKind(d *draft) Kind {
	if !d.has(schema.DC) || !d.classes.has(schema.ClassDomain) && !d.has(schema.AliasedObjectName) {
		return 0
	}
	if o.allDomains || d.classes.meets(&domainClasses) || d.present.meets(&domainMarks) {
		return Domains
	}
	return 0
}

// oldClasses are the classes whose presence says that an entry is not finished:
// those of the source, without the ones that the site wants to keep.
func (o *ruleOptions) oldClasses() classSet {
	if oneOf(o.KeepOldClasses, KeepAll) {
		return classSet{}
	}
	if o.from == SIMS {
		return newClassSet(schema.ClassInetMailRouting)
	}
	old := newClassSet(
		schema.ClassMailRecipient, schema.ClassNsMessagingServerUser, schema.ClassMailGroup,
		schema.ClassMailGroupManagement, schema.ClassMailGroupManagementGlobalConfig,
		schema.ClassGroupOfMailEnhancedUniqueNames, schema.ClassMailGroupMember,
	)
	if oneOf(o.KeepOldClasses, KeepMessagingUser) {
		old.drop(schema.ClassNsMessagingServerUser)
	}
	return old
}

// finished reports whether an entry is upgraded and carries no old class.
func (o *ruleOptions) finished(d *draft) bool {
	return d.kind != Domains && isIMS(d) && !d.had.meets(&o.old)
}

// nmsClasses are the classes of which an NMS user or list has one.
var nmsClasses = newClassSet(schema.ClassMailRecipient, schema.ClassNsMessagingServerUser, schema.ClassMailGroup,
	schema.ClassMailGroupManagement, schema.ClassMailGroupManagementGlobalConfig,
	schema.ClassGroupOfMailEnhancedUniqueNames, schema.ClassMailGroupMember)

// ofSource reports whether an entry of a mail kind comes from the source
// product: under -M nms a SIMS entry is none.
func (o *ruleOptions) ofSource(d *draft) bool {
	return o.from != NMS || d.kind == Domains || d.had.meets(&nmsClasses)
}

// isIMS reports whether the source entry is an iMS entry already.
func isIMS(d *draft) bool {
	if d.kind == Domains {
		return d.had.has(schema.ClassMailDomain)
	}
	return tagsOf(&d.had)&TagIMS50 != 0
}
