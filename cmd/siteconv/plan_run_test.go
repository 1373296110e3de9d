package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/cmd/internal/site"
	"imsconv/ldifconv/schema"
)

// sandbox is a folder with all the machines of a migration in it: stubs that
// record how they are called stand for the programs of the hosts; ours, the
// LDAP client and the directory server are the real ones.
type sandbox struct {
	t     *testing.T
	dir   string
	slapd *peer.Slapd
	env   []string
	paths *strings.Replacer // of what a runbook has outside of the folder
}

// stubs are the programs of the hosts, below the sandbox.
var stubs = []string{
	"bin/chown", "bin/su", "bin/stty", "bin/ps", "bin/rsh", "bin/mailq", "bin/perl", "bin/doveconf", "bin/systemctl",
	"sims/sbin/imta", "sims/sbin/im.server", "sims/sbin/mt.scheduler", "sims/sbin/imbackup", "sims/ims/sbin/imbackup", "sims/imta/sbin/hold_master",
	"nms/msg-mail/configutil", "nms/msg-mail/stop-msg", "nms/msg-mail/start-msg",
	"ims/msg-new/configutil", "ims/msg-new/stop-msg", "ims/msg-new/start-msg", "ims/msg-new/imsimta",
	"ims/bin/msg/admin/bin/reconstruct", "ims/bin/msg/store/bin/imsimport",
	"ds/bin/db2ldif", "ds/restart-slapd",
}

// files are what the hosts have before the migration.
var files = []string{
	"ims/msg-new/store/mboxlist/folder.db", "ims/msg-new/config/msg.conf", "ds/config/slapd.conf", "ds/config/ns-schema.conf", "ds/logs/errors", "ds/ldif/.keep",
	"etc/opt/SUNWmail/ims/ims.cnf", "etc/dovecot/dovecot.conf", "plan/.keep",
}

// directorySchema is the merged schema as OpenLDAP takes it, with what
// Directory Server has beside: the access control of organizations and domains.
func directorySchema(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("attributetype ( 2.16.840.1.113730.3.1.55 NAME 'aci' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )\n\n")
	if err := schema.Merged().Only(schema.Products(), true).WriteSlapd(&b); err != nil {
		t.Fatal(err)
	}
	allow := strings.NewReplacer("MUST ( o )\n\tMAY (", "MUST ( o )\n\tMAY ( aci $", "MUST ( dc )\n\tMAY (", "MUST ( dc )\n\tMAY ( aci $")
	return []byte(allow.Replace(b.String()))
}

// newSandbox makes the hosts; the directory holds the export.
func newSandbox(t *testing.T, programs, suffix, export string) *sandbox {
	t.Helper()
	dir, err := os.MkdirTemp("", "plan")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &sandbox{t: t, dir: dir}
	s.slapd = peer.NewSlapd(t, directorySchema(t), suffix, s.withoutVersion(export))
	stub, err := os.ReadFile("testdata/sandbox/stub")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stubs {
		s.write(name, stub, 0o755)
	}
	for _, name := range files {
		s.write(name, nil, 0o644)
	}
	s.env = append(os.Environ(), "SANDBOX="+dir, "SANDBOX_SLAPD="+filepath.Join(s.slapd.Dir, "slapd.conf"),
		"SANDBOX_LDAPMODIFY="+peer.Need(t, "ldapmodify"), "PATH="+filepath.Join(dir, "bin")+":"+programs+":/usr/local/sbin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	s.paths = strings.NewReplacer("/etc/opt/SUNWmail", s.path("etc/opt/SUNWmail"), "/etc/dovecot", s.path("etc/dovecot"), "/usr/bin/mailq", s.path("bin/mailq"))
	return s
}

// withoutVersion is a copy of an export that slapadd takes.
func (s *sandbox) withoutVersion(export string) string {
	s.t.Helper()
	data, err := os.ReadFile(export)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("loaded.ldif", bytes.TrimPrefix(data, []byte("version: 1\n\n")), 0o644)
	return s.path("loaded.ldif")
}

func (s *sandbox) path(name string) string { return filepath.Join(s.dir, name) }

func (s *sandbox) write(name string, data []byte, mode os.FileMode) {
	s.t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		s.t.Fatal(err)
	}
}

