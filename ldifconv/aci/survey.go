package aci

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/ldifconv/ldif"
)

// Survey gathers from the entries of an export what [Plan] wants to know: the
// nodes that get ACIs, groups of administrators, containers of groups, and
// domains. Memory grows with their number, and not with that of other entries.
type Survey struct {
	// Have is what the entries have; Plan takes it.
	Have Have

	// NoGroups are the entries that have the name of a group of administrators
	// and are no groupOfUniqueNames: a directory refuses their new members.
	NoGroups []string

	nodes []domainNode
	// spelled has the names of entries as they are written, by normalised DN.
	spelled map[string]string
	// missing are the administrators that were not met, by normalised DN.
	missing map[string]string
	// named are nodes that count whatever they are, by normalised DN.
	named map[string]bool
}

// domainNode is a domain's entry and the one its users lie below.
type domainNode struct{ dn, base string }

// NewSurvey makes a survey that looks for the administrators named, and for
// nodes that are not to be known by their classes: the roots, and domains that
// were named.
func NewSurvey(admins, nodes []string) *Survey {
	s := &Survey{Have: Have{}, spelled: map[string]string{}, missing: map[string]string{}, named: map[string]bool{}}
	for _, dn := range nodes {
		if n, err := norm(dn); err == nil {
			s.named[n] = true
		}
	}
	for _, dn := range admins {
		if n, err := norm(dn); err == nil {
			s.missing[n] = dn
		}
	}
	return s
}

// Missing are the administrators of which no entry was met.
func (s *Survey) Missing() []string {
	var list []string
	for _, n := range slices.Sorted(maps.Keys(s.missing)) {
		list = append(list, s.missing[n])
	}
	return list
}

// Entry takes what matters of one entry, of which nothing is kept. The error
// tells of a domain that is left out, since it does not say where its users
// are.
func (s *Survey) Entry(e *ldif.Entry) error {
	name, err := ldif.AppendNormDN(nil, e.DN)
	if err != nil {
		return nil // nothing can be said of it
	}
	delete(s.missing, string(name))
	domain, container := rolesOf(e)
	if domain {
		err = s.domain(e)
	}
	if !domain && !container && !isAdminGroup(name) && !s.named[string(name)] {
		return nil
	}
	n := &Entry{}
	for _, v := range e.Get("aci") {
		n.ACIs = append(n.ACIs, string(v))
	}
	if isAdminGroup(name) {
		n.Members = members(e)
		if !hasClass(e, "groupofuniquenames") {
			s.NoGroups = append(s.NoGroups, string(e.DN))
		}
	}
	s.Have[string(name)], s.spelled[string(name)] = n, string(e.DN)
	return err
}

// isAdminGroup says whether a group of administrators has this normalised DN.
func isAdminGroup(name []byte) bool {
	return bytes.HasPrefix(name, []byte("cn=service administrators,")) || bytes.HasPrefix(name, []byte("cn=domain administrators,"))
}

func hasClass(e *ldif.Entry, name string) bool {
	return slices.ContainsFunc(e.Get("objectclass"), func(class []byte) bool {
		return strings.EqualFold(strings.TrimSpace(string(class)), name)
	})
}

// members are the members of a group, normalised.
func members(e *ldif.Entry) (list []string) {
	for _, v := range e.Get("uniquemember") {
		if m, err := ldif.AppendNormDN(nil, v); err == nil {
			list = append(list, string(m))
		}
	}
	return list
}

// rolesOf tells whether an entry is a domain, and whether groups may lie below
// it.
func rolesOf(e *ldif.Entry) (domain, container bool) {
	for _, class := range e.Get("objectclass") {
		switch strings.ToLower(strings.TrimSpace(string(class))) {
		case "inetdomain", "maildomain", "nsmanageddomain":
			domain = true
		case "organizationalunit", "organization", "domain":
			container = true
		}
	}
	return domain, container
}

func (s *Survey) domain(e *ldif.Entry) error {
	node := domainNode{dn: string(e.DN)}
	if base := e.Get("inetdomainbasedn"); len(base) > 0 {
		node.base = string(base[0])
	}
	if _, err := norm(node.base); err != nil {
		return fmt.Errorf("inetDomainBaseDN %q is no DN: where the users of the domain lie is not known, and it is not set up", node.base)
	}
	s.nodes = append(s.nodes, node)
	return nil
}

// Domains puts the nodes of each domain together: the one that users lie below
// first. A node that is one of the roots is no domain.
func (s *Survey) Domains(roots []string) (list []DomainNodes) {
	at, skip := map[string]int{}, map[string]bool{}
	for _, root := range roots {
		n, _ := norm(root)
		skip[n] = true
	}
	for _, bases := range []bool{true, false} { // nodes that name a base come first
		for _, node := range s.nodes {
			own, _ := norm(node.dn)
			if (node.base != "") != bases || skip[own] {
				continue
			}
			base := s.baseOf(node)
			n, _ := norm(base)
			i, ok := at[n]
			if !ok {
				i = len(list)
				list = append(list, DomainNodes{Nodes: []string{base}})
				at[n] = i
			}
			if own != n {
				list[i].Nodes = append(list[i].Nodes, node.dn)
			}
		}
	}
	return list
}

// baseOf is the entry that the users of a domain lie below, as it is written.
func (s *Survey) baseOf(node domainNode) string {
	base := node.base
	if n, err := norm(base); err != nil || n == "" {
		base = node.dn
	}
	n, _ := norm(base)
	if own := s.spelled[n]; own != "" {
		return own
	}
	return base
}

// Place gives an administrator the domain it lies in, the deepest of the list;
// false: it lies in none.
func Place(domains []DomainNodes, admin string) bool {
	name, err := norm(admin)
	if err != nil {
		return false
	}
	best, depth := -1, 0
	for i := range domains {
		for _, node := range domains[i].Nodes {
			n, err := norm(node)
			if err == nil && ldif.UnderNormDN([]byte(name), []byte(n)) && ldif.DepthNormDN([]byte(n)) > depth {
				best, depth = i, ldif.DepthNormDN([]byte(n))
			}
		}
	}
	if best < 0 {
		return false
	}
	domains[best].Admins = append(domains[best].Admins, admin)
	return true
}
