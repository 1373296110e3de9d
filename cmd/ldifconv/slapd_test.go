package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/ldifconv/testdir"
	"imsconv/storeconv/testsite"
)

// directory is a real OpenLDAP server on a socket in its own folder.
type directory struct {
	t                  *testing.T
	dir, suffix, uri   string
	slapd, cat, modify string
	server             *exec.Cmd
}

const (
	rootDN = "cn=root"
	rootPW = "secret"
)

// newDirectory loads an export into a fresh database.
func newDirectory(t *testing.T, suffix, export string) *directory {
	t.Helper()
	d := &directory{
		t: t, suffix: suffix, dir: shortTempDir(t),
		slapd: peer.Need(t, "slapd"), cat: peer.Need(t, "slapcat"), modify: peer.Need(t, "ldapmodify"),
	}
	add := peer.Need(t, "slapadd")
	d.uri = "ldapi://" + url.PathEscape(filepath.Join(d.dir, "s"))
	var definitions bytes.Buffer
	if err := schema.WriteOpenLDAP(&definitions, schema.OpenLDAPOptions{Standalone: true}); err != nil {
		t.Fatal(err)
	}
	d.write("merged.schema", definitions.String())
	d.write("slapd.conf", fmt.Sprintf(`include %[1]s/merged.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix %[2]q
rootdn "%[3]s,%[2]s"
rootpw %[4]s
directory %[1]s/db
maxsize 1073741824
dbnosync
`, d.dir, suffix, rootDN, rootPW))
	if err := os.Mkdir(filepath.Join(d.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.run(add, "-q", "-f", d.conf(), "-l", export)
	return d
}

// shortTempDir is a temporary folder whose name leaves room for a socket's (108
// bytes in all).
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slapd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (d *directory) conf() string { return filepath.Join(d.dir, "slapd.conf") }

func (d *directory) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *directory) run(name string, args ...string) []byte {
	d.t.Helper()
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, tail(errs.Bytes()), tail(out.Bytes()))
	}
	return out.Bytes()
}

