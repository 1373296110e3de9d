package check

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/testdir"
)

// fault is one fault that is planted in a clean directory, and what makes it be
// looked for.
type fault struct {
	code string
	text string // records that stand at the end of the directory
	opt  Options
}

const (
	siroe  = "o=siroe.com,o=isp"
	people = "ou=People," + siroe
)

// userText is a clean user with lines added, and the lines of an attribute left
// out that "-attribute" names.
func userText(uid string, changes ...string) string {
	return entryText("dn: uid="+uid+","+people+`
objectClass: top
objectClass: person
objectClass: organizationalPerson
objectClass: inetOrgPerson
objectClass: inetUser
objectClass: ipUser
objectClass: inetMailUser
objectClass: inetLocalMailRecipient
cn: Planted
sn: Fault
uid: `+uid+`
mail: `+uid+`@siroe.com
mailHost: oldmail.siroe.com
mailDeliveryOption: mailbox
inetUserStatus: active
mailUserStatus: active
`, changes)
}

// ofSIMS makes the user one of SIMS.
var ofSIMS = []string{"-objectClass", "-inetUserStatus", "-mailUserStatus", "-mailHost", "objectClass: top", "objectClass: person", "objectClass: organizationalPerson",
	"objectClass: inetOrgPerson", "objectClass: inetSubscriber", "objectClass: inetMailUser", "objectClass: inetMailRouting"}

// ofNMS makes the user one of NMS.
var ofNMS = []string{"-objectClass", "-inetUserStatus", "-mailUserStatus", "-mailHost", "objectClass: top", "objectClass: person", "objectClass: organizationalPerson",
	"objectClass: inetOrgPerson", "objectClass: mailRecipient", "objectClass: nsMessagingServerUser"}

// listOfSIMS makes the list one of SIMS.
var listOfSIMS = []string{"-objectClass", "-mailDeliveryOption", "objectClass: top", "objectClass: groupOfUniqueNames",
	"objectClass: inetMailGroup", "objectClass: inetMailRouting"}

func listText(name string, changes ...string) string {
	return entryText("dn: cn="+name+",ou=Groups,"+siroe+`
objectClass: top
objectClass: groupOfUniqueNames
objectClass: inetLocalMailRecipient
objectClass: inetMailGroup
cn: `+name+`
mail: `+name+`@siroe.com
mailHost: oldmail.siroe.com
mailDeliveryOption: members
uniqueMember: uid=user0,`+people+"\n", changes)
}

func domainText(name string, changes ...string) string {
	return entryText("dn: dc="+name+`,dc=com,o=internet
objectClass: top
objectClass: domain
objectClass: inetDomain
objectClass: mailDomain
dc: `+name+`
inetDomainBaseDN: `+siroe+"\n", changes)
}

func entryText(text string, changes []string) string {
	lines := slices.Collect(strings.Lines(text))
	for _, change := range changes {
		name, less := strings.CutPrefix(change, "-")
		if less {
			lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, name+":") })
			continue
		}
		lines = append(lines, change+"\n")
	}
	return strings.Join(lines, "") + "\n"
}

