package aci

import (
	"fmt"
	"slices"
	"strings"

	"imsconv/ldifconv/ldif"
)

// Delegation says who administers what.
type Delegation struct {
	// Roots are the roots of the trees: that of the organizations and that of the
	// domain components, or the latter alone.
	Roots []string
	// Groups is the RDN of the container that holds the groups, below each root
	// and domain; empty: directly below them.
	Groups string
	// Domains are the nodes of domains. The administrators' group of a domain
	// stands at its first node.
	Domains []DomainNodes
	// ServiceAdmins are members of Service Administrators.
	ServiceAdmins []string
}

// DomainNodes are the entries of one domain: in the organization tree, in that
// of domain components, or both.
type DomainNodes struct {
	Nodes  []string
	Admins []string // members of its Domain Administrators
}

// Have is what a directory has already, by normalised DN; nil: nothing is
// known, and everything is made.
type Have map[string]*Entry

// Entry is what matters of one entry.
type Entry struct {
	ACIs    []string
	Members []string // normalised
}

// Plan returns the change records that set a delegation up, parents first: what
// Have has is left out. notes tell what is there in another form and was left
// alone, and entries that should be there and are not.
func Plan(d Delegation, have Have) (records []ldif.Record, notes []string, err error) {
	p := planner{d: d, have: have, made: map[string]bool{}, set: map[string]bool{}}
	if len(d.Roots) == 0 {
		return nil, nil, fmt.Errorf("no root is named")
	}
	if err := p.group(d.Roots[0], "Service Administrators", d.ServiceAdmins); err != nil {
		return nil, nil, err
	}
	for _, domain := range d.Domains {
		if err := p.group(domain.Nodes[0], "Domain Administrators", domain.Admins); err != nil {
			return nil, nil, err
		}
	}
	for _, root := range d.Roots {
		if err := p.acis(Root, root, d.Roots[0], ""); err != nil {
			return nil, nil, err
		}
	}
	for _, domain := range d.Domains {
		for _, node := range domain.Nodes {
			if err := p.acis(Domain, node, d.Roots[0], domain.Nodes[0]); err != nil {
				return nil, nil, err
			}
		}
	}
	return p.records, p.notes, nil
}

type planner struct {
	d       Delegation
	have    Have
	made    map[string]bool // normalised DNs of entries that the plan adds
	set     map[string]bool // normalised DNs of nodes whose ACIs it has
	records []ldif.Record
	notes   []string
}

func norm(dn string) (string, error) {
	n, err := ldif.AppendNormDN(nil, []byte(dn))
	if err != nil {
		return "", fmt.Errorf("%q: %w", dn, err)
	}
	return string(n), nil
}

// find returns what the directory has of a name.
func (p *planner) find(dn string) (*Entry, error) {
	n, err := norm(dn)
	if err != nil {
		return nil, err
	}
	return p.have[n], nil
}

// add adds an entry unless it is there.
func (p *planner) add(dn string, values ...string) error {
	n, err := norm(dn)
	if err != nil || p.made[n] || p.have[n] != nil {
		return err
	}
	p.made[n] = true
	r := ldif.Record{Entry: ldif.Entry{DN: []byte(dn)}, Type: ldif.Add}
	for i := 0; i+1 < len(values); i += 2 {
		r.Add([]byte(values[i]), []byte(values[i+1]))
	}
	p.records = append(p.records, r)
	return nil
}

func (p *planner) prefix() string {
	if p.d.Groups == "" {
		return ""
	}
	return p.d.Groups + ","
}

// group makes a group of administrators, or adds the members that it lacks.
func (p *planner) group(node, name string, members []string) error {
	if p.d.Groups != "" {
		attr, value, ok := strings.Cut(p.d.Groups, "=")
		if !ok {
			return fmt.Errorf("%q is no name of a container", p.d.Groups)
		}
		if err := p.add(p.d.Groups+","+node, "objectClass", "top", "objectClass", "organizationalUnit", attr, value); err != nil {
			return err
		}
	}
	members, err := distinct(members)
	if err != nil {
		return err
	}
	dn := "cn=" + name + "," + p.prefix() + node
	there, err := p.find(dn)
	if err != nil {
		return err
	}
	if there == nil {
		values := []string{"objectClass", "top", "objectClass", "groupOfUniqueNames", "objectClass", "inetAdmin", "cn", name}
		for _, m := range members {
			values = append(values, "uniqueMember", m)
		}
		return p.add(dn, values...)
	}
	mod := ldif.Mod{Op: ldif.ModAdd, Attr: ldif.Attr{Desc: []byte("uniqueMember")}}
	for _, m := range members {
		n, err := norm(m)
		if err != nil {
			return err
		}
		if !slices.Contains(there.Members, n) {
			mod.Values = append(mod.Values, ldif.Value{Data: []byte(m)})
		}
	}
	p.modify(dn, mod)
	return nil
}

// distinct are the DNs of a list that no DN before them is, in any spelling.
func distinct(dns []string) (list []string, err error) {
	seen := map[string]bool{}
	for _, dn := range dns {
		n, err := norm(dn)
		if err != nil {
			return nil, err
		}
		if !seen[n] {
			seen[n], list = true, append(list, dn)
		}
	}
	return list, nil
}

func (p *planner) modify(dn string, mod ldif.Mod) {
	if len(mod.Values) > 0 {
		p.records = append(p.records, ldif.Record{Entry: ldif.Entry{DN: []byte(dn)}, Type: ldif.Modify, Mods: []ldif.Mod{mod}})
	}
}

// acis adds the ACIs that one node lacks.
func (p *planner) acis(kind Node, node, root, domain string) error {
	n, err := norm(node)
	if err != nil {
		return err
	}
	key := fmt.Sprint(kind, n)
	if p.set[key] { // named twice
		return nil
	}
	p.set[key] = true
	there := p.have[n]
	if p.have != nil && there == nil {
		p.notes = append(p.notes, fmt.Sprintf("%s is not in the directory: its ACIs will be refused until it is", node))
	}
	known := map[string]string{} // by name
	if there != nil {
		for _, text := range there.ACIs {
			a, err := Parse(text)
			if err != nil {
				p.notes = append(p.notes, fmt.Sprintf("%s has an ACI that cannot be read, and may get one of its name: %v", node, err))
				continue
			}
			known[a.Name] = a.String()
		}
	}
	mod := ldif.Mod{Op: ldif.ModAdd, Attr: ldif.Attr{Desc: []byte("aci")}}
	for i := range templates {
		if templates[i].Node != kind {
			continue
		}
		a, err := templates[i].Make(root, domain, p.prefix())
		if err != nil {
			return err
		}
		switch has, ok := known[a.Name]; {
		case !ok:
			mod.Values = append(mod.Values, ldif.Value{Data: []byte(a.String())})
		case has != a.String():
			p.notes = append(p.notes, fmt.Sprintf("%s has an ACI %q of another text: left as it is", node, a.Name))
		}
	}
	p.modify(node, mod)
	return nil
}
