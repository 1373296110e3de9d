package testdir

import (
	"fmt"
	"io"
	"strings"

	"imsconv/storeconv/testsite"
)

// imsOrg is the root of the organization tree that WriteIMS writes, beside
// o=internet for the domain components.
const imsOrg = "o=isp"

// WriteIMS writes an export of an iMS 5.x directory without a fault: two trees,
// two hosted domains, users and lists with attributes that a server takes and
// that mean what they should. User i is [testsite.UserID](i).
func WriteIMS(w io.Writer, opts Options) (Totals, error) {
	g := newExport(w, opts)
	g.begin("o=internet", "top", "organization")
	g.put("o", "internet")
	g.end()
	g.begin("dc=com,o=internet", "top", "domain")
	g.put("dc", "com")
	g.end()
	g.begin("dc=org,o=internet", "top", "domain")
	g.put("dc", "org")
	g.end()
	g.begin(imsOrg, "top", "organization")
	g.put("o", "isp")
	g.end()
	for _, domain := range []string{testsite.DefaultDomain, testsite.HostedDomain} {
		g.imsDomain(domain)
	}
	for i := range g.opts.Users {
		g.imsUser(i)
	}
	for i := range g.opts.Groups {
		g.imsGroup(i)
	}
	return g.finish()
}

func (g *exporter) imsDomain(domain string) {
	base := "o=" + domain + "," + imsOrg
	g.begin(dcOf(domain), "top", "domain", "inetDomain", "mailDomain", "nsManagedDomain")
	g.put("dc", domain[:len(domain)-4])
	g.put("inetdomainbasedn", base)
	g.put("inetdomainstatus", "active")
	g.put("maildomainstatus", "active")
	g.put("mailroutinghosts", g.opts.Host)
	g.put("preferredmailhost", g.opts.Host)
	g.put("maildomaindiskquota", "-1")
	g.end()
	g.totals.Domains++
	g.begin(base, "top", "organization", "nsManagedDomain")
	g.put("o", domain)
	g.put("nsmaxusers", "100000")
	g.end()
	for _, ou := range []string{"People", "Groups"} {
		g.begin("ou="+ou+","+base, "top", "organizationalUnit")
		g.put("ou", ou)
		g.end()
	}
}

// imsUserDN is the DN of user i.
func imsUserDN(uid, domain string) string {
	return "uid=" + escape(uid) + ",ou=People,o=" + domain + "," + imsOrg
}

func (g *exporter) imsUser(i int) {
	p := g.person(i)
	p.uid = imsUID(p.uid)
	g.begin(imsUserDN(p.uid, p.domain), "top", "person", "organizationalPerson", "inetOrgPerson", "inetUser", "ipUser",
		"inetMailUser", "inetLocalMailRecipient", "nsManagedPerson", "userPresenceProfile")
	g.totals.Users++
	g.put("cn", p.name())
	g.common(i, p)
	g.put("uid", p.uid)
	g.put("mail", p.mail())
	g.put("mailalternateaddress", p.alias)
	g.put("mailhost", g.opts.Host)
	g.put("inetuserstatus", "active")
	g.put("mailuserstatus", []string{"active", "active", "active", "hold"}[i%4])
	g.put("mailquota", []string{"-1", "20971520", "5000000"}[i%3])
	g.put("mailmsgquota", "-1")
	g.put("datasource", "iMS 5.0")
	g.put("maildeliveryoption", "mailbox")
	if every(i, 9, 4) {
		g.put("maildeliveryoption", "forward")
		g.put("mailforwardingaddress", p.uid+"@elsewhere.example")
	}
	if every(i, 13, 3) {
		g.put("maildeliveryoption", "program")
		g.put("mailprogramdeliveryinfo", "procmail")
	}
	if every(i, 7, 4) {
		g.put("maildeliveryoption", "autoreply")
		g.put("mailautoreplymode", "reply")
		g.put("mailautoreplytext", "away$back soon")
		g.put("vacationstartdate", "20000701000000Z")
		g.put("vacationenddate", "20001231235959Z")
	}
	if every(i, 11, 2) {
		g.put("mailallowedserviceaccess", []string{"+imap,pop,smtp:*", "-pop:*", "+imap:.siroe.com$+http,smtp:*"}[i/11%3])
	}
	if i > 0 && every(i, 5, 1) {
		manager, domain := userOf(i / 2)
		g.put("manager", imsUserDN(manager, domain))
	}
	g.end()
}

// userOf is the uid without its domain, and the domain, of user i.
func userOf(i int) (uid, domain string) {
	id := testsite.UserID(i)
	for at := range id {
		if id[at] == '@' {
			return imsUID(id[:at]), testsite.HostedDomain
		}
	}
	return imsUID(id), testsite.DefaultDomain
}

// imsUID leaves out what iMS does not allow in a uid.
func imsUID(uid string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("'+~", r) {
			return -1
		}
		return r
	}, uid)
}

func (g *exporter) imsGroup(i int) {
	dn := func(i int) string {
		return fmt.Sprintf("cn=List %d,ou=Groups,o=%s,%s", i, testsite.DefaultDomain, imsOrg)
	}
	g.begin(dn(i), "top", "groupOfUniqueNames", "inetLocalMailRecipient", "inetMailGroup", "inetMailGroupManagement", "nsManagedMailList")
	g.totals.Groups++
	g.put("cn", fmt.Sprintf("List %d", i))
	g.put("mail", fmt.Sprintf("list%d@%s", i, testsite.DefaultDomain))
	g.put("mailhost", g.opts.Host)
	g.put("inetmailgroupstatus", "active")
	g.put("maildeliveryoption", "members")
	for n := range 1 + i%4 {
		uid, domain := userOf((i + 7*n) % g.opts.Users)
		g.put("uniquemember", imsUserDN(uid, domain))
	}
	if i > 0 && every(i, 6, 1) {
		g.put("uniquemember", dn(i-1))
	}
	uid, domain := userOf(i % g.opts.Users)
	g.put("owner", imsUserDN(uid, domain))
	g.put("mgrperrorsto", "ldap:///"+imsUserDN(uid, domain))
	for n := range i % 3 {
		g.put("mgrprfc822mailmember", fmt.Sprintf("fan%d@elsewhere.example", n))
	}
	g.end()
}
