package ldifconv

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What names an entry by the name that it loses is told, wherever it stands;
// what a rule changes, what names somebody else and what the server keeps for
// itself are not.
func TestReferencesThatStay(t *testing.T) {
	const export = "dn: o=x\nobjectclass: organization\no: x\n" +
		"aci: (target=\"ldap:///uid=A, ou=p,o=x\")(version 3.0; acl \"a\"; allow (all) userdn=\"ldap:///uid=q,ou=p,o=x || ldap:///uid=a,ou=p%2co=x\";)\n" +
		"aci: (targetfilter=\"(uid=c)\")(version 3.0; acl \"b\"; allow (all) userdn=\"ldap:///self\";)\n" +
		"creatorsname: uid=a,ou=p,o=x\n\n" +
		"dn: ou=p,o=x\nobjectclass: organizationalUnit\nou: p\nseealso: userid = a ,ou=P, o=x\n" +
		"description: uid=a,ou=elsewhere,o=x\n\n" +
		"dn: uid=a,ou=p,o=x\nobjectclass: inetMailUser\nuid: a\nmanager: uid=a,ou=p,o=x\n\n" +
		"dn: cn=c,ou=p,o=x\nobjectclass: inetMailUser\ncn: c\nuid: c\n\n" +
		"dn: uid=d,ou=p,o=x\nobjectclass: inetMailUser\nuid: d\n\n" + // mapped to itself in other letters
		"dn: uid=a\\22b,ou=p (1),o=x\nobjectclass: inetMailUser\nuid: a\"b\n\n" +
		"dn: uid=a,ou=staff,o=x\nobjectclass: person\nuid: a\nseealso: uid=d,ou=p,o=x\n\n" + // keeps its name
		"dn: cn=r,o=x\nobjectclass: organizationalRole\ncn: r\nroleoccupant: uid=a,ou=p,o=x\n" +
		"roleoccupant: uid=a,ou=staff,o=x\nx-own: uid=a\\22b,ou=p (1),o=x\nx-url: ldap://host/uid=a%5C22b,ou=p%20(1),o=x?mail\n\n" +
		"dn: cn=l,o=x\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\ncn: l\n" +
		"uniquemember: uid=a,ou=p,o=x\n" +
		"mgrpdeliverto: ldap:///ou=p,o=x??sub?(|(manager=uid=a,ou=p,o=x)(UID = C)(uid=cc)(manager=uid=a,ou=p,o=x))\n" +
		"memberurl: ldap:///o=x??sub?(uid=c)\n\n" +
		"dn: uid=a,ou=p,o=y\nobjectclass: inetMailUser\nuid: a\nseealso: uid=a,ou=p,o=x\nowner: uid=a,ou=p,o=y\n\n" // below no base
	want := []string{
		`ldif:4: o=x: aci names "uid=A, ou=p,o=x"`,
		`ldif:4: o=x: aci names "uid=a,ou=p,o=x"`,
		`ldif:5: o=x: aci names "(uid=c)"`,
		`ldif:11: ou=p,o=x: seealso names "userid = a ,ou=P, o=x"`,
		`ldif:40: cn=r,o=x: roleoccupant names "uid=a,ou=p,o=x"`,
		`ldif:42: cn=r,o=x: x-own names "uid=a\\22b,ou=p (1),o=x"`,
		`ldif:43: cn=r,o=x: x-url names "uid=a\\22b,ou=p (1),o=x"`,
		`ldif:50: cn=l,o=x: mgrpdeliverto names "uid=a,ou=p,o=x"`,
		`ldif:50: cn=l,o=x: mgrpdeliverto names "(UID = C)"`,
		`ldif:51: cn=l,o=x: memberurl names "(uid=c)"`,
		`ldif:56: uid=a,ou=p,o=y: seealso names "uid=a,ou=p,o=x"`,
	}
	for _, tt := range []struct {
		set  func(o *Options)
		want []string
	}{
		{func(*Options) {}, want},
		{func(o *Options) { o.Jobs, o.chunk = 3, 64 }, want},
		{func(o *Options) { o.Kinds = Groups }, nil}, // no user gets another name
		{func(o *Options) { o.Rules.Off = []string{"uid-map"} }, nil},
		{func(o *Options) { o.Rules.UIDMap = nil }, nil},
	} {
		log := &recorder{}
		opt := Options{From: SIMS, Kinds: Users | Groups, Base: []string{"o=x"}, Log: log}
		opt.Rules.UIDMap = map[string]string{"a": "z", "c": "y", "d": "D", `a"b`: "n"}
		tt.set(&opt)
		report, err := Upgrade(t.Context(), io.Discard, strings.NewReader(export), opt)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			if line, ok := strings.CutPrefix(line, "problem reference-stays "); ok {
				line, _, _ = strings.Cut(line, ", which the map of uids changes: it stays as it is")
				got = append(got, line)
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" || report.Problems["reference-stays"] != int64(len(tt.want)) {
			t.Errorf("%v\n%s\n%s", report.Problems, d, log)
		}
	}
}

