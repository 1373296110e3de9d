package ldifconv

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadUIDMapRefuses(t *testing.T) {
	for _, text := range []string{"a b\nc B\n", "a b\nb a\n", "a b\nb c\n", "a bad+uid\n", "a new,name\n", "a b@\n", "a b\na c\n"} {
		if got, err := ReadUIDMap(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken: %v", text, got)
		}
	}
	got, err := ReadUIDMap(strings.NewReader("A=b\nc d@x.com\ne E\n"))
	if err != nil || len(got) != 3 || got["a"] != "b" || got["c"] != "d@x.com" || got["e"] != "E" {
		t.Errorf("%v, %v", got, err)
	}
}

// TestUserPair: all maps have lines of one form, and the same words for what is
// none.
func TestUserPair(t *testing.T) {
	for line, want := range map[string][2]string{"a=b": {"a", "b"}, " a = b ": {"a", "b"}, "a\t b": {"a", "b"}, "a a": {"a", "a"}} {
		if old, id, err := ParseUserPair(line); err != nil || old != want[0] || id != want[1] {
			t.Errorf("%q: %q %q, %v", line, old, id, err)
		}
	}
	for line, want := range map[string]string{
		"joe":   `"joe" has no new id: a line of a map is old=new, or old and new apart by a blank`,
		"joe=":  `"joe=" has no new id`,
		"=x":    `"=x" is not of the form old=new`,
		"a=b=c": `is not of the form old=new`,
		"a b=c": `is not of the form old=new`,
		"a b c": `"a b c" is no pair of users`,
		"":      `is no pair of users`,
	} {
		if _, _, err := ParseUserPair(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", line, err)
		}
	}
	_, err := ReadUIDMap(strings.NewReader("a b\n\njoe\n"))
	if err == nil || !strings.HasPrefix(err.Error(), `line 3: "joe" has no new id`) {
		t.Error(err)
	}
}

// TestUIDsInUse maps a user to the uid of another one, from a file and from a
// pipe.
func TestUIDsInUse(t *testing.T) {
	const user = "objectclass: inetMailUser\nobjectclass: inetMailRouting\n"
	export := "dn: uid=b,dc=x,dc=com\n" + user + "uid: b\n\ndn: uid=a,dc=x,dc=com\n" + user + "uid: a\n\ndn: uid=d,dc=y,dc=com\n" + user + "uid: d\n\n"
	for _, row := range []struct {
		ids     map[string]string
		err     string
		unknown int64
	}{
		{map[string]string{"a": "B"}, "which another user has already: ldif:1", 0},
		{map[string]string{"a": "d"}, "", 0}, // of another domain
		{map[string]string{"a": "A"}, "", 0},
		{map[string]string{"a": "c", "nobody": "e"}, "", 1},
	} {
		for _, src := range []io.Reader{strings.NewReader(export), io.MultiReader(strings.NewReader(export))} {
			var out strings.Builder
			report, err := Upgrade(context.Background(), &out, src, Options{From: SIMS, Kinds: Users, Rules: RuleOptions{UIDMap: row.ids}})
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) || out.Len() > 0 {
					t.Errorf("%v: error %v, output %q", row.ids, err, &out)
				}
				continue
			}
			if err != nil || report.Entries != 3 || report.Warnings["uid-unknown"] != row.unknown {
				t.Errorf("%v: error %v, %d entries, warnings %v", row.ids, err, report.Entries, report.Warnings)
			}
		}
	}
}

// An entry below one that gets another name is told: full output has it below
// nothing, and old servers rename no entry that has others below it.
func TestBelowRenamed(t *testing.T) {
	const export = "dn: o=x\nobjectclass: organization\no: x\n\n" +
		"dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\n\n" +
		"dn: cn=p,UID = A,o=x\nobjectclass: person\ncn: p\n\n" +
		"dn: cn=q,cn=p,uid=a,o=x\nobjectclass: person\ncn: q\n\n" +
		"dn: cn=r,uid=b,o=x\nobjectclass: person\ncn: r\n\n" +
		"dn: uid=a,ou=y,o=x\nobjectclass: person\nuid: a\n\n" + // no mail user
		"dn: cn=s,uid=a,ou=y,o=x\nobjectclass: person\ncn: s\n\n" +
		"dn: cn=t,uid=a,ou=z,o=x\nobjectclass: person\ncn: t\n\n" + // before the entry above it
		"dn: uid=a,ou=z,o=x\nobjectclass: inetMailUser\nuid: a\n\n" +
		"dn: cn=u,uid=a,ou=gone,o=x\nobjectclass: person\ncn: u\n\n" +
		"dn: uid=a,o=other\nobjectclass: inetMailUser\nuid: a\n\n" + // below no base
		"dn: cn=v,uid=a,o=other\nobjectclass: person\ncn: v\n\n"
	for _, tt := range []struct {
		set  func(o *Options)
		want []string
	}{
		{func(*Options) {}, []string{"ldif:9: cn=p,UID = A,o=x", "ldif:13: cn=q,cn=p,uid=a,o=x", "ldif:29: cn=t,uid=a,ou=z,o=x", "ldif:37: cn=u,uid=a,ou=gone,o=x"}},
		{func(o *Options) { o.Kinds = Groups }, []string{"ldif:37: cn=u,uid=a,ou=gone,o=x"}},
		{func(o *Options) { o.Rules.UIDMap = map[string]string{"a": "a"} }, nil},
		{func(o *Options) { o.Rules.Off = []string{"uid-map"} }, nil},
	} {
		log := &recorder{}
		opt := Options{From: SIMS, Kinds: Users, Base: []string{"o=x"}, Log: log}
		opt.Rules.UIDMap = map[string]string{"a": "z"}
		tt.set(&opt)
		if _, err := Upgrade(t.Context(), io.Discard, strings.NewReader(export), opt); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			if where, ok := strings.CutPrefix(line, "problem below-renamed "); ok {
				where, _, _ = strings.Cut(where, ": lies below an entry named by the uid \"a\", which the map changes")
				got = append(got, where)
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s\n%s", d, log)
		}
	}
}

