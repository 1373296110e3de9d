package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/ldifconv/testdir"
	"imsconv/storeconv/testsite"
)

// directory is a real OpenLDAP server.
type directory struct {
	*peer.Slapd
	t *testing.T
}

// newDirectory loads an export into a fresh database.
func newDirectory(t *testing.T, suffix, export string) *directory {
	t.Helper()
	var definitions bytes.Buffer
	if err := schema.Merged().Only(schema.Products(), true).WriteSlapd(&definitions); err != nil {
		t.Fatal(err)
	}
	return &directory{peer.NewSlapd(t, definitions.Bytes(), suffix, export), t}
}

// tail is the end of a long text.
func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

func (d *directory) dump() map[string][]string {
	d.t.Helper()
	return content(d.t, bytes.NewReader(d.Dump()))
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
	d.Apply(changes)
	same(t, "upgraded", d.dump(), content(t, bytes.NewReader(full)))
	d.Apply(undo)
	same(t, "undone", d.dump(), original)
}

func TestSlapdSample(t *testing.T) {
	t.Parallel()
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
// of the mapping, 1,000 users of each product, 10,000 in the full run: the
// rarest kind of user that testdir makes is one in 101.
func TestSlapdGenerated(t *testing.T) {
	t.Parallel()
	users := 1000
	if fullRun {
		users = 10_000
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
	t.Parallel()
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
		if err := schema.Merged().Only(schema.Products(), standalone).WriteSlapd(&definitions); err != nil {
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
		if out, err := peer.Command(t, check, "-u", "-f", filepath.Join(dir, "slapd.conf")).CombinedOutput(); err != nil {
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
