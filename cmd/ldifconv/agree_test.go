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

// kindsOf are those of list that are among kinds.
func kindsOf(list []string, kinds ...string) (have []string) {
	for _, kind := range list {
		if slices.Contains(kinds, kind) {
			have = append(have, kind)
		}
	}
	return have
}
