package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/preflight"
	"imsconv/storeconv/testsite/edits"
)

// planted is a site in which one thing is wrong.
type planted struct {
	code string
	args func(t *testing.T, dir string) []string // of a run in an empty folder
	// judge is for what a test cannot make on every machine: the finding of what
	// the system has said.
	judge func(c *conversion)
}

// write writes a file of a site in dir.
func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func simsArgs(more ...string) func(*testing.T, string) []string {
	return func(*testing.T, string) []string {
		return append([]string{"--scenario", "sims-offline", "--site", sample + "/sims"}, more...)
	}
}

// edited is the sample with the export changed.
func edited(old, replacement string, more ...string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		text := strings.ReplaceAll(readFile(t, sample+"/sims/export.ldif"), old, replacement)
		path := write(t, dir, "export.ldif", []byte(text))
		return append([]string{"--scenario", "sims-offline", "--ldif", path, "--stream", sample + "/sims/backup.sims"}, more...)
	}
}

// described is the sample with a site.toml.
func described(text string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		inputs, err := filepath.Abs(sample + "/sims")
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "ids", []byte("wallyc wally1\n"))
		write(t, dir, "site.toml", []byte("scenario = 'sims-offline'\n[inputs]\nldif = '"+inputs+"/export.ldif'\nstream = '"+inputs+"/backup.sims'\n"+text))
		return []string{"--site", dir}
	}
}

