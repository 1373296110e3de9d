package testdir

import (
	"fmt"

	"imsconv/storeconv/testsite"
)

const nmsRoot = "o=siroe.com"

// nmsTop writes the suffix and its containers.
func (g *exporter) nmsTop() {
	g.begin(nmsRoot, "top", "organization")
	g.put("o", "siroe.com")
	g.end()
	for _, ou := range []string{"People", "Groups"} {
		g.begin("ou="+ou+","+nmsRoot, "top", "organizationalUnit")
		g.put("ou", ou)
		g.end()
	}
}

func (g *exporter) nmsUser(i int) {
	p := g.person(i)
	uid := testsite.UserID(i)
	classes := []string{"top", "person", "organizationalPerson", "inetOrgPerson", "mailRecipient", "nsMessagingServerUser"}
	old := every(i, 83, 7) // a user of 3.x
	if old {
		classes = classes[:5]
	}
	if every(i, 12, 1) {
		classes = append(classes, "nsManagedPerson")
	}
	if every(i, 39, 1) {
		classes = append(classes, "nsLicenseUser")
	}
	if every(i, 73, 1) {
		classes = append(classes, "mailGroupMember")
	}
	g.begin("uid="+escape(uid)+",ou=People,"+nmsRoot, classes...)
	g.totals.Users++
	g.put("cn", p.name())
	g.common(i, p)
	g.put("uid", uid)
	g.nmsAddresses(i, p)
	g.nmsDelivery(i, p)
	if !old {
		g.nmsAccess(i)
	}
	g.nmsRest(i)
	g.end()
}

func (g *exporter) nmsAddresses(i int, p person) {
	g.put("mail", p.mail())
	if every(i, 31, 3) {
		g.put("rfc822mailbox", "second."+p.alias)
	}
	g.put("mailalternateaddress", p.alias)
	if every(i, 15, 3) {
		g.put("mailalternateaddress", upperFirst(p.mail()))
	}
	g.put("mailhost", []string{g.opts.Host, g.opts.Host, g.opts.Host, "oldmail"}[i%4])
	if every(i, 33, 3) {
		g.put("mailroutingaddress", p.uid+"@relay."+p.domain)
	}
}

var commands = []string{
	"/usr/local/bin/procmail -f-", "/usr/bin/vacation", "/opt/pager -n 5551234 -s \"new mail\"", "/usr/local/bin/procmail -f- -a x",
}

func (g *exporter) nmsDelivery(i int, p person) {
	switch {
	case every(i, 41, 3): // none at all
	case every(i, 29, 3):
		g.put("maildeliveryoption", "native")
	default:
		g.put("maildeliveryoption", "mailbox")
	}
	if every(i, 13, 3) {
		g.put("maildeliveryoption", "program")
		g.put("mailprogramdeliveryinfo", commands[i/13%len(commands)])
	}
	if every(i, 9, 4) {
		g.put("mailforwardingaddress", p.uid+"@elsewhere.example")
	}
	if every(i, 7, 4) {
		g.put("mailautoreplymode", []string{"vacation", "reply", "echo", "VACATION"}[i/7%4])
		g.put("mailautoreplytext", "away$back soon")
	}
	switch {
	case i%6 == 0:
		g.put("mailquota", "0")
	case i%6 == 1: // the server's default
	default:
		g.put("mailquota", []string{"-1", "5000000", "20000000", "4294967296"}[i%4])
	}
	if every(i, 18, 5) {
		g.put("mailmessagestore", []string{"primary", "/var/spool/postoffice", `D:\mail\store`}[i/18%3])
	}
}

func (g *exporter) nmsAccess(i int) {
	if every(i, 10, 2) {
		g.put("nsmsgdisallowaccess", []string{"pop, imap", "smtp", "imap", "pop3,http"}[i/10%4])
	}
	if every(i, 15, 2) {
		g.put("mailaccessdomain", "siroe.com")
		if every(i, 30, 2) {
			g.put("mailaccessdomain", "192.18.42.17")
		}
	}
	if every(i, 20, 4) {
		g.put("nsmsgnummsgquota", []string{"0", "1000"}[i/20%2])
	}
	if every(i, 22, 4) {
		g.put("vacationstartdate", g.replyDate(i/22))
		g.put("vacationenddate", "20001231235959Z")
	}
	if every(i, 11, 4) {
		g.put("nswmextendeduserprefs", "meDraftFolder=Drafts")
		g.put("nswmextendeduserprefs", "meSentFolder=Sent")
	}
}

func (g *exporter) nmsRest(i int) {
	if every(i, 12, 1) {
		g.put("nsdadomain", testsite.DefaultDomain)
		g.put("nsdacapability", "mailListCreate")
		g.put("nsdamodifiableby", "cn=Department Administrators,"+nmsRoot)
		g.put("memberof", "cn=Department Administrators,"+nmsRoot)
		if every(i, 24, 1) {
			g.put("nsdamemberof", "cn=Service Administrators,"+nmsRoot)
		}
	}
	if every(i, 39, 1) {
		g.put("nslicensedfor", "mail")
		g.put("nslicensestarttime", "19990101000000Z")
		g.put("nslicenseendtime", "20011231000000Z")
	}
	if every(i, 73, 1) {
		g.put("mgmemmemberofgroup", "list1")
		g.put("mgmemalternatesenderaddress", "me@home.example")
	}
	if g.opts.Odd && every(i, 13, 1) {
		g.put("datasource", "NDA 4.5 Delegated Administrator")
		g.put("x-unknown-attribute;x-opt", "kept as it is \xe4")
		g.put("description;vucsn-38f5d5d1000000010000", "with replica state")
		g.put("employeetype;deleted", "gone")
	}
}

