package directory

import (
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
	for text, want := range map[string]int64{"-1": -1, "-2": -2, "0": 0, "20M": 20 << 20, "1g": 1 << 30, "5000000": 5000000, " 7 ": 7, "2T": 2 << 40} {
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
	limits, err := Limits(open(t, "sims/export.ldif"), "siroe.com")
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

func TestSurvey(t *testing.T) {
	sims := map[string]bool{"ofanning": true, "wallyc": true, "wallyc@varrius.org": true}
	for _, tt := range []struct {
		name, export  string
		stored        map[string]bool
		tops          []string
		defaultDomain string
	}{
		{"sims", "sims/export.ldif", sims, []string{"o=internet"}, "siroe.com"},
		{"nms", "nms/export.ldif", map[string]bool{"anna": true}, []string{"o=siroe.com"}, "siroe.com"},
		{"nothing stored", "nms/export.ldif", nil, []string{"o=siroe.com"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Read(open(t, tt.export), func(id string) bool { return tt.stored[id] })
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.tops, s.Tops); d != "" {
				t.Error(d)
			}
			got, err := s.DefaultDomain(func(domain string) bool {
				for id := range tt.stored {
					if strings.HasSuffix(id, "@"+domain) {
						return true
					}
				}
				return false
			})
			if got != tt.defaultDomain || err != nil {
				t.Errorf("default domain %q, %v", got, err)
			}
		})
	}
}

func TestTwoDomainsFit(t *testing.T) {
	export := "dn: uid=a,dc=x,dc=com\nobjectclass: inetMailUser\nuid: a\n\ndn: uid=a,dc=y,dc=com\nobjectclass: inetMailUser\nuid: a\n"
	s, err := Read(strings.NewReader(export), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.DefaultDomain(func(string) bool { return false }); err == nil || !strings.Contains(err.Error(), "x.com and y.com") {
		t.Errorf("default domain %q, %v", d, err)
	}
}

func TestTopsOfAnExportOutOfOrder(t *testing.T) {
	export := "dn: uid=a,ou=p,o=x\nuid: a\n\ndn: ou=p,o=x\nou: p\n\ndn: O=X\no: x\n\ndn: o=other\no: other\n"
	s, err := Read(strings.NewReader(export), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"O=X", "o=other"}, s.Tops); d != "" {
		t.Error(d)
	}
}