// programs builds the programs of this project into a folder of the test.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+"/", "./cmd/siteconv", "./cmd/ldifconv", "./cmd/storeconv", "./cmd/dbconv")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// listen lets the directory server have a port too, and returns it.
func (s *sandbox) listen() int {
	s.t.Helper()
	port := peer.FreePort(s.t)
	s.slapd.URI += fmt.Sprintf(" ldap://127.0.0.1:%d/", port)
	s.slapd.Start()
	return port
}

// siteTOML describes the sandbox.
func (s *sandbox) siteTOML(c *planCase, destination string, port int) string {
	scenario, client := c.scenario, c.client
	old, base, organization := "oldmail.siroe.com", "o=internet", "dc=siroe,dc=com,o=internet"
	input, oldRoot := `stream = "backup.sims"`, "sims"
	switch scenario {
	case site.SIMSOffline:
		old = "newmail.siroe.com"
	case site.NMSSingle:
		old, base, organization = "newmail.siroe.com", "o=siroe.com", "o=siroe.com"
		input, oldRoot = fmt.Sprintf("nms-store = %q", s.path("nms/msg-mail/store")), "nms"
	}
	if c.stays {
		old = "newmail.siroe.com"
	}
	text := fmt.Sprintf(`scenario = %q
destination = %q
[hosts]
old = %q
new = "newmail.siroe.com"
[directory]
host = "127.0.0.1"
port = %d
client = %q
base = [%q]
bind-dn = "cn=root,%s"
default-organization = %q
default-domain = "siroe.com"
domains = ["siroe.com"]
[servers]
root = %q
instance = "new"
old-root = %q
directory-root = %q
login-separator = "+"
[inputs]
%s
`, scenario, destination, old, port, client, base, s.slapd.Suffix, organization, s.path("ims"), s.path(oldRoot), s.path("ds"), input)
	if scenario == site.NMSSingle {
		text = strings.Replace(text, "[inputs]", "old-instance = \"mail\"\n[inputs]", 1)
	}
	return text
}

// commands are the lines of the code blocks of a runbook in Markdown, in their
// order.
func commands(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	fence := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "  ")
		switch {
		case fence == "" && strings.HasSuffix(line, "```sh"):
			fence = strings.TrimSuffix(line, "sh")
		case fence != "" && line == fence:
			fence = ""
		case fence != "":
			lines = append(lines, line)
		}
	}
	return lines
}