// faults plants every code once, but for empty-input.
var faults = []fault{
	{code: ldif.BadLine, text: "dn: uid=p1," + people + "\nthis is no line\n\n"},
	{code: ldif.BadBase64, text: "dn: uid=p1b," + people + "\ncn:: ****\n\n"},
	{code: ldif.BadURL, text: "dn: uid=p1c," + people + "\ncn:< file:///etc/passwd\n\n"},
	{code: ldif.BadRecord, text: "dn: uid=p1d," + people + "\n\n"},
	{code: ldif.NoDN, text: "uid: p1e\n\n"},
	{code: ldif.SecondDN, text: "dn: uid=p1f," + people + "\nuid: p1f\ndn: uid=p1g," + people + "\nuid: p1g\n\n"},
	{code: ldif.BadChange, text: "dn: uid=p1h," + people + "\nchangetype: mend\n\n"},
	{code: ldif.BadVersion, text: "version: 2\n\n"},
	{code: ldif.SearchResult, text: "# search result\nsearch: 2\nresult: 4 Size limit exceeded\n\n"},
	{code: ldif.EntryTooLong, text: "dn: uid=p1i," + people + "\n" + strings.Repeat("cn: a\nsn: a\n", 10_000) + "\n"},
	{code: "no-line-end", text: strings.TrimRight(userText("p1j"), "\n")},
	{code: "change-record", text: "dn: uid=p2," + people + "\nchangetype: delete\n\n"},
	{code: "bad-dn", text: "dn: no name at all\nobjectClass: top\n\n"},
	{code: "server-only", text: "dn: nsuniqueid=66446001-1dd211b2+uid=p3," + people + "\nobjectClass: top\nobjectClass: nsTombstone\nuid: p3\n\n"},
	{code: "server-only", text: "dn:\nobjectClass: top\nnamingContexts: o=isp\ncn: root\nuid: root\n\n"},
	{code: "bad-dn", text: strings.Replace(userText("p3d"), "dn: uid=p3d,"+people, "dn:", 1)},
	{code: "cross-refused", text: userText("p4", "description:"), opt: Options{CrossRead: true}},
	{code: "cross-read", text: userText("p3c", "description:\tafter a tab"), opt: Options{CrossRead: true}},
	{code: "no-class", text: "dn: ou=P5," + siroe + "\nou: P5\n\n"},
	{code: "no-structural", text: "dn: uid=p6," + siroe + "\nobjectClass: top\nobjectClass: inetUser\nuid: p6\n\n"},
	{code: "two-structural", text: userText("p6b", "objectClass: groupOfUniqueNames")},
	{code: "unknown-class", text: userText("p7", "objectClass: acmeThing")},
	{code: "unknown-attribute", text: userText("p8", "acmeColour: blue")},
	{code: "required", text: userText("p9", "-sn")},
	{code: "not-allowed", text: userText("p10", "dc: siroe")},
	{code: "single-valued", text: userText("p11", "dataSource: a", "dataSource: b")},
	{code: "duplicate-value", text: userText("p12", "description: Twice  said", "description: twice said")},
	{code: "empty-value", text: userText("p13", "description:")},
	{code: "syntax-dn", text: userText("p14", "manager: nobody")},
	{code: "syntax-integer", text: userText("p15", "mailMsgQuota: 1M")},
	{code: "syntax-integer", text: userText("p15b", "mailMsgQuota: 007")},
	{code: "syntax-telephone", text: userText("p16", "telephoneNumber: #*")},
	{code: "syntax-time", text: userText("p17", "objectClass: userPresenceProfile", "vacationStartDate: summer")},
	{code: "syntax-utf8", text: userText("p18", "description:: Z3L8biDk")},
	{code: "rdn-value", text: userText("p19", "-uid", "uid: p19other")},
	{code: "dup-dn", text: userText("p20") + strings.Replace(userText("p20"), "uid=p20,ou=People", "UID=P20, ou=people", 1)},
	{code: "dup-uid", text: userText("p21") + strings.Replace(userText("p21", "-mail", "mail: p21too@siroe.com"), "ou=People", "ou=Groups", 1)},
	{code: "dup-mail", text: userText("p22", "mailAlternateAddress: shared@siroe.com") + listText("p22l", "mailAlternateAddress: Shared@Siroe.com")},
	{code: "uid-form", text: strings.ReplaceAll(userText("p23~"), "mail: p23~", "mail: p23")},
	{code: "uid-domain", text: strings.ReplaceAll(userText("p24@nowhere.example"), "@nowhere.example@", "@")},
	{code: "several-uids", text: userText("p25", "uid: p25too")},
	{code: "mail-no-domain", text: userText("p26", "mailAlternateAddress: p26")},
	{code: "mail-form", text: userText("p27", "mailAlternateAddress: p 27@siroe.com")},
	{code: "no-parent", text: "dn: cn=p28,ou=Gone," + siroe + "\nobjectClass: top\nobjectClass: groupOfUniqueNames\ncn: p28\n\n"},
	{code: "suffix", text: "dn: ou=P29,o=elsewhere\nobjectClass: top\nobjectClass: organizationalUnit\nou: P29\n\n"},
	{code: "ref-member", text: listText("p30", "uniqueMember: uid=gone,"+people)},
	{code: "ref-member", text: listText("p30u", "uniqueMember: uid=gone,"+people+"#'01'B")},
	{code: "ref-owner", text: listText("p31", "owner: uid=gone,"+people)},
	{code: "ref-person", text: userText("p32", "secretary: uid=gone,"+people)},
	{code: "ref-url", text: listText("p33", "mgrpErrorsTo: ldap:///uid=gone,ou%3DPeople,"+siroe)},
	{code: "ref-alias", text: domainText("p34", "-inetDomainBaseDN", "inetDomainBaseDN: o=gone,o=isp")},
	{code: "ref-outside", text: userText("p35", "secretary: uid=x,o=other")},
	{code: "group-loop", text: listText("p36a", "uniqueMember: cn=p36b,ou=Groups,"+siroe) + listText("p36b", "uniqueMember: cn=p36a,ou=Groups,"+siroe)},
	{code: "user-no-domain", text: "dn: ou=Apart,o=isp\nobjectClass: top\nobjectClass: organizationalUnit\nou: Apart\n\n" + strings.Replace(userText("p37"), people, "ou=Apart,o=isp", 1)},
	{code: "no-uid", text: strings.Replace(userText("p38", "-uid"), "dn: uid=p38", "dn: cn=Planted", 1)},
	{code: "no-mail", text: userText("p39", "-mail")},
	{code: "no-mailhost", text: userText("p40", "-mailHost")},
	{code: "list-no-mailhost", text: listText("p41", "-mailHost")},
	{code: "mailhost-form", text: userText("p42", "-mailHost", "mailHost: oldmail")},
	{code: "mailhost-form", text: userText("p42a", "-mailHost", "mailHost: 10.1.2.300")},
	{code: "mailhost-form", text: userText("p42g", "-mailHost", "mailHost: [IPv6:1.2.3.4]")},
	{code: "mailhost-form", text: userText("p42h", "-mailHost", "mailHost: caf\xc3\xa9.siroe.com")},
	{code: "mailhost-form", text: userText("p42b", "-mailHost", "mailHost: [oldmail.siroe.com]")},
	{code: "several-mailhosts", text: userText("p42c", append(ofSIMS, "mailHost: other.siroe.com", "mailHost: third.siroe.com")...)},
	{code: "several-mailhosts", text: strings.Replace(listText("p42d", "mailHost: other.siroe.com", "-mailDeliveryOption", "objectClass: mailGroup"), "objectClass: inetLocalMailRecipient\nobjectClass: inetMailGroup\n", "", 1)},
	{code: "single-valued", text: userText("p42e", "mailHost: other.siroe.com")},
	{code: "mailhost-unknown", text: userText("p43", "-mailHost", "mailHost: third.siroe.com"), opt: Options{Hosts: []string{"OldMail.siroe.com"}}},
	{code: "list-no-members", text: listText("p44", "-uniqueMember")},
	{code: "status-value", text: userText("p45", "-mailUserStatus", "mailUserStatus: enabled")},
	{code: "quota-value", text: userText("p46", "mailQuota: lots")},
	{code: "quota-zero", text: userText("p47", "mailQuota: 0M")},
	{code: "quota-large", text: userText("p48", "mailQuota: 5000000000")},
	{code: "option-unknown", text: userText("p49", "mailDeliveryOption: members")},
	{code: "no-delivery", text: userText("p50", "-mailDeliveryOption")},
	{code: "forward-no-address", text: userText("p51", "mailDeliveryOption: forward")},
	{code: "address-no-forward", text: userText("p52", "mailForwardingAddress: a@b.example")},
	{code: "program-no-name", text: userText("p53", "mailDeliveryOption: program")},
	{code: "autoreply-no-text", text: userText("p54", "mailDeliveryOption: autoreply")},
	{code: "file-no-name", text: listText("p55", "mailDeliveryOption: file")},
	{code: "service-syntax", text: userText("p56", "mailAllowedServiceAccess: imap")},
	{code: "service-closed", text: userText("p57", "mailAllowedServiceAccess: +imaps,smtp:*")},
	{code: "address-program", text: userText("p100", "mailDeliveryOption: forward", "mailForwardingAddress: |/bin/prog")},
	{code: "address-program", text: userText("p101", "mailDeliveryOption: forward", "mailForwardingAddress: \"|/bin/prog -f a@x.example\"")},
	{code: "address-program", text: userText("p102", "mailDeliveryOption: forward", "mailForwardingAddress: /var/mail/x")},
	{code: "address-program", text: listText("p103", "mgrpRFC822MailMember: :include:/etc/list")},
	{code: "address-form", text: userText("p63", "mailDeliveryOption: forward", "mailForwardingAddress: a b@x.example")},
	{code: "address-form", text: listText("p64", "mgrpRFC822MailMember: Joe <joe@x.example>")},
	{code: "address-form", text: userText("p104", append(ofSIMS, "mailHost: oldmail.siroe.com", "mailDeliveryOption: forward", "mailForwardingAddress: <joe@x.example>")...)},
	{code: "address-form", text: userText("p105", append(ofSIMS, "mailHost: oldmail.siroe.com", "mailDeliveryOption: forward", "mailForwardingAddress: J. Doe <joe@x.example>")...)},
	{code: "address-form", text: userText("p106", "mailDeliveryOption: forward", "mailForwardingAddress: mailto:joe@x.example")},
	{code: "mail-form", text: userText("p107", "mailAlternateAddress: <p107@siroe.com>")},
	{code: "address-no-domain", text: listText("p108", "mgrpAllowedBroadcaster: mailto:joe")},
	{code: "url-form", text: listText("p109", "mgrpErrorsTo: ldap:///uid=user0,"+people+"??all")},
	{code: "address-form", text: listText("p65", "mgrpErrorsTo: mailto:joe@@x.example")},
	{code: "address-form", text: listText("p66", "mgrpModerator: mailto:joe@")},
	{code: "address-no-domain", text: listText("p67", "mgrpRFC822MailMember: joe")},
	{code: "url-form", text: listText("p68", "mgrpDeliverTo: everybody")},
	{code: "url-form", text: listText("p69", "mgrpDeliverTo: ldap:///"+people+"??sub?(uid=a*")},
	{code: "url-form", text: listText("p70", "mgrpDeliverTo: ldap:///"+people+"??all?(uid=a*)")},
	{code: "url-form", text: listText("p78", "mgrpDeliverTo: ldap:///??sub?(uid=a*)")},
	{code: "number-value", text: listText("p79", "mgrpMsgMaxSize: 5M")},
	{code: "address-form", text: listText("p80", "mgrpAllowedBroadcaster: uid=user0,"+people)},
	{code: "address-form", text: listText("p81", "mgrpDisallowedBroadcaster: mailto:joe@@x.example")},
	{code: "address-form", text: listText("p82", "mgrpRFC822MailMember: j\u00fcrg@x.example")},
	{code: "mail-form", text: userText("p83", "mailAlternateAddress: j\u00fcrg@siroe.com")},
	{code: "group-loop", text: listText("p71", "mgrpRFC822MailMember: P71@Siroe.com")},
	{code: "group-loop", text: listText("p72", "mailAlternateAddress: p72x@siroe.com", "mailDeliveryOption: forward", "mailForwardingAddress: p72x@siroe.com")},
	{code: "group-loop", text: listText("p93", "mgrpRFC822MailMember: p94x@siroe.com") + listText("p94", "mailAlternateAddress: P94x@siroe.com", "mailDeliveryOption: forward", "mailForwardingAddress: p93@siroe.com")},
	{code: "forward-loop", text: userText("p95", "mailDeliveryOption: forward", "mailForwardingAddress: p96@siroe.com") + userText("p96", "mailDeliveryOption: forward", "mailForwardingAddress: P95@siroe.com")},
	{code: "forward-loop", text: userText("p97", "mailDeliveryOption: Forward", "mailForwardingAddress: P97@siroe.com")},
	{code: "word-unknown", text: listText("p73", "mgrpBroadcasterPolicy: AUTH_REQ,SOMETIMES")},
	{code: "word-unknown", text: listText("p74", "mgrpMsgRejectAction: bounce")},
	{code: "word-unknown", text: userText("p75", "mailAutoReplyMode: vacation")},
	{code: "word-unknown", text: userText("p75s", append(ofSIMS, "mailHost: oldmail.siroe.com", "mailAutoReplyMode: vacation")...)},
	{code: "service-unknown", text: userText("p110", append(ofSIMS, "mailHost: oldmail.siroe.com", "inetAuthorizedServices: blubb")...)},
	{code: "folder-map", text: userText("p111", append(ofSIMS, "mailHost: oldmail.siroe.com", "mailFolderMap: NONSENSE")...)},
	{code: "list-domain", text: listText("p112", "mgrpAllowedDomain: siroe com")},
	{code: "access-domain", text: userText("p113", append(ofNMS, "mailHost: oldmail.siroe.com", "mailAccessDomain: siroe com")...)},
	{code: "service-unknown", text: userText("p114", append(ofNMS, "mailHost: oldmail.siroe.com", "nsmsgDisallowAccess: blubb")...)},
	{code: "dn-value", text: userText("p115", append(ofNMS, "mailHost: oldmail.siroe.com", "objectClass: nsManagedPerson", "nsDAMemberOf: not a dn")...)},
	{code: "switch-value", text: listText("p116", append(listOfSIMS, "joinable: perhaps")...)},
	{code: "dn-value", text: listText("p117", "-objectClass", "-mailDeliveryOption", "objectClass: top", "objectClass: groupOfUniqueNames", "objectClass: mailGroup", "objectClass: groupOfMailEnhancedUniqueNames", "mailEnhancedUniqueMember: not a dn %1(x)")},
	{code: "program-quote", text: userText("p118", append(ofNMS, "mailHost: oldmail.siroe.com", "mailProgramDeliveryInfo: it's")...)},
	{code: "program-long", text: userText("p119", append(ofNMS, "mailHost: oldmail.siroe.com", "mailProgramDeliveryInfo: /bin/a "+strings.Repeat("x", 5000))...)},
	{code: "number-value", text: userText("p76", "mailAutoReplyTimeOut: 7d")},
	{code: "two-products", text: userText("p77", "-objectClass", "objectClass: top", "objectClass: person", "objectClass: organizationalPerson", "objectClass: inetOrgPerson",
		"objectClass: inetUser", "objectClass: inetMailUser", "objectClass: inetMailRouting", "objectClass: mailRecipient", "objectClass: nsMessagingServerUser")},
	{code: "options-unread", text: userText("p91x", "mailMsgQuota;x-a: 5", "mailAutoReplyText;lang-ja;vucsn-38f5d5d1000000010000: x", "mailAutoReplySubject;LANG-ja: w", "cn;lang-ja: y", "description;x: z")},
	{code: "options-unread", text: userText("p92x", "-mailHost", "mailHost;vucsn-3c5a: oldmail.siroe.com", "mailAllowedServiceAccess;x: -imap,pop,http:*")},
	{code: "not-upgraded", text: entryText(strings.Replace(userText("p58"), "inetLocalMailRecipient", "inetMailRouting", 1), nil), opt: Options{As: IMS}},
	{code: "half-upgraded", text: userText("p59", "objectClass: inetMailRouting")},
	{code: "old-class", text: userText("p61", "objectClass: nsMessagingServerUser")},
	{code: "old-attribute", text: userText("p62", "mailFolderMap: Sun-MS")},
}

