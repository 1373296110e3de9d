package ldifconv

import (
	"strings"
	"testing"
)

func TestWhatIsAMailDomain(t *testing.T) {
	for _, tt := range []struct {
		entry string
		plain bool // known without AllDomains
		all   bool // with it
	}{
		{"objectclass: domain\ndc: com", false, true},
		{"objectclass: domain\nobjectclass: inetDomain\ndc: a", true, true},
		{"objectclass: Domain\ndc: a\npreferredmailhost: h", true, true},
		{"objectclass: domain\ndc: a\nmailroutinghosts: h", true, true},
		{"objectclass: domain\ndc: a\nmailquota: 10M", true, true},
		{"objectclass: domain\ndomaincomponent: a\ninetauthorizedservices: imap", true, true},
		{"objectclass: alias\ndc: a\naliasedobjectname: dc=b", true, true},
		{"objectclass: organizationalUnit\nou: a\nmailroutinghosts: h", false, false},
		{"objectclass: dcObject\ndc: a\nmailroutinghosts: h", false, false},
		{"objectclass: domain\nobjectclass: emailGroup\ndc: a\nmailroutinghosts: h", false, false},
	} {
		for _, all := range []bool{false, true} {
			out, _, report := upgraded(t, "dn: dc=a,o=x\n"+tt.entry+"\n", Options{From: SIMS, Kinds: Domains, AllDomains: all})
			want := tt.plain || all && tt.all
			if got := report.Domains == 1; got != want || want != strings.Contains(out, "replace: objectclass") {
				t.Errorf("%q, all %t: a domain %t, want %t\n%s", tt.entry, all, got, want, out)
			}
		}
	}
}
