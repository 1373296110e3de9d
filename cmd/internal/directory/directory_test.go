package directory

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/ldifconv/ldif"
)

func TestDomainOf(t *testing.T) {
	for dn, want := range map[string]string{
		"": "",
		"uid=joe,ou=People,dc=Siroe,dc=com,o=internet": "siroe.com",
		`cn=a\, b\2C c , O = siroe.com`:                "siroe.com",
		`cn="a, b";o=Airius`:                           "",
		`uid=wallyc@varrius.org,o=siroe.com`:           "siroe.com",
	} {
		norm, err := ldif.AppendNormDN(nil, []byte(dn))
		if err != nil {
			t.Fatal(err)
		}
		if got := domainOf(string(norm)); got != want {
			t.Errorf("%s: domain %q, want %q", dn, got, want)
		}
	}
}

func TestParseQuota(t *testing.T) {
	for text, want := range map[string]int64{"-1": -1, "-2": -2, "0": 0, "20M": 20 << 20, "1g": 1 << 30, "5000000": 5000000, " 7 ": 7, "10 K": 10 << 10, "2T": 2 << 40} {
		if got, err := ParseQuota(text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "-3", "M", "x", "1.5G", "99999999999T"} {
		if n, err := ParseQuota(bad); err == nil {
			t.Errorf("%q is taken as %d", bad, n)
		}
	}
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open("../../../testdata/site/" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLimitsOfTheSampleSite(t *testing.T) {
	limits, err := Limits(open(t, "sims/export.ldif"), "export.ldif", "siroe.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int64{"wallyc": 20 << 20, "wallyc@varrius.org": -1, "John.Smith": 1 << 30, "keiko_s": -2, "hiro-t": 5000000} {
		if l, ok := limits(id); !ok || !l.HasBytes || l.Bytes != want || l.HasMessages {
			t.Errorf("%s: %+v, %v", id, l, ok)
		}
	}
	for _, id := range []string{"wallyc@siroe.com", "john.smith", "nobody"} {
		if l, ok := limits(id); ok {
			t.Errorf("%s: %+v", id, l)
		}
	}
}

func idSet(ids ...string) *IDSet {
	s := NewIDSet()
	for _, id := range ids {
		s.Add(id)
	}
	return s
}

// lines keeps what it is told.
type lines []string

func (l *lines) Problem(kind, where, text string) { *l = append(*l, kind+" "+where+": "+text) }

// TestLimitsOfOddClasses: a class is known by its number and with blanks around
// it too, as everywhere else.
func TestLimitsOfOddClasses(t *testing.T) {
	export := "dn: uid=a,dc=x,dc=com\nobjectclass:: IGluZXRNYWlsVXNlciA=\nuid: a\nmailquota: 5\n\n" + // " inetMailUser "
		"dn: uid=b,dc=x,dc=com\nobjectclass: 2.16.840.1.113730.3.2.3\nuid: b\nmailquota: 0\n\n" + // mailRecipient
		"dn: uid=c,dc=x,dc=com\nobjectclass: person\nuid: c\nmailquota: 7\n"
	limits, err := Limits(strings.NewReader(export), "export.ldif", "x.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int64{"a": 5, "b": -1} {
		if l, ok := limits(id); !ok || l.Bytes != want {
			t.Errorf("%s: %+v, %v, want %d", id, l, ok, want)
		}
	}
	if l, ok := limits("c"); ok {
		t.Errorf("c is no mail user: %+v", l)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"uid=m\u00fcller,o=x": "uid=m\u00fcller,o=x", "a\tb\nc\x1b[2J\x7f": "a?b?c?[2J?", "\u009b2J\u0085": "?2J?", "\xff": "\ufffd",
	} {
		if got := Printable([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestLimitsTellDamage(t *testing.T) {
	const export = "dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\nmailquota: 0\n\n" +
		"dn: uid=b,o=x\nobjectclass: mailRecipient\nuid: b\nmailquota: 0\n\n" +
		"dn: uid=c,o=x\nno colon\n\n" +
		"dn: uid=d,o=x\nobjectclass: mailRecipient\nobjectclass: inetMailUser\nuid: d\nmailquota: 0\n"
	var told lines
	limits, err := Limits(strings.NewReader(export), "e.ldif", "x", &told)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int64{"a": 0, "b": -1, "d": 0} {
		if l, ok := limits(id); !ok || l.Bytes != want {
			t.Errorf("%s: %+v, %v", id, l, ok)
		}
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "damaged e.ldif") || !strings.Contains(told[0], "line 12") {
		t.Errorf("told: %q", told)
	}
	if _, err := Limits(strings.NewReader(""), "e.ldif", "x", &told); err == nil {
		t.Error("an empty export is taken")
	}
}

// TestLimitsTellQuotas: a quota that is no number is told, and gives no limit.
func TestLimitsTellQuotas(t *testing.T) {
	const export = "dn: uid=a,o=x\nobjectclass: inetMailUser\nuid: a\nmailquota: 1,5G\nmailmsgquota: many\n\n" +
		"dn: uid=b,o=x\nobjectclass: inetMailUser\nuid: b\nmailquota: junk\nmailmsgquota: 7\n"
	var told lines
	limits, err := Limits(strings.NewReader(export), "e.ldif", "x", &told)
	if err != nil {
		t.Fatal(err)
	}
	if l, ok := limits("a"); ok {
		t.Errorf("a: %+v", l)
	}
	if l, ok := limits("b"); !ok || l.HasBytes || l.Messages != 7 {
		t.Errorf("b: %+v, %v", l, ok)
	}
	const end = " is not a number: the user gets no such limit from it"
	want := lines{
		`quota-value e.ldif:1: uid=a,o=x: mailQuota "1,5G"` + end, `quota-value e.ldif:1: uid=a,o=x: mailMsgQuota "many"` + end,
		`quota-value e.ldif:7: uid=b,o=x: mailQuota "junk"` + end,
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Error(d)
	}
}

func TestSurvey(t *testing.T) {
	sims := idSet("ofanning", "wallyc", "wallyc@varrius.org")
	for _, tt := range []struct {
		name, export  string
		stored        *IDSet
		tops          []string
		defaultDomain string
	}{
		{"sims", "sims/export.ldif", sims, []string{"o=internet"}, "siroe.com"},
		{"nms", "nms/export.ldif", idSet("anna"), []string{"o=siroe.com"}, "siroe.com"},
		{"nothing stored", "nms/export.ldif", idSet(), []string{"o=siroe.com"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Read(open(t, tt.export), tt.export, tt.stored, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.tops, s.Tops); d != "" {
				t.Error(d)
			}
			got, err := s.DefaultDomain()
			if got != tt.defaultDomain || err != nil {
				t.Errorf("default domain %q, %v", got, err)
			}
		})
	}
}

func TestTwoDomainsFit(t *testing.T) {
	export := "dn: uid=a,dc=x,dc=com\nobjectclass: inetMailUser\nuid: a\n\ndn: uid=a,dc=y,dc=com\nobjectclass: inetMailUser\nuid: a\n"
	s, err := Read(strings.NewReader(export), "x", idSet("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.DefaultDomain(); err == nil || !strings.Contains(err.Error(), "x.com and y.com") {
		t.Errorf("default domain %q, %v", d, err)
	}
}

// TestEachBetterInOneWay: where the store has more bare ids of one domain, and
// of another more that no qualified one speaks against, neither is taken.
func TestEachBetterInOneWay(t *testing.T) {
	export := ""
	for domain, uids := range map[string]string{"x": "a b c", "y": "a b c d e"} {
		for uid := range strings.FieldsSeq(uids) {
			export += "dn: uid=" + uid + ",dc=" + domain + ",dc=com\nobjectclass: inetMailUser\nuid: " + uid + "\n\n"
		}
	}
	s, err := Read(strings.NewReader(export), "x", idSet("a", "b", "c", "d", "e", "a@y.com", "b@y.com", "c@y.com"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.DefaultDomain(); err == nil || !strings.Contains(err.Error(), "x.com and y.com") {
		t.Errorf("default domain %q, %v", d, err)
	}
	doubts := s.Doubts("x.com") // as somebody has said
	if len(doubts) != 1 || !strings.Contains(doubts[0].Doubt("x.com"), "5 by their bare uid, and 3 with the domain, such as \"a@y.com\": x.com") {
		t.Errorf("doubts of x.com: %v", doubts)
	}
	if len(s.Doubts("y.com")) != 1 {
		t.Errorf("doubts of y.com: %v", s.Doubts("y.com"))
	}
}

// TestDefaultDomainByTheMajority: ids with the domain weigh against it, and do
// not rule it out where more are bare; a hosted domain does not become the
// default one because it shares uids with it.
func TestDefaultDomainByTheMajority(t *testing.T) {
	export := ""
	for domain, uids := range map[string]string{"x": "a b c", "y": "a b c d e"} {
		for uid := range strings.FieldsSeq(uids) {
			export += "dn: uid=" + uid + ",dc=" + domain + ",dc=com\nobjectclass: inetMailUser\nuid: " + uid + "\n\n"
		}
	}
	for _, tt := range []struct{ stored, want, doubts string }{
		{"a b c a@y.com", "x.com", ""},
		{"a b c a@y.com b@y.com", "x.com", ""},
		{"a b c a@x.com a@y.com b@Y.com", "x.com", "x.com 3 1 a@x.com"},
		{"a b c d e z@y.com", "y.com", "y.com 5 1 z@y.com"},
		{"a a@x.com a@y.com b@y.com", "", "x.com 1 1 a@x.com, y.com 1 2 a@y.com"},
		{"a@x.com", "", ""},
	} {
		s, err := Read(strings.NewReader(export), "x", idSet(strings.Fields(tt.stored)...), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.DefaultDomain()
		if got != tt.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", tt.stored, got, err, tt.want)
		}
		var doubts []string
		for _, d := range s.Doubts(got) {
			doubts = append(doubts, fmt.Sprint(d.Name, " ", d.Stored, d.Qualified, " ", d.Example))
		}
		if text := strings.Join(doubts, ", "); text != tt.doubts {
			t.Errorf("%s: doubts %q, want %q", tt.stored, text, tt.doubts)
		}
	}
}

func TestTopsOfAnExportOutOfOrder(t *testing.T) {
	export := "dn: uid=a,ou=p,o=x\nuid: a\n\ndn: ou=p,o=x\nou: p\n\ndn: O=X\no: x\n\ndn: o=other\no: other\n"
	s, err := Read(strings.NewReader(export), "x", idSet(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"O=X", "o=other"}, s.Tops); d != "" {
		t.Error(d)
	}
}
