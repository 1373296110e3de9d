package ldifconv

import (
	"imsconv/ldifconv/schema"
)

// emptyRules run first: what they drop says nothing to the rules behind them.
var emptyRules = []rule{
	{
		name: "empty-values", from: AnySource, kind: All,
		what:   "an empty value of an attribute that a rule reads or writes goes, with a warning: no directory of LDAP version 3 takes it",
		source: "RFC 2252 6.10 (Directory String)",
		apply:  dropEmpty,
	},
}

// writtenAttributes are those that rules write and that none of them reads.
var writtenAttributes = newAttrSet(
	schema.MailHost, schema.MailAllowedServiceAccess, schema.MailDomainAllowedServiceAccess, schema.InetDomainBaseDN,
	schema.MgmanJoinability, schema.MgmanMemberVisibility, schema.MailMsgQuota, schema.MailDomainDiskQuota,
	schema.DataSource, schema.MailAutoReplyTimeOut, schema.MgrpAuthPassword, schema.MsgVanityDomain, schema.InetUserHTTPURL,
	schema.MailDeliveryFileURL, schema.MgrpAllowedDomain, schema.MgrpDisallowedDomain, schema.Description,
)

// mappedAttributes are those that rules read or write, but for octets.
func mappedAttributes() attrSet {
	set := writtenAttributes
	for _, table := range ruleTables {
		for i := range table {
			for _, a := range table[i].needs {
				if schema.SyntaxOf(a) != schema.Bin {
					set.put(a)
				}
			}
		}
	}
	return set
}

func dropEmpty(d *draft, o *ruleOptions) bool {
	fired := false
	for i := range d.fields {
		f := &d.fields[i]
		if f.id == schema.None || !o.mapped.has(f.id) || !anyEmpty(f.now) {
			continue
		}
		d.warnf("empty-value", "an empty value of %s dropped", schema.Name(f.id))
		d.retain(f.id, hasBytes)
		fired = true
	}
	return fired
}

func anyEmpty(values [][]byte) bool {
	for _, v := range values {
		if !hasBytes(v) {
			return true
		}
	}
	return false
}

// hasBytes reports whether a value is more than blanks.
func hasBytes(v []byte) bool {
	return len(v) > 0 && v[0] != ' ' || len(trimBlanks(v)) > 0
}

// withoutEmpty are the values that a directory takes back.
func withoutEmpty(values [][]byte) [][]byte {
	if !anyEmpty(values) {
		return values
	}
	var kept [][]byte
	for _, v := range values {
		if hasBytes(v) {
			kept = append(kept, v)
		}
	}
	return kept
}
