package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"imsconv/ldifconv"
	"imsconv/ldifconv/check"
	"imsconv/ldifconv/ldif"
)

// told collects what an upgrade tells, by entry.
type told map[string][]string

func (l told) Warning(kind, where, _ string) { l.Problem(kind, where, "") }
func (l told) Problem(kind, where, _ string) {
	_, dn, _ := strings.Cut(where, ": ")
	l[dn] = append(l[dn], kind)
}

// What an upgrade tells of an address or an LDAP URL check finds as well, and
// nothing else: one that looks at an export before the upgrade is not surprised
// by it.
func TestCheckAndUpgradeAgreeOnAddresses(t *testing.T) {
	values := []string{
		"a@x.com", "A.B+c@X-1.com", `"a b"@x.com`, "a%b@x.com", "a@[10.1.1.1]", "a@localhost", " a@x.com ", "@x.com", "a", "a b",
		"<a@x.com>", "J. Doe <a@x.com>", `"J. Doe" <a@x.com>`, "a@x.com (Joe)", "(Joe) a@x.com", "a@", "@", "a@b@x.com", "a@x..com", "a@.x.com", "a@x.com.",
		"caf\xc3\xa9@x.com", "a@caf\xe9.com", "a@x.com, b@x.com", "a;b@x.com", "|/bin/prog", "/var/mail/a", ":include:/etc/list", "mailto:a@x.com", "mailto: a@x.com",
		"mailto:a", "mailto:", "uid=a,o=x", "uid=a", "ldap:///uid=a,o=x", "ldap://uid=a,o=x", "ldap://h/uid=a,o=x??base", "ldap:///", "ldap:///o=x??all", "ldap:///o=x??sub?(uid=", "ldap:o=x",
		"LDAP:///o=x??SUB?(uid=a)", "a@" + strings.Repeat("b", 64) + ".com",
	}
	const user = "objectclass: inetOrgPerson\nobjectclass: person\nobjectclass: organizationalPerson\ncn: a\nsn: a\nuid: q\n"
	const list = "objectclass: groupOfUniqueNames\ncn: a\nuniquemember: uid=z,o=x\n"
	for _, tt := range []struct {
		from  ldifconv.Source
		as    check.Product
		lines string
		attrs []string
	}{
		{ldifconv.SIMS, check.SIMS, user + "objectclass: inetMailUser\nobjectclass: inetMailRouting\n", []string{"mail", "rfc822MailAlias", "mailForwardingAddress"}},
		{ldifconv.NMS, check.NMS, user + "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser\n", []string{"mail", "mailAlternateAddress", "mailForwardingAddress"}},
		{ldifconv.SIMS, check.SIMS, list + "objectclass: inetMailGroup\nobjectclass: inetMailRouting\n",
			[]string{"mail", "rfc822MailMember", "errorsTo", "moderator", "authorizedSubmitter", "unauthorizedSubmitter", "membershipFilter"}},
		{ldifconv.NMS, check.NMS, list + "objectclass: mailGroup\n",
			[]string{"mail", "mgrpRFC822MailMember", "mgrpErrorsTo", "mgrpModerator", "mgrpAllowedBroadcaster", "mgrpDeliverTo"}},
	} {
		for _, attr := range tt.attrs {
			text := "dn: o=x\nobjectclass: organization\no: x\n\n"
			for i, value := range values {
				text += fmt.Sprintf("dn: cn=a%d,o=x\n%s", i, tt.lines)
				if attr != "mail" {
					text += "mail: own@x.com\n"
				}
				text += string(ldif.AppendValue(nil, attr, value)) + "\n"
			}
			upgrade, found := told{}, told{}
			_, err := ldifconv.Upgrade(t.Context(), io.Discard, strings.NewReader(text), ldifconv.Options{From: tt.from, Kinds: ldifconv.Both, Log: upgrade})
			if err != nil {
				t.Fatal(err)
			}
			_, err = check.Run(t.Context(), func(f *check.Finding) error {
				found[f.DN] = append(found[f.DN], f.Code)
				return nil
			}, []ldif.Input{{Name: "in", Reader: strings.NewReader(text)}}, check.Options{As: tt.as, TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			for i, value := range values {
				dn := fmt.Sprintf("cn=a%d,o=x", i)
				tells := kindsOf(upgrade[dn], "address-domain", "address-form", "address-program", "list-url", "deliver-to", "membership-filter")
				finds := kindsOf(found[dn], "mail-no-domain", "mail-form", "address-no-domain", "address-form", "address-program", "url-form")
				if (len(tells) > 0) != (len(finds) > 0) {
					t.Errorf("%v: %s: %q: upgrade tells %q, check finds %q", tt.from, attr, value, tells, finds)
				}
			}
		}
	}
}

// refused collects the problems of an upgrade, by entry.
type refused struct{ told }

func (refused) Warning(_, _, _ string) {}

// What an upgrade leaves in an entry as not understood check finds in the entry
// before, and nothing else.
func TestCheckAndUpgradeAgreeOnValues(t *testing.T) {
	const person = "objectclass: inetOrgPerson\nobjectclass: person\nobjectclass: organizationalPerson\ncn: a\nsn: a\nuid: q\nmail: own@x.com\n"
	const list = "objectclass: groupOfUniqueNames\ncn: a\nuniquemember: uid=z,o=x\nmail: own@x.com\n"
	const simsUser = person + "objectclass: inetMailUser\nobjectclass: inetMailRouting\n"
	const nmsUser = person + "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nobjectclass: nsManagedPerson\n"
	const simsList = list + "objectclass: inetMailGroup\nobjectclass: inetMailRouting\n"
	const nmsList = list + "objectclass: mailGroup\nobjectclass: groupOfMailEnhancedUniqueNames\n"
	domains := []string{"x.com", ".x.com", "*.x.com", "x", "siroe com", "a@x.com", "x..com", "caf\xc3\xa9.com", " x.com "}
	dates := []string{"20001231235959Z", "summer", "20001301", "20000230Z", "20001231235959+0200", "20001231235959.5Z", "20001231 235959", "20001231246000Z", "20001231235959X", "18001231", "2000-12-31"}
	policies := []string{"AUTH_REQ", "auth_req,or", "auth_req;or", "auth_req or", "blubb", "auth_req,blubb"}
	for _, tt := range []struct {
		from   ldifconv.Source
		as     check.Product
		lines  string
		attr   string
		values []string // a | stands between several of one entry
	}{
		{ldifconv.SIMS, check.SIMS, simsUser, "inetAuthorizedServices", []string{
			"imap", "IMAP4, pop3", "imap pop", "+imap,-pop", "+imap;smtp", "msma", "all", "*", "webmail", "blubb", "imap blubb", "-blubb", "+", "imap:x.com", "imap:", "imap:10.1.", "imap:10.1", "imap:x.com,ALL",
			"imap:a b", "imap:!x", "imap:10.1.0.0/255.255.0.0", "imap:10.1.0.0/16", "imap:KNOWN", "imap:-x", "imap$pop", "imap$", "imap$blubb", "cn=imap,ou=services,o=x", "cn=blubb,ou=services,o=x",
			"cn=imap+cn=pop,ou=services,o=x", "inetVersion=4.0,ou=imta,ou=services,o=x", "inetVersion=4.0", "inetVersion=4.0+cn=imap,o=x", "ou=imta,o=x??sub", "a=", "imap=", ",", " imap ", "imap\tpop", ":x.com", "imap|blubb",
		}},
		{ldifconv.SIMS, check.SIMS, simsUser, "mailFolderMap", []string{"Sun-MS", "sunms", "UNIX V7", "unixv7", "LOCK", "NONSENSE", "unix  v7", " Sun-MS "}},
		{ldifconv.SIMS, check.SIMS, simsUser, "mailAutoReplyMode", []string{"reply", "Echo", "vacation", "none", " reply "}},
		{ldifconv.NMS, check.NMS, nmsUser, "mailAutoReplyMode", []string{"reply", "Echo", "vacation", "blubb"}},
		{ldifconv.NMS, check.NMS, nmsUser, "nsmsgDisallowAccess", []string{"none", "imap", "POP3 imap4", "imaps,pops;http", "all", "*", "blubb", "imap blubb", "pop3r", "msma", "smtps", "http\tsmtp", "pop3s", "imap|blubb"}},
		{ldifconv.NMS, check.NMS, nmsUser, "mailAccessDomain", []string{
			"siroe.com", "siroe com", "siroe com x.com", "siroe", "siroe,com", "siroe, com", "a.x b.x", ".x.com", "*.x.com", "*.", ".", "*", "ALL", "all x", "10.1.2.3", "10.1.", "10.1", "10.1.*", "10.1.*.*", "10.*.1", "10.1.2.300",
			"10.1.0.0/16", "10.1.0.0/33", "10.1.0.0/255.255.0.0", "10.1.0.0/255.0.255.0", "::1", "NONE", "none", "NONE|x.com", "NONE|NONE", "x.com NONE", "NONE|siroe com", "NONE|ALL", "!x.com", "-x.com", "ALL EXCEPT x.com",
			"x.com EXCEPT y.com", "KNOWN", "LOCAL", "x_y.com", "x..com", "a b|x.com", "x.com.", "caf\xc3\xa9.com", ",", "siroe\tcom", "-",
		}},
		{ldifconv.NMS, check.NMS, nmsUser, "nsDAMemberOf", []string{"cn=a,o=x", "not a dn", "cn=a", "=", "cn=a, o=x ", "uid=a,o=x#'01'B", ",", "cn=\\zz"}},
		{ldifconv.NMS, check.NMS, nmsList, "mailEnhancedUniqueMember", []string{"uid=b,o=x", "uid=b,o=x %1(digest) %2(a=b)", "cn=50% off,o=x%Shop", "junk", "%1(x)", "uid=b,o=x%", "junk %1(a=b)", "cn=a%1(x)%2(y),o=x", "=,o=x"}},
		{ldifconv.NMS, check.NMS, nmsList, "mgrpBroadcasterPolicy", policies},
		{ldifconv.NMS, check.NMS, nmsList, "mgrpAllowedDomain", domains},
		{ldifconv.SIMS, check.SIMS, simsList, "authorizedDomain", domains},
		{ldifconv.SIMS, check.SIMS, simsList, "unauthorizedDomain", domains},
		{ldifconv.SIMS, check.SIMS, simsList, "joinable", []string{"TRUE", "false", " true ", "perhaps", "all", "1"}},
		{ldifconv.SIMS, check.SIMS, simsList, "expandable", []string{"TRUE", "no"}},
		{ldifconv.SIMS, check.SIMS, simsUser, "mailAutoReplyStartDate", dates},
		{ldifconv.NMS, check.NMS, nmsUser, "vacationStartDate", dates},
		{ldifconv.NMS, check.NMS, nmsUser, "mailProgramDeliveryInfo", []string{"/bin/a", "it's", `it\'s`, `"a b" 'c'`, `a "b 'c'`, `a "b' c`, "/bin/b " + strings.Repeat("x", 5000), "it's" + strings.Repeat("x", 5000)}},
		{ldifconv.NMS, check.NMS, nmsList, "mgrpMsgMaxSize", []string{"5", "5M", "-1", "many"}},
		{ldifconv.NMS, check.NMS, nmsList, "mgrpMsgRejectAction", []string{"reply", "Bounce", "toModerator", "size:reply", "blubb"}},
	} {
		text := "dn: o=x\nobjectclass: organization\no: x\n\n"
		for i, value := range tt.values {
			text += fmt.Sprintf("dn: cn=a%d,o=x\n%s", i, tt.lines)
			for one := range strings.SplitSeq(value, "|") {
				text += string(ldif.AppendValue(nil, tt.attr, one))
			}
			text += "\n"
		}
		upgrade, found := refused{told{}}, told{}
		_, err := ldifconv.Upgrade(t.Context(), io.Discard, strings.NewReader(text), ldifconv.Options{From: tt.from, Kinds: ldifconv.Both, Log: upgrade})
		if err != nil {
			t.Fatal(err)
		}
		_, err = check.Run(t.Context(), func(f *check.Finding) error {
			found[f.DN] = append(found[f.DN], f.Code)
			return nil
		}, []ldif.Input{{Name: "in", Reader: strings.NewReader(text)}}, check.Options{As: tt.as, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range tt.values {
			dn := fmt.Sprintf("cn=a%d,o=x", i)
			finds := kindsOf(found[dn], "service-unknown", "access-domain", "dn-value", "syntax-time", "program-quote", "program-long", "folder-map", "switch-value", "list-domain", "word-unknown", "number-value")
			if tells := upgrade.told[dn]; len(tells) != len(finds) {
				t.Errorf("%v: %s: %q: upgrade refuses %q, check finds %q", tt.from, tt.attr, value, tells, finds)
			}
		}
	}
}

// kindsOf are those of list that are among kinds.
func kindsOf(list []string, kinds ...string) (have []string) {
	for _, kind := range list {
		if slices.Contains(kinds, kind) {
			have = append(have, kind)
		}
	}
	return have
}