var plants = []planted{
	{code: "input-missing", args: simsArgs("--ldif", "nowhere.ldif")},
	{code: "input-unreadable", judge: func(c *conversion) {
		c.pre.FailInput(c.export().Path, &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES})
	}},
	{code: "wrong-kind", args: simsArgs("--stream", sample+"/sims/export.ldif")},
	{code: "wrong-product", args: simsArgs("--ldif", sample+"/nms/export.ldif", "--default-domain", "siroe.com")},
	{code: "base-missing", args: simsArgs("--base", "o=nix")},
	{code: "filter-empty", args: described("[upgrade]\nfilter = '(uid=nobody)'\n")},
	{code: "domains-tie", args: func(t *testing.T, dir string) []string {
		text := "dn: dc=DOM,dc=com\nobjectclass: domain\n\ndn: uid=ofanning,dc=DOM,dc=com\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: ofanning\n\n"
		path := write(t, dir, "export.ldif", []byte(strings.ReplaceAll(text, "DOM", "x")+strings.ReplaceAll(text, "DOM", "y")))
		return []string{"--scenario", "sims-offline", "--ldif", path, "--stream", sample + "/sims/backup.sims"}
	}},
	{code: "qualified-ids", args: func(t *testing.T, dir string) []string {
		return simsArgs("--stream", streamWith(t, dir, "ofanning@siroe.com"))(t, dir)
	}},
	{code: "domain-not-said", args: func(*testing.T, string) []string {
		return []string{"--scenario", "sims-incremental", "--ldif", sample + "/sims/export.ldif", "--old-host", "a.b", "--new-host", "c.d"}
	}},
	{code: "out-nested", args: simsArgs("--out", sample+"/sims/out")},
	{code: "out-taken", args: func(t *testing.T, dir string) []string {
		write(t, dir, "letter", nil)
		return simsArgs("--out", dir)(t, dir)
	}},
	{code: "out-other", args: func(t *testing.T, dir string) []string {
		convert(t, 0, "--scenario", "sims-offline", "--site", sample+"/sims", "--out", dir+"/out", "--only", "schema")
		return simsArgs("--out", dir+"/out", "--bdb", "9")(t, dir)
	}},
	{code: "out-unwritable", judge: func(c *conversion) { c.judgeAccess("/", syscall.EROFS) }},
	{code: "owner-denied", judge: func(c *conversion) { c.judgeOwner(errors.New("only root may give files to user 7")) }},
	{code: "no-space", judge: func(c *conversion) { c.judgeRoom(room{parent: "/", bytes: 1000, nodes: -1}, false) }},
	{code: "little-space", judge: func(c *conversion) {
		bytes, _ := c.needs(false)
		c.judgeRoom(room{parent: "/", bytes: bytes + 1, nodes: -1}, false)
	}},
	{code: "no-inodes", judge: func(c *conversion) {
		c.mail.Folders = 10
		c.judgeRoom(room{parent: "/", bytes: 1 << 60, nodes: 3}, false)
	}},
	{code: "no-hardlinks", args: func(t *testing.T, dir string) []string {
		for _, place := range []string{"/dev/shm", "/run", "/"} {
			if _, err := os.Stat(place); err == nil && !sameDevice(place, sample) {
				return []string{"--scenario", "nms-single", "--site", sample + "/nms", "--out", place + "/siteconv-test-none", "--via", "hardlink"}
			}
		}
		t.Fatal("all of this machine is one file system")
		return nil
	}},
	{code: "shared-files", args: func(t *testing.T, dir string) []string {
		return []string{"--scenario", "nms-single", "--site", nmsSite(t), "--out", dir + "/out"}
	}},
	{code: "source-stays", args: func(t *testing.T, dir string) []string {
		return []string{"--scenario", "nms-single", "--site", nmsSite(t), "--out", dir + "/out", "--via", "symlink"}
	}},
	{code: "default-domain", args: simsArgs("--default-domain", "nix.com")},
	{code: "on-another-host", args: edited("uid: keiko_s\n", "uid: keiko_s\nmailhost: third.siroe.com\n", "--scenario", "sims-online", "--old-host", "oldmail.siroe.com", "--new-host", "n.siroe.com")},
	{code: "third-host-mail", args: edited("uid: keiko_s\n", "uid: keiko_s\nmailhost: third.siroe.com\n", "--scenario", "sims-online", "--old-host", "oldmail.siroe.com", "--new-host", "n.siroe.com")},
	{code: "same-place", args: func(t *testing.T, dir string) []string {
		return simsArgs("--destination", "maildir", "--stream", streamWith(t, dir, "ofanning@siroe.com"))(t, dir)
	}},
	{code: "same-user", args: func(t *testing.T, dir string) []string {
		args := described("[restore]\nmap = 'one'\n")(t, dir)
		write(t, dir, "one", []byte("wallyc keiko_s\n"))
		return args
	}},
	{code: "user-missing", args: func(t *testing.T, dir string) []string {
		args := described("[restore]\nusers = 'some'\n")(t, dir)
		write(t, dir, "some", []byte("wallyc\nnobody\n"))
		return args
	}},
	{code: "partition-map", args: func(t *testing.T, dir string) []string {
		write(t, dir, "site.toml", []byte("[relocate]\npartition = 'nosuch=x'\n"))
		return []string{"--scenario", "nms-single", "--site", dir, "--ldif", sample + "/nms/export.ldif", "--nms-store", nmsSite(t) + "/store"}
	}},
	{code: "old-host-unknown", args: simsArgs("--scenario", "sims-online", "--old-host", "old.siroe.com", "--new-host", "n.siroe.com")},
	{code: "hosts-not-said", args: edited("uid: keiko_s\n", "uid: keiko_s\nmailhost: third.siroe.com\n", "--scenario", "sims-online", "--new-host", "n.siroe.com")},
	{code: "host-stays", args: simsArgs("--old-host", "oldmail.siroe.com", "--new-host", "n.siroe.com")},
	{code: "host-short", args: simsArgs("--scenario", "sims-online", "--old-host", "oldmail.siroe.com", "--new-host", "newmail")},
	{code: "empty-mail", args: func(t *testing.T, dir string) []string {
		for _, name := range []string{"mboxlist", "partition/primary"} {
			if err := os.MkdirAll(filepath.Join(dir, "store", name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		return []string{"--scenario", "nms-single", "--ldif", sample + "/nms/export.ldif", "--nms-store", dir + "/store"}
	}},
	{code: "uid-map-alone", args: described("[upgrade]\nuid-map = 'ids'\n")},
	{code: "forbidden-names", args: func(t *testing.T, dir string) []string {
		data := strings.ReplaceAll(readFile(t, sample+"/sims/backup.sims"), "hiro-t/", "hi*o-t/")
		return simsArgs("--stream", write(t, dir, "backup.sims", edits.MendTar([]byte(data))))(t, dir)
	}},
	{code: "damaged-mail", args: func(t *testing.T, dir string) []string {
		data := readFile(t, sample+"/sims/backup.sims")
		return simsArgs("--stream", write(t, dir, "cut.sims", []byte(data[:len(data)-30000])))(t, dir)
	}},
	{code: "no-end-marker", args: func(t *testing.T, dir string) []string {
		data := strings.TrimRight(readFile(t, sample+"/sims/backup.sims"), "\x00")
		data += strings.Repeat("\x00", (512-len(data)%512)%512)
		return simsArgs("--stream", write(t, dir, "open.sims", []byte(data)))(t, dir)
	}},
	{code: "mail-no-entry", args: edited("uid: keiko_s\n", "uid: keiko\n")},
	{code: "new-id-no-entry", args: described("[restore]\nmap = 'ids'\n")},
	{code: "entry-no-mail", args: edited("uid: keiko_s\n", "uid: keiko\n")},
	{code: "foreign-stream", judge: func(c *conversion) {
		c.batch = &batch{users: []string{"joe"}}
		c.judgeBatch()
	}},
	{code: "new-id-ahead", judge: func(c *conversion) {
		c.batch, c.ahead = &batch{set: batches.Set{}}, map[string]string{"joe": "jim"}
		c.batch.set.Add("joe")
		c.site = &site.Site{Path: "site.toml"}
		c.lookAtNewIDs()
	}},
	{code: "new-id-no-mail", args: described("[upgrade]\nuid-map = 'ids'\n")},
	{code: "quota-zero", args: edited("uid: keiko_s\n", "uid: keiko_s\nmailquota: 1000\n")},
	{code: "domain-base", args: edited("dn: dc=siroe,dc=com,o=internet\n", "dn: dc=siroe,dc=com,o=internet\ninetdomainbasedn: nowhere\n")},
	{code: "daaci", args: edited("dn: dc=siroe,dc=com,o=internet\n", "dn: dc=siroe,dc=com,o=internet\naci: nonsense\n")},
	{code: "unreadable-mail", judge: func(c *conversion) {
		c.inputs[1].Unreadable, c.inputs[1].Closed = 1, []string{"partition/primary/=user/02/50/=anna"}
		c.judgeMail(&c.inputs[1])
	}},
	{code: "case-differs", args: edited("uid: keiko_s\n", "uid: Keiko_S\n")},
	{code: "check-errors", args: edited("mail: keiko_s@siroe.com\n", "mail: wallyc@siroe.com\n")},
	{code: "upgrade-problems", args: edited("uid: keiko_s\n", "uid: keiko_s\nmaildeliveryoption: nonsense\n")},
	{code: "entries-lost", args: edited("givenname: Keiko\n", "givenname Keiko\n")},
}

// TestPreflightFindsWhatIsPlanted: each finding is found where it is planted,
// says where and what, and what to do about it.
func TestPreflightFindsWhatIsPlanted(t *testing.T) {
	met := map[string]bool{}
	for _, p := range plants {
		met[p.code] = true
		t.Run(p.code, func(t *testing.T) {
			found := findings(t, &p)
			i := slices.IndexFunc(found, func(f preflight.Told) bool { return f.Code == p.code })
			if i < 0 {
				t.Fatalf("not found: %+v", found)
			}
			f := found[i]
			severity := map[bool]string{true: "error", false: "warning"}[preflight.Kinds[p.code].Stops]
			if f.Where == "" || f.Text == "" || len(f.Advice) < 20 || f.Severity != severity || strings.Contains(f.Text, "%!") {
				t.Errorf("%+v", f)
			}
		})
	}
	for _, code := range slices.Sorted(maps.Keys(preflight.Kinds)) {
		if !met[code] {
			t.Errorf("%s is planted nowhere", code)
		}
	}
}

// findings are those of a preflight of what was planted.
func findings(t *testing.T, p *planted) []preflight.Told {
	t.Helper()
	if p.judge != nil {
		c := &conversion{out: "out", mail: inputs.NewMail(), inputs: []inputs.Input{{Path: "x", Plain: 1 << 20}, {Path: "y"}}}
		p.judge(c)
		errs, warnings := c.pre.Told()
		return append(errs, warnings...)
	}
	args := append([]string{"run", "--preflight", "--json"}, p.args(t, t.TempDir())...)
	code, stdout, stderr := siteconv(t, args...)
	if want := map[bool]int{true: 1, false: 0}[preflight.Kinds[p.code].Stops]; code != want {
		t.Errorf("exit %d, want %d: %s%s", code, want, stdout, stderr)
	}
	var list struct{ Findings []preflight.Told }
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	return list.Findings
}

// TestPreflightTellsOfACutFile: what is damaged is not taken for an input of
// another kind.
func TestPreflightTellsOfACutFile(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, readFile(t, sample+"/sims/export.ldif"))
	w.Close()
	found := findings(t, &planted{code: "wrong-kind", args: simsArgs("--ldif", write(t, dir, "cut.ldif.gz", packed.Bytes()[:packed.Len()/2]))})
	if len(found) != 1 || !strings.Contains(found[0].Text, "cut") || strings.Contains(found[0].Advice, "swapped") {
		t.Errorf("%+v", found)
	}
}

// TestPreflightNamesUsersOnce: a list of users does not say its sentence for
// each, and little mail is not none.
func TestPreflightNamesUsersOnce(t *testing.T) {
	args := append([]string{"run", "--preflight"}, edited("uid: keiko_s\n", "uid: keiko\n")(t, t.TempDir())...)
	_, stdout, stderr := siteconv(t, args...)
	if text := stdout + stderr; strings.Contains(text, " 0 MB") || strings.Count(text, "an entry and no mail") != 1 || !strings.Contains(text, `no mail: "keiko"`) {
		t.Error(text)
	}
}

// TestMailOfAThirdHostStays: mail that does not go over is not said to.
func TestMailOfAThirdHostStays(t *testing.T) {
	for name, more := range map[string][]string{
		"it goes over": {"--scenario", "sims-online"},
		"batches":      {"--scenario", "sims-incremental"},
		"other users":  {"--scenario", "sims-online", "--site"},
	} {
		found := findings(t, &planted{code: "third-host-mail", args: func(t *testing.T, dir string) []string {
			args := edited("uid: keiko_s\n", "uid: keiko_s\nmailhost: third.siroe.com\n", "--old-host", "oldmail.siroe.com", "--new-host", "n.siroe.com")(t, dir)
			if more[len(more)-1] == "--site" {
				write(t, dir, "site.toml", []byte("[restore]\nusers = 'users'\n"))
				write(t, dir, "users", []byte("wallyc\n"))
				more = append(more, dir)
			}
			return append(args, more...)
		}})
		told := slices.ContainsFunc(found, func(f preflight.Told) bool { return f.Code == "third-host-mail" })
		if told != (name == "it goes over") {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestAdviceOfQualifiedIDs: what becomes of the mail of uid and of uid@DOMAIN
// is said as it is for what is made.
func TestAdviceOfQualifiedIDs(t *testing.T) {
	for destination, want := range map[string]string{"ims": "put together under the uid", "maildir": "the mail of the other is left out: map in [export]"} {
		found := findings(t, &planted{code: "qualified-ids", args: func(t *testing.T, dir string) []string {
			return simsArgs("--destination", destination, "--stream", streamWith(t, dir, "ofanning@siroe.com"))(t, dir)
		}})
		i := slices.IndexFunc(found, func(f preflight.Told) bool { return f.Code == "qualified-ids" })
		if i < 0 || !strings.Contains(found[i].Advice, want) {
			t.Errorf("%s: %+v", destination, found)
		}
		if place := slices.ContainsFunc(found, func(f preflight.Told) bool { return f.Code == "same-place" }); place != (destination == "maildir") {
			t.Errorf("%s: a place that two get: %v", destination, place)
		}
	}
}
