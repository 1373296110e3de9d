package runbook

import (
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/site"
)

// guideLists are the commands of the guide by scenario, with the site's values
// in them: those that stay to be typed, and those that a command of ours takes
// the place of.
var guideLists = map[string]struct {
	stays    []string
	replaced []replacement
}{
	site.SIMSOffline: {
		stays: slices.Concat([]string{
			"/bin/db2ldif", "/opt/SUNWmail/sbin/imta stop dispatcher", "/opt/SUNWmail/sbin/imta qm counters", "/opt/SUNWmail/sbin/im.server stop",
			"imbackup -f", "Do you want to use another directory to store your data?[No]:", "<IR>/stop-msg",
			"configutil -o local.store.synclevel -v 0", "<IR>/start-msg store", "configutil -o local.store.synclevel -v -1", "<IR>/stop-msg store",
			"imsimta dirsync -F", "<IR>/start-msg", "configutil -o service.loginseparator -v +",
		}, ugldap),
		replaced: []replacement{
			{"imsdirmig -h ldap.siroe.com -b o=internet -M sims -D 'cn=Directory Manager' -w <password> -m domains", "siteconv run"},
			{"imsdirmig -h ldap.siroe.com -b o=internet -M sims -D 'cn=Directory Manager' -w <password> -m both", "siteconv run"},
			{"imsrestore -f /dev/rmt/0 -cy -n -v1", "siteconv run"},
			{"imbackup -f- -u <UserFile> | <SR>/bin/msg/store/bin/imsrestore -f- -cy -n -v1", "siteconv run"},
			{"<SR>/bin/msg/migrate/bin/imsdaaci", "daaci.changes.ldif"},
			{"merged.at.conf", "ldifconv schema --format ds4"},
		},
	},
	site.SIMSOnline: {
		stays: slices.Concat([]string{
			"/bin/db2ldif", "/opt/SUNWmail/sbin/imta stop dispatcher", "/opt/SUNWmail/sbin/imta qm counters", "/opt/SUNWmail/sbin/im.server stop",
			"<IR>/configutil -o service.loginseparator -v +", "<IR>/imsimta dirsync -F", "<IR>/start-msg", "rsh oldmail.siroe.com /opt/SUNWmail/sbin/imbackup -f-",
			"oldmail.siroe.com. IN CNAME newmail.siroe.com.",
		}, ugldap),
		replaced: []replacement{
			{"-m domains -A mailroutinghosts:newmail.siroe.com", "ldifconv upgrade -M sims -m domains -b o=internet -A mailroutinghosts:newmail.siroe.com"},
			{"-m both -A mailhost:newmail.siroe.com", "ldifconv upgrade -M sims -m both -b o=internet -A mailhost:newmail.siroe.com"},
			{"rsh oldmail.siroe.com /opt/SUNWmail/sbin/imbackup -f- -u <UserFile> | <SR>/bin/msg/store/bin/imsrestore -f- -cy -n -v1", "storeconv export"},
			{"<SR>/bin/msg/migrate/bin/imsdaaci", "ldifconv daaci"},
			{"merged.at.conf", "ldifconv schema --format ds4"},
		},
	},
	site.SIMSIncremental: {
		stays: slices.Concat([]string{
			"/bin/db2ldif", "<IR>/stop-msg", "<IR>/configutil -o service.loginseparator -v +",
			`<IR>/configutil -o local.imta.schematag -v "sims40,ims50"`,
			`<IR>/configutil -o local.imta.ugfilter -v "(|(objectClass=inetLocalMailRecipient)(|(objectClass=inetMailUser)(objectClass=inetMailGroup)))"`,
			"<IR>/configutil -o local.imta.sims_migrate -v True", "<IR>/imsimta dirsync -F", "<IR>/start-msg",
			"ims-proxy:on", "/etc/opt/SUNWmail/ims/ims.cnf", "/opt/SUNWmail/sbin/mt.scheduler stop", "/opt/SUNWmail/sbin/mt.scheduler start",
			"/opt/SUNWmail/sbin/imta dirsync", "<IR>/imsimta dirsync", "/opt/SUNWmail/imta/sbin/hold_master -u", "/batches/pilot/hold.sh", "/batches/b01/hold.sh",
			"oldmail.siroe.com. IN CNAME newmail.siroe.com.", "/opt/SUNWmail/sbin/imta stop dispatcher", "/opt/SUNWmail/sbin/imta qm counters",
			`<IR>/configutil -o local.imta.schematag -v ""`, `<IR>/configutil -o local.imta.ugfilter -v ""`,
			"<IR>/configutil -o local.store.synclevel -v 0", "<IR>/configutil -o local.store.synclevel -v -1",
		}, ugldap),
		replaced: []replacement{
			{"-m domains -A mailroutinghosts:newmail.siroe.com -P", "siteconv run"},
			{`-m users -F "(uid=s*)" -A mailDeliveryOption:hold\;mailFolderMap:LOCK -O`, "--batch pilot"},
			{"rsh oldmail.siroe.com /opt/SUNWmail/ims/sbin/imbackup -f- -u <usernames_file> | <SR>/bin/msg/store/bin/imsrestore -f- -cy -n -v1", "--batch pilot"},
			{`-m users -F "(uid=s*)" -O -A mailDeliveryOption:mailbox\;mailhost:newmail.siroe.com`, "unlock.changes.ldif"},
			{`-m groups -F "(objectclass=inetmailgroup)" -O -A mailhost:newmail.siroe.com`, "--closing"},
			{"-M sims -D 'cn=Directory Manager' -w <password> -m both", "--closing"},
			{"<SR>/bin/msg/migrate/bin/imsdaaci", "daaci.changes.ldif"},
			{"merged.at.conf", "ldifconv schema --format ds4"},
		},
	},
	site.NMSSingle: {
		stays: []string{
			"<NMS>/configutil -o service.smtp.port -v 901", "<NMS>/stop-msg smtp", "<NMS>/start-msg smtp", "/usr/bin/mailq", "perl ims_dssetup.pl",
			"<NMS>/stop-msg", "/restart-slapd", "Do you want to register this software with an existing netscape configuration directory server?[No]:",
			"Do you want to use another directory to store your data?[No]:", "Default Organization DN [o=siroe.com,o=<OldDirRoot>]:", "<IR>/stop-msg",
			`<IR>/configutil -o "local.ugldapdeforgdn" -v o=siroe.com`, "chown mailsrv <IR>/store/mboxlist/*", `<IR>/configutil -o local.imta.schematag -v "ims50,nms41"`,
			`<IR>/configutil -o local.imta.ugfilter -v "(|(objectClass=inetLocalMailRecipient)(|(objectClass=mailRecipient)(objectclass=mailGroup)))"`,
			"<IR>/imsimta dirsync -F", "<IR>/start-msg", "su mailsrv", "cd <SR>/bin/msg/admin/bin", "CONFIGROOT=<IR>/config", "./reconstruct -q",
			`<IR>/configutil -o local.imta.schematag -v ""`, `<IR>/configutil -o local.imta.ugfilter -v ""`,
		},
		replaced: []replacement{
			{"imsdirmig -b o=siroe.com -M nms -D 'cn=Directory Manager' -w <password> -m both", "siteconv run"},
			{"rmdir <IR>/store/user/", "siteconv run"},
			{"ln -s <NMS>/store/user/ <IR>/store/user/", "siteconv run"},
			{"cp <NMS>/store/mboxlist/data.db2 <IR>/store/mboxlist/folder.db", "siteconv run"},
			{"cp <NMS>/store/quota.db2 <IR>/mboxlist/quota.db", "siteconv run"},
			{"merged.at.conf", "ldifconv schema --format ds4"},
		},
	},
}