// typeIn gives one line to a shell without a terminal, and the password to
// whoever asks for it.
func (s *sandbox) typeIn(line string) (status int, talk string) {
	s.t.Helper()
	cmd := peer.Command(s.t, "sh", "-c", s.paths.Replace(line))
	cmd.Env, cmd.Dir = s.env, s.path("plan")
	cmd.Stdin = strings.NewReader("secret\n")
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Setsid = false, true
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatalf("%s: %v", line, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// execute does a whole runbook, from its first line to its last.
func (s *sandbox) execute(lines []string) {
	s.t.Helper()
	for _, line := range lines {
		want := 0
		if strings.HasPrefix(line, "ps ") {
			want = 1 // nothing is there any more
		}
		if status, talk := s.typeIn(line); status != want {
			s.t.Fatalf("%s\nexit status %d\n%s", line, status, talk)
		}
	}
}

// calls are the stubs that were called, with their words, in their order.
func (s *sandbox) calls() []string {
	s.t.Helper()
	data, err := os.ReadFile(s.path("calls"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(string(data), s.dir, "")), "\n")
}

// inOrder holds that calls has all of want, one behind the other.
func (s *sandbox) inOrder(want []string) {
	s.t.Helper()
	calls := s.calls()
	at := 0
	for _, w := range want {
		i := slices.Index(calls[at:], w)
		if i < 0 {
			s.t.Errorf("not called behind %d other calls: %s\n%s", at, w, strings.Join(calls, "\n"))
			return
		}
		at += i + 1
	}
}

// planCase is a runbook that is executed.
type planCase struct {
	scenario, client, destination, lang string
	stays                               bool // the host does
	flags                               []string
	want                                []string // calls of the hosts' programs
}

var ugSettings = []string{
	"/ims/msg-new/configutil -o local.ugldapbasedn -v o=internet", "/ims/msg-new/configutil -o local.ugldapbinddn -v cn=root,o=internet",
	"/ims/msg-new/configutil -o local.ugldapbindcred -v secret", "/ims/msg-new/configutil -o local.ugldapdeforgdn -v dc=siroe,dc=com,o=internet",
	"/ims/msg-new/configutil -o local.ugldaphost -v 127.0.0.1", "/ims/msg-new/configutil -o service.loginseparator -v +",
}

var planCases = map[string]planCase{
	"offline": {scenario: site.SIMSOffline, client: site.OpenLDAP, lang: "ja", want: slices.Concat([]string{
		"/ds/bin/db2ldif", "/ds/restart-slapd", "/sims/sbin/imta stop dispatcher", "/sims/sbin/imta qm counters", "/sims/sbin/im.server stop", "/ds/bin/db2ldif",
		"/sims/sbin/imbackup -f /site/backup.sims", "/ims/msg-new/stop-msg"}, ugSettings, []string{
		"/bin/chown -R mailsrv /ims/msg-new/store", "/ims/msg-new/configutil -o local.store.synclevel -v 0", "/ims/msg-new/start-msg store", "./reconstruct -m", "./reconstruct -r -f", "./reconstruct -q",
		"/ims/msg-new/configutil -o local.store.synclevel -v -1", "/ims/msg-new/stop-msg store", "/ims/msg-new/imsimta dirsync -F", "/ims/msg-new/start-msg"})},
	"netscape": {scenario: site.SIMSOffline, client: site.Netscape, lang: "en", want: []string{"/bin/ldapmodify -h 127.0.0.1"}},
	"maildir": {scenario: site.SIMSOffline, client: site.OpenLDAP, destination: site.Maildir, lang: "en", want: []string{
		"/sims/sbin/im.server stop", "/bin/doveconf -n", "/bin/systemctl restart dovecot"}},
	"online": {scenario: site.SIMSOnline, client: site.OpenLDAP, lang: "en", want: slices.Concat([]string{
		"/ds/bin/db2ldif", "/ds/restart-slapd", "/ims/msg-new/stop-msg"}, ugSettings, []string{
		"/sims/sbin/imta stop dispatcher", "/ds/bin/db2ldif", "/ims/msg-new/imsimta dirsync -F", "/sims/sbin/im.server stop", "/ims/msg-new/start-msg",
		"/bin/rsh oldmail.siroe.com /sims/sbin/imbackup -f-", "/sims/sbin/imbackup -f-", "/ims/msg-new/imsimta qm stop ims-ms",
		"/ims/bin/msg/store/bin/imsimport -u anna -d INBOX -s anna/INBOX -cy", "/ims/bin/msg/store/bin/imsimport -u wallyc -d Mail/deep/er/est -s wallyc/Mail/deep/er/est -cy", "/ims/msg-new/imsimta qm start ims-ms"})},
	"online-stays": {scenario: site.SIMSOnline, client: site.OpenLDAP, lang: "ja", stays: true, want: slices.Concat([]string{
		"/sims/sbin/imta stop dispatcher", "/sims/sbin/im.server stop", "/ims/msg-new/stop-msg"}, ugSettings, []string{
		"/ds/bin/db2ldif", "/ims/msg-new/imsimta dirsync -F", "/ims/msg-new/start-msg", "/sims/sbin/imbackup -f /site/backup.sims", "/ims/msg-new/imsimta qm stop ims-ms",
		"/ims/bin/msg/store/bin/imsimport -u anna -d INBOX -s anna/INBOX -cy", "/ims/msg-new/imsimta qm start ims-ms"})},
	"online-maildir": {scenario: site.SIMSOnline, client: site.OpenLDAP, destination: site.Maildir, lang: "ja", want: []string{
		"/ds/bin/db2ldif", "/bin/doveconf -n", "/bin/systemctl restart dovecot", "/sims/sbin/imta stop dispatcher", "/ds/bin/db2ldif", "/sims/sbin/im.server stop",
		"/bin/rsh oldmail.siroe.com /sims/sbin/imbackup -f-"}},
	"incremental-maildir": {scenario: site.SIMSIncremental, client: site.OpenLDAP, destination: site.Maildir, lang: "ja", flags: []string{"--batches", "1"}, want: []string{
		"/bin/doveconf -n", "/bin/systemctl restart dovecot", "/ds/bin/db2ldif", "/sims/sbin/imta dirsync",
		"/bin/rsh oldmail.siroe.com /sims/ims/sbin/imbackup -f- -u /plan/converted/batches/pilot/users.txt", "/sims/sbin/imta dirsync", "/sims/imta/sbin/hold_master -u anna -d siroe.com",
		"/bin/rsh oldmail.siroe.com /sims/ims/sbin/imbackup -f- -u /plan/converted/batches/b01/users.txt", "/sims/sbin/imta dirsync", "/sims/imta/sbin/hold_master -u wallyc -d varrius.org",
		"/sims/sbin/im.server stop"}},
	"before": {scenario: site.SIMSOnline, client: site.OpenLDAP, lang: "ja", flags: []string{"--old-mail", "before"}, want: []string{
		"/sims/sbin/im.server stop", "/bin/rsh oldmail.siroe.com /sims/sbin/imbackup -f-", "/bin/chown -R mailsrv /ims/msg-new/store", "./reconstruct -m", "/ims/msg-new/start-msg"}},
	"incremental": {scenario: site.SIMSIncremental, client: site.OpenLDAP, lang: "en", flags: []string{"--batches", "2"}, want: slices.Concat([]string{
		"/ds/bin/db2ldif", "/ds/restart-slapd", "/ims/msg-new/stop-msg"}, ugSettings, []string{
		"/ims/msg-new/configutil -o local.imta.schematag -v sims40,ims50", "/ims/msg-new/configutil -o local.imta.sims_migrate -v True", "/ims/msg-new/imsimta dirsync -F", "/ims/msg-new/start-msg",
		"/sims/sbin/mt.scheduler stop", "/sims/sbin/mt.scheduler start",
		"/sims/sbin/imta dirsync", "/ims/msg-new/imsimta dirsync", "/bin/rsh oldmail.siroe.com /sims/ims/sbin/imbackup -f- -u /plan/converted/batches/pilot/users.txt",
		"/ims/msg-new/stop-msg", "/ims/msg-new/configutil -o local.store.synclevel -v 0", "./reconstruct -m", "./reconstruct -r -f user/anna", "/ims/msg-new/configutil -o local.store.synclevel -v -1", "/ims/msg-new/start-msg",
		"/sims/sbin/imta dirsync", "/ims/msg-new/imsimta dirsync", "/sims/imta/sbin/hold_master -u anna -d siroe.com",
		"/bin/rsh oldmail.siroe.com /sims/ims/sbin/imbackup -f- -u /plan/converted/batches/b01/users.txt", "/sims/sbin/imta dirsync",
		"/bin/rsh oldmail.siroe.com /sims/ims/sbin/imbackup -f- -u /plan/converted/batches/b02/users.txt", "/sims/sbin/imta dirsync",
		"/sims/sbin/imta stop dispatcher", "/sims/sbin/im.server stop", "/ims/msg-new/configutil -o local.imta.schematag -v ", "/ims/msg-new/configutil -o local.imta.ugfilter -v ", "/ims/msg-new/imsimta dirsync"})},
	"nms": {scenario: site.NMSSingle, client: site.OpenLDAP, lang: "ja", want: []string{
		"/ds/bin/db2ldif", "/nms/msg-mail/configutil -o service.smtp.port -v 901", "/nms/msg-mail/stop-msg smtp", "/nms/msg-mail/start-msg smtp", "/bin/mailq",
		"/bin/perl ims_dssetup.pl", "/nms/msg-mail/stop-msg", "/ds/restart-slapd", "/ims/msg-new/stop-msg", "/ims/msg-new/configutil -o local.ugldapdeforgdn -v o=siroe.com",
		"/ims/msg-new/configutil -o local.imta.schematag -v ims50,nms41", "/ims/msg-new/imsimta dirsync -F", "/ims/msg-new/start-msg", "./reconstruct -q",
		"/ims/msg-new/configutil -o local.imta.schematag -v ", "/ims/msg-new/configutil -o local.imta.ugfilter -v ", "/ims/msg-new/imsimta dirsync"}},
}

// TestPlanRuns makes the runbook of a site and does it: the lines of its code
// blocks, from the top to the bottom.
func TestPlanRuns(t *testing.T) {
	peer.Need(t, "slapd")
	bin := programs(t)
	for name, c := range planCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t, bin)
		})
	}
}

