package site

import (
	"slices"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       map[string]string
	}{
		{"sims", "scenario = 'sims-offline'\n[hosts]\nold = 'mail.siroe.com'\n[directory]\nbase = ['o=internet']\ndefault-domain = 'siroe.com'\n", map[string]string{
			"destination": "ims", "hosts.new": "mail.siroe.com", "directory.bind-dn": "cn=Directory Manager", "directory.client": "netscape",
			"directory.default-organization": "dc=siroe,dc=com,o=internet", "servers.old-root": "/opt/SUNWmail", "servers.owner": "mailsrv",
			"inputs.ldif": "export.ldif", "inputs.stream": "backup.sims", "inputs.nms-store": "", "servers.root": "",
		}},
		{"nms", "scenario = 'nms-single'\n[directory]\nbase = ['o=Siroe.com']\ndefault-organization = 'o=siroe.com'\n[servers]\nroot='/a//b/'", map[string]string{
			"directory.default-domain": "siroe.com", "directory.default-organization": "o=siroe.com", "servers.old-root": "",
			"inputs.stream": "", "inputs.nms-store": "store", "hosts.old": "", "hosts.new": "", "servers.root": "/a/b",
		}},
		{"nms by its base", "scenario = 'nms-single'\n[directory]\nbase = ['o=Siroe.com']\ndefault-domain = 'siroe.com'\n", map[string]string{"directory.default-organization": "o=Siroe.com"}},
		{"sims by its base", "scenario = 'sims-online'\n[directory]\nbase = ['DC=siroe, DC=com, o=internet']\ndefault-domain = 'SIROE.com'\n", map[string]string{"directory.default-organization": "DC=siroe, DC=com, o=internet"}},
		{"a base that says nothing", "scenario = 'sims-online'\n[directory]\nbase = ['o=other']\ndefault-domain = 'siroe.com'\n", map[string]string{"directory.default-organization": ""}},
		{"a new host", "scenario = 'sims-incremental'\n[hosts]\nold = 'a'\n", map[string]string{"hosts.new": ""}},
		{"what is said stays", "scenario = 'sims-online'\ndestination='maildir'\n[hosts]\nold='a'\nnew='b'\n[directory]\nbind-dn='cn=x'\nclient='openldap'\n[servers]\nowner='vmail'\nold-root='/x'\n[inputs]\nldif='l'\nstream='s'", map[string]string{
			"destination": "maildir", "hosts.new": "b", "directory.bind-dn": "cn=x", "directory.client": "openldap", "servers.owner": "vmail", "servers.old-root": "/x", "inputs.ldif": "l", "inputs.stream": "s",
		}},
		{"no scenario", "[hosts]\nnew='b'", map[string]string{"hosts.old": "b", "inputs.stream": "", "inputs.nms-store": "", "inputs.ldif": "export.ldif"}},
	} {
		s := parse(t, tt.text)
		s.Complete()
		for key, want := range tt.want {
			if got := *s.field(key).(*string); got != want {
				t.Errorf("%s: %s is %q, want %q", tt.name, key, got, want)
			}
		}
		if s.Directory.Port != 389 {
			t.Errorf("%s: port %d", tt.name, s.Directory.Port)
		}
	}
}

