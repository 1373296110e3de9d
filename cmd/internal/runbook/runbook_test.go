package runbook

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/site"
)

// guideSite is the site of the guide's examples.
func guideSite(scenario string) *site.Site {
	s := &site.Site{
		Scenario: scenario, Destination: site.IMS, Dir: "/srv/site", Path: "/srv/site/site.toml",
		Hosts: site.Hosts{Old: "oldmail.siroe.com", New: "newmail.siroe.com"},
		Directory: site.Directory{
			Host: "ldap.siroe.com", Port: 389, BindDN: "cn=Directory Manager", Client: site.Netscape, Base: []string{"o=internet"},
			DefaultOrganization: "dc=siroe,dc=com,o=internet", DefaultDomain: "siroe.com", Domains: []string{"siroe.com", "varrius.org"},
		},
		Servers: site.Servers{
			Root: "/usr/iplanet/server5", Instance: "newmail", OldRoot: "/opt/SUNWmail",
			DirectoryRoot: "/usr/netscape/server4/slapd-ldap", Owner: "mailsrv", LoginSeparator: "+",
		},
		Inputs: site.Inputs{LDIF: "export.ldif", Stream: "backup.sims"},
	}
	switch scenario {
	case site.SIMSOffline:
		s.Hosts = site.Hosts{Old: "mail.siroe.com", New: "mail.siroe.com"}
	case site.NMSSingle:
		s.Hosts = site.Hosts{Old: "mail.siroe.com", New: "mail.siroe.com"}
		s.Directory.Base, s.Directory.DefaultOrganization = []string{"o=siroe.com"}, "o=siroe.com"
		s.Servers.OldRoot, s.Servers.OldInstance = "/usr/netscape/server4", "mail"
		s.Inputs = site.Inputs{LDIF: "export.ldif", Store: "/usr/netscape/server4/msg-mail/store"}
	}
	return s
}

// guideInput is the plan of that site, of a size that fills every table.
func guideInput(scenario string, lang Lang) Input {
	return Input{
		Site: guideSite(scenario), Lang: lang, Folder: "/srv/plan", Converted: "/srv/plan/converted",
		Facts: Facts{
			Entries: 21340, Users: 20000, Domains: 2, ExportBytes: 41e6, Mailboxes: 64000, Messages: 2100000,
			MailBytes: 40e9, Links: 180000, Blocks: 41e9, SourceBytes: 40e9,
			Largest: []Folder{{"joe", "INBOX", 12000, 900e6}, {"wallyc", "Mail/Old", 8000, 500e6}},
			Pilot:   []string{"anna", "joe", "wallyc@varrius.org"},
		},
		Rates: &Rates{Restore: Rate{5200, 160}, Verify: Rate{9100, 280}, Jobs: 4, Sync: "batch"},
	}
}

// variants are plans of every kind there is.
func variants() map[string]Input {
	out := map[string]Input{}
	for _, scenario := range site.Scenarios() {
		for _, lang := range []Lang{English, Japanese} {
			for _, destination := range []string{site.IMS, site.Maildir} {
				for _, old := range []string{After, Before} {
					for _, hosts := range []string{"same", "new"} {
						in := guideInput(scenario, lang)
						in.Site.Destination, in.OldMail = destination, old
						if hosts == "new" {
							in.Site.Hosts.New = "newmail.siroe.com"
						} else if scenario != site.SIMSIncremental {
							in.Site.Hosts.New = in.Site.Hosts.Old
						}
						out[strings.Join([]string{scenario, string(lang), destination, old, hosts}, " ")] = in
					}
				}
			}
		}
	}
	return out
}

func TestBuild(t *testing.T) {
	for name, in := range variants() {
		p, err := Build(in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var md, html bytes.Buffer
		if err := p.WriteMarkdown(&md); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := p.WriteHTML(&html); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if dir := os.Getenv("RUNBOOK_OUT"); dir != "" {
			base := filepath.Join(dir, strings.ReplaceAll(name, " ", "_"))
			os.WriteFile(base+".md", md.Bytes(), 0o666)
			os.WriteFile(base+".html", html.Bytes(), 0o666)
		}
	}
}