func (c *planCase) run(t *testing.T, programs string) {
	folder, suffix := "sims", "o=internet"
	if c.scenario == site.NMSSingle {
		folder, suffix = "nms", "o=siroe.com"
	}
	sample := filepath.Join("..", "..", "testdata", "site", folder)
	s := newSandbox(t, programs, suffix, filepath.Join(sample, "export.ldif"))
	if c.client == site.Netscape {
		s.stubClient()
	}
	s.fill(sample, c.scenario)
	destination := c.destination
	if destination == "" {
		destination = site.IMS
	}
	s.write("site/site.toml", []byte(s.siteTOML(c, destination, s.listen())), 0o644)
	status, talk := s.typeIn("siteconv plan --site " + s.path("site") + " --out . --lang " + c.lang + " " + strings.Join(c.flags, " "))
	if status != 0 {
		t.Fatalf("plan: exit status %d\n%s", status, talk)
	}
	if c.scenario == site.SIMSIncremental {
		os.Remove(s.path("site/backup.sims")) // each batch has a stream of its own
	}
	s.execute(commands(t, s.path("plan/runbook."+c.lang+".md")))
	c.check(s)
}

// fill puts a sample site in its place: the inputs that a plan looks at, and
// what the hosts back up.
func (s *sandbox) fill(sample, scenario string) {
	s.t.Helper()
	copies := map[string]string{"export.ldif": "site/export.ldif"}
	if scenario == site.NMSSingle {
		copies["store"] = "nms/msg-mail/store"
	} else {
		copies["backup.sims"], copies["./backup.sims"] = "tape", "site/backup.sims"
	}
	for from, to := range copies {
		if err := os.MkdirAll(filepath.Dir(s.path(to)), 0o777); err != nil {
			s.t.Fatal(err)
		}
		if out, err := peer.Command(s.t, "cp", "-a", filepath.Join(sample, from), s.path(to)).CombinedOutput(); err != nil {
			s.t.Fatalf("%v: %s", err, out)
		}
	}
}

