package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// fieldCase is one input of testdata/ldif and what has to come of it: lines of
// the output (folding undone) that are there ("!" in front: are not), words of
// the talk, and the exit status.
type fieldCase struct {
	file, args string
	exit       int
	out        []string
	talk       []string
}

const (
	simsAll = "upgrade -M sims -b  -m all"
	simsRun = "upgrade -M sims -b "
	nmsRun  = "upgrade -M nms -b "
)

var fieldCases = []fieldCase{
	{"services-dn", simsRun, 0, []string{"mailAllowedServiceAccess: +imap,smtp:*", "delete: inetAuthorizedServices"}, []string{"closes every other service"}},
	{"services-unknown-only", simsRun, 3, []string{"!mailAllowedServiceAccess", "!delete: inetAuthorizedServices"}, []string{`problem: `, `services-unknown-only.ldif:18: cn=Jill Smith (js)`, `inetAuthorizedServices "sunmail" names a service or a client that is not known, and without a rule iMS lets in to every service: it stays as it is`}},
	{"services-ssl-only", simsRun, 0, []string{"mailAllowedServiceAccess: +imaps:*"}, []string{"the back end knows imap, not its TLS name", "--mmp"}},
	{"services-ssl-only", simsRun + " --mmp 10.1.2.3", 0, []string{"mailAllowedServiceAccess: +imaps:*$+imap:10.1.2.3"}, []string{"allowed from the proxy 10.1.2.3"}},
	{"services-ssl-only", simsRun + " --mmp 10:1", 2, nil, []string{`proxy "10:1" is neither a full host name nor an address`}},
	{"domain-unknown-class", simsAll, 0, []string{"dn: dc=siroe,o=internet", "objectClass: inetVirtualDomain", "objectClass: mailDomain", "inetDomainBaseDN: dc=siroe,o=internet"}, []string{"changed domains 1"}},
	{"domain-plain", simsAll, 0, []string{"dn: dc=siroe,dc=com,o=internet", "objectClass: mailDomain", "!dn: dc=com,o=internet"}, []string{"changed domains 1"}},
	{"dctree-two-domains", nmsRun + " --make-dc-tree", 0, []string{"dn: dc=vanity,dc=org,o=internet", "objectClass: inetDomainAuthInfo", "inetCanonicalDomainName: airius.com", "!inetCanonicalDomainName: vanity.org"}, nil},
	{"user-no-mailhost", simsRun, 0, []string{"changetype: modify"}, []string{"warning: ", "user without mailHost"}},
	{"nms-user-no-mailhost", nmsRun, 0, []string{"changetype: modify"}, []string{"warning: ", "user without mailHost"}},
	{"user-no-mail", simsRun, 0, nil, []string{"warning: ", "no mail: "}},
	{"user-no-uid", simsRun, 0, nil, []string{"warning: ", "user without uid"}},
	{"user-two-uids", simsRun, 0, nil, []string{"warning: ", `2 values of uid, "js@siroe.com" and others`}},
	{"dup-dn", simsRun, 3, []string{"1 changetype: modify"}, []string{"problem: ", "dup-dn.ldif:17: ", "an entry of this DN stands at ", "dup-dn.ldif:1 already", "changed 1"}},
	{"dup-mail", simsRun, 0, []string{"2 changetype: modify"}, []string{"warning: ", "dup-mail.ldif:17: cn=Jo Smith (jo)", "the address jill.smith@siroe.com is also that of ", "dup-mail.ldif:1: cn=Jill Smith (js)"}},
	{"dup-mail", "classify", 0, nil, []string{"warning: ", "cn=Jo Smith (jo)", "is also that of ", "cn=Jill Smith (js)"}},
	{"nms-access-host", nmsRun, 0, []string{"mailAllowedServiceAccess: +imap,imaps,pop,pops:mail.airius.com,.mail.airius.com$+http,smtp,smtps:*"}, []string{"warning: "}},
	{"nms-access-none", nmsRun, 0, []string{"mailAllowedServiceAccess: -imap,imaps,pop,pops:*"}, []string{"mailAccessDomain NONE is no domain"}},
	{"nms-disallow-all", nmsRun, 0, []string{"mailAllowedServiceAccess: -imap,imaps,pop,pops,smtp,smtps,http:*"}, nil},
	{"nms-autoreply-no", nmsRun, 0, []string{"!mailDeliveryOption: autoreply", "delete: mailAutoReplyMode"}, []string{`mailAutoReplyMode "no" is no mode`}},
	{"nms-delivery-unknown", nmsRun, 3, []string{"!delete: mailDeliveryOption", "!replace: mailDeliveryOption"}, []string{"problem: ", "nms-delivery-unknown.ldif:13: ", `mailDeliveryOption "Inbox" is not known: it stays as it is`}},
	{"sims-quota-zero", simsRun, 0, []string{"mailQuota: 0"}, []string{"mailQuota 0 is no space in iMS"}},
	{"alias-local-part", simsRun, 0, nil, []string{`mail "jill.smith" has no domain`, `mailAlternateAddress "js" has no domain`}},
	{"list-moderated-domains", simsRun, 0, []string{"mgrpMsgRejectAction: toModerator"}, []string{"mail from other domains, which SIMS refused, now goes to the moderators"}},
	{"wrong-product", "upgrade -M nms -b o=internet", 0, []string{"!changetype"}, []string{"warning: ", "1 entry of SIMS 4.0 classes, none is of nms", "-M sims"}},
	{"wrong-product", "upgrade -M sims -b dc=sunn,o=internet", 0, []string{"!changetype"}, []string{"warning: ", `no entry lies at or below the base "dc=sunn,o=internet": its one entry is cn=jill smith (js),ou=people,dc=sun,dc=com,o=internet`}},
	{"wrong-product", simsRun + " -F (mailhsot=x)", 0, []string{"!changetype"}, []string{"warning: ", "no entry matches the filter (mailhsot=x)", `"mailhsot" is no attribute of the schema`}},
	{"wrong-product", simsRun + " -m groups", 0, []string{"!changetype"}, []string{"warning: ", "no entry that -m groups asks for among 1 entry: there are 1 user, 0 groups, 0 domains"}},
	{"empty", "upgrade -M sims -b o=x", 0, []string{"!changetype"}, []string{"warning: ", "the input holds no entry"}},
	{"tombstone", simsRun, 0, []string{"!changetype"}, []string{"1 tombstone left alone", "tombstones left alone 1"}},
	{"add-dn", simsRun + " -O -A dn:cn=x --format ldif", 2, []string{"!dn:"}, []string{`"dn" is no attribute`}},
	{"add-dn", simsRun + " -O -A changetype:delete", 2, []string{"!dn:"}, []string{`"changetype" is no attribute`}},
	{"add-dn", simsRun + " -O -A description;lang-ja:x", 0, []string{"description;lang-ja: x"}, nil},
	{"add-dn", simsRun + " -O -A objectClass:x", 0, []string{"objectClass: x"}, []string{"warning: ", "replaces all classes of every selected entry"}},
	{"latin1-value", simsRun, 0, nil, []string{"warning: ", `description "caf\xe9" is not UTF-8`}},
	{"latin1-value", simsRun + " -F (uid=js", 2, nil, []string{"error: filter", "byte 1: a ( without its )"}},
}

