package ldifconv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

const (
	plainNode = "dn: dc=siroe,dc=com,o=internet\nobjectclass: domain\ndc: siroe\n\n"
	simsUser  = "objectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: a\nmail: a@x.com\nmailhost: h.x.com\n\n"
	simsGroup = "objectclass: inetMailGroup\nobjectclass: inetMailRouting\ncn: a\nmail: a@x.com\nmailhost: h.x.com\n\n"
)

// Which nodes are mail domains is told by what lies below them, wherever it
// stands in the input and however the input is read.
func TestDomainsByWhatLiesBelow(t *testing.T) {
	top := "dn: o=internet\nobjectclass: organization\no: internet\n\ndn: dc=com,o=internet\nobjectclass: domain\ndc: com\n\n"
	for _, tt := range []struct {
		name, in string
		base     string
		domains  int64
		warns    string
	}{
		{"nothing", top + plainNode, "", 0, ""},
		{"a container", top + plainNode + "dn: ou=People,dc=siroe,dc=com,o=internet\nobjectclass: organizationalUnit\nou: People\n\n", "", 1, ""},
		{"another unit", top + plainNode + "dn: ou=Printers,dc=siroe,dc=com,o=internet\nobjectclass: organizationalUnit\nou: Printers\n\n", "", 0, ""},
		{"a user in a unit", top + plainNode + "dn: cn=a,ou=Staff,dc=siroe,dc=com,o=internet\n" + simsUser, "", 1, ""},
		{"a list right below, in front of the node", top + "dn: cn=a,dc=siroe,dc=com,o=internet\n" + simsGroup + plainNode, "", 1, ""},
		{"a class that nothing knows", "dn: dc=siroe,dc=com,o=internet\nobjectclass: inetVirtualDomain\ndc: siroe\n\ndn: cn=a,dc=siroe,dc=com,o=internet\n" + simsUser, "", 1, ""},
		{"a user by numbers", top + plainNode + "dn: cn=a,dc=siroe,dc=com,o=internet\nobjectclass: 1.3.6.1.4.1.42.2.27.2.2.3\nmail: a@x.com\n\n", "", 1, ""},
		{"no node in the input", top + "dn: cn=a,ou=People,dc=siroe,dc=com,o=internet\n" + simsUser, "", 0, "1 user lies below it, and the input has no entry for it"},
		{"no node at all", "dn: o=x\nobjectclass: organization\no: x\n\ndn: cn=a,ou=P,ou=Q,o=x\n" + simsUser + "dn: cn=b,ou=P,ou=Q,o=x\n" + simsGroup, "", 0, "o=x: 1 user and 1 list lie below it, which is no domain node"},
		{"a node outside the base", top + plainNode + "dn: cn=a,ou=People,dc=siroe,dc=com,o=internet\n" + simsUser, "ou=People,dc=siroe,dc=com,o=internet", 0, "1 user lies below it, and it stays as it is"},
	} {
		for how, input := range map[string]func() Input{
			"pipe": func() Input { return Input{Name: "in", Reader: io.MultiReader(strings.NewReader(tt.in))} },
			"seek": func() Input { return Input{Name: "in", Reader: strings.NewReader(tt.in)} },
			"open": func() Input {
				return Input{Name: "in", Reader: io.MultiReader(strings.NewReader(tt.in)), Open: func() (io.ReadCloser, error) {
					return io.NopCloser(strings.NewReader(tt.in)), nil
				}}
			},
		} {
			log := &recorder{}
			opt := Options{From: SIMS, Kinds: All, Log: log, TempDir: t.TempDir(), chunk: 64}
			if tt.base != "" {
				opt.Base = []string{tt.base}
			}
			var out bytes.Buffer
			rep, err := UpgradeAll(context.Background(), &out, []Input{input()}, opt)
			if err != nil {
				t.Fatal(err)
			}
			if rep.Domains != tt.domains {
				t.Errorf("%s, %s: %d domains, want %d\n%s", tt.name, how, rep.Domains, tt.domains, log)
			}
			if tt.base == "" {
				classifiedDomains(t, tt.name+", "+how, input(), tt.domains)
			}
			told := strings.Contains(log.String(), "domain-")
			if told != (tt.warns != "") || !strings.Contains(log.String(), tt.warns) {
				t.Errorf("%s, %s: log %q, want %q", tt.name, how, log, tt.warns)
			}
		}
	}
}

