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
objectClass: inetDomainAuthInfo
dc: siroe
inetDomainBaseDN: o=siroe.com
inetDomainStatus: active
mailDomainStatus: active
mailRoutingHosts: a.siroe.com
mailRoutingHosts: b.siroe.com
preferredMailHost: a.siroe.com
inetCanonicalDomainName: siroe.com

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
inetCanonicalDomainName: siroe.com
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
		{nil, `uid=a,o="Siroe, Inc. "`, `o="Siroe, Inc. "`},
		{nil, `uid=a , o=Siroe\, Inc.`, `o=Siroe\, Inc.`},
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

// Of several domains of one subtree one stands for all.
func TestCanonicalDomain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		domains map[string]treeDomain
		want    string
	}{
		{"one", map[string]treeDomain{"a.com": {base: "o=x"}}, ""},
		{"the name of the subtree", map[string]treeDomain{"z.com": {base: "o=z.com", users: 1}, "a.com": {base: "o=z.com", users: 9}}, "z.com"},
		{"the most addresses", map[string]treeDomain{"a.com": {base: "o=x", users: 1}, "b.com": {base: "o=x", users: 2}}, "b.com"},
		{"the first by name", map[string]treeDomain{"b.com": {base: "o=x", users: 2}, "a.com": {base: "o=x", users: 2}}, "a.com"},
	} {
		tree := domainTree{domains: map[string]*treeDomain{}}
		for name, node := range tt.domains {
			tree.domains[name] = &node
		}
		base := ""
		for _, node := range tree.domains {
			base = node.base
		}
		if got := tree.canonical()[base]; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTreeRoot(t *testing.T) {
	user := "dn: uid=a,o=siroe.com\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nuid: a\nmail: a@siroe.com\n\n"
	for name, tt := range map[string]struct {
		in     string
		format Format
		made   bool
		told   bool
	}{
		"there":               {"dn: o=internet\no: internet\n\n" + user, Full, true, false},
		"missing from a file": {user, Full, true, false},
		"missing, changes":    {user, Changes, false, true},
	} {
		log := &recorder{}
		out, _, _ := upgraded(t, tt.in, Options{From: NMS, Format: tt.format, Log: log, Rules: RuleOptions{MakeDCTree: true}})
		if made := strings.Count(out, "dn: o=internet\n") == 1; made != tt.made {
			t.Errorf("%s: the root is in the output: %t\n%s", name, made, out)
		}
		if told := strings.Contains(log.String(), "tree-root o=internet"); told != tt.told {
			t.Errorf("%s: log %s", name, log)
		}
	}
}

func TestParsePairs(t *testing.T) {
	for in, want := range map[string]string{
		"a:b":                        "a=b",
		"a:b;c:d":                    "a=b c=d",
		`a:b\;c: d:e`:                "a=b c=d:e",
		"cn;lang-ja:x;mail:y":        "cn;lang-ja=x mail=y",
		"a:b;cn;lang-ja;phonetic: x": "a=b cn;lang-ja;phonetic=x",
		"a:;b:c;":                    "a= b=c",
		"a:b;c":                      "error",
		"a":                          "error",
		":b":                         "error",
	} {
		pairs, err := ParsePairs(in)
		var words []string
		for _, p := range pairs {
			words = append(words, p.Attr+"="+p.Value)
		}
		got := strings.Join(words, " ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	for _, attr := range []string{"dn", "DN", "changetype", "version", "control", "dn;lang-ja", "cn;", ";x", "12", "a b", ""} {
		if _, err := settings([]Pair{{Attr: attr, Value: "v"}}); err == nil {
			t.Errorf("attribute %q is taken", attr)
		}
	}
}

// A domain of lists alone has a node too: without one nothing is delivered
// there.
func TestDomainOfLists(t *testing.T) {
	export := "dn: uid=a,o=siroe.com\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nuid: a\nmail: a@siroe.com\nmailhost: h.siroe.com\n\n" +
		"dn: cn=l,o=siroe.com\nobjectclass: mailGroup\ncn: l\nmail: l@lists.siroe.com\nmailhost: h.siroe.com\n\n"
	out, _, _ := upgraded(t, export, Options{From: NMS, Rules: RuleOptions{MakeDCTree: true}})
	for _, node := range []string{"dc=siroe,dc=com,o=internet", "dc=lists,dc=siroe,dc=com,o=internet"} {
		if !strings.Contains(out, "dn: "+node+"\nchangetype: add\n") {
			t.Errorf("%s is not in\n%s", node, out)
		}
	}
}