// A moderator that is a DN is no peer of a list, and follows the map all the
// same: the message says so. A name that the input has not got is told.
func TestReferencesThatFollowAreTold(t *testing.T) {
	const export = "dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\n\n" +
		"dn: cn=l,o=x\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\ncn: l\n" +
		"mgrpmoderator: uid=a,o=x\nmgrpmoderator: uid=b,o=x\nuniquemember: uid=c,o=x\nuniquemember: uid=a,o=x\n\n"
	log := &recorder{}
	opt := Options{From: SIMS, Kinds: Users | Groups, Base: []string{"o=x"}, Log: log}
	opt.Rules.UIDMap = map[string]string{"a": "z", "c": "y"}
	var out strings.Builder
	if _, err := Upgrade(t.Context(), &out, strings.NewReader(export), opt); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "mgrpmoderator: uid=z,o=x\nmgrpmoderator: uid=b,o=x\n") || !strings.Contains(out.String(), "uniquemember: uid=y,o=x\nuniquemember: uid=z,o=x\n") {
		t.Errorf("%s", &out)
	}
	var got []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "list-url") || strings.Contains(line, "reference-") {
			got = append(got, line)
		}
	}
	want := []string{
		"problem list-url ldif:9: cn=l,o=x: mgrpModerator \"uid=a,o=x\" is neither an address nor a mailto: or ldap: URL: it follows the map of uids, and is none after it\n",
		"problem list-url ldif:10: cn=l,o=x: mgrpModerator \"uid=b,o=x\" is neither an address nor a mailto: or ldap: URL: it stays as it is\n",
		"warning reference-unseen ldif:5: cn=l,o=x: uniqueMember \"uid=c,o=x\" follows the map of uids, and the input has no entry of that name\n",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s", d)
	}
}

