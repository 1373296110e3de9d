package aci

import (
	"fmt"
	"strings"
)

// Template is one ACI with places for names: <Root>, <Groups> (what stands
// before a node in the name of its groups), <Domain>, the node of a domain.
type Template struct {
	Name string // of the ACI
	// Node is the kind of entry that holds it.
	Node Node
	// Documented says that a public source states the ACI; else it is concluded.
	Documented bool
	Source     string
	What       string
	Text       string
}

// Node is a kind of entry that holds ACIs.
type Node uint8

// The nodes.
const (
	Root   Node = iota // the root of a tree
	Domain             // a domain, in either tree
)

// String returns the word.
func (n Node) String() string { return [...]string{"root", "domain"}[n] }

// Templates returns the ACIs of delegated administration. The slice is the
// caller's.
func Templates() []Template { return append([]Template(nil), templates...) }

// selfForbidden are the attributes that users do not write in their own
// entries: those of Netscape Delegated Administrator's ACI, and those that the
// later one of Sun's Delegated Administrator names beside them.
const selfForbidden = "uid || ou || owner || nsDAModifiableBy || nsDACapability || mail || mailAlternateAddress || memberOf || nsDADomain || " +
	"objectClass || inetUserStatus || mailUserStatus || memberOfManagedGroup || mailQuota || mailMsgQuota || mailHost || mailAllowedServiceAccess || " +
	"inetCOS || mailSMTPSubmitChannel"

var templates = []Template{
	{
		Name: "Anonymous access to User entries", Node: Root, Documented: true,
		Source: "iMS 5.2 Provisioning Guide, chapter on domains",
		What:   "anyone reads users, but for passwords",
		Text:   `(targetattr != "userPassword")(targetfilter = "(objectClass=nsManagedPerson)")(version 3.0; acl "Anonymous access to User entries"; allow (read,search) userdn = "ldap:///anyone";)`,
	},
	{
		Name: "SA domain access", Node: Root, Documented: true,
		Source: "ACI of Netscape Delegated Administrator, preserved in tests of its console",
		What:   "Service Administrators do everything with domains, units, departments, lists and people",
		Text: `(targetattr = "*")(targetfilter = "(|(objectClass=nsManagedDomain)(objectClass=nsManagedOrgUnit)(objectClass=nsManagedDept)(objectClass=nsManagedMailList)(objectClass=nsManagedPerson))")` +
			`(version 3.0; acl "SA domain access"; allow (all) groupdn = "ldap:///cn=Service Administrators,<Groups><Root>";)`,
	},
	{
		Name: "SA container access", Node: Root,
		Source: "concluded: what Service Administrators work below has to be seen and filled",
		What:   "Service Administrators see containers and make entries in them",
		Text: `(targetattr = "*")(targetfilter = "(|(objectClass=organization)(objectClass=organizationalUnit)(objectClass=domain))")` +
			`(version 3.0; acl "SA container access"; allow (read,search,compare,add) groupdn = "ldap:///cn=Service Administrators,<Groups><Root>";)`,
	},
	{
		Name: "User self modification", Node: Root, Documented: true,
		Source: "ACI of Netscape Delegated Administrator, with the attributes that Delegated Administrator 6.4 (replacement.acis.ldif) names beside it",
		What:   "users change their own entries, but for identity, quota, status and access",
		Text:   `(targetattr != "` + selfForbidden + `")(targetfilter = "(objectClass=nsManagedPerson)")(version 3.0; acl "User self modification"; allow (write) userdn = "ldap:///self";)`,
	},
	{
		Name: "Anonymous access to Postmaster entry", Node: Root, Documented: true,
		Source: "ACI of Netscape Delegated Administrator",
		What:   "anyone reads the postmaster's entry",
		Text:   `(target = "ldap:///cn=postmaster,<Root>")(targetattr = "*")(version 3.0; acl "Anonymous access to Postmaster entry"; allow (read,search) userdn = "ldap:///anyone";)`,
	},
	{
		Name: "DA domain access", Node: Domain,
		Source: "concluded from the access classes of the Provisioning Guide, Appendix A",
		What:   "Domain Administrators do everything with the people, lists and departments of their domain",
		Text: `(targetattr = "*")(targetfilter = "(|(objectClass=nsManagedPerson)(objectClass=nsManagedMailList)(objectClass=nsManagedDept))")` +
			`(version 3.0; acl "DA domain access"; allow (all) groupdn = "ldap:///cn=Domain Administrators,<Groups><Domain>";)`,
	},
	{
		Name: "DA container access", Node: Domain,
		Source: "concluded: what Domain Administrators work below has to be seen",
		What:   "Domain Administrators see their domain and its units",
		Text: `(targetattr = "*")(targetfilter = "(|(objectClass=organization)(objectClass=organizationalUnit)(objectClass=domain))")` +
			`(version 3.0; acl "DA container access"; allow (read,search,compare) groupdn = "ldap:///cn=Domain Administrators,<Groups><Domain>";)`,
	},
}

// Make fills a template in and parses what comes out. groups is the RDN before
// the node in the name of its groups, with its comma, or empty.
func (t *Template) Make(root, domain, groups string) (*ACI, error) {
	text := strings.NewReplacer("<Root>", quoteDN(root), "<Domain>", quoteDN(domain), "<Groups>", groups).Replace(t.Text)
	a, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return a, nil
}

// quoteDN writes a DN so that it can stand in the quotes of an ACI: with
// escapes (RFC 4514) where it has quotes (RFC 1779).
func quoteDN(dn string) string {
	if !strings.Contains(dn, `"`) {
		return dn
	}
	var b strings.Builder
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch c := dn[i]; {
		case c == '\\' && i+1 < len(dn):
			i++
			if dn[i] == '"' {
				b.WriteString(`\22`)
				continue
			}
			b.WriteString(dn[i-1 : i+1])
		case c == '"':
			quoted = !quoted
		case quoted && strings.IndexByte(",+;<>=#", c) >= 0:
			b.WriteString(`\` + dn[i:i+1])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