// clean is a directory without a fault.
func clean(t testing.TB, users int) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := testdir.WriteIMS(&b, testdir.Options{Seed: 5, Users: users, Photo: -1}); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// run checks a directory and returns what was found, as lines.
func run(t testing.TB, text []byte, o Options) (found []string, rep Report) {
	t.Helper()
	o.TempDir = t.TempDir()
	rep, err := Run(context.Background(), func(f *Finding) error {
		found = append(found, fmt.Sprintf("%s %s:%d %s: %s: %s", f.Code, f.File, f.Line, f.DN, f.Attr, f.Text))
		return nil
	}, []ldif.Input{{Name: "in", Reader: bytes.NewReader(text)}}, o)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
		t.Errorf("the scratch folder is left: %v, %v", left, err)
	}
	return found, rep
}

// domainAlias is another name of a domain, as RFC 4512 has it.
const domainAlias = `dn: dc=other,dc=com,o=internet
objectClass: top
objectClass: alias
objectClass: inetDomainAlias
dc: other
aliasedObjectName: dc=siroe,dc=com,o=internet

`

func TestCleanDirectory(t *testing.T) {
	for _, o := range []Options{{}, {As: IMS}, {CrossRead: true}, {Hosts: []string{"oldmail.siroe.com"}}} {
		if found, rep := run(t, append(clean(t, 300), domainAlias...), o); len(found) > 0 || rep.Users != 300 {
			t.Errorf("%d users, %d findings: %.2000s", rep.Users, len(found), strings.Join(found, "\n"))
		}
	}
}

