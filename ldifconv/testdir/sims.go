package testdir

import (
	"fmt"

	"imsconv/storeconv/testsite"
)

// simsDomains writes the top of the tree: two hosted domains, a third with
// every domain attribute, and with Odd an alias of it, which OpenLDAP allows in
// alias entries only.
func (g *exporter) simsDomains() {
	g.begin("o=internet", "top", "organization")
	g.put("o", "internet")
	g.end()
	for _, top := range []string{"com", "org"} {
		g.begin("dc="+top+",o=internet", "top", "domain")
		g.put("dc", top)
		g.end()
	}
	for _, domain := range []string{testsite.DefaultDomain, testsite.HostedDomain, "stream.com"} {
		g.simsDomain(domain)
	}
	if !g.opts.Odd {
		return
	}
	g.begin("dc=brook,dc=com,o=internet", "top", "domain", "inetDomain")
	g.put("dc", "brook")
	g.put("aliasedobjectname", dcOf("stream.com"))
	g.end()
	g.totals.Domains++
}

func (g *exporter) simsDomain(domain string) {
	dn := dcOf(domain)
	g.begin(dn, "top", "domain", "inetDomain")
	label := domain[:len(domain)-4]
	g.put("dc", label)
	g.put("description", "hosted domain")
	g.put("mailroutinghosts", g.opts.Host)
	g.put("preferredmailhost", g.opts.Host)
	if domain == "stream.com" {
		g.put("mailroutinghosts", "backup."+g.opts.Host)
		g.put("mailquota", "10G")
		g.put("inetdomainstatus", "inactive")
		g.put("inetauthorizedservices", "imap")
		g.put("inetauthorizedservices", "smtp")
		g.put("rfc822postmaster", "postmaster@"+domain)
		g.put("admindn", "cn=Boss (boss),ou=People,"+dn)
	}
	g.end()
	g.totals.Domains++
	for _, ou := range []string{"People", "Groups"} {
		g.begin("ou="+ou+","+dn, "top", "organizationalUnit")
		g.put("ou", ou)
		g.end()
	}
}

// simsUserDN is the DN of user i, whose name the caller has drawn.
func simsUserDN(p person) string {
	return "cn=" + escape(p.name()+" ("+p.uid+")") + ",ou=People," + dcOf(p.domain)
}

func (g *exporter) simsUser(i int) {
	p := g.person(i)
	classes := []string{"top", "person", "organizationalPerson", "inetOrgPerson", "inetSubscriber", "inetMailUser", "inetMailRouting"}
	if every(i, 101, 7) {
		classes = classes[:6] // seen in the draft: a user without inetMailRouting
	}
	if every(i, 97, 5) {
		classes = append(classes, "inetAdministrator")
	}
	g.begin(simsUserDN(p), classes...)
	g.totals.Users++
	g.put("cn", p.name()+" ("+p.uid+")")
	g.put("cn", p.name())
	g.common(i, p)
	g.put("uid", p.uid)
	if len(classes) > 7 {
		g.put("inetadministeredservices", "inetVersion=4.0,ou=imta,ou=services,"+dcOf(p.domain)+"??sub")
	}
	g.simsAddresses(i, p, len(classes) > 6)
	g.simsDelivery(i, p)
	g.simsReply(i)
	g.simsLimits(i)
	g.simsRest(i, p)
	g.end()
}

func (g *exporter) simsAddresses(i int, p person, routed bool) {
	g.put("mail", p.mail())
	if every(i, 23, 1) {
		g.put("rfc822mailbox", "second."+p.alias)
	}
	g.put("mailhost", g.opts.Host)
	if !routed {
		return
	}
	if !every(i, 6, 4) {
		g.put("rfc822mailalias", p.alias)
	}
	if every(i, 19, 3) {
		g.put("rfc822mailalias", p.uid+".too@"+p.domain)
		g.put("rfc822mailalias", upperFirst(p.mail()))
	}
}

