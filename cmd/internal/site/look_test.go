package site

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"imsconv/cmd/internal/cli"
)

// userEntry is a mail user of SIMS.
func userEntry(uid, dn, host string) string {
	return fmt.Sprintf("dn: uid=%s,ou=People,%s\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: %s\nmail: %s@x.com\nmailhost: %s\n\n", uid, dn, uid, uid, host)
}

const (
	top   = "dn: o=internet\nobjectclass: organization\no: internet\n\n"
	aCom  = "dc=a,dc=com,o=internet"
	bCom  = "dc=b,dc=com,o=internet"
	nmsOf = "dn: o=siroe.com\nobjectclass: organization\no: siroe.com\n\ndn: uid=%s,o=siroe.com\nobjectclass: mailRecipient\nobjectclass: nsMessagingServerUser\nuid: %[1]s\nmail: joe@siroe.com\n\n"
)

// archive is a tar archive of one message for each name.
func archive(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	const body = "Subject: a\n\nb\n"
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// lay makes the files of a folder.
func lay(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		folder := strings.HasSuffix(name, "/")
		if folder {
			path += "/x"
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if folder {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// seen looks at a folder.
func seen(t *testing.T, dir, scenario string) (s *Site, ev *Evidence, err error) {
	t.Helper()
	inJob(t, func(job *cli.Job) { s, ev, err = Look(t.Context(), job, dir, scenario) })
	return s, ev, err
}

const oneMail = "From joe Mon Jan  1 00:00:00 2001\nSubject: a\n\nb\n"

func TestLook(t *testing.T) {
	sims := top + userEntry("joe", aCom, "m1.x.com") + userEntry("ann", bCom, "m1.x.com")
	store := map[string]string{"partition/primary/=user/04/73/=joe/00/1.msg": "Subject: a\n\nb\n"}
	in := func(dir string, files map[string]string) map[string]string {
		below := map[string]string{}
		for name, text := range files {
			below[dir+"/"+name] = text
		}
		return below
	}
	and := func(list ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, files := range list {
			for name, text := range files {
				all[name] = text
			}
		}
		return all
	}
	one := func(name, text string) map[string]string { return map[string]string{name: text} }
	joe := archive(t, "joe/INBOX/1")
	for _, tt := range []struct {
		name     string
		files    map[string]string
		scenario string
		want     map[string]string // values by key
		warnings string            // their kinds
		passed   string            // what is said of those that are not used
	}{
		{"usual names", and(one("export.ldif", sims), one("backup.sims", joe)), "", map[string]string{
			"scenario": SIMSOffline, "inputs.ldif": "export.ldif", "inputs.stream": "backup.sims", "inputs.nms-store": "", "hosts.old": "m1.x.com",
			"directory.default-domain": "a.com", "directory.default-organization": "uid=joe,ou=People," + aCom,
		}, "", ""},
		{"odd names, packed, below", and(one("d/x y.txt", zipped(t, sims)), one("mail/tape", zipped(t, joe))), "", map[string]string{
			"inputs.ldif": "d/x y.txt", "inputs.stream": "mail/tape", "directory.default-domain": "a.com",
		}, "", ""},
		{"nms", and(one("netscape.ldif", fmt.Sprintf(nmsOf, "joe")), in("msg-mail/store", store)), "", map[string]string{
			"scenario": NMSSingle, "inputs.nms-store": "msg-mail/store", "inputs.stream": "", "servers.old-instance": "mail", "servers.old-root": "",
			"directory.default-domain": "siroe.com", "directory.default-organization": "o=siroe.com",
		}, "", ""},
		{"a store out of place", and(one("x.ldif", fmt.Sprintf(nmsOf, "joe")), one("s/partition/p/=user/00/01/=joe/00/1.msg", "a: b\n\n")), "", map[string]string{
			"inputs.nms-store": "s", "directory.default-domain": "siroe.com",
		}, "misplaced", ""},
		{"compound uids", and(one("x.ldif", fmt.Sprintf(nmsOf, "joe@other.org")), in("s", store)), "", map[string]string{"directory.default-domain": ""}, "default-domain", ""},
		{"two exports", and(one("a.ldif", sims), one("b.ldif", sims), one("s", joe)), "", map[string]string{"scenario": SIMSOffline, "inputs.ldif": "", "inputs.stream": "s"}, "several", "a directory export of SIMS"},
		{"two exports, one of the usual name", and(one("a.ldif", sims), one("export.ldif", sims), one("s", joe)), "", map[string]string{"inputs.ldif": "export.ldif"}, "several", "a directory export of SIMS"},
		{"exports of two products", and(one("a.ldif", sims), one("b.ldif", fmt.Sprintf(nmsOf, "joe"))), "", map[string]string{"scenario": "", "inputs.ldif": ""}, "several", "a directory export of NMS"},
		{"a mixed export", one("a.ldif", sims+fmt.Sprintf(nmsOf, "joe")), "", map[string]string{"scenario": "", "inputs.ldif": "a.ldif"}, "mixed-products default-domain", ""},
		{"not of mail", and(one("export.ldif", sims), one("root.ldif", "dn: o=NetscapeRoot\nobjectclass: organization\no: NetscapeRoot\n\n"), one("s", joe)), "", map[string]string{"inputs.ldif": "export.ldif"}, "", "a directory export without users, groups or domains of mail"},
		{"change records", and(one("export.ldif", sims), one("undo.ldif", "dn: o=x\nchangetype: delete\n\n"), one("s", joe)), "", map[string]string{"inputs.ldif": "export.ldif"}, "", "change records, no directory export"},
		{"upgraded already", and(one("a.ldif", sims), one("b.ldif", strings.ReplaceAll(sims, "inetMailRouting", "inetLocalMailRecipient")), one("s", joe)), "", map[string]string{"inputs.ldif": "a.ldif"}, "", "a directory export of iMS, upgraded already"},
		{"upgraded only", one("b.ldif", strings.ReplaceAll(sims, "inetMailRouting", "inetLocalMailRecipient")), "", map[string]string{"inputs.ldif": "b.ldif", "scenario": ""}, "upgraded default-domain", ""},
		{"no product", one("b.ldif", strings.ReplaceAll(sims, "inetMailRouting", "inetOrgPerson")), "", map[string]string{"scenario": ""}, "no-product default-domain", ""},
		{"swapped", and(one("a.ldif", sims), in("store", store)), "", map[string]string{"scenario": SIMSOffline, "inputs.nms-store": "", "inputs.stream": ""}, "no-input other-product default-domain", "a store of NMS"},
		{"another scenario than the product's", and(one("a.ldif", sims), one("s", joe)), NMSSingle, map[string]string{"scenario": NMSSingle, "inputs.stream": ""}, "other-product no-input other-product default-domain", "a tar archive"},
		{"the scenario that was asked for", and(one("a.ldif", sims), one("s", joe)), SIMSIncremental, map[string]string{"scenario": SIMSIncremental}, "", ""},
		{"two streams", and(one("a.ldif", sims), one("full", joe), one("monday", archive(t, "joe/INBOX/2"))), "", map[string]string{"inputs.stream": ""}, "several default-domain", "a tar archive"},
		{"mailbox files", and(one("a.ldif", sims), one("var/mail/joe", oneMail), one("var/mail/sue", oneMail)), "", map[string]string{"inputs.stream": "var"}, "default-domain", ""},
		{"one mailbox file", and(one("a.ldif", sims), one("joe.mbox", oneMail)), "", map[string]string{"inputs.stream": "joe.mbox", "directory.default-domain": "a.com"}, "", ""},
		{"mailbox files beside the export", and(one("a.ldif", sims), one("joe", oneMail), one("ann", oneMail)), "", map[string]string{"inputs.stream": ""}, "users-mail no-input default-domain", "a mailbox file"},
		{"Maildirs", and(one("a.ldif", sims), one("m/joe/Maildir/cur/1.a:2,S", "a: b\n\n"), one("m/sue/Maildir/new/", "")), "", map[string]string{"inputs.stream": "m"}, "", ""},
		{"Maildirs beside the export", and(one("a.ldif", sims), one("joe/cur/1.a:2,S", "a: b\n\n"), one("sue/Maildir/new/", "")), "", map[string]string{"inputs.stream": ""}, "users-mail no-input default-domain", "a folder of Maildirs"},
		{"an archive of something else", and(one("a.ldif", sims), one("src.tar", archive(t, "src/main.c"))), "", map[string]string{"inputs.stream": ""}, "no-stream no-input default-domain", "no backup stream"},
		{"an archive of a store", and(one("a.ldif", sims), one("nms.tar", archive(t, "store/partition/primary/=user/04/73/=joe/00/1.msg", "store/partition/primary/=user/1"))), "", map[string]string{"inputs.stream": ""}, "no-stream no-input default-domain", "which has to be unpacked first"},
		{"compressed in another way", and(one("a.ldif.bz2", "BZh91AY&SY\x00\x00"), one("s", joe)), "", map[string]string{"inputs.ldif": "", "scenario": SIMSOffline}, "unreadable no-input", "is compressed with bzip2: unpack it, if it is an input"},
		{"cut off", and(one("a.ldif", sims), one("b.gz", zipped(t, sims)[:30]), one("s", joe)), "", map[string]string{"inputs.ldif": "a.ldif"}, "unreadable", "the file has been cut"},
		{"output of a run", and(one("a.ldif", sims), one("s", joe), one("out/.siteconv.json", "{}"), one("out/ldif/upgraded.ldif", sims)), "", map[string]string{"inputs.ldif": "a.ldif"}, "", "the output of siteconv run"},
		{"a store of iMS", and(one("a.ldif", sims), one("s", joe), in("new", store), one("new/mboxlist/folder.db", "")), "", map[string]string{"inputs.nms-store": ""}, "", "a store of iMS: it is what a conversion makes"},
		{"other files", and(one("a.ldif", sims), one("s", joe), one("README", "hello\n"), one("empty", ""), one(".hidden", sims), one("a/b/c/d/e.ldif", sims), one("site.toml", "scenario='x'")), "", map[string]string{"inputs.ldif": "a.ldif"}, "", "a text file; a folder: not looked into; an empty file"},
		{"names that the file cannot hold", and(one("a.ldif", sims), one("s", joe), one("b\n.ldif", sims), one("caf\xe9.ldif", sims)), "", map[string]string{"inputs.ldif": "a.ldif"}, "name name", "rename it, or make a link"},
		{"two hosts", and(one("a.ldif", sims+userEntry("sue", aCom, "m2.x.com")), one("s", joe)), "", map[string]string{"hosts.old": "m1.x.com"}, "several-hosts", ""},
		{"as many users on two hosts", and(one("a.ldif", top+userEntry("joe", aCom, "m1.x.com")+userEntry("sue", aCom, "m2.x.com")), one("s", joe)), "", map[string]string{"hosts.old": ""}, "several-hosts", ""},
		{"no host", and(one("a.ldif", strings.ReplaceAll(sims, "m1.x.com", "a b")), one("s", joe)), "", map[string]string{"hosts.old": ""}, "", ""},
		{"two domains fit", and(one("a.ldif", top+userEntry("joe", aCom, "m")+userEntry("joe", bCom, "m")), one("s", joe)), "", map[string]string{"directory.default-domain": ""}, "default-domain", ""},
		{"an id with the domain beside bare ones", and(one("a.ldif", sims+userEntry("sue", aCom, "m1.x.com")), one("s", archive(t, "joe/INBOX/1", "sue/INBOX/1", "joe@a.com/INBOX/1"))), "", map[string]string{"directory.default-domain": "a.com"}, "qualified-ids", ""},
		{"one domain, no mail", one("a.ldif", top+userEntry("joe", aCom, "m")), "", map[string]string{"directory.default-domain": "a.com"}, "no-input", ""},
		{"a store only", in("store", store), "", map[string]string{"scenario": NMSSingle, "inputs.nms-store": "store"}, "no-input", ""},
		{"nothing", nil, "", map[string]string{"scenario": ""}, "no-input", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			lay(t, dir, tt.files)
			before := listing(t, dir)
			s, ev, err := seen(t, dir, tt.scenario)
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range tt.want {
				if got := *s.field(key).(*string); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			var kinds []string
			for _, w := range ev.Warnings {
				kinds = append(kinds, w.Kind)
			}
			if got := strings.Join(kinds, " "); got != tt.warnings {
				t.Errorf("warnings %s, want %q: %v", got, tt.warnings, ev.Warnings)
			}
			for want := range strings.SplitSeq(tt.passed, "; ") {
				if want != "" && !slices.ContainsFunc(ev.Found, func(f Finding) bool { return !f.Used && strings.Contains(f.What, want) }) {
					t.Errorf("%q is not said: %+v", want, ev.Found)
				}
			}
			if got := listing(t, dir); got != before {
				t.Errorf("the folder has changed: %s, was %s", got, before)
			}
			parse(t, written(t, s, ev))
		})
	}
}

// Of several bases the first is the one that a server of iMS gets: that of the
// default organization, wherever it stands in the export.
func TestLookPutsTheLeadingBaseFirst(t *testing.T) {
	campus := "dn: o=campus\nobjectclass: organization\no: campus\n\n" + userEntry("eve", "o=campus", "m1.x.com")
	sims := top + userEntry("joe", aCom, "m1.x.com")
	for _, text := range []string{campus + sims, sims + campus} {
		dir := t.TempDir()
		lay(t, dir, map[string]string{"export.ldif": text, "backup.sims": archive(t, "joe/INBOX/1")})
		s, ev, err := seen(t, dir, "")
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"o=internet", "o=campus"}; !slices.Equal(s.Directory.Base, want) {
			t.Errorf("bases %q, want %q: %s", s.Directory.Base, want, ev.How["directory.base"])
		}
	}
}

// listing is what a folder holds: a look changes nothing.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		fmt.Fprintf(&b, "%q %d %s\n", path, info.Size(), info.ModTime())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A partition that lies on another disk is counted with its store, whether it
// is a link or the folder of its users is.
func TestLookAtLinkedPartitions(t *testing.T) {
	for _, link := range []string{"partition/p", "partition/p/=user"} {
		dir, away := t.TempDir(), filepath.Join(t.TempDir(), "disk2")
		lay(t, dir, map[string]string{"2001.ldif": fmt.Sprintf(nmsOf, "joe"), "store/partition/p/=user/04/73/=joe/00/1.msg": "a: b\n\n"})
		at := filepath.Join(dir, "store", link)
		if err := errors.Join(os.Rename(at, away), os.Symlink(away, at)); err != nil {
			t.Fatal(err)
		}
		_, ev, err := seen(t, dir, "")
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(ev.Found, func(f Finding) bool { return strings.Contains(f.Text, "1 message, ") })
		if !found {
			t.Errorf("%s: %+v", link, ev.Found)
		}
	}
}

// Links lead to inputs, but not in circles, and one file is one input.
func TestLookThroughLinks(t *testing.T) {
	elsewhere, dir := t.TempDir(), t.TempDir()
	lay(t, elsewhere, map[string]string{"2001.ldif": fmt.Sprintf(nmsOf, "joe"), "suite/msg-mail/store/partition/p/=user/04/73/=joe/00/1.msg": "a: b\n\n"})
	for name, to := range map[string]string{
		"dir.ldif": elsewhere + "/2001.ldif", "export.ldif": "dir.ldif", "loop": ".", "mail": elsewhere + "/suite/msg-mail/store",
		"again": "mail", "broken": "nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, ev, err := seen(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Inputs{LDIF: "export.ldif", Store: "again"}
	if s.Inputs != want || len(ev.Warnings) != 1 || ev.Warnings[0].Where != "broken" {
		t.Errorf("%+v, %+v", s.Inputs, ev.Warnings)
	}
	if s.Servers.OldRoot != realPath(elsewhere)+"/suite" || s.Servers.OldInstance != "mail" {
		t.Errorf("%+v", s.Servers)
	}
}

// An export may lack the entries above its users, and have thousands of
// domains.
func TestLookAtManyTops(t *testing.T) {
	var b strings.Builder
	for i := range maxDomains + 1 {
		b.WriteString(userEntry(fmt.Sprintf("u%d", i), fmt.Sprintf("DC=d%d, dc=com, o=Internet", i), "m"))
	}
	dir := t.TempDir()
	lay(t, dir, map[string]string{"a.ldif": b.String()})
	s, ev, err := seen(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Directory.Base, []string{"dc=com,o=internet"}) || s.Directory.Domains != nil {
		t.Errorf("%q, %d domains, %+v", s.Directory.Base, len(s.Directory.Domains), ev.Warnings)
	}
	parse(t, written(t, s, ev))

	lay(t, dir, map[string]string{"a.ldif": b.String() + userEntry("x", "o=other", "m")})
	s, ev, err = seen(t, dir, "")
	if err != nil || s.Directory.Base != nil || !slices.ContainsFunc(ev.Warnings, func(w Doubt) bool { return w.Kind == "many-tops" }) {
		t.Errorf("%q, %+v, %v", s.Directory.Base, ev.Warnings, err)
	}
}

// Nothing is written into an input.
func TestInputsAreRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a store":       {"partition/p/=user/04/73/=joe/00/1.msg": "a: b\n\n"},
		"a Maildir":     {"cur/1": "a: b\n\n", "new/": ""},
		"mailbox files": {"joe": oneMail, "ann": oneMail, "README": "x\n"},
		"Maildirs":      {"joe/Maildir/cur/1": "a: b\n\n", "ann/cur/1": "a: b\n\n"},
	} {
		dir := t.TempDir()
		lay(t, dir, files)
		if _, _, err := seen(t, dir, ""); err == nil || !strings.Contains(err.Error(), "nothing is written into an input") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