// replacement is a line of the guide, and what of ours takes its place.
type replacement struct{ theirs, ours string }

// ugldap are the six settings of users and groups.
var ugldap = []string{
	"configutil -o local.ugldapbasedn -v o=internet", "configutil -o local.ugldapbinddn -v 'cn=Directory Manager'", "configutil -o local.ugldapbindcred",
	"configutil -o local.ugldapdeforgdn -v dc=siroe,dc=com,o=internet", "configutil -o local.ugldaphost -v ldap.siroe.com", "configutil -o local.ugldapport -v 389",
}

// typed is all that a plan has typed, answered or named.
func typed(p *Plan) (lines, guide []string) {
	for _, ph := range p.Phases {
		for _, s := range ph.Steps {
			for _, c := range s.Commands {
				lines = append(lines, c.Lines...)
			}
			for _, a := range s.Answers {
				lines = append(lines, a.Question)
			}
			for _, texts := range [][]Text{s.Why, s.Expect} {
				for _, t := range texts {
					lines = append(lines, t.String())
				}
			}
			guide = append(guide, s.Guide...)
		}
	}
	return lines, guide
}

func TestGuide(t *testing.T) {
	roots := strings.NewReplacer("<IR>", "/usr/iplanet/server5/msg-newmail", "<SR>", "/usr/iplanet/server5", "<NMS>", "/usr/netscape/server4/msg-mail")
	has := func(lines []string, part string) bool {
		part = roots.Replace(part)
		return slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) })
	}
	for _, scenario := range site.Scenarios() {
		for _, lang := range []Lang{English, Japanese} {
			p, err := Build(guideInput(scenario, lang))
			if err != nil {
				t.Fatal(err)
			}
			lines, guide := typed(p)
			for _, want := range guideLists[scenario].stays {
				if !has(lines, want) {
					t.Errorf("%s %s: not to be typed: %s", scenario, lang, want)
				}
			}
			for _, r := range guideLists[scenario].replaced {
				if !has(guide, r.theirs) {
					t.Errorf("%s %s: the guide's line is not named: %s", scenario, lang, r.theirs)
				}
				if !has(lines, r.ours) {
					t.Errorf("%s %s: not in the place of %s: %s", scenario, lang, r.theirs, r.ours)
				}
			}
			for _, old := range []string{"imsdirmig", "imsrestore -f", "imsdaaci", "secret"} {
				if has(commandsOf(p), old) {
					t.Errorf("%s %s: still to be typed: %s", scenario, lang, old)
				}
			}
		}
	}
}

