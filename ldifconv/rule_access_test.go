package ldifconv

import (
	"regexp"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// accessRule is what mailAllowedServiceAccess may be, written apart from the
// code that makes it (Schema Reference): + or -, services, a colon, clients;
// several such joined by $.
var accessRule = regexp.MustCompile(`^[+-](imap|imaps|pop|pops|smtp|smtps|http)(,(imap|imaps|pop|pops|smtp|smtps|http))*:` +
	`(\*|\.?[A-Za-z0-9_.-]+|[0-9.]+/[0-9.]+)(,(\*|\.?[A-Za-z0-9_.-]+|[0-9.]+/[0-9.]+))*$`)

// FuzzAccess makes access rules of any values: what comes out is a rule, a
// value that gave none of it stays, and a second run changes nothing.
func FuzzAccess(f *testing.F) {
	for _, seed := range []string{
		"imap", "cn=imap,ou=services,o=x", "+imap,-pop3", "+imap:10.1.$-smtp:*", "imap:*$+all", "inetVersion=4.0,ou=imta", "sunmail",
		"mail.airius.com", "NONE", "all", "10.0.0.0/8", "10.*", "a b", "x.com,*.y.com", "", " ", "$", ":", "+", "-:", "+imap: a.com , b.com",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		for from, attrs := range map[Source][]attrID{
			SIMS: {schema.InetAuthorizedServices, schema.InetAuthorizedServices}, NMS: {schema.NsMsgDisallowAccess, schema.MailAccessDomain},
		} {
			rec := &ldif.Record{Entry: ldif.Entry{DN: []byte("cn=x,o=x"), Line: 1}}
			for i, v := range []string{one, two} {
				rec.Add([]byte(schema.Name(attrs[i])), []byte(v))
			}
			first, d := accessOf(t, from, rec)
			for rule := range strings.SplitSeq(first, "$") {
				if first != "" && !accessRule.MatchString(rule) {
					t.Fatalf("%q and %q of %s make %q", one, two, from, first)
				}
			}
			again := &ldif.Record{Entry: ldif.Entry{DN: rec.DN, Line: 1}}
			for i := range d.fields {
				for _, v := range d.fields[i].now {
					again.Add(d.fields[i].desc, v)
				}
			}
			if second, _ := accessOf(t, from, again); second != first {
				t.Fatalf("%q and %q of %s make %q, then %q", one, two, from, first, second)
			}
		}
	})
}

// accessOf runs the access rules on a user and returns the rule that is made.
func accessOf(t *testing.T, from Source, rec *ldif.Record) (string, *draft) {
	t.Helper()
	set, err := newRuleSet(&Options{From: from, Kinds: Users})
	if err != nil {
		t.Fatal(err)
	}
	var d draft
	d.load(rec, new(batch))
	d.kind = Users
	for i := range accessRules {
		if accessRules[i].from == from {
			accessRules[i].apply(&d, &set.options)
		}
	}
	return string(d.first(schema.MailAllowedServiceAccess)), &d
}
