package ldifconv

import (
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// domainRules turn a SIMS domain node into one of iMS. An NMS directory has
// none.
var domainRules = []rule{
	{
		name: "domain-alias", from: SIMS, kind: Domains,
		needs:  []attrID{schema.AliasedObjectName},
		what:   "a node with aliasedObjectName gets class inetDomainAlias, and none of what follows but the status; one that is no DN is a problem",
		source: "Schema Reference, inetDomainAlias",
		apply: func(d *draft, _ *ruleOptions) bool {
			for _, v := range d.values(schema.AliasedObjectName) {
				if norm, err := ldif.AppendNormDN(nil, v); err != nil || len(norm) == 0 {
					d.stays("domain-base", schema.AliasedObjectName, v, "is no DN: which domain it stands for is not known")
				}
			}
			before := d.classes
			d.addClass(schema.ClassInetDomainAlias)
			return d.classes != before
		},
	},
	{
		name: "domain-classes", from: SIMS, kind: Domains,
		what:   "a mail domain gets classes inetDomain, mailDomain and nsManagedDomain",
		source: "Schema Reference 5.0, table 1-1",
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.has(schema.AliasedObjectName) {
				return false
			}
			before := d.classes
			d.addClass(schema.ClassInetDomain, schema.ClassMailDomain, schema.ClassNsManagedDomain)
			return d.classes != before
		},
	},
	{
		name: "domain-base", from: SIMS, kind: Domains,
		what:   "inetDomainBaseDN is the node's own DN when missing: users and groups are below it, there is no second tree; one that is no DN, and a second one, stays and is a problem",
		source: "Migration Guide (local.ugldapdeforgdn); Schema Reference, inetDomainBaseDN",
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.has(schema.AliasedObjectName) {
				return false
			}
			for i, v := range d.values(schema.InetDomainBaseDN) {
				if norm, err := ldif.AppendNormDN(nil, v); err != nil || len(norm) == 0 {
					d.stays("domain-base", schema.InetDomainBaseDN, v, "is no DN: where the users of the domain lie is not known")
				} else if i > 0 {
					d.stays("domain-base", schema.InetDomainBaseDN, v, "is not the only one: where the users of the domain lie is not known")
				}
			}
			if d.has(schema.InetDomainBaseDN) {
				return false
			}
			d.setBytes(schema.InetDomainBaseDN, d.dn())
			return true
		},
	},
	{
		name: "domain-status", from: SIMS, kind: Domains,
		what:       "inetDomainStatus and mailDomainStatus are active when missing",
		source:     "Schema Reference, mailDomainStatus",
		documented: true,
		apply: func(d *draft, _ *ruleOptions) bool {
			if d.has(schema.AliasedObjectName) {
				return false
			}
			fired := setMissing(d, schema.InetDomainStatus, "active")
			return setMissing(d, schema.MailDomainStatus, "active") || fired
		},
	},
	{
		name: "domain-quota", from: SIMS, kind: Domains, meaning: true,
		needs:  []attrID{schema.MailQuota},
		what:   "mailQuota of a domain becomes mailDomainDiskQuota, in bytes; what is not a number of bytes stays and is a problem; a warning for 0",
		source: "Schema Reference, mailDomainDiskQuota",
		apply: func(d *draft, o *ruleOptions) bool {
			if d.has(schema.MailDomainDiskQuota) {
				d.warnf("quota-kept", "mailDomainDiskQuota %.200q is there already: mailQuota %.200q dropped", d.first(schema.MailDomainDiskQuota), d.first(schema.MailQuota))
				d.remove(schema.MailQuota)
				return true
			}
			v := d.first(schema.MailQuota)
			if q, ok := parseQuota(trimBlanks(v)); !ok || q.n == -2 {
				d.stays("quota-value", schema.MailQuota, v, "is not a number of bytes")
				return false
			}
			if isZeroQuota(v) {
				d.warn("quota-zero", "mailQuota 0 of the domain is no space in iMS (-1 is no limit)")
			}
			return plainQuota(d, o, schema.MailQuota, schema.MailDomainDiskQuota)
		},
	},
	{
		name: "domain-services", from: SIMS, kind: Domains,
		needs:  []attrID{schema.InetAuthorizedServices},
		what:   "inetAuthorizedServices becomes the allow rule mailDomainAllowedServiceAccess, as that of a user does",
		source: simsDraft + "; Schema Reference, mailDomainAllowedServiceAccess",
		apply: func(d *draft, o *ruleOptions) bool {
			return simsServices(d, o, schema.MailDomainAllowedServiceAccess)
		},
	},
	{
		name: "domain-people", from: SIMS, kind: Domains,
		needs:  []attrID{schema.RFC822Postmaster, schema.AdminDN},
		what:   "rfc822Postmaster and adminDN stay, with a warning: administrators belong to the Domain Administrators group",
		source: "SIMS 4.0 Provisioning Guide 2",
		apply: func(d *draft, _ *ruleOptions) bool {
			if v := d.first(schema.RFC822Postmaster); v != nil {
				d.warnf("domain-postmaster", "rfc822Postmaster %.200q kept: iMS does not read it", v)
			}
			if v := d.first(schema.AdminDN); v != nil {
				d.warnf("domain-administrator", "adminDN %.200q kept: add it to the Domain Administrators group", v)
			}
			return false
		},
	},
}