// TestGuideOnTheSameHost has what the online scenario does differently where
// the host stays.
func TestGuideOnTheSameHost(t *testing.T) {
	for _, lang := range []Lang{English, Japanese} {
		in := guideInput(site.SIMSOnline, lang)
		in.Site.Hosts.New = in.Site.Hosts.Old
		p, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		lines, guide := typed(p)
		all := strings.Join(append(lines, guide...), "\n")
		for _, want := range []string{
			"imsdirmig -h ldap.siroe.com -b o=internet -M sims -D 'cn=Directory Manager' -w <password> -m domains\n", "-w <password> -m both\n",
			"\nimbackup -f- -u <UserFile> | /usr/iplanet/server5/bin/msg/store/bin/imsrestore -f- -cy -n -v1", "/opt/SUNWmail/sbin/imbackup -f /srv/site/backup.sims",
			"/usr/iplanet/server5/msg-newmail/imsimta dirsync -F", "imsimport",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: not there: %s", lang, want)
			}
		}
		for _, not := range []string{"rsh ", "IN CNAME", "-A mailhost"} {
			if strings.Contains(all, not) {
				t.Errorf("%s: of a new host: %s", lang, not)
			}
		}
		stop, install := strings.Index(all, "im.server stop"), strings.Index(all, "/stop-msg")
		if stop < 0 || install < stop {
			t.Errorf("%s: SIMS is stopped behind the installation", lang)
		}
	}
}

// commandsOf are the command lines of a plan, in its order.
func commandsOf(p *Plan) (lines []string) {
	for _, ph := range p.Phases {
		for _, s := range ph.Steps {
			for _, c := range s.Commands {
				lines = append(lines, c.Lines...)
			}
		}
	}
	return lines
}

// TestSameCommands holds that a plan does the same in both languages, in every
// variant.
func TestSameCommands(t *testing.T) {
	all := variants()
	for name, in := range all {
		if in.Lang != English {
			continue
		}
		en, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Lang = Japanese
		ja, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		want := commandsOf(en)
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "--lang en", "--lang ja")
		}
		if got := commandsOf(ja); !slices.Equal(got, want) {
			t.Errorf("%s: the commands differ", name)
		}
	}
}