// TestFaults plants one fault at a time in a clean directory: it is found where
// it stands, and nothing else is.
func TestFaults(t *testing.T) {
	base := clean(t, 60)
	planted := map[string]bool{"empty-input": true, "other-product": true, "unreadable": true}
	for _, f := range faults {
		planted[f.code] = true
		t.Run(f.code, func(t *testing.T) {
			found, _ := run(t, slices.Concat(base, []byte(f.text)), f.opt)
			lines := bytes.Count(base, []byte{'\n'})
			if f.code == "cross-refused" { // go-ldap/ldif refuses empty values
				found = slices.DeleteFunc(found, func(l string) bool { return strings.HasPrefix(l, "empty-value") })
			}
			if len(found) != 1 || !strings.HasPrefix(found[0], f.code+" in:") {
				t.Fatalf("found %q", found)
			}
			var line int
			if fmt.Sscanf(found[0], f.code+" in:%d", &line); line <= lines {
				t.Errorf("line %d is not behind %d: %s", line, lines, found[0])
			}
		})
	}
	for _, c := range Codes() {
		if !planted[c.Name] {
			t.Errorf("no fault of code %s is planted", c.Name)
		}
	}
}

// TestManyFaults plants all of them, five times over, among many entries.
func TestManyFaults(t *testing.T) {
	users, times := 96_000, 5 // with lists and domains 100,000 entries
	if testing.Short() {
		users = 4000
	}
	base := clean(t, users)
	want := map[string]int64{}
	var text bytes.Buffer
	entries := bytes.SplitAfter(base, []byte("\n\n"))
	var all []fault
	for n := range times {
		for _, f := range faults {
			if f.opt.As == IMS || f.opt.CrossRead || f.opt.Hosts != nil || f.code == "no-line-end" || n > 0 && (f.code == "suffix" || f.code == "user-no-domain" || f.code == "no-uid" || f.code == "bad-dn") {
				continue
			}
			f.text = again(f.text, n)
			all = append(all, f)
			want[f.code]++
		}
	}
	step := len(entries) / (len(all) + 1)
	for i, e := range entries {
		text.Write(e)
		if i > 0 && i%step == 0 && i/step <= len(all) {
			text.WriteString(all[i/step-1].text)
		}
	}
	found, rep := run(t, text.Bytes(), Options{})
	for code, n := range rep.ByCode {
		if want[code] != n {
			t.Errorf("%s: %d found, %d planted", code, n, want[code])
		}
	}
	for code, n := range want {
		if rep.ByCode[code] == 0 {
			t.Errorf("%s: none of %d found", code, n)
		}
	}
	if t.Failed() {
		t.Logf("%.3000s", strings.Join(found, "\n"))
	}
	line := 0
	for _, f := range found {
		at := 0
		fmt.Sscanf(f[strings.IndexByte(f, ' ')+1:], "in:%d", &at)
		if at < line-40 { // findings of one entry may come in any order of its lines
			t.Fatalf("%s comes behind line %d", f, line)
		}
		line = max(line, at)
	}
}

