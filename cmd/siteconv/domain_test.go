package main

import (
	"archive/tar"
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// streamWith is the stream of the sample with more users behind it, each with
// one message in the INBOX.
func streamWith(t *testing.T, dir string, ids ...string) string {
	t.Helper()
	data := bytes.TrimRight([]byte(readFile(t, sample+"/sims/backup.sims")), "\x00")
	b := bytes.NewBuffer(append(data, make([]byte, -len(data)&511)...)) // whole blocks
	w := tar.NewWriter(b)
	member := func(h *tar.Header, body string) {
		h.Size, h.ModTime, h.Format = int64(len(body)), time.Unix(962000000, 0), tar.FormatPAX
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		member(&tar.Header{Name: id + "/", Typeflag: tar.TypeDir, Mode: 0o700}, "")
		member(&tar.Header{Name: id + "/INBOX/", Typeflag: tar.TypeDir, Mode: 0o700, PAXRecords: map[string]string{
			"SIMS.uidvalidity": "9", "SIMS.uidnext": "2", "SIMS.acl": id + "\tlrswipcda",
		}}, "")
		member(&tar.Header{Name: id + "/INBOX/1", Typeflag: tar.TypeReg, Mode: 0o600}, "From: a@siroe.com\r\n\r\nx\r\n")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "backup.sims", b.Bytes())
}

// TestQualifiedIDBesideBareOnes: one id with the default domain in it does not
// take the domain from all the others. Their limits come over, and it is told.
func TestQualifiedIDBesideBareOnes(t *testing.T) {
	run := func(more ...string) (map[string]string, string) {
		out := filepath.Join(t.TempDir(), "out")
		talk := convert(t, 0, append([]string{"--scenario", "sims-offline", "--site", sample + "/sims", "--out", out}, more...)...)
		return records(t, out+"/store/mboxlist/quota.db"), talk
	}
	want, _ := run()
	got, talk := run("--stream", streamWith(t, t.TempDir(), "ofanning@siroe.com"))
	if want["ofanning"] != "-1 -1 14 12 -1" {
		t.Fatal(want["ofanning"])
	}
	want["ofanning"] = "-1 -1 14 13 -1" // with the one message
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("limits: %s", d)
	}
	for _, text := range []string{
		"the default domain is siroe.com",
		`of the users of siroe.com the store has 7 by their bare uid, and 1 with the domain, such as "ofanning@siroe.com"; look at --default-domain`,
		"[qualified-ids]", "[same-user]",
	} {
		if !strings.Contains(talk, text) {
			t.Errorf("%q is not told: %s", text, talk)
		}
	}
	if strings.Contains(talk, "-entry]") {
		t.Errorf("the user has an entry: %s", talk)
	}
}

// TestNewIDsWithoutEntry: a map that gives the store ids which the directory
// does not get is told, and the run has losses; with the same ids for the
// directory there is nothing to tell.
func TestNewIDsWithoutEntry(t *testing.T) {
	const told = "wallyc: the user gets the id wally1 in the new store, which no entry of the upgraded directory has: nobody can read that mail [new-id-without-entry]"
	for _, tt := range []struct {
		text string
		code int
	}{
		{"[restore]\nmap = 'ids'\n", 3},
		{"[restore]\nmap = 'both'\n[upgrade]\nuid-map = 'ids'\n", 0},
		{"destination = 'maildir'\n[export]\nmap = 'ids'\n", 3},
	} {
		dir := t.TempDir()
		table, rest, _ := strings.Cut(tt.text, "[")
		args := described("["+rest)(t, dir)
		write(t, dir, "both", []byte("wallyc wally1\nwallyc@varrius.org wally1@varrius.org\n")) // uid-map is of every domain
		if table != "" {
			write(t, dir, "site.toml", []byte(table+readFile(t, filepath.Join(dir, "site.toml"))))
		}
		talk := convert(t, tt.code, append(args, "--out", filepath.Join(t.TempDir(), "out"))...)
		if strings.Contains(talk, told) != (tt.code == 3) || strings.Contains(talk, "wallyc\" has an entry and no mail") && tt.code == 0 {
			t.Errorf("%s: %s", tt.text, talk)
		}
	}
}