// upperFirst spells an address another way.
func upperFirst(s string) string {
	if s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

func (g *exporter) simsDelivery(i int, p person) {
	switch {
	case every(i, 41, 11): // none at all
	case every(i, 43, 7):
		g.put("maildeliveryoption", "file")
		g.put("maildeliveryfile", "/export/home/"+p.uid+"/mail.txt")
	case every(i, 47, 9):
		g.put("maildeliveryoption", "mailbox")
		g.put("maildeliveryoption", "shared")
	case every(i, 29, 2):
		g.put("maildeliveryoption", "native")
		g.put("mailmessagestore", "/var/mail")
	case every(i, 31, 4):
		g.put("maildeliveryoption", "program")
		g.put("mailprogramdeliveryinfo", []string{"procmail", "vacation", "pager"}[i%3])
	case every(i, 53, 4):
		g.put("maildeliveryoption", "mailbox")
		if g.opts.Odd {
			g.put("maildeliveryoption", "acme-fax")
		}
	case every(i, 59, 4):
		g.put("maildeliveryoption", "hold")
	default:
		g.put("maildeliveryoption", "mailbox")
	}
	if every(i, 10, 6) {
		g.put("maildeliveryoption", "forward")
		g.put("mailforwardingaddress", p.uid+"@elsewhere.example")
	} else if every(i, 37, 6) {
		g.put("mailforwardingaddress", p.uid+"@inactive.example")
	}
	switch {
	case every(i, 61, 1):
		g.put("mailfoldermap", "UNIX V7")
	case every(i, 67, 1):
		g.put("mailfoldermap", "LOCK")
	default:
		g.put("mailfoldermap", []string{"SUN-MS", "Sun-MS"}[i%2])
	}
}

var replyDates = []string{
	"20000701000000Z", "20000801000000+0900", "200007151200Z", "2000071512Z", "20000715120000.5Z",
	"000701000000Z", "20000731235959-0330", "200007010000", "summer",
}

// replyDate is one of replyDates; with Odd one of them is no date.
func (g *exporter) replyDate(n int) string {
	if date := replyDates[n%len(replyDates)]; g.opts.Odd || date != "summer" {
		return date
	}
	return replyDates[0]
}

func (g *exporter) simsReply(i int) {
	if !every(i, 8, 5) {
		return
	}
	g.put("maildeliveryoption", "autoreply")
	g.put("mailautoreplystartdate", g.replyDate(i/8))
	g.put("mailautoreplyexpirationdate", "20001231000000+0900")
	g.put("mailautoreplytext", "I am away.$Please call my office: +1 408 555 0123, or write to the help desk of siroe.com")
	g.put("mailautoreplysubject", "Away ($SUBJECT)")
	if every(i, 24, 5) {
		g.put("mailautoreplytextinternal", "Away; you wrote: $BODY")
		g.put("mailautoreplytimeout", "48")
	}
}

var quotas = []string{"-1", "20M", "1G", "5000000", "-2", "512K", "2T", "0", "1.5G", "6000000000", "100m"}

func (g *exporter) simsLimits(i int) {
	if i%5 != 4 {
		quota := quotas[i%len(quotas)]
		if quota == "1.5G" && !g.opts.Odd {
			quota = "1536M"
		}
		g.put("mailquota", quota)
	}
	last := "active"
	if g.opts.Odd {
		last = "suspended" // a status that nothing knows
	}
	g.put("inetsubscriberstatus", []string{"active", "active", "inactive", "deleted", "Active", last}[i%6])
	if !every(i, 7, 2) {
		return
	}
	sets := [][]string{
		{"imap", "pop3"}, {"imap"}, {"imap", "imaps", "pop3", "pop3s", "smtp", "smtps"}, {"pop3r", "smtp"},
		{"ou=imta,ou=services," + dcOf(testsite.DefaultDomain), "ou=msma,ou=services," + dcOf(testsite.DefaultDomain)},
		{"sunwebaccess", "imap"},
	}
	if g.opts.Odd {
		sets = append(sets, []string{"calendar"}) // a service that nothing knows
	}
	for _, token := range sets[i/7%len(sets)] {
		g.put("inetauthorizedservices", token)
	}
}

func (g *exporter) simsRest(i int, p person) {
	g.put("inetmailuserversion", "1.0")
	if !every(i, 5, 1) {
		g.put("datasource", "SIMS 4.0")
	}
	if every(i, 17, 2) {
		g.put("inetsubscriberhttpurl", "http://www."+p.domain+"/~"+p.uid)
	}
	if every(i, 27, 2) {
		for n := 1; n <= 4; n++ {
			g.put(fmt.Sprintf("userdefinedattribute%d", n), fmt.Sprintf("site value %d", n))
		}
	}
	if every(i, 71, 2) {
		g.put("inetsubscriberaccountid", fmt.Sprintf("A-%06d", i))
	}
	if g.opts.Odd && every(i, 13, 1) {
		g.put("mailalternateaddress", p.alias)
		g.put("mailalternateaddress", upperFirst(p.alias))
		g.put("x-unknown-attribute", "kept as it is \xe4")
	}
}

func (g *exporter) simsGroup(i int) {
	name := fmt.Sprintf("List %d", i)
	g.begin("cn="+name+",ou=Groups,"+dcOf(testsite.DefaultDomain), "top", "groupOfUniqueNames", "inetMailRouting", "inetMailGroup")
	g.totals.Groups++
	g.put("cn", name)
	g.put("mail", fmt.Sprintf("list%d@%s", i, testsite.DefaultDomain))
	g.put("rfc822mailalias", fmt.Sprintf("l%d@%s", i, testsite.DefaultDomain))
	if !every(i, 11, 1) {
		g.put("mailhost", g.opts.Host)
	}
	g.put("inetmailgroupversion", "1.0")
	if !every(i, 5, 3) {
		g.put("inetmailgroupstatus", "active")
	}
	g.put("datasource", "SIMS 4.0")
	g.put("expandable", []string{"false", "TRUE"}[i%2])
	g.put("joinable", []string{"TRUE", "FALSE", "true"}[i%3])
	member := "cn=Member (m" + fmt.Sprint(i) + "),ou=People," + dcOf(testsite.DefaultDomain)
	g.put("uniquemember", member)
	g.put("uniquemember", "cn=Kevin Cox (Lighting),ou=People,"+dcOf(testsite.DefaultDomain))
	g.put("owner", member)
	for n := range i % 7 {
		g.put("rfc822mailmember", fmt.Sprintf("fan%d@elsewhere.example", n))
	}
	g.put("errorsto", []string{"ldap://" + member, "mailto: errors@siroe.com", "errors@siroe.com"}[i%3])
	g.simsListRules(i, member)
	if every(i, 4, 2) {
		g.put("multilinedescription", "about$the list")
	}
	g.end()
}

func (g *exporter) simsListRules(i int, member string) {
	if every(i, 3, 1) {
		g.put("moderator", []string{"mailto: wallyc@siroe.com", "ldap://" + member, "wallyc@siroe.com"}[i/3%3])
	}
	if every(i, 3, 2) {
		g.put("authorizeddomain", "*.siroe.com")
		g.put("unauthorizeddomain", "spam.example")
	}
	if every(i, 4, 1) {
		g.put("authorizedsubmitter", "ldap://"+member)
		g.put("authorizedsubmitter", "boss@siroe.com")
		g.put("unauthorizedsubmitter", "mailto: pest@spam.example")
	}
	if every(i, 5, 1) {
		g.put("requeststo", "mailto: requests@siroe.com")
		g.put("suppressemailerror", "TRUE")
	}
	if every(i, 6, 1) {
		g.put("membershipfilter", "ldap://ou=People,"+dcOf(testsite.DefaultDomain)+"??sub?(mail=*)")
	}
	if every(i, 4, 3) {
		option := []string{"file", "program", "shared"}[i/4%3]
		g.put("maildeliveryoption", option)
		g.put("maildeliveryfile", fmt.Sprintf("/var/archive/list%d", i))
		g.put("mailprogramdeliveryinfo", "archiver")
	}
	if every(i, 7, 3) {
		g.put("userpassword", "{crypt}abJnggxhB/yWI")
	}
}
