package filter

import (
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
)

func entry() *ldif.Entry {
	e := &ldif.Entry{DN: []byte("uid=smith,o=x")}
	for _, av := range [][2]string{
		{"objectClass", "top"}, {"objectClass", "inetMailUser"}, {"uid", "smith"},
		{"cn;lang-ja", "Sumisu"}, {"cn", "Some  One"}, {"mailQuota", "20971520"}, {"sn", "*star(*)"},
		{"l", "M\u00dcNCHEN"}, {"rfc822Mailbox", "a@siroe.com"}, {"empty", ""}, {"latin", "M\xfcnchen"}, {"neg", "-5"},
	} {
		e.Add([]byte(av[0]), []byte(av[1]))
	}
	return e
}

func aliases(name string) []string {
	if name == "mail" {
		return []string{"rfc822Mailbox"}
	}
	return nil
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		filter string
		want   bool
	}{
		{"(uid=smith)", true},
		{"(UID=SMITH)", true},
		{"uid=s*", true}, // without parentheses
		{"(uid=s*)", true},
		{"(uid=t*)", false},
		{"(uid=*mit*)", true},
		{"(uid=s*i*h)", true},
		{"(uid=smith*smith)", false}, // pieces may not overlap
		{"(uid=*)", true},
		{"(foo=*)", false},
		{"(empty=*)", true},
		{"(!(foo=bar))", true},
		{"(!(uid=smith))", false},
		{"(&(uid=smith)(objectclass=inetmailuser))", true},
		{"(&(uid=smith)(objectclass=mailgroup))", false},
		{"(|(uid=x)(objectclass=INETMAILUSER))", true},
		{"(|(objectClass=inetLocalMailRecipient)(|(objectClass=inetMailUser)(objectClass=inetMailGroup)))", true},
		{"(&)", true},
		{"( & (uid=smith) (! (objectclass=mailgroup) ) )", true}, // blanks between the parts
		{"(&(uid=smith)\n\t(|\n(uid=x)\n(cn= Some One )))", true},
		{"(&(uid=smith) (uid=x))", false},
		{"(|)", false},
		{"(cn=some one)", true}, // blanks count once
		{"(cn=  Some   One )", true},
		{"(cn=sumisu)", true}, // a subtype
		{"(cn;lang-ja=sumisu)", true},
		{"(cn;lang-de=sumisu)", false},
		{"(mailquota>=1000)", true},
		{"(mailquota<=1000)", false},
		{"(mailquota>=20971521)", false},
		{"(neg<=-4)", true},
		{"(neg>=-4)", false},
		{"(neg<=-40)", false},
		{"(uid>=smart)", true},
		{"(uid~=smith)", true},
		{`(sn=\2astar\28\2a\29)`, true}, // RFC 4515
		{`(sn=\*star\(\*\))`, true},     // RFC 1558
		{`(sn=\**)`, true},
		{`(l=m\c3\bcnchen)`, true},
		{"(l=m\u00fcnchen)", true},
		{`(latin=M\fcnchen)`, true},
		{"(mail=a@siroe.com)", true}, // by its other name
		{"(mail=*@siroe.com)", true},
		{"(uid:=smith)", true},
		{"(uid:caseExactMatch:=smith)", true},
		{"(uid:caseExactMatch:=Smith)", false},
		{"(uid:caseIgnoreMatch:=Smith)", true},
	} {
		f, err := Compile(tt.filter, aliases)
		if err != nil {
			t.Errorf("%s: %v", tt.filter, err)
			continue
		}
		if got := f.Match(entry()); got != tt.want {
			t.Errorf("%s: %t", tt.filter, got)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, text := range []string{
		"", "(", "()", "(uid)", "(uid=a", "(uid=a))", "(&(uid=a)", "(!(uid=a)(uid=b))", "(uid:1.2.3:=a)", `(uid=\zz)`,
		strings.Repeat("(!", 200) + "(uid=a)" + strings.Repeat(")", 200),
	} {
		if _, err := Compile(text, nil); err == nil {
			t.Errorf("%q is taken for a filter", text)
		}
	}
}

// FuzzFilter: no text makes Compile or Match panic.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"(uid=s*)", "(&(a=b)(!(c>=1)))", `(sn=\*a\2a)`, "(cn:caseExactMatch:=a)", "uid=a", "(a=*b*c)"} {
		f.Add(s)
	}
	e := entry()
	f.Fuzz(func(t *testing.T, text string) {
		flt, err := Compile(text, aliases)
		if err != nil {
			return
		}
		not, err := Compile("(!"+parenthesised(text)+")", aliases)
		if err == nil && flt.Match(e) == not.Match(e) {
			t.Fatalf("%q and its negation agree", text)
		}
	})
}

func parenthesised(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "(") {
		return text
	}
	return "(" + text + ")"
}