// References to an entry that keeps its name stay, and those to one that gets
// its name in another run, or is in another export, follow.
func TestReferencesToWhoKeepsItsName(t *testing.T) {
	const export = "dn: cn=l,ou=g,o=x\nobjectclass: inetMailGroup\nobjectclass: inetMailRouting\ncn: l\n" +
		"uniquemember: uid=a,ou=mail,o=x\n" +
		"uniquemember: uid=A, ou=staff, o=x\n" +
		"uniquemember: uid=a,ou=done,o=x\n" +
		"uniquemember: uid=a,ou=gone,o=x\n" +
		"uniquemember: uid=a,o=other\n" +
		"uniquemember: uid=a,ou=staff,o=x#'0101'B\n" +
		"uniquemember: uid=a,ou=mail,o=x#'1'B\n" +
		"mgrpdeliverto: ldap:///uid=a,ou=staff,o=x??base\n" +
		"mgrpdeliverto: ldap:///uid=a,ou=st%61ff,o=x??base\n" +
		"mgrpdeliverto: ldap:///uid=%61,ou=m%61il,o=x??base?(x=%3f)\n" +
		"mgrpdeliverto: ldap:///uid=a,ou=mail,o=x??base\n" +
		"mgrpdeliverto: ldap:///uid=q,ou=mail,o=x??base\n\n" +
		"dn: uid=a,ou=mail,o=x\nobjectclass: inetMailUser\nuid: a\n\n" +
		"dn: uid=a,ou=staff,o=x\nobjectclass: person\nuid: a\n\n" +
		"dn: uid=a,ou=done,o=x\nobjectclass: inetMailUser\nobjectclass: inetLocalMailRecipient\nuid: a\n\n" +
		"dn: uid=a,o=other\nobjectclass: inetMailUser\nuid: a\n\n"
	want := []string{"uid=z,ou=mail,o=x", "uid=A, ou=staff, o=x", "uid=a,ou=done,o=x", "uid=z,ou=gone,o=x", "uid=z,o=other", "uid=a,ou=staff,o=x#'0101'B", "uid=z,ou=mail,o=x#'1'B",
		"ldap:///uid=a,ou=staff,o=x??base", "ldap:///uid=a,ou=st%61ff,o=x??base", "ldap:///uid=z,ou=mail,o=x??base?(x=%3f)", "ldap:///uid=z,ou=mail,o=x??base", "ldap:///uid=h%3F,ou=mail,o=x??base"}
	for _, kinds := range []Kind{Groups, Users | Groups} {
		var out strings.Builder
		opt := Options{From: SIMS, Kinds: kinds, Base: []string{"o=x"}, Format: Full, Rules: RuleOptions{UIDMap: map[string]string{"a": "z", "q": "h?"}}}
		if _, err := Upgrade(t.Context(), &out, strings.NewReader(export), opt); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if name, v, _ := strings.Cut(line, ": "); strings.EqualFold(name, "uniquemember") || strings.EqualFold(name, "mgrpdeliverto") {
				got = append(got, v[:len(v)-1])
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s\n%s", d, &out)
		}
	}
}

// The controls of a record that adds an entry are not kept.
func TestControlsAreTold(t *testing.T) {
	log := &recorder{}
	opt := Options{From: SIMS, Kinds: Users, Base: []string{"o=x"}, Log: log, Format: Full}
	const export = "dn: o=x\ncontrol: 1.2.3 true\nchangetype: add\nobjectclass: organization\no: x\n"
	var out strings.Builder
	if _, err := Upgrade(t.Context(), &out, strings.NewReader(export), opt); err != nil {
		t.Fatal(err)
	}
	if want := "version: 1\n\ndn: o=x\nobjectclass: organization\no: x\n\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if want := "warning controls ldif:1: o=x: the controls of the record are left out: it is taken for the entry that it adds\n"; !strings.HasPrefix(log.String(), want) {
		t.Errorf("told %q", log.String())
	}
}
