package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv"
	"imsconv/ldifconv/aci"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
	"imsconv/ldifconv/testdir"
)

// The backends of the one instance that all of TestDS389 uses: its making takes
// longer than most of its work.
const (
	simsBackend = iota
	nmsBackend
)

var suffixes = []string{simsBackend: "o=internet", nmsBackend: "o=siroe.com"}

// TestDS389 has 389 Directory Server, which checks schema and syntax, judge
// what we write: the schema, upgraded entries, change records, ACIs. The sample
// exports, and made ones of 600 users of each product, 5,000 in the full run:
// the rarest kind of user that testdir makes is one in 101.
func TestDS389(t *testing.T) {
	t.Parallel() // it waits for the server more than it works
	var definitions bytes.Buffer
	if err := schema.Merged().Only([]schema.Origin{schema.SIMS, schema.NMS, schema.IMS}, false).WriteLDIF(&definitions); err != nil {
		t.Fatal(err)
	}
	ds := peer.NewDS389(t, definitions.Bytes(), suffixes...)
	users := 600
	if fullRun {
		users = 5000
	}
	exports := func(name string, write func(io.Writer, testdir.Options) (testdir.Totals, error)) [][]byte {
		var made bytes.Buffer
		if _, err := write(&made, testdir.Options{Seed: 21, Users: users}); err != nil {
			t.Fatal(err)
		}
		return [][]byte{made.Bytes(), sampleExport(t, name)}
	}
	t.Run("sims", func(t *testing.T) {
		throughDS389(t, ds.For(t), simsBackend, exports("sims", testdir.WriteSIMS), ldifconv.Options{From: ldifconv.SIMS})
	})
	t.Run("nms", func(t *testing.T) {
		throughDS389(t, ds.For(t), nmsBackend, exports("nms", testdir.WriteNMS), ldifconv.Options{From: ldifconv.NMS})
	})
	t.Run("violations", func(t *testing.T) { violationsRefused(t, ds.For(t)) })
	t.Run("aci", func(t *testing.T) { delegationWorks(t, ds.For(t)) })
}

func sampleExport(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/site", name, "export.ldif"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// throughDS389 proves on one backend that originals and upgraded entries are
// taken, that an upgraded directory is not changed again, and that change
// records lead there and back.
func throughDS389(t *testing.T, ds *peer.DS389, backend int, exports [][]byte, opt ldifconv.Options) {
	full := opt
	full.Format = ldifconv.Full
	for _, export := range exports {
		upgraded, _ := upgrade(t, export, full)
		imported(t, ds, backend, upgraded)
		// A server's own export upgraded again: nothing is left to do.
		again, _ := upgrade(t, ds.Export(backend), opt)
		each389(t, again, func(rec *ldif.Record) { t.Errorf("%s is changed again: %s", rec.DN, ldif.AppendRecord(nil, rec)) })

		imported(t, ds, backend, export)
		original := content(t, bytes.NewReader(ds.Export(backend)))
		changes, undo := upgrade(t, export, opt)
		ds.Start()
		mustModify(t, ds, changes)
		ds.Stop()
		same(t, "upgraded", content(t, bytes.NewReader(ds.Export(backend))), content(t, bytes.NewReader(upgraded)))
		ds.Start()
		mustModify(t, ds, undo)
		ds.Stop()
		same(t, "undone", content(t, bytes.NewReader(ds.Export(backend))), original)
	}
}

// imported loads an export, every entry of which must be taken.
func imported(t *testing.T, ds *peer.DS389, backend int, export []byte) {
	t.Helper()
	entries := 0
	each389(t, export, func(*ldif.Record) { entries++ })
	if taken, refused := ds.Import(backend, export); taken != entries || refused > 0 {
		t.Fatalf("ldif2db takes %d of %d entries:\n%s", taken, entries, importErrors(ds.Log()))
	}
}

var importError = regexp.MustCompile(`(?m)^.*(WARN|ERR|[Ss]kipping).*$`)

func importErrors(log string) string {
	lines := importError.FindAllString(log, 20)
	return strings.Join(lines, "\n")
}

func each389(t *testing.T, text []byte, use func(*ldif.Record)) {
	t.Helper()
	in := ldif.NewReader(bytes.NewReader(text), ldif.Options{})
	for {
		rec, err := in.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		use(rec)
	}
}

// modify389 gives change records to the server as one of its users.
func modify389(t *testing.T, ds *peer.DS389, dn, password string, changes []byte) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "changes.ldif")
	if err := os.WriteFile(file, changes, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := peer.Command(t, peer.Need(t, "ldapmodify"), "-x", "-H", ds.URI, "-D", dn, "-w", password, "-f", file).CombinedOutput()
	return string(tail(out)), err
}

func mustModify(t *testing.T, ds *peer.DS389, changes []byte) {
	t.Helper()
	if out, err := modify389(t, ds, peer.Manager, ds.Password, changes); err != nil {
		t.Fatalf("ldapmodify: %v\n%s", err, out)
	}
}

