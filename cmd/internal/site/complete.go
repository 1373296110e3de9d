package site

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/directory"
)

// NMS says whether the site comes from a Netscape Messaging Server.
func (s *Site) NMS() bool { return s.Scenario == NMSSingle }

// Uses says whether a key is one of the scenario: the mail of each product has
// its own.
func (s *Site) Uses(key string) bool {
	switch key {
	case "inputs.stream":
		return s.Scenario != "" && !s.NMS()
	case "inputs.nms-store":
		return s.NMS()
	}
	return true
}

// Stays says whether the mail host stays the same.
func (s *Site) Stays() bool {
	return s.Hosts.New == "" || strings.EqualFold(s.Hosts.New, s.Hosts.Old)
}

// InstanceRoot is the folder of the iMS instance; "" when it is not said.
func (s *Site) InstanceRoot() string { return instanceRoot(s.Servers.Root, s.Servers.Instance) }

// OldInstanceRoot is the folder of the NMS instance; "" when it is not said.
func (s *Site) OldInstanceRoot() string {
	return instanceRoot(s.Servers.OldRoot, s.Servers.OldInstance)
}

func instanceRoot(root, instance string) string {
	if root == "" || instance == "" {
		return ""
	}
	return path.Join(root, "msg-"+instance)
}

// InputPath is where an input lies: relative paths are below the folder of the
// file.
func (s *Site) InputPath(input string) string {
	if input == "" || filepath.IsAbs(input) {
		return input
	}
	return filepath.Join(s.Dir, input)
}

// Complete fills in what follows from what is said, and what is usual: see the
// table of keys. A value that is said stays.
func (s *Site) Complete() {
	fill(&s.Destination, IMS)
	if s.Scenario != SIMSIncremental {
		fill(&s.Hosts.New, s.Hosts.Old)
	}
	if s.Scenario != SIMSIncremental && s.Scenario != SIMSOnline {
		fill(&s.Hosts.Old, s.Hosts.New) // of a new host, the old one stays unknown
	}
	s.completeDirectory()
	s.completeServers()
	fill(&s.Inputs.LDIF, ldifName)
	switch {
	case s.Scenario == "":
	case s.NMS():
		fill(&s.Inputs.Store, storeName)
	default:
		fill(&s.Inputs.Stream, streamName)
	}
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func (s *Site) completeDirectory() {
	d := &s.Directory
	if d.Port == 0 {
		d.Port = ldapPort
	}
	fill(&d.BindDN, directoryManager)
	fill(&d.Client, Netscape)
	fill(&d.DefaultDomain, directory.DomainOf(d.DefaultOrganization))
	fill(&d.DefaultOrganization, s.organization())
	if d.DefaultDomain != "" && len(d.Domains) > 0 && !slices.ContainsFunc(d.Domains, func(name string) bool { return strings.EqualFold(name, d.DefaultDomain) }) {
		d.Domains = append([]string{d.DefaultDomain}, d.Domains...)
	}
}

// organization is the DN of the default domain's entry, where domain and base
// tell: a base that is of the domain, or, below o=internet, a node for each
// label.
func (s *Site) organization() string {
	d := &s.Directory
	if d.DefaultDomain == "" {
		return ""
	}
	for _, base := range d.Base {
		if strings.EqualFold(directory.DomainOf(base), d.DefaultDomain) {
			return base
		}
	}
	if s.NMS() || s.Scenario == "" {
		return ""
	}
	for _, base := range d.Base {
		if strings.EqualFold(base, "o=internet") {
			return "dc=" + strings.ReplaceAll(d.DefaultDomain, ".", ",dc=") + "," + base
		}
	}
	return ""
}

func (s *Site) completeServers() {
	v := &s.Servers
	if s.Scenario != "" && !s.NMS() {
		fill(&v.OldRoot, simsRoot)
	}
	fill(&v.Owner, storeOwner)
	for _, root := range []*string{&v.Root, &v.OldRoot, &v.DirectoryRoot} {
		if *root != "" {
			*root = path.Clean(*root)
		}
	}
}
