package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"imsconv/cmd/internal/cli"
)

func parse(t *testing.T, text string) *Site {
	t.Helper()
	s, err := Parse("dir/site.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const whole = "\ufeff" + `# a comment
scenario = "sims-incremental"
destination = "ims"

[hosts]
old = "oldmail.siroe.com" # behind it
new = 'newmail.siroe.com'

[directory]
host = "192.0.2.7"
port = 390
bind-dn = "cn=Directory Manager"
client = "openldap"
base = [
  "o=internet",
  "dc=siroe,dc=com,o=internet",
]
domains = "siroe.com"
default-organization = "dc=siroe,dc=com,o=internet"
default-domain = "siroe.com"

[servers]
root = "/usr/iplanet/server5"
instance = "newmail"
login-separator = "+"
owner = "mailsrv:mail"

[inputs]
ldif = "sub/a b.ldif.gz"
stream = "/dev/tape"

[upgrade]
vanity = true
domain = ["a.com", "b.com"]
quota-missing = 1000
uid-map = "ids.txt"

[restore]
"owner" = "nobody-here:nogroup-here"
bdb = 8
`

func TestWholeFile(t *testing.T) {
	want := &Site{
		Scenario: SIMSIncremental, Destination: IMS,
		Hosts: Hosts{Old: "oldmail.siroe.com", New: "newmail.siroe.com"},
		Directory: Directory{
			Host: "192.0.2.7", Port: 390, BindDN: "cn=Directory Manager", Client: OpenLDAP,
			Base: []string{"o=internet", "dc=siroe,dc=com,o=internet"}, Domains: []string{"siroe.com"},
			DefaultOrganization: "dc=siroe,dc=com,o=internet", DefaultDomain: "siroe.com",
		},
		Servers: Servers{Root: "/usr/iplanet/server5", Instance: "newmail", LoginSeparator: "+", Owner: "mailsrv:mail"},
		Inputs:  Inputs{LDIF: "sub/a b.ldif.gz", Stream: "/dev/tape"},
		Upgrade: Options{"vanity": true, "domain": []string{"a.com", "b.com"}, "quota-missing": int64(1000), "uid-map": "ids.txt"},
		Restore: Options{"owner": "nobody-here:nogroup-here", "bdb": int64(8)},
		Dir:     "dir", Path: "dir/site.toml",
	}
	for name, text := range map[string]string{
		"lines":   whole,
		"CR LF":   strings.ReplaceAll(whole, "\n", "\r\n"),
		"braces":  strings.Replace(whole, "[hosts]\nold = \"oldmail.siroe.com\" # behind it\nnew = 'newmail.siroe.com'\n", "hosts = { old = \"oldmail.siroe.com\", new = \"newmail.siroe.com\" }\n", 1),
		"dotted":  strings.Replace(whole, "[hosts]\nold = \"oldmail.siroe.com\" # behind it\nnew = ", "hosts.old = \"oldmail.siroe.com\"\nhosts.new = ", 1),
		"unquote": strings.Replace(whole, `"owner"`, `owner`, 1),
	} {
		if d := cmp.Diff(want, parse(t, text), cmpopts.IgnoreUnexported(Site{})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a", "dir/site.toml:1: "},
		{"\n\nscenario = sims", "dir/site.toml:3: "},
		{"scenario = \"x\"\nscenario = \"y\"", "dir/site.toml:2: key scenario is already defined"},
		{"scenario = \u201csims-offline\u201d", "dir/site.toml:1: a text stands in straight quotes (\"), not in those of print"},
		{"[directory]\nbase = [\"o=a\", \u300co=b\u300d]", "dir/site.toml:2: a text stands in straight quotes (\"), not in those of print"},
		{"\nscenario = sims-offline", "dir/site.toml:2: a text stands in quotes: key = \"value\""},
		{"[servers]\nroot = /usr/iplanet", "dir/site.toml:2: a text stands in quotes: key = \"value\""},
		{"[directory]\nbase = [o=internet]", "dir/site.toml:2: a text stands in quotes: key = \"value\""},
		{"a = '\xff'", "dir/site.toml: not in UTF-8"},
		{"\nscenari = 'sims-offline'", "dir/site.toml:2: scenari: no key has this name; is it scenario?"},
		{"Scenario = 'sims-offline'", ":1: Scenario: no key has this name; is it scenario?"},
		{"scenario = 'sims_offline'", `:1: scenario: "sims_offline": not sims-offline, sims-online, sims-incremental or nms-single; is it sims-offline?`},
		{"scenario = 3", ":1: scenario: a text in quotes is wanted, not a whole number"},
		{"scenario = 1979-05-27", "not a date or time"},
		{"destination = \"dovecot\"", ":1: destination: \"dovecot\": not ims or maildir"},
		{"old = 'a.b'", "old: no key has this name; is it hosts.old?"},
		{"[hosts]\nport = 389", ":2: hosts.port: no key has this name; is it directory.port?"},
		{"[directory]\nbase_dn = 'o=x'", ":2: directory.base_dn: no key has this name; is it directory.base?"},
		{"[directry]\nhost='a'", ":1: directry: no table has this name; is it directory?"},
		{"[directry]\nhost='a'", ":2: directry.host: no key has this name; is it directory.host?"},
		{strings.Repeat("a.", 100_000) + "a = 1", "...: no key has this name"},
		{"[upgrade]\n" + strings.Repeat("a.", 100_000) + "a = 1", "upgrade has no such option"},
		{"[" + strings.Repeat("a", 100_000) + "]", "...: no table has this name"},
		{"[a.b]", ":1: a.b: no table has this name"},
		{"[[hosts]]\nold='a'", ":1: hosts: not a table that may be repeated: [hosts]"},
		{"hosts = 'a'", ":1: hosts: a table: [hosts], and its keys below it"},
		{"\"hosts.old\" = 'a'", ":1: \"hosts.old\": no key has this name"},
		{"[hosts]\nold.x = 'a'", ":2: hosts.old.x: no key has this name"},
		{"[directory]\nport = '389'", ":2: directory.port: a number without quotes is wanted, not a text"},
		{"[directory]\nport = 0", ":2: directory.port: 0 is no port: 1 to 65535"},
		{"[directory]\nport = 389.5", "not a number with a fraction"},
		{"[directory]\nbase = ['o=x', 3]", `:2: directory.base: a list of texts is wanted (["...", "..."]), not a list`},
		{"[directory]\nbase = ['o=x',\n'siroe']", `:2: directory.base: "siroe": no DN`},
		{"[directory]\nbase = { x = 1 }", "directory.base"},
		{"[directory]\nhost = 'ldap://x'", "no host name: a port has a key of its own"},
		{"[directory]\nhost = 'a b'", "no host name and no address"},
		{"[directory]\nhost = 'a\tb'", "has control characters in it"},
		{"[directory]\nhost = \"a\\u202eb\"", "has control characters in it"},
		{"[directory]\ndefault-domain = 'siroe..com'", "no name of a domain"},
		{"[directory]\nbind-password = 'hush'", ":2: directory.bind-password: passwords are never stored"},
		{"Password = 'hush'", ":1: Password: passwords are never stored"},
		{"[upgrade]\npasswd_file = 'hush'", "passwords are never stored"},
		{"[servers]\nroot = 'server5'", "not a path from the root"},
		{"[servers]\ninstance = 'msg-mail'", "is it mail?"},
		{"[servers]\ninstance = 'a/b'", "no name of an instance"},
		{"[servers]\nowner = 'a:'", "not of the form USER or USER:GROUP"},
		{"[servers]\nlogin-separator = '++'", "not one sign"},
		{"[servers]\nlogin-separator = 'a'", "not one sign"},
		{"[upgrade]\nvanty = true", ":2: upgrade.vanty: upgrade has no such option; is it vanity?"},
		{"[upgrade]\nzzzz = true", ":2: upgrade.zzzz: upgrade has no such option"},
		{"[upgrade]\nvanity.x = true", "upgrade.vanity.x: upgrade has no such option"},
		{"[upgrade]\nvanity = 'true'", "true or false without quotes is wanted, not a text"},
		{"[upgrade]\nlock = true", "a text in quotes is wanted, not true or false"},
		{"[upgrade]\nlock = 1.5", "a text in quotes is wanted, not a number with a fraction"},
		{"[upgrade]\nlock = ['drop']", "takes one value, not a list"},
		{"[upgrade]\ndomain = [1]", "a list of texts is wanted"},
		{"[upgrade]\ndomain = [\"a\\u0000\"]", "has control characters in it"},
		{"[upgrade]\nlock = 'never'", `:2: upgrade.lock: "never": not drop or hold`},
		{"\n[upgrade]\nno-rule = 'x'", ":3: upgrade: --no-rule \"x\""},
		{"[upgrade]\nfilter = '(('", ":2: upgrade: "},
		{"[upgrade]\nappend = true", ":2: upgrade: -P needs -A"},
		{"[upgrade]\nmax-entry = '8X'", `:2: upgrade.max-entry: "8X": not a size`},
		{"[upgrade]\nmax-entry = 0", "a size above 0"},
		{"[upgrade]\ndefault-domain = 'x'", "this is said by directory.default-domain"},
		{"[upgrade]\nfrom = 'sims'", "this is said by scenario"},
		{"[restore]\njobs = 3", "an option of siteconv run, not of the file"},
		{"[restore]\nusers = '-'", ":2: restore.users: standard input has no place"},
		{"[restore]\nbdb = 5", `restore.bdb: "5": not a version that can be written`},
		{"[restore]\nowner = 'a/b'", "not of the form USER or USER:GROUP"},
		{"[restore]\nnew-mailbox = true\nignore-existing = true", ":2: restore: -n and -i exclude each other"},
		{"[relocate]\npartition = 'x'", `partition "x" is not of the form OLD=NEW`},
		{"[relocate]\nvia = 'rsync'", "not hardlink, copy or symlink"},
		{"[export]\npath = 'Maildir'", "export.path"},
		{"scenario = 'sims-offline'\n[export]\nvia = 'hardlink'", "--via hardlink is of a store"},
		{"scenario = 'nms-single'\n[export]\nencoding = 'ISO-8859-1'", "--encoding is of a stream"},
	} {
		s, err := Parse("dir/site.toml", []byte(tt.text))
		if err == nil {
			t.Errorf("%q is taken: %+v", tt.text, s)
			continue
		}
		var faults Faults
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: a password is told: %v", tt.text, err)
		}
	}
}

// All faults are told at once, in the order of the file.
func TestAllFaults(t *testing.T) {
	_, err := Parse("s", []byte("scenario = 'x'\n[hosts]\nnwe = 'a'\n[restore]\nbdb = 1\n[upgrade]\nvanity = 1\nappend = true\n"))
	if err == nil {
		t.Fatal("taken")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"s:1: scenario: ", "s:3: hosts.nwe: ", "s:5: restore.bdb: ", "s:7: upgrade.vanity: ", "s:8: upgrade: "} {
		if len(lines) != 5 || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("%q is not line %d of\n%s", want, i, err)
		}
	}
}

func TestManyFaults(t *testing.T) {
	_, err := Parse("s", []byte(manyKeys(maxFaults*2)))
	if err == nil || strings.Count(err.Error(), "\n") != maxFaults || !strings.HasSuffix(err.Error(), "only the first 100 faults are told") {
		t.Errorf("%.200v", err)
	}
}

// A file that is all keys is refused at once, however large.
func TestManyKeys(t *testing.T) {
	for _, text := range []string{manyKeys(80_000), "a = {" + strings.ReplaceAll(manyKeys(80_000)[1:], "\n", ",") + "}"} {
		if _, err := Parse("s", []byte(text)); err == nil || err.Error() != "s: over 1000 keys: no file of a site" {
			t.Errorf("%.200v", err)
		}
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\nk%d = 1", i)
	}
	return b.String()
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without the file: %v", err)
	}
	path := filepath.Join(dir, FileName)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("scenario = 'nms-single'")
	for _, name := range []string{dir, path} {
		s, err := Load(name)
		if err != nil || s.Scenario != NMSSingle || s.Path != path || s.Dir != dir {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for text, want := range map[string]string{
		"":                                    "an empty file",
		"dn: o=x\n":                           "an LDIF file",
		"\x1f\x8b\x08\x00":                    "a compressed file",
		"scenario = 'nms-\x00single'":         "",
		manyKeys(1001):                        "over 1000 keys",
		"#" + strings.Repeat(" ", maxFile):    "over 1024 KiB",
		"a = " + strings.Repeat("[", 100_000): "nested",
	} {
		write(text)
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) || !cli.IsUsage(err) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestInputPath(t *testing.T) {
	s := &Site{Dir: "/a"}
	for in, want := range map[string]string{"": "", "x": "/a/x", "../x": "/x", "/b": "/b"} {
		if got := s.InputPath(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// addTables adds the tables of the whole file, one by one: a long input takes
// the fuzzer a minute to make smaller, in which it looks for nothing else.
func addTables(f *testing.F, add func(table string)) {
	f.Helper()
	for i, table := range strings.Split(whole, "\n[") {
		if i > 0 {
			table = "[" + table
		}
		if _, err := Parse("p", []byte(table)); err != nil {
			f.Fatalf("%s: %v", table, err)
		}
		add(table)
	}
}

func FuzzParse(f *testing.F) {
	addTables(f, func(table string) { f.Add([]byte(table)) })
	f.Add([]byte("[upgrade]\nvanity = true\n\"a.b\".c = {d = [1, {e='x'}]}\n[[x]]\n"))
	f.Add([]byte("[relocate]\npartition=['a/b=c','d=e/f']\nvia='copy'\n[export]\npath='%d/%n'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("p", data)
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 || err.Error() == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		s.Complete()
		s.Check()     // must not fall
		s.CheckPlan() // over it
	})
}

// TestEmptyTexts: an empty text is as if the key were not there, of any kind of
// key, and one in a list as if it were not in it.
func TestEmptyTexts(t *testing.T) {
	s, err := Parse("site.toml", []byte(`scenario = "sims-offline"
destination = ""
[hosts]
old = ""
[directory]
port = ""
base = ["", "o=internet"]
domains = [""]
[inputs]
ldif = ""
[upgrade]
filter = ""
append = ""
max-entry = ""
add = ["", "mailQuota:-1"]
uid-map = ""
[restore]
map = ""
owner = ""
bdb = ""
reference = [""]
`))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse("site.toml", []byte("scenario = 'sims-offline'\n[directory]\nbase = ['o=internet']\n[upgrade]\nadd = ['mailQuota:-1']\n"))
	if err != nil {
		t.Fatal(err)
	}
	s.lines, want.lines = nil, nil
	if d := cmp.Diff(want, s, cmp.AllowUnexported(Site{})); d != "" {
		t.Error(d)
	}
	if _, err := Parse("site.toml", []byte("scenario = []\n")); err == nil {
		t.Error("a list is taken for a text")
	}
}
