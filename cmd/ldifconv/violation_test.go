package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv"
	"imsconv/ldifconv/check"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/testdir"
)

// violation is an entry broken in one way, and which servers refuse it; the
// table of docs/checks.md is made of these rows.
type violation struct {
	code            string
	change          string // lines added to, or with a - taken from, a good entry
	openldap, ds389 bool   // refused by
}

var violations = []violation{
	{"no-structural", "-objectClass: inetOrgPerson\n-cn: v\n-sn: s", true, false},
	{"two-structural", "objectClass: groupOfUniqueNames", true, false},
	{"unknown-class", "objectClass: acmeThing", true, true},
	{"unknown-attribute", "acmeColour: blue", true, true},
	{"required", "-sn: s", true, true},
	{"not-allowed", "dc: x", true, true},
	{"single-valued", "mailUserStatus: hold\nmailUserStatus: active", true, true},
	{"duplicate-value", "description: a\ndescription: A", true, true},
	{"empty-value", "description:", true, true},
	{"syntax-dn", "manager: nobody", true, true},
	{"syntax-integer", "mailMsgQuota: 007", true, true},
	{"syntax-telephone", "telephoneNumber: #*~", true, true},
	{"syntax-time", "vacationStartDate: summer", false, false},
	{"syntax-utf8", "description:: Z3L8biDk", true, true},
	{"rdn-value", "-uid: v\nuid: other", false, false},
}

const goodEntry = `dn: uid=v,o=internet
objectClass: inetOrgPerson
objectClass: inetUser
objectClass: inetMailUser
objectClass: inetLocalMailRecipient
objectClass: userPresenceProfile
cn: v
sn: s
uid: v
mail: v@x.com
mailHost: m.x.com
mailDeliveryOption: mailbox
`

// text is the broken entry.
func (v *violation) text() string {
	text := goodEntry
	for line := range strings.SplitSeq(v.change, "\n") {
		if less, ok := strings.CutPrefix(line, "-"); ok {
			text = strings.Replace(text, less+"\n", "", 1)
		} else {
			text += line + "\n"
		}
	}
	return text
}

const topEntry = "dn: o=internet\nobjectClass: top\nobjectClass: organization\no: internet\n\n"

// reported says whether check finds the violation, and nothing of its kind
// else.
func (v *violation) reported(t *testing.T) {
	t.Helper()
	var codes []string
	_, err := check.Run(context.Background(), func(f *check.Finding) error {
		codes = append(codes, f.Code)
		return nil
	}, []ldif.Input{{Name: "in", Reader: strings.NewReader(topEntry + v.text())}}, check.Options{TempDir: t.TempDir()})
	if err != nil || !strings.Contains(" "+strings.Join(codes, " ")+" ", " "+v.code+" ") {
		t.Errorf("%s: check finds %q, %v", v.code, codes, err)
	}
}

// violationsRefused tries every violation on 389-ds.
func violationsRefused(t *testing.T, ds *peer.DS389) {
	imported(t, ds, simsBackend, []byte(topEntry))
	ds.Start()
	defer ds.Stop()
	add := func(text string) error {
		out, err := modify389(t, ds, peer.Manager, ds.Password, []byte(strings.Replace(text, "\n", "\nchangetype: add\n", 1)))
		if err != nil {
			t.Logf("%s", out)
			return err
		}
		if out, err := modify389(t, ds, peer.Manager, ds.Password, []byte("dn: uid=v,o=internet\nchangetype: delete\n")); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return nil
	}
	if err := add(goodEntry); err != nil {
		t.Fatal("the good entry is refused")
	}
	for i := range violations {
		v := &violations[i]
		v.reported(t)
		if err := add(v.text()); (err != nil) != v.ds389 {
			t.Errorf("%s: refused by 389-ds: %t", v.code, err != nil)
		}
	}
}

// TestSlapdViolations tries every violation on slapd.
func TestSlapdViolations(t *testing.T) {
	d := loadedDirectory(t, "o=internet", []byte(topEntry))
	d.Start()
	add := func(text string) error {
		if err := d.Try([]byte(strings.Replace(text, "\n", "\nchangetype: add\n", 1))); err != nil {
			t.Log(err)
			return err
		}
		return d.Try([]byte("dn: uid=v,o=internet\nchangetype: delete\n"))
	}
	if err := add(goodEntry); err != nil {
		t.Fatal("the good entry is refused")
	}
	for i := range violations {
		v := &violations[i]
		v.reported(t)
		if err := add(v.text()); (err != nil) != v.openldap {
			t.Errorf("%s: refused by slapd: %t", v.code, err != nil)
		}
	}
}

// TestViolationsPageIsCurrent holds the table of docs/checks.md against the
// rows; UPDATE=1 writes it anew.
func TestViolationsPageIsCurrent(t *testing.T) {
	var want bytes.Buffer
	fmt.Fprint(&want, "| code | OpenLDAP 2.5 | 389-ds 2.3 |\n|---|---|---|\n")
	words := map[bool]string{true: "refused", false: "taken"}
	for _, v := range violations {
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", v.code, words[v.openldap], words[v.ds389])
	}
	holdPage(t, "<!-- servers -->\n", want.Bytes())
}

// holdPage holds a part of docs/checks.md, behind a mark, against what it
// should be.
func holdPage(t *testing.T, mark string, want []byte) {
	t.Helper()
	const path, end = "../../docs/checks.md", "<!-- end -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(page, []byte(mark))
	got, after, found := bytes.Cut(rest, []byte(end))
	if !ok || !found {
		t.Fatalf("the page has no place %s", mark)
	}
	if bytes.Equal(got, want) {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Fatalf("%s is not current: UPDATE=1 go test -run PageIsCurrent ./cmd/ldifconv", path)
	}
	page = bytes.Join([][]byte{before, []byte(mark), want, []byte(end), after}, nil)
	if err := os.WriteFile(path, page, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCheckTakesWhatServersTake holds check to exports that both servers take
// whole, in other tests: it reports no breach of the schema but times, which
// are strings to a server.
func TestCheckTakesWhatServersTake(t *testing.T) {
	for _, tt := range []struct {
		name  string
		from  ldifconv.Source
		write func(io.Writer, testdir.Options) (testdir.Totals, error)
	}{{"sims", ldifconv.SIMS, testdir.WriteSIMS}, {"nms", ldifconv.NMS, testdir.WriteNMS}} {
		var made bytes.Buffer
		if _, err := tt.write(&made, testdir.Options{Seed: 21, Users: 600}); err != nil {
			t.Fatal(err)
		}
		upgraded, _ := upgrade(t, made.Bytes(), ldifconv.Options{From: tt.from, Format: ldifconv.Full})
		for what, export := range map[string][]byte{tt.name: made.Bytes(), tt.name + " upgraded": upgraded} {
			_, err := check.Run(context.Background(), func(f *check.Finding) error {
				for _, c := range check.Codes() {
					if c.Name == f.Code && c.Group == "schema" && f.Code != "syntax-time" {
						t.Errorf("%s: %+v", what, *f)
					}
				}
				return nil
			}, []ldif.Input{{Name: "in", Reader: bytes.NewReader(export)}}, check.Options{TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
