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
	f.Add(":", "*")
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

// TestAccessSettles upgrades users with lists that are understood in part, and
// upgrades the result: what was closed stays closed, and what stayed stays.
func TestAccessSettles(t *testing.T) {
	const (
		nms  = "objectclass: mailRecipient\nobjectclass: nsMessagingServerUser\n"
		sims = "objectclass: inetMailUser\nobjectclass: inetMailRouting\n"
	)
	for _, row := range []struct {
		from        Source
		lines, rule string
		stays       string // in the result, as it was
	}{
		{NMS, "mailaccessdomain: siroe.com\nmailaccessdomain: NONE\n", "+imap,imaps,pop,pops:siroe.com,.siroe.com$+http,smtp,smtps:*", "mailaccessdomain: NONE\n"},
		{NMS, "mailaccessdomain: siroe.com NONE\n", "+imap,imaps,pop,pops:siroe.com,.siroe.com$+http,smtp,smtps:*", "mailaccessdomain: siroe.com NONE\n"},
		{NMS, "mailaccessdomain: siroe com\n", "-imap,imaps,pop,pops:*", "mailaccessdomain: siroe com\n"},
		{NMS, "mailaccessdomain: mail host\nmailaccessdomain: x.com y.com\n", "+imap,imaps,pop,pops:x.com,.x.com,y.com,.y.com$+http,smtp,smtps:*", "mailaccessdomain: mail host\n"},
		{NMS, "mailaccessdomain: host, x.com\n", "+imap,imaps,pop,pops:host,.host,x.com,.x.com$+http,smtp,smtps:*", ""},
		{NMS, "mailaccessdomain: NONE\n", "-imap,imaps,pop,pops:*", ""},
		{NMS, "mailaccessdomain: NONE\nmailaccessdomain: *\n", "-imap,imaps,pop,pops:*", "mailaccessdomain: NONE\nmailaccessdomain: *\n"},
		{NMS, "mailaccessdomain: !siroe.com\n", "-imap,imaps,pop,pops:*", "mailaccessdomain: !siroe.com\n"},
		{NMS, "mailaccessdomain: siroe.com\nmailaccessdomain: !siroe.com\n", "-imap,imaps,pop,pops:*", "mailaccessdomain: siroe.com\nmailaccessdomain: !siroe.com\n"},
		{NMS, "nsmsgdisallowaccess: pop\nmailaccessdomain: 10.1\nmailaccessdomain: x.com\n", "-pop:*$+imap,imaps,pop,pops:x.com,.x.com$+http,smtp,smtps:*", "mailaccessdomain: 10.1\n"},
		{NMS, "nsmsgdisallowaccess: gopher\n", "-imap,imaps,pop,pops,smtp,smtps,http:*", "nsmsgdisallowaccess: gopher\n"},
		{NMS, "nsmsgdisallowaccess: pop\nmailaccessdomain: x.com\nmailallowedserviceaccess: +all:*\n", "+all:*", "nsmsgdisallowaccess: pop\nmailaccessdomain: x.com\n"},
		{SIMS, "inetauthorizedservices: imap foo\n", "+imap:*", "inetauthorizedservices: imap foo\n"},
		{SIMS, "inetauthorizedservices: imap\ninetauthorizedservices: foo\n", "+imap:*", "inetauthorizedservices: foo\n"},
		{SIMS, "inetauthorizedservices: -foo\n", "-imap,imaps,pop,pops,smtp,smtps,http:*", "inetauthorizedservices: -foo\n"},
		{SIMS, "inetauthorizedservices: imap\nmailallowedserviceaccess: +all:*\n", "+all:*", "inetauthorizedservices: imap\n"},
	} {
		head := nms
		if row.from == SIMS {
			head = sims
		}
		opt := Options{From: row.from, Format: Full}
		full, _, first := upgraded(t, "dn: uid=a,o=x\n"+head+"uid: a\n"+row.lines+"\n", opt)
		unfolded := strings.ReplaceAll(full, "\n ", "")
		if !strings.Contains(strings.ToLower(unfolded), "\nmailallowedserviceaccess: "+strings.ToLower(row.rule)+"\n") || !strings.Contains(full, row.stays) {
			t.Errorf("%s\nbecame\n%s\nwant the rule %s and\n%s", row.lines, full, row.rule, row.stays)
		}
		again, _, second := upgraded(t, full, opt)
		if again != full || second.Changed > 0 {
			t.Errorf("%s\nbecame\n%s\nand a second time\n%s", row.lines, full, again)
		}
		if (row.stays != "") != (len(first.Problems) > 0) {
			t.Errorf("%s\nhas problems %v, stays %q", row.lines, first.Problems, row.stays)
		}
	}
}
