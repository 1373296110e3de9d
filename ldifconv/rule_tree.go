package ldifconv

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"

	"imsconv/ldifconv/internal/delivery"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// dcRoot is the top of the domain component tree. The set-up of iMS makes it.
const dcRoot = "o=internet"

// addedEntry is an entry that the upgrade makes and that the input does not
// have.
type addedEntry struct {
	dn    string
	attrs []Pair // values of one attribute together
}

// domainTree collects the mail domains of an NMS directory, which has no domain
// nodes. Memory grows with the number of domains and hosts, not of users. Safe
// for concurrent use.
type domainTree struct {
	suffixes []treeSuffix
	mu       sync.Mutex
	domains  map[string]*treeDomain
}

// treeSuffix is a subtree that holds all users and lists of some domains.
type treeSuffix struct {
	norm []byte // normalised
	text string
}

// treeDomain is what the node of one domain will say.
type treeDomain struct {
	base     string // inetDomainBaseDN, the least one in byte order
	users    int64  // addresses in the domain
	hosts    map[string]bool
	compound bool // some uid is user@domain
}

// init takes the bases of the run as suffixes; the organizational units in
// front of one, which may hold users only, are cut off.
func (t *domainTree) init(bases []string) {
	t.domains = map[string]*treeDomain{}
	for _, base := range bases {
		rest := []byte(base)
		for {
			rdn, up := ldif.CutRDN(rest)
			name, _, _ := bytes.Cut(rdn, []byte{'='})
			if id, _ := schema.Lookup(bytes.TrimSpace(name)); id != schema.OU || len(up) == 0 {
				break
			}
			rest = ldif.TrimDN(up[1:])
		}
		if norm, err := ldif.AppendNormDN(nil, rest); err == nil && len(norm) > 0 {
			t.suffixes = append(t.suffixes, treeSuffix{norm, string(rest)})
		}
	}
}

// suffix returns the suffix that dn lies in: the longest, or its last part when
// there is none.
func (t *domainTree) suffix(dn []byte) string {
	norm, err := ldif.AppendNormDN(nil, dn)
	text, longest := string(lastRDN(dn)), 0
	for _, s := range t.suffixes {
		if err == nil && len(s.norm) > longest && ldif.UnderNormDN(norm, s.norm) {
			text, longest = s.text, len(s.norm)
		}
	}
	return text
}

// note takes the domain of a user's address into the tree.
func (t *domainTree) note(d *draft) {
	domain := string(lower(domainOf(d.first(schema.Mail))))
	if !isDomainName(domain) {
		d.warnf("domain-name", "mail %.200q is in no domain that could have a node", d.first(schema.Mail))
		return
	}
	base := t.suffix(d.dn())
	t.mu.Lock()
	defer t.mu.Unlock()
	node := t.domains[domain]
	if node == nil {
		node = &treeDomain{base: base, hosts: map[string]bool{}}
		t.domains[domain] = node
	}
	node.base = min(node.base, base)
	node.users++
	if host := d.first(schema.MailHost); delivery.IsMailHost(host) && !node.hosts[string(host)] {
		node.hosts[string(lower(host))] = true
	}
	node.compound = node.compound || bytes.IndexByte(d.first(schema.UID), '@') >= 0
}

// isDomainName refuses what would not stand in a DN as it is.
func isDomainName(domain string) bool {
	for _, c := range []byte(domain) {
		if c != '.' && c != '-' && !isAlnum(c) {
			return false
		}
	}
	return domain != "" && len(domain) <= 255 && !strings.Contains(domain, "..") && domain[0] != '.' && domain[len(domain)-1] != '.'
}

// lastRDN returns the last part of a DN, most often the suffix of an NMS
// directory.
func lastRDN(dn []byte) []byte {
	for {
		rdn, rest := ldif.CutRDN(dn)
		if len(rest) == 0 {
			return ldif.TrimDN(rdn)
		}
		dn = rest[1:]
	}
}

// entries returns the nodes of the tree below dcRoot, parents first, in order
// of name.
func (t *domainTree) entries() []addedEntry {
	names := map[string]bool{}
	for domain := range t.domains {
		for rest := domain; rest != ""; {
			names[rest] = true
			_, rest, _ = strings.Cut(rest, ".")
		}
	}
	order := make([]string, 0, len(names))
	for name := range names {
		order = append(order, name)
	}
	slices.SortFunc(order, func(a, b string) int {
		if d := strings.Count(a, ".") - strings.Count(b, "."); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	canonical := t.canonical()
	entries := make([]addedEntry, len(order))
	for i, name := range order {
		entries[i] = t.entry(name, canonical)
	}
	return entries
}

// canonical returns, by base, the domain that stands for all of those that have
// it: the one the base is called by, else the one with most addresses. A base
// of one domain has none.
func (t *domainTree) canonical() map[string]string {
	names := map[string][]string{}
	for name, node := range t.domains {
		names[node.base] = append(names[node.base], name)
	}
	canonical := map[string]string{}
	for base, list := range names {
		if len(list) < 2 {
			continue
		}
		own := domainOfDN([]byte(base))
		slices.SortFunc(list, func(a, b string) int {
			return cmp.Or(-compareBool(a == own, b == own), -cmp.Compare(t.domains[a].users, t.domains[b].users), cmp.Compare(a, b))
		})
		canonical[base] = list[0]
	}
	return canonical
}

// compareBool is below 0 for false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (t *domainTree) entry(name string, canonical map[string]string) addedEntry {
	label, _, _ := strings.Cut(name, ".")
	e := addedEntry{dn: "dc=" + strings.ReplaceAll(name, ".", ",dc=") + "," + dcRoot}
	e.add("objectClass", "top", "domain")
	node := t.domains[name]
	if node == nil {
		e.add("dc", label)
		return e
	}
	e.add("objectClass", "inetDomain", "mailDomain", "nsManagedDomain")
	canon := canonical[node.base]
	if node.compound || canon != "" {
		e.add("objectClass", "inetDomainAuthInfo")
	}
	e.add("dc", label)
	e.add("inetDomainBaseDN", node.base)
	e.add("inetDomainStatus", "active")
	e.add("mailDomainStatus", "active")
	hosts := make([]string, 0, len(node.hosts))
	for host := range node.hosts {
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	e.add("mailRoutingHosts", hosts...)
	if len(hosts) > 0 {
		e.add("preferredMailHost", hosts[0])
	}
	if node.compound {
		e.add("domainUIDSeparator", "@")
	}
	if canon != "" {
		e.add("inetCanonicalDomainName", canon)
	}
	return e
}

func (e *addedEntry) add(attr string, values ...string) {
	for _, v := range values {
		e.attrs = append(e.attrs, Pair{Attr: attr, Value: v})
	}
}

// rootEntry is the top of the domain component tree.
func rootEntry() addedEntry {
	e := addedEntry{dn: dcRoot}
	e.add("objectClass", "top", "organization")
	e.add("o", "internet")
	return e
}

// newEntries returns the entries that the upgrade adds, parents first.
func (s *ruleSet) newEntries() []addedEntry {
	return s.options.tree.entries()
}