// stubClient puts the LDAP client of Directory Server in front of OpenLDAP's.
func (s *sandbox) stubClient() {
	stub, err := os.ReadFile("testdata/sandbox/stub")
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("bin/ldapmodify", stub, 0o755)
}

// check looks at what the runbook has done: the hosts' programs in their order,
// the directory upgraded, and the mail in its place.
func (c *planCase) check(s *sandbox) {
	s.t.Helper()
	s.slapd.Stop()
	s.write("after.ldif", s.slapd.Dump(), 0o644)
	if c.client == site.Netscape {
		if n := len(slices.DeleteFunc(s.calls(), func(l string) bool { return !strings.HasPrefix(l, c.want[0]) })); n != 3 {
			s.t.Errorf("the directory was changed %d times", n)
		}
	} else {
		s.inOrder(c.want)
	}
	if status, talk := s.typeIn("ldifconv check --as ims50 " + s.path("after.ldif")); status != 0 {
		s.t.Errorf("the directory: exit status %d\n%s", status, talk)
	}
	if c.scenario == site.SIMSIncremental {
		s.checkMoved()
	}
	c.checkMail(s)
}

// checkMoved holds that nobody is left behind, locked, or on hold.
func (s *sandbox) checkMoved() {
	s.t.Helper()
	text := strings.ToLower(string(s.slapd.Dump()))
	for _, bad := range []string{"mailfoldermap: lock", "maildeliveryoption: hold", "mailhost: oldmail.siroe.com"} {
		if strings.Contains(text, "\n"+bad) {
			s.t.Errorf("the directory still has %s", bad)
		}
	}
	if n := strings.Count(text, "\nmailhost: newmail.siroe.com"); n < 8 {
		s.t.Errorf("only %d entries have the new mail host", n)
	}
}

// checkMail holds the mail in its place against what it was made of.
func (c *planCase) checkMail(s *sandbox) {
	s.t.Helper()
	line := ""
	switch {
	case c.destination == site.Maildir:
		line = "storeconv verify --maildir converted/mail -f " + s.path("tape")
	case c.scenario == site.NMSSingle:
		line = "storeconv verify " + s.path("ims/msg-new/store") + " --from " + s.path("nms/msg-mail/store")
	case c.scenario == site.SIMSOffline, len(c.flags) > 0 && c.flags[1] == "before":
		line = "storeconv verify " + s.path("ims/msg-new/store") + " -f " + s.path("tape")
	case c.scenario == site.SIMSIncremental:
		line = "diff -r " + s.path("ims/msg-new/store/partition") + " converted/store/partition && storeconv verify converted/store -f " + s.path("tape")
	default:
		line = `test "$(awk '{n += $1} END {print n}' "$SANDBOX/imported")" = "$(awk -F'\t' 'NR > 1 {n += $5} END {print n}' mailboxes.tsv)" && awk -F'\t' 'NR > 1 && $3 != $5 + $7 {exit 1}' mailboxes.tsv`
	}
	if status, talk := s.typeIn(line); status != 0 {
		s.t.Errorf("%s\nexit status %d\n%s", line, status, talk)
	}
}
