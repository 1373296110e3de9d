package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/ldifconv/diff"
	"imsconv/ldifconv/ldif"
)

// TestMaildirsAreServed: Dovecot shows of a site that went to Maildirs what
// expect.json says: every mailbox, every message by its bytes, UID and flags.
func TestMaildirsAreServed(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	convert(t, cli.ExitDone, "--scenario", "sims-offline", "--site", sample+"/sims", "--out", out, "--destination", "maildir")
	conf, err := os.ReadFile(out + "/mail/dovecot.conf.example")
	if err != nil {
		t.Fatal(err)
	}
	d := peer.NewDovecot(t, filepath.Join(dir, "dovecot"), conf)
	d.Own(out + "/mail")
	want := readExpectation(t)
	store := filepath.Join(dir, "ims")
	convert(t, cli.ExitDone, "--scenario", "sims-offline", "--site", sample+"/sims", "--out", store)
	for _, user := range want.Users {
		c, err := d.IMAP(user, filepath.Join(out, "mail", user))
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Mailboxes {
			if want.Mailboxes[i].User == user {
				served(t, c, &want, i, store+"/store")
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if lines := d.Complaints(); len(lines) > 0 {
		t.Errorf("Dovecot complains: %q", lines)
	}
}

// served holds one mailbox against the expectation.
func served(t *testing.T, c *peer.IMAP, want *expectation, i int, store string) {
	t.Helper()
	box := &want.Mailboxes[i]
	where := box.User + "/" + box.Name
	answers, err := c.Do("EXAMINE %s", peer.Quote(box.Name))
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	validity := slices.ContainsFunc(answers, func(a peer.Answer) bool {
		return len(a.Items) > 0 && len(a.Items[0].List) == 2 && a.Items[0].List[0].Text == "UIDVALIDITY" && a.Items[0].List[1].Text == strconv.FormatUint(uint64(box.UIDValidity), 10)
	})
	if !validity {
		t.Errorf("%s: another UIDVALIDITY: %+v", where, answers)
	}
	if len(box.Messages) == 0 {
		return
	}
	if answers, err = c.Do("UID FETCH 1:* (UID FLAGS BODY.PEEK[])"); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	got := map[string]fetched{}
	for _, a := range answers {
		if a.Name == "FETCH" {
			m := fetchedOf(a.Items[0].List)
			got[m.uid] = m
		}
	}
	if len(got) != len(box.Messages) {
		t.Errorf("%s: %d messages, want %d", where, len(got), len(box.Messages))
	}
	for _, m := range box.Messages {
		g := got[strconv.FormatUint(uint64(m.UID), 10)]
		if g.sum != sumInCRLF(readFile(t, filepath.Join(store, m.Path))) || !slices.Equal(g.flags, m.Flags) {
			t.Errorf("%s: message %d: %+v, want %+v", where, m.UID, g, m)
		}
	}
}

// sumInCRLF is the hash of a message as IMAP shows it.
func sumInCRLF(body string) string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\n", "\r\n")))
	return hex.EncodeToString(sum[:])
}

// fetched is what a server shows of a message.
type fetched struct {
	uid, sum string
	flags    []string
}

func fetchedOf(items []peer.Item) (m fetched) {
	m.flags = []string{}
	for i := 0; i+1 < len(items); i += 2 {
		switch name, value := items[i].Text, items[i+1]; {
		case name == "UID":
			m.uid = value.Text
		case name == "FLAGS":
			for _, f := range value.List {
				if f.Text != `\Recent` {
					m.flags = append(m.flags, f.Text)
				}
			}
		case strings.HasPrefix(name, "BODY"):
			sum := sha256.Sum256([]byte(value.Text))
			m.sum = hex.EncodeToString(sum[:])
		}
	}
	slices.Sort(m.flags)
	return m
}

// TestDirectoryIsTakenBySlapd: a server with the schema that was written takes
// the export, then every file of change records, and has the upgraded
// directory; the undo takes it all back.
func TestDirectoryIsTakenBySlapd(t *testing.T) {
	for scenario, args := range map[string][]string{
		"sims-online": {"--site", sample + "/sims", "--old-host", "a.siroe.com", "--new-host", "b.siroe.com"},
		"nms-single":  {"--site", nmsSite(t)},
	} {
		t.Run(scenario, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			convert(t, cli.ExitDone, append(args, "--scenario", scenario, "--out", out)...)
			export, suffix := sample+"/sims/export.ldif", "o=internet"
			if scenario == "nms-single" {
				export, suffix = sample+"/nms/export.ldif", "o=siroe.com"
			}
			const standard = "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\ninclude /etc/ldap/schema/inetorgperson.schema\n"
			// slapadd takes the version for an entry.
			plain := write(t, t.TempDir(), "export.ldif", []byte(strings.TrimPrefix(readFile(t, export), "version: 1\n")))
			d := peer.NewSlapd(t, []byte(standard+readFile(t, out+"/schema/imsconv.schema")), suffix, plain)
			before := d.Dump()
			for _, name := range []string{domainChanges, userChanges} {
				d.Apply([]byte(readFile(t, filepath.Join(out, name))))
			}
			sameEntries(t, "upgraded", d.Dump(), []byte(readFile(t, filepath.Join(out, upgraded))))
			d.Apply([]byte(readFile(t, filepath.Join(out, undo))))
			sameEntries(t, "taken back", d.Dump(), before)
		})
	}
}

// sameEntries insists that two directories hold the same.
func sameEntries(t *testing.T, what string, got, want []byte) {
	t.Helper()
	var changes bytes.Buffer
	if _, err := diff.Run(t.Context(), &changes, ldif.Input{Name: "got", Reader: bytes.NewReader(got)}, ldif.Input{Name: "want", Reader: bytes.NewReader(want)}, diff.Options{TempDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(changes.String(), "\ndn: ") {
		t.Errorf("%s: the directory is not what it should be:\n%s", what, changes.String())
	}
}