// A pipe that fails loses what follows, and no more than that, though it is
// copied first.
func TestSurveyOfAFailingPipe(t *testing.T) {
	in := io.MultiReader(strings.NewReader(plainNode+"dn: cn=a,ou=People,dc=siroe,dc=com,o=internet\n"+simsUser), errReader{})
	log := &recorder{}
	rep, err := Upgrade(t.Context(), io.Discard, in, Options{From: SIMS, Kinds: All, Log: log})
	if err != nil || rep.Changed != 2 || !strings.Contains(log.String(), "the rest of the input is lost") {
		t.Errorf("%+v, %v\n%s", rep, err, log)
	}
}

// An entry whose DN another one has, or an address, is told with both places.
func TestTwice(t *testing.T) {
	user := func(dn, mail string) string {
		return "dn: " + dn + "\nobjectclass: inetMailUser\nobjectclass: inetMailRouting\nuid: a\nmailhost: h.x.com\nmail: " + mail + "\n\n"
	}
	in := user("cn=a+uid=b,o=x", "a@x.com") + "no record\n\n" + user("UID=B + CN=A, o=x", "b@x.com") + user("cn=c,o=x", "A@x.com")
	for _, format := range []Format{Changes, Full} {
		log := &recorder{}
		out, undo, rep := upgraded(t, in, Options{From: SIMS, Kinds: Both, Format: format, Log: log})
		if rep.Twice != 1 || rep.Changed != 2 || rep.Users != 2 || rep.Rules["user-status"] != 2 || rep.Selected != 2 {
			t.Errorf("%+v", rep)
		}
		for _, line := range []string{
			"problem dn-twice ldif:10: UID=B + CN=A, o=x: an entry of this DN stands at ldif:1 already",
			"warning address-twice ldif:17: cn=c,o=x: the address A@x.com is also that of ldif:1: cn=a+uid=b,o=x",
			"problem bad-line ldif:8",
		} {
			if strings.Count(log.String(), line) != 1 {
				t.Errorf("%q is not in\n%s", line, log)
			}
		}
		if n := strings.Count(undo, "changetype: modify"); n != 2 {
			t.Errorf("%d records to undo", n)
		}
		want := map[Format]int{Changes: 2, Full: 3}[format]
		if n := strings.Count(out, "dn: "); n != want || strings.Count(out, "inetMailRouting") != want-2 {
			t.Errorf("%d entries in\n%s", n, out)
		}
	}
}

// Addresses are compared at any number of them.
func TestManyAddresses(t *testing.T) {
	n := 66_000
	if testing.Short() {
		t.Skip("makes 200,000 records")
	}
	book := addressBook{dir: t.TempDir()}
	defer book.close()
	for i := range 3 * n {
		if err := book.put(bookRecord(1, fmt.Sprintf("a%d@x.com", i%(2*n)))); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	if err := book.each(func([]byte, *listed, *listed) error { found++; return nil }); err != nil || found != n {
		t.Errorf("%d addresses twice, want %d, %v", found, n, err)
	}
}

// bookRecord is the record of an entry with these addresses.
func bookRecord(pos uint64, addresses ...string) *people {
	d := draft{rec: &ldif.Record{}}
	d.rec.DN = fmt.Appendf(nil, "cn=%d", pos)
	d.set(schema.Mail, addresses...)
	var p people
	p.add(&d, pos)
	return &p
}

// TestAddressOrder has entries share several addresses: they are told in the
// order of the entries and of their addresses, whatever the hashes are.
func TestAddressOrder(t *testing.T) {
	book := addressBook{dir: t.TempDir()}
	defer book.close()
	entries := [][]string{{"a@x.com", " "}, {"b@x.com", "c@x.com"}, {" ", "C@x.com ", "a@x.com", "c@x.com"}, {"d@x.com"}, {"b@x.com", "A@x.com"}}
	for i, addresses := range entries {
		if err := book.put(bookRecord(uint64(i), addresses...)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	err := book.each(func(address []byte, first, other *listed) error {
		got = append(got, fmt.Sprintf("%d %d %s", other.pos, first.pos, address))
		return nil
	})
	want := []string{"2 1 C@x.com ", "2 0 a@x.com", "4 1 b@x.com", "4 0 A@x.com"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("told %q, want %q, %v", got, want, err)
	}
}

// classifiedDomains holds Classify to the domains that an upgrade finds.
func classifiedDomains(t *testing.T, name string, in Input, want int64) {
	t.Helper()
	handed := int64(0)
	rep, err := Classify(context.Background(), func(c *Classified) error {
		if c.Kind == Domains {
			handed++
		}
		return nil
	}, []Input{in}, ClassifyOptions{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Domains != want || handed != want {
		t.Errorf("%s: classify counts %d domains and hands over %d, want %d", name, rep.Domains, handed, want)
	}
}