func (g *exporter) nmsGroup(i int) {
	name := fmt.Sprintf("List %d", i)
	classes := []string{"top", "groupOfUniqueNames", "mailGroup"}
	managed, enhanced := every(i, 4, 1), every(i, 5, 1)
	if managed {
		classes = append(classes, "mailGroupManagement")
	}
	if enhanced {
		classes = append(classes, "groupOfMailEnhancedUniqueNames")
	}
	g.begin("cn="+name+",ou=Groups,"+nmsRoot, classes...)
	g.totals.Groups++
	g.put("cn", name)
	g.put("mail", fmt.Sprintf("list%d@%s", i, testsite.DefaultDomain))
	g.put("mailalternateaddress", fmt.Sprintf("l%d@%s", i, testsite.DefaultDomain))
	if !every(i, 7, 1) {
		g.put("mailhost", g.opts.Host)
	}
	member := "uid=user0,ou=People," + nmsRoot
	g.put("uniquemember", member)
	if enhanced {
		g.put("mailenhanceduniquemember", fmt.Sprintf("uid=user%d,ou=People,%s %%1(digest) %%2(a=b)", i, nmsRoot))
		g.put("mailenhanceduniquemember", "uid=keiko_s7,ou=People,"+nmsRoot+"%Keiko")
	}
	for n := range 1 + i%5 {
		g.put("mgrprfc822mailmember", fmt.Sprintf([]string{"fan%d@elsewhere.example%%A Fan", "fan%d@elsewhere.example %%1(x) %%2(y)", "fan%d%%gate@elsewhere.example", "fan%d@plain.example"}[n%4], n))
	}
	if managed {
		g.nmsManaged(i)
	}
	g.nmsListRules(i, member)
	g.end()
}

func (g *exporter) nmsManaged(i int) {
	g.put("mgmanhidden", "false")
	g.put("mgmanjoinability", "anyone")
	g.put("mgmanmembervisibility", "all")
	g.put("mgmanintrotext", "Welcome")
	g.put("mgmanallowsubscribe", "mailto:*@siroe.com")
	g.put("mgmangroupkey", fmt.Sprintf("key%d", i))
	g.put("mgmangroupstat", "12")
	g.put("mgmanjoinlocaltype", "1")
	g.put("multilinedescription", "about$the list")
	g.put("usercertificate", "not really a certificate\x00\x01")
}

func (g *exporter) nmsListRules(i int, member string) {
	g.put("mgrpallowedbroadcaster", []string{"ldap://" + member, "mailto:sys50@airius.com", "boss@siroe.com", "ldap:///" + member}[i%4])
	if every(i, 2, 1) {
		g.put("mgrpalloweddomain", []string{"siroe.com", "*.siroe.com"}[i/2%2])
	}
	g.put("mgrperrorsto", []string{"ldap://" + member, "mailto: errors@siroe.com", "errors@siroe.com"}[i%3])
	if every(i, 3, 1) {
		g.put("mgrpmoderator", []string{"wallyc@siroe.com", "ldap://" + member}[i/3%2])
	}
	if every(i, 3, 2) {
		g.put("mgrpdeliverto", "ldap:///ou=People,"+nmsRoot+"??sub?(departmentnumber=7)")
		g.put("mgrpmsgmaxsize", "100000")
		g.put("mgrpaddheader", "X-List: yes")
		g.put("mgrpremoveheader", "X-Secret")
		g.put("mgrpnoduplicatechecks", "true")
		g.put("mgrpdeliverexception", member)
	}
	if every(i, 4, 2) {
		for _, v := range [][]string{{"bounce"}, {"SIZE:reply", "SENDER:toModerator"}, {"reply"}, {"DOMAIN:bounce"}}[i/4%4] {
			g.put("mgrpmsgrejectaction", v)
		}
		g.put("mgrpmsgrejecttext", []string{"SIZE: too big$sorry", "Zu gro\u00df"}[i/4%2])
	}
	if every(i, 6, 2) {
		g.put("mgrpapprovepassword", "sesame")
		policy := []string{"BROADCASTERS_OVERRIDE", "AUTH_REQ"}[i/6%2]
		if !g.opts.Odd {
			policy = "AUTH_REQ"
		}
		g.put("mgrpbroadcasterpolicy", policy)
	}
	if managedPassword := every(i, 8, 1); managedPassword && every(i, 4, 1) {
		g.put("userpassword", "{SHA}w6CNkoxQ4t3jM4XAjb1bY3X7y6U=")
	}
	g.put("owner", member)
}