func TestDomainsHoldTheDefaultOne(t *testing.T) {
	s := parse(t, "[directory]\ndefault-domain='Siroe.com'\ndomains=['a.com','siroe.COM']")
	s.Complete()
	if len(s.Directory.Domains) != 2 {
		t.Errorf("%q", s.Directory.Domains)
	}
	s = parse(t, "[directory]\ndefault-domain='siroe.com'\ndomains=['a.com']")
	s.Complete()
	if !slices.Equal(s.Directory.Domains, []string{"siroe.com", "a.com"}) {
		t.Errorf("%q", s.Directory.Domains)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "scenario: missing: which chapter"},
		{"enough", "scenario='sims-offline'", ""},
		{"no new host", "scenario='sims-incremental'\n[hosts]\nold='a'", "hosts.new: missing: the mail host that is moved to"},
		{"no old host", "scenario='sims-incremental'\n[hosts]\nnew='a'", "hosts.old: missing: the mail host that is left"},
		{"one host", "scenario='sims-incremental'\n[hosts]\nold='a'\nnew='A'", "dir/site.toml:4: hosts.new: the same as hosts.old"},
		{"two hosts", "scenario='sims-incremental'\n[hosts]\nold='a'\nnew='b'", ""},
		{"users of batches", "scenario='sims-incremental'\n[hosts]\nold='a'\nnew='b'\n[restore]\nusers='u'", ":6: restore.users: batches say"},
		{"a stream for NMS", "scenario='nms-single'\n[inputs]\nstream='x'", ":3: inputs.stream: of SIMS"},
		{"a store for SIMS", "scenario='sims-online'\n[inputs]\nnms-store='x'", ":3: inputs.nms-store: of NMS"},
	} {
		s := parse(t, tt.text)
		s.Complete()
		err := s.Check()
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A runbook asks for the new host only where the host does not stay: elsewhere
// it is the old one, and whoever names that has named both.
func TestMissingNewHost(t *testing.T) {
	for scenario, want := range map[string]bool{"sims-offline": false, "sims-online": false, "nms-single": false, "sims-incremental": true} {
		s := parse(t, "scenario='"+scenario+"'")
		s.Complete()
		var names []string
		for _, k := range s.Missing() {
			names = append(names, k.Name)
		}
		if got := slices.Contains(names, "hosts.new"); got != want || !slices.Contains(names, "hosts.old") {
			t.Errorf("%s: missing %q", scenario, names)
		}
	}
}

// A site need not come from a file: its values are looked at all the same.
func TestCheckWithoutFile(t *testing.T) {
	s := &Site{Scenario: "sims", Hosts: Hosts{Old: "a b"}}
	s.Restore.Set("bdb", "5")
	err := s.Check()
	for _, want := range []string{`scenario: "sims": not`, `hosts.old: "a b": no host`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := s.RestoreChoices(); err == nil || !strings.Contains(err.Error(), `restore.bdb: "5": not a version`) {
		t.Errorf("%v", err)
	}
}

func TestCheckPlan(t *testing.T) {
	s := parse(t, "scenario='nms-single'")
	s.Complete()
	err := s.CheckPlan()
	for _, want := range []string{"hosts.old", "directory.host", "directory.base", "directory.default-organization", "servers.root", "servers.instance", "servers.old-root", "servers.old-instance", "servers.directory-root"} {
		if err == nil || !strings.Contains(err.Error(), want+": missing: ") {
			t.Errorf("%v does not miss %s", err, want)
		}
	}
	s = parse(t, "scenario='sims-offline'\n[hosts]\nold='a'\n[directory]\nhost='l'\nbase='o=internet'\ndefault-domain='b.c'\n[servers]\nroot='/s'\ninstance='m'\ndirectory-root='/d'\n")
	s.Complete()
	if err := s.CheckPlan(); err != nil {
		t.Error(err)
	}
	if s.InstanceRoot() != "/s/msg-m" || s.OldInstanceRoot() != "" || !s.Stays() {
		t.Errorf("%q, %q, %t", s.InstanceRoot(), s.OldInstanceRoot(), s.Stays())
	}
}

func TestUnused(t *testing.T) {
	const tables = "\n[restore]\nbdb=8\n[relocate]\nbdb=8\n[export]\nlayout='fs'\n[upgrade]\nvanity=true\n"
	for head, want := range map[string]string{
		"scenario='sims-online'":                         "relocate export",
		"scenario='nms-single'":                          "restore export",
		"scenario='nms-single'\ndestination='maildir'":   "restore relocate",
		"scenario='sims-offline'\ndestination='maildir'": "restore relocate",
	} {
		s := parse(t, head+tables)
		s.Complete()
		if got := strings.Join(s.Unused(), " "); got != want {
			t.Errorf("%s: %s", head, got)
		}
	}
}