// A value with wildcards that finds a user by the old uid and not by the new
// one is told; one that finds both, neither, or somebody else is not.
func TestWildcardsThatFindNoLonger(t *testing.T) {
	const export = "dn: o=x\nobjectclass: organization\no: x\n\n" +
		"dn: uid=joe,ou=p,o=x\nobjectclass: inetMailUser\nuid: joe\n\n" +
		"dn: uid=jane,ou=p,o=x\nobjectclass: inetMailUser\nuid: jane\n\n" +
		"dn: uid=Ann,ou=q,o=x\nobjectclass: inetMailUser\nuid: Ann\n\n" +
		"dn: uid=ann,ou=p,o=x\nobjectclass: person\nuid: ann\n\n" // keeps its name
	for _, tt := range []struct{ value, want string }{
		{"ldap:///o=x??sub?(uid=jo*)", `finds the user "joe" by "(uid=jo*)"`},
		{"ldap:///o=x??sub?(&(objectclass=*)(UID = *OE))", `finds the user "joe" by "(UID = *OE)"`},
		{"ldap:///o=x??sub?(uid=j%2a)", `finds the user "joe" by "(uid=j%2a)"`},
		{"ldap:///o=x??sub?(uid=a*n)", `finds the user "ann" by "(uid=a*n)"`},
		{"ldap:///o=x??sub?(uid=ja*)", ""}, // jane and janet
		{"ldap:///o=x??sub?(uid=*)", ""},
		{"ldap:///o=x??sub?(uid=*x*)", ""},
		{"ldap:///o=x??sub?(cn=jo*)", ""},
		{"ldap:///o=x??sub?(uid=jo*", ""},                                     // none ends
		{"ldap:///o=x??sub?(uid>=JO)", `finds the user "joe" by "(uid>=JO)"`}, // fred comes before it
		{"ldap:///o=x??sub?(&(cn=x)(uid <= b))", `finds the user "ann" by "(uid <= b)"`},
		{"ldap:///o=x??sub?(uid%3e=jo)", `finds the user "joe" by "(uid%3e=jo)"`},
		{"ldap:///o=x??sub?(uid~=joe)", `names "(uid~=joe)"`},
		{"ldap:///o=x??sub?(uid~=jo*)", ""},
		{"ldap:///o=x??sub?(uid:caseIgnoreMatch:=JOE)", `names "(uid:caseIgnoreMatch:=JOE)"`},
		{"ldap:///o=x??sub?(&(cn=x)(UID:2.5.13.2:=joe))", `names "(UID:2.5.13.2:=joe)"`},
		{"ldap:///o=x??sub?(uid:=joe)", `names "(uid:=joe)"`},
		{"ldap:///o=x??sub?(uid:dn:caseExactMatch:=joe)", `names "(uid:dn:caseExactMatch:=joe)"`},
		{"ldap:///o=x??sub?(uid%3AcaseIgnoreMatch%3a=joe)", `names "(uid%3AcaseIgnoreMatch%3a=joe)"`},
		{"ldap:///o=x??sub?(uid:caseIgnoreMatch:=jo*)", ""},
		{"ldap:///o=x??sub?(uid:caseIgnoreMatch:=jim)", ""},
		{"ldap:///o=x??sub?(cn:caseIgnoreMatch:=joe)", ""},
		{"ldap:///o=x??sub?(cn:uid:=joe)", ""},
		{"ldap:///o=x??sub?(uid>=zz)", ""},
		{"ldap:///o=x??sub?(uid>=a)", ""}, // all of both
		{"ldap:///o=x??sub?(cn>=jo)", ""},
		{"uid>=joe,ou=p,o=x", ""},
		{`(target="ldap:///uid=jo*,ou=p,o=x")`, `finds the user "joe" by "uid=jo*,ou=p,o=x"`},
		{`(target="ldap:///uid=jo*,ou=p,o=*")`, `finds the user "joe" by "uid=jo*,ou=p,o=*"`},
		{`(target="ldap:///uid=jo*,ou=q,o=x")`, ""},
		{`(target="ldap:///uid=a*,ou=p,o=x")`, ""},
		{`(target="ldap:///uid=*,ou=p,o=x")`, ""},
		{`userdn="ldap:///self || ldap:///uid=a*, ou=q,o=x || ldap:///uid=z,o=x"`, `finds the user "ann" by "uid=a*, ou=q,o=x"`},
		{"ldap:///ou=p|q,o=x || ldap:///uid=joe,ou=p,o=x || ldap:///all", `names "uid=joe,ou=p,o=x"`},
	} {
		log := &recorder{}
		opt := Options{From: SIMS, Kinds: Users, Base: []string{"o=x"}, Log: log}
		opt.Rules.UIDMap = map[string]string{"joe": "fred", "jane": "janet", "ann": "zoe"}
		text := export + "dn: cn=g,o=x\nobjectclass: groupOfURLs\ncn: g\nx-own: " + tt.value + "\n\n"
		if _, err := Upgrade(t.Context(), io.Discard, strings.NewReader(text), opt); err != nil {
			t.Fatal(err)
		}
		got := ""
		for line := range strings.Lines(log.String()) {
			if line, ok := strings.CutPrefix(line, "problem reference-stays ldif:24: cn=g,o=x: x-own "); ok {
				line, _, _ = strings.Cut(line, ", which the map of uids changes")
				line, _, _ = strings.Cut(line, ", and no longer by")
				got += line
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s\n%s", tt.value, got, tt.want, log)
		}
	}
}

// The time that references take grows with the length of a value, whatever it
// is made of.
func TestReferencesInLongValues(t *testing.T) {
	const entry = "dn: o=x\nobjectclass: organization\no: x\n\ndn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\n\n"
	size := 1 << 20
	if testing.Short() {
		size = 1 << 16 // time is not what the race detector is asked about
	}
	for _, piece := range []string{"uid=x)", "uid=a)", "uid=a,o=y)", "(uid=", "(uid=*x)", "(uid>=x)", "uid=a%20,o=y?", "uid=*,o=y)", "uid=aaaaaaaaaaaaaaa"} {
		opt := Options{From: SIMS, Kinds: Users, Base: []string{"o=x"}, Log: &recorder{}}
		opt.Rules.UIDMap = map[string]string{"a": "z"}
		text := entry + "dn: cn=g,o=x\nobjectclass: groupOfURLs\ncn: g\nx-own: " + strings.Repeat(piece, size/len(piece)) + "\n\n"
		start := used(t)
		if _, err := Upgrade(t.Context(), io.Discard, strings.NewReader(text), opt); err != nil {
			t.Fatal(err)
		}
		if spent := used(t) - start; spent > 5*time.Second {
			t.Errorf("%v for %q and so on", spent, piece)
		}
	}
}