// delegationWorks applies what daaci writes to a directory, and tries with it
// in place who may do what.
func delegationWorks(t *testing.T, ds *peer.DS389) {
	imported(t, ds, simsBackend, []byte(delegated))
	d := aci.Delegation{
		Roots: []string{"o=internet"}, Groups: "ou=Groups", ServiceAdmins: []string{"uid=sa,ou=People,dc=x,dc=com,o=internet"},
		Domains: []aci.DomainNodes{
			{Nodes: []string{"dc=x,dc=com,o=internet"}, Admins: []string{"uid=da,ou=People,dc=x,dc=com,o=internet"}},
			{Nodes: []string{"dc=y,dc=com,o=internet"}},
		},
	}
	records, _, err := aci.Plan(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	var plan []byte
	for i := range records {
		plan = ldif.AppendRecord(plan, &records[i])
	}
	ds.Start()
	defer ds.Stop()
	mustModify(t, ds, plan)

	user := func(domain string) string { return "uid=joe,ou=People,dc=" + domain + ",dc=com,o=internet" }
	for _, tt := range []struct {
		who, change string
		allowed     bool
	}{
		{"da", "dn: " + user("x") + "\nchangetype: modify\nreplace: mailQuota\nmailQuota: 1\n", true},
		{"da", "dn: " + user("y") + "\nchangetype: modify\nreplace: mailQuota\nmailQuota: 1\n", false},
		{"da", "dn: " + strings.Replace(user("x"), "joe", "new", 1) + "\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: nsManagedPerson\nuid: new\ncn: n\nsn: n\n", true},
		{"da", "dn: " + strings.Replace(user("y"), "joe", "new", 1) + "\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: nsManagedPerson\nuid: new\ncn: n\nsn: n\n", false},
		{"da", "dn: cn=Service Administrators,ou=Groups,o=internet\nchangetype: modify\nadd: uniqueMember\nuniqueMember: uid=da,ou=People,dc=x,dc=com,o=internet\n", false},
		{"sa", "dn: " + user("y") + "\nchangetype: modify\nreplace: mailQuota\nmailQuota: 2\n", true},
		{"joe", "dn: " + user("x") + "\nchangetype: modify\nreplace: description\ndescription: me\n", true},
		{"joe", "dn: " + user("x") + "\nchangetype: modify\nreplace: mailQuota\nmailQuota: -1\n", false},
		{"joe", "dn: " + user("y") + "\nchangetype: modify\nreplace: description\ndescription: you\n", false},
	} {
		out, err := modify389(t, ds, "uid="+tt.who+",ou=People,dc=x,dc=com,o=internet", "secret12", []byte(tt.change))
		if (err == nil) != tt.allowed || !tt.allowed && !strings.Contains(out, "Insufficient access (50)") {
			t.Errorf("%s, %s: %v\n%s", tt.who, tt.change, err, out)
		}
	}
	brokenACIsRefused(t, ds)
}

// brokenACIsRefused holds the server to what our parser refuses.
func brokenACIsRefused(t *testing.T, ds *peer.DS389) {
	text, err := os.ReadFile("../../ldifconv/aci/testdata/broken.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		r := ldif.Record{Entry: ldif.Entry{DN: []byte("o=internet")}, Type: ldif.Modify}
		r.Mods = []ldif.Mod{{Op: ldif.ModAdd, Attr: ldif.Attr{Desc: []byte("aci"), Values: []ldif.Value{{Data: []byte(line)}}}}}
		if out, err := modify389(t, ds, peer.Manager, ds.Password, ldif.AppendRecord(nil, &r)); err == nil || !strings.Contains(out, "nvalid syntax (21)") {
			t.Errorf("389-ds takes %s: %v\n%s", line, err, out)
		}
	}
}

// delegated is a directory of two domains.
var delegated = func() string {
	text := "dn: o=internet\nobjectClass: top\nobjectClass: organization\no: internet\n\ndn: dc=com,o=internet\nobjectClass: top\nobjectClass: domain\ndc: com\n\n"
	for _, domain := range []string{"x", "y"} {
		dn := "dc=" + domain + ",dc=com,o=internet"
		text += fmt.Sprintf("dn: %s\nobjectClass: top\nobjectClass: domain\nobjectClass: inetDomain\nobjectClass: nsManagedDomain\ndc: %s\n\n", dn, domain)
		text += fmt.Sprintf("dn: ou=People,%s\nobjectClass: top\nobjectClass: organizationalUnit\nou: People\n\n", dn)
		for _, uid := range []string{"sa", "da", "joe"} {
			text += fmt.Sprintf("dn: uid=%[1]s,ou=People,%[2]s\nobjectClass: top\nobjectClass: inetOrgPerson\nobjectClass: inetMailUser\nobjectClass: nsManagedPerson\nuid: %[1]s\ncn: %[1]s\nsn: %[1]s\nuserPassword: secret12\n\n", uid, dn)
		}
	}
	return text
}()