// tail is the end of a long text.
func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// start runs the server until stop, or the end of the test.
func (d *directory) start() {
	d.t.Helper()
	os.Remove(filepath.Join(d.dir, "s")) // left by a server before
	d.server = exec.Command(d.slapd, "-d", "0", "-h", d.uri, "-f", d.conf())
	var errs bytes.Buffer
	d.server.Stderr = &errs
	if err := d.server.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(d.stop)
	for range 400 {
		if c, err := net.Dial("unix", filepath.Join(d.dir, "s")); err == nil {
			c.Close()
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	d.stop()
	d.t.Fatalf("slapd opens no socket\n%s", tail(errs.Bytes()))
}

func (d *directory) stop() {
	if d.server == nil {
		return
	}
	d.server.Process.Signal(os.Interrupt)
	d.server.Wait()
	d.server = nil
}

// apply gives change records to the real ldapmodify.
func (d *directory) apply(changes []byte) {
	d.t.Helper()
	d.start()
	d.write("changes.ldif", string(changes))
	d.run(d.modify, "-x", "-H", d.uri, "-D", rootDN+","+d.suffix, "-w", rootPW, "-f", filepath.Join(d.dir, "changes.ldif"))
	d.stop()
}

func (d *directory) dump() map[string][]string {
	d.t.Helper()
	return content(d.t, bytes.NewReader(d.run(d.cat, "-f", d.conf(), "-o", "ldif-wrap=no")))
}

// content reads entries as a directory sees them: by DN, sets of attribute
// values without regard to the spelling of names, and without what a server
// maintains itself.
func content(t *testing.T, r io.Reader) map[string][]string {
	t.Helper()
	entries := map[string][]string{}
	in := ldif.NewReader(r, ldif.Options{})
	for {
		rec, err := in.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		entries[normalDN(t, rec.DN)] = values(t, &rec.Entry)
	}
}

func normalDN(t *testing.T, dn []byte) string {
	t.Helper()
	norm, err := ldif.AppendNormDN(nil, dn)
	if err != nil {
		t.Fatalf("%q: %v", dn, err)
	}
	return string(norm)
}

var serverOwn = map[string]bool{"structuralobjectclass": true, "entryuuid": true, "entrycsn": true, "contextcsn": true, "entrydn": true, "dsentrydn": true, "passwordgraceusertime": true, "subschemasubentry": true, "hassubordinates": true}

func values(t *testing.T, e *ldif.Entry) []string {
	t.Helper()
	var list []string
	for i := range e.Attrs {
		a := &e.Attrs[i]
		name, options, _ := strings.Cut(strings.ToLower(string(a.Desc)), ";")
		id, known := schema.LookupString(name)
		if known && schema.Operational(id) || serverOwn[name] {
			continue
		}
		if known {
			name = schema.Name(id)
		}
		for _, v := range a.Values {
			value := string(v.Data)
			switch {
			case id == schema.ObjectClass:
				value = strings.ToLower(value)
			case known && schema.SyntaxOf(id) == schema.DN && id != schema.MailEnhancedUniqueMember:
				value = normalDN(t, v.Data)
			}
			list = append(list, name+";"+options+": "+value)
		}
	}
	sort.Strings(list)
	return list
}

// same fails the test with the first differences of two directories.
func same(t *testing.T, what string, got, want map[string][]string) {
	t.Helper()
	shown := 0
	for dn, w := range want {
		g, ok := got[dn]
		if ok && strings.Join(g, "\n") == strings.Join(w, "\n") {
			continue
		}
		if shown++; shown <= 3 {
			t.Errorf("%s: %s:\n got %s\nwant %s", what, dn, strings.Join(g, "\n     "), strings.Join(w, "\n     "))
		}
	}
	if shown > 0 || len(got) != len(want) {
		t.Fatalf("%s: %d of %d entries differ, %d in the directory", what, shown, len(want), len(got))
	}
}

// upgrade runs the upgrade of an export in one format.
func upgrade(t *testing.T, export []byte, opt ldifconv.Options) (out, undo []byte) {
	t.Helper()
	var o, u bytes.Buffer
	opt.Kinds, opt.Undo = ldifconv.All, &u
	if _, err := ldifconv.Upgrade(context.Background(), &o, bytes.NewReader(export), opt); err != nil {
		t.Fatal(err)
	}
	return o.Bytes(), u.Bytes()
}

// throughSlapd proves an upgrade on a real directory: our change records are
// accepted and lead to our full output, our undo leads back.
func throughSlapd(t *testing.T, suffix string, export []byte, opt ldifconv.Options) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "export.ldif")
	// slapadd takes the version line on its own for an entry without a DN.
	if err := os.WriteFile(file, bytes.TrimPrefix(export, []byte("version: 1\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDirectory(t, suffix, file)
	original := d.dump()
	same(t, "loaded", original, content(t, bytes.NewReader(export)))

	changes, undo := upgrade(t, export, opt)
	opt.Format = ldifconv.Full
	full, _ := upgrade(t, export, opt)
	d.apply(changes)
	same(t, "upgraded", d.dump(), content(t, bytes.NewReader(full)))
	d.apply(undo)
	same(t, "undone", d.dump(), original)
}

func TestSlapdSample(t *testing.T) {
	for _, site := range []struct {
		name, suffix string
		from         ldifconv.Source
	}{{"sims", "o=internet", ldifconv.SIMS}, {"nms", "o=siroe.com", ldifconv.NMS}} {
		t.Run(site.name, func(t *testing.T) {
			export, err := os.ReadFile(filepath.Join("../../testdata/site", site.name, "export.ldif"))
			if err != nil {
				t.Fatal(err)
			}
			throughSlapd(t, site.suffix, export, ldifconv.Options{From: site.from})
		})
	}
}

// TestSlapdGenerated does the same with made exports that have every attribute
// of the mapping, 10,000 users of each product.
func TestSlapdGenerated(t *testing.T) {
	users := 10000
	if testing.Short() {
		users = 500
	}
	t.Run("sims", func(t *testing.T) {
		t.Parallel()
		var export bytes.Buffer
		if _, err := testdir.WriteSIMS(&export, testdir.Options{Seed: 1, Users: users}); err != nil {
			t.Fatal(err)
		}
		throughSlapd(t, "o=internet", export.Bytes(), ldifconv.Options{From: ldifconv.SIMS})
	})
	t.Run("nms", func(t *testing.T) {
		t.Parallel()
		var export bytes.Buffer
		if _, err := testdir.WriteNMS(&export, testdir.Options{Seed: 2, Users: users}); err != nil {
			t.Fatal(err)
		}
		throughSlapd(t, "o=siroe.com", export.Bytes(), ldifconv.Options{From: ldifconv.NMS})
	})
}

// TestSlapdChoices does it with choices of a site: other uids, and so other
// names of entries, old classes kept, quotas with suffixes.
func TestSlapdChoices(t *testing.T) {
	ids := map[string]string{"user0": "first,one", "keiko_s7": "keiko"}
	for i := range 300 {
		if id := testsite.UserID(i); strings.Contains(id, "@") {
			ids[strings.ToLower(id)] = strings.ReplaceAll(id, "@", "_at_")
		}
	}
	for name, rules := range map[string]ldifconv.RuleOptions{
		"uids":   {UIDMap: ids},
		"keep":   {KeepOldClasses: ldifconv.KeepAll, QuotaSuffix: true, QuotaMissing: "keep", Vanity: true},
		"others": {Lock: ldifconv.LockHold, AlsoAllow: []string{"http"}, EncodeURL: true, DropLicenses: true, KeepOldClasses: ldifconv.KeepMessagingUser},
	} {
		t.Run(name, func(t *testing.T) {
			var sims, nms bytes.Buffer
			if _, err := testdir.WriteSIMS(&sims, testdir.Options{Seed: 3, Users: 300}); err != nil {
				t.Fatal(err)
			}
			if _, err := testdir.WriteNMS(&nms, testdir.Options{Seed: 3, Users: 300}); err != nil {
				t.Fatal(err)
			}
			throughSlapd(t, "o=internet", sims.Bytes(), ldifconv.Options{From: ldifconv.SIMS, Rules: rules})
			throughSlapd(t, "o=siroe.com", nms.Bytes(), ldifconv.Options{From: ldifconv.NMS, Rules: rules})
		})
	}
}

// TestSchemaLoads holds both OpenLDAP forms of the schema against the real
// server.
func TestSchemaLoads(t *testing.T) {
	check := peer.Need(t, "slaptest")
	for _, standalone := range []bool{true, false} {
		dir := t.TempDir()
		var definitions bytes.Buffer
		if err := schema.WriteOpenLDAP(&definitions, schema.OpenLDAPOptions{Standalone: standalone}); err != nil {
			t.Fatal(err)
		}
		conf := "include " + dir + "/merged.schema\n"
		if !standalone {
			for _, name := range []string{"inetorgperson", "cosine", "core"} {
				path := "/etc/ldap/schema/" + name + ".schema"
				peer.NeedFile(t, path)
				conf = "include " + path + "\n" + conf
			}
		}
		for name, text := range map[string]string{"merged.schema": definitions.String(), "slapd.conf": conf} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.Command(check, "-u", "-f", filepath.Join(dir, "slapd.conf")).CombinedOutput(); err != nil {
			t.Errorf("standalone %v: %v\n%s", standalone, err, tail(out))
		}
	}
}

// slapadd takes full output without its first two lines, as the manual says.
func TestSlapaddTakesFullOutput(t *testing.T) {
	export, err := os.ReadFile("../../testdata/site/sims/export.ldif")
	if err != nil {
		t.Fatal(err)
	}
	full, _ := upgrade(t, export, ldifconv.Options{From: ldifconv.SIMS, Format: ldifconv.Full})
	rest, found := bytes.CutPrefix(full, []byte("version: 1\n\n"))
	if !found {
		t.Fatalf("the output begins with %.40q", full)
	}
	file := filepath.Join(t.TempDir(), "full.ldif")
	if err := os.WriteFile(file, rest, 0o600); err != nil {
		t.Fatal(err)
	}
	same(t, "loaded", newDirectory(t, "o=internet", file).dump(), content(t, bytes.NewReader(full)))
}
