package ldifconv

import (
	"strings"
	"testing"
)

func TestDomainTree(t *testing.T) {
	var export strings.Builder
	for _, user := range []struct{ uid, mail, host string }{
		{"a", "a@Siroe.com", "b.siroe.com"}, {"b", "b@siroe.com", "a.siroe.com"}, {"c@varrius.org", "c@varrius.org", ""},
		{"d", "d@bad,domain", "x"}, {"e", "no address", "x"},
	} {
		export.WriteString("dn: uid=" + user.uid + ",ou=People,o=siroe.com\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nuid: " + user.uid + "\nmail: " + user.mail + "\n")
		if user.host != "" {
			export.WriteString("mailhost: " + user.host + "\n")
		}
		export.WriteString("\n")
	}
	rules := RuleOptions{MakeDCTree: true}
	for jobs := 1; jobs < 4; jobs++ {
		out, undo, report := upgraded(t, export.String(), Options{From: NMS, Rules: rules, Jobs: jobs})
		at := strings.Index(out, "dn: dc=")
		const want = `dn: dc=com,o=internet
changetype: add
objectClass: top
objectClass: domain
dc: com

dn: dc=org,o=internet
changetype: add
objectClass: top
objectClass: domain
dc: org

dn: dc=siroe,dc=com,o=internet
changetype: add
objectClass: top
objectClass: domain
objectClass: inetDomain
objectClass: mailDomain
objectClass: nsManagedDomain
dc: siroe
inetDomainBaseDN: o=siroe.com
inetDomainStatus: active
mailDomainStatus: active
mailRoutingHosts: a.siroe.com
mailRoutingHosts: b.siroe.com
preferredMailHost: a.siroe.com

dn: dc=varrius,dc=org,o=internet
changetype: add
objectClass: top
objectClass: domain
objectClass: inetDomain
objectClass: mailDomain
objectClass: nsManagedDomain
objectClass: inetDomainAuthInfo
dc: varrius
inetDomainBaseDN: o=siroe.com
inetDomainStatus: active
mailDomainStatus: active
domainUIDSeparator: @
`
		if at < 0 || strings.TrimSpace(out[at:]) != strings.TrimSpace(want) {
			t.Errorf("got\n%s", out[max(at, 0):])
		}
		if n := strings.Count(undo, "changetype: delete"); n != 4 || report.Added != 4 {
			t.Errorf("%d entries added, %d deleted by the undo, want 4", report.Added, n)
		}
	}
}

func TestDomainTreeSuffix(t *testing.T) {
	for _, tt := range []struct {
		bases []string
		dn    string
		want  string
	}{
		{nil, "uid=a,ou=People,o=siroe.com", "o=siroe.com"},
		{[]string{""}, "uid=a, o=siroe.com", "o=siroe.com"},
		{[]string{"o=Siroe, c=US"}, "uid=a,ou=People,O=siroe,c=us", "o=Siroe, c=US"},
		{[]string{"ou=People, ou=East\\, North,dc=siroe,dc=com"}, "uid=a,ou=People,ou=East\\, North,dc=siroe,dc=com", "dc=siroe,dc=com"},
		{[]string{"dc=com", "dc=siroe,dc=com"}, "uid=a,dc=siroe,dc=com", "dc=siroe,dc=com"},
		{[]string{"ou=siroe"}, "uid=a,ou=siroe", "ou=siroe"},
	} {
		var tree domainTree
		tree.init(tt.bases)
		if got := tree.suffix([]byte(tt.dn)); got != tt.want {
			t.Errorf("%q below %q: suffix %q, want %q", tt.dn, tt.bases, got, tt.want)
		}
	}
}