// again makes another copy of a planted fault with names of its own.
func again(text string, n int) string {
	if n == 0 {
		return text
	}
	for i := len(faults) + 10; i > 0; i-- {
		text = strings.ReplaceAll(text, fmt.Sprintf("p%d", i), fmt.Sprintf("q%d.%d", n, i))
		text = strings.ReplaceAll(text, fmt.Sprintf("P%d", i), fmt.Sprintf("Q%d.%d", n, i))
	}
	text = strings.ReplaceAll(text, "hared@", fmt.Sprintf("hared%d@", n))
	return strings.ReplaceAll(text, "ou=Gone", fmt.Sprintf("ou=Gone%d", n))
}

func TestEmptyInput(t *testing.T) {
	for _, text := range []string{"", "version: 1\n", "# nothing\n\n"} {
		if found, _ := run(t, []byte(text), Options{}); len(found) != 1 || !strings.HasPrefix(found[0], "empty-input in:1") {
			t.Errorf("%q: %q", text, found)
		}
	}
}

func TestOtherProduct(t *testing.T) {
	found, _ := run(t, clean(t, 1), Options{As: SIMS})
	n := 0
	for _, f := range found {
		if strings.HasPrefix(f, "other-product") {
			n++
		}
	}
	if n != 13 { // a user and twelve lists
		t.Errorf("%d of 13 entries of another product: %q", n, found)
	}
}