func TestFieldCases(t *testing.T) {
	used := map[string]bool{}
	for _, c := range fieldCases {
		path := filepath.Join("..", "..", "testdata", "ldif", c.file+".ldif")
		used[path] = true
		args := strings.Split(c.args, " ")
		code, out, talk := ldifconvMain("", append(args, path)...)
		out = strings.ReplaceAll(out, "\n ", "")
		if code != c.exit {
			t.Errorf("%s: %s: exit %d, want %d\n%s", c.file, c.args, code, c.exit, talk)
		}
		for _, want := range c.out {
			if ok, what := holdsLine(out, want); !ok {
				t.Errorf("%s: %s: %s in\n%s", c.file, c.args, what, out)
			}
		}
		for _, want := range c.talk {
			if !strings.Contains(talk, want) {
				t.Errorf("%s: %s: %q is not in\n%s", c.file, c.args, want, talk)
			}
		}
	}
	files, err := filepath.Glob("../../testdata/ldif/*.ldif")
	if err != nil || len(files) == 0 {
		t.Fatal("no inputs", err)
	}
	for _, f := range files {
		if !used[f] {
			t.Errorf("%s is not used", f)
		}
	}
}

// holdsLine looks for a line: "!" in front means that none begins so, a number
// that there are as many.
func holdsLine(out, want string) (ok bool, what string) {
	if text, not := strings.CutPrefix(want, "!"); not {
		return !strings.Contains(strings.ToLower("\n"+out), strings.ToLower("\n"+text)), text + " is"
	}
	if want[0] >= '1' && want[0] <= '9' {
		return strings.Count("\n"+out, "\n"+want[2:]+"\n") == int(want[0]-'0'), "not " + want
	}
	return strings.Contains(strings.ToLower("\n"+out), strings.ToLower("\n"+want+"\n")), want + " is not"
}