// An input that fails is checked as far as it goes, and the rest is a finding;
// one of which nothing can be read is an error.
func TestUnreadable(t *testing.T) {
	text := clean(t, 60)
	broken := io.MultiReader(bytes.NewReader(text), strings.NewReader("dn: uid=cut,o=isp\nuid: c"), iotest.ErrReader(io.ErrUnexpectedEOF))
	var found []string
	rep, err := Run(context.Background(), func(f *Finding) error {
		found = append(found, fmt.Sprintf("%s %s:%d %s", f.Code, f.File, f.Line, f.Text))
		return nil
	}, []ldif.Input{{Name: "in", Reader: broken}}, Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("unreadable in:%d read at byte %d: unexpected EOF: the rest of the input is lost", bytes.Count(text, []byte{'\n'})+1, len(text)+len("dn: uid=cut,o=isp\nuid: c"))
	if rep.Users != 60 || rep.Damaged != 1 || len(found) != 1 || found[0] != want {
		t.Errorf("%d users, found %q, want %q", rep.Users, found, want)
	}
	if _, err := Run(context.Background(), nil, []ldif.Input{{Name: "in", Reader: iotest.ErrReader(io.ErrUnexpectedEOF)}}, Options{TempDir: t.TempDir()}); err == nil {
		t.Error("nothing could be read, and that is no error")
	}
}

// What each product takes is no finding.
func TestFormsThatAreTaken(t *testing.T) {
	base := clean(t, 60)
	for _, text := range []string{
		userText("r1", "mailDeliveryOption: forward", "mailForwardingAddress: \"a b\"@x.example", "mailForwardingAddress: c@[10.0.0.1]", "mailAutoReplyMode: Echo", "mailAutoReplyTimeOut: 0"),
		listText("r2", "mgrpErrorsTo: mailto:joe@x.example?subject=x", "mgrpModerator: ldap:///uid=user0,"+people, "mgrpBroadcasterPolicy: auth_req, OR", "mgrpMsgRejectAction: TOMODERATOR"),
		listText("r4", "mgrpAllowedBroadcaster: mailto:joe@x.example", "mgrpAllowedBroadcaster: ldap:///uid=user0,"+people, "mgrpDisallowedBroadcaster: postmaster@x.example", "mgrpMsgMaxSize: 5000000"),
		userText("r5", "-mailHost", "mailHost: 10.1.2.3"), userText("r6", "-mailHost", "mailHost: [10.1.2.3]"), userText("r7", "-mailHost", "mailHost: [IPv6:fe80::1]"),
		listText("r8", "uniqueMember: uid=user1,"+people+"#'0101'B", "owner: uid=user0,"+people+"#''B", "seeAlso: uid=user0,"+people+" #'1'B"),
		userText("r9", "mailDeliveryOption: forward", "mailForwardingAddress: /o=x/@x400.example", "mailForwardingAddress: \"|\"@x.example"),
		listText("r3", "mgrpDeliverTo: ldap:///"+people+"??sub?(%26(uid=a*)(mail=*@x.example))", "mgrpErrorsTo: r3@siroe.com"),
	} {
		if found, _ := run(t, slices.Concat(base, []byte(text)), Options{}); len(found) > 0 {
			t.Errorf("%s\nfound %q", text, found)
		}
	}
}

// A name that is not UTF-8 is refused by servers as a text is.
func TestNameIsText(t *testing.T) {
	const export = "dn: ou=caf\xe9\nobjectClass: organizationalUnit\nou: coffee\n"
	var got []string
	_, err := Run(t.Context(), func(f *Finding) error {
		if f.Code == "syntax-utf8" {
			got = append(got, fmt.Sprintf("%d %s %s", f.Line, f.Attr, f.Text))
		}
		return nil
	}, []ldif.Input{{Name: "in", Reader: strings.NewReader(export)}}, Options{TempDir: t.TempDir()})
	if want := []string{"1 dn the name of the entry is not UTF-8"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// Values of an attribute that is spelled in several ways are no other ones to
// the second reader, whatever order it gives them in.
func TestCrossReadOfSpellings(t *testing.T) {
	text := slices.Concat(clean(t, 60), []byte(userText("p1", "description: a", "DESCRIPTION: b", "Description: c", "description: d")))
	for range 20 {
		if found, _ := run(t, text, Options{CrossRead: true}); len(found) > 0 {
			t.Fatalf("found %s", found)
		}
	}
}
