package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
)

// indexes are the heads of the indexes in a store, by the names of mailboxes.
func indexes(t testing.TB, store string) map[string]map[string]string {
	t.Helper()
	found := make(map[string]map[string]string)
	err := filepath.WalkDir(store, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == "store.idx" {
			fields := indexFields(t, path)
			found[fields["Name"]] = fields
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDovecotInUTF8: mailboxes that Dovecot made with names in UTF-8 on disk
// come into a store under the names that clients know them by, with their
// subscriptions and with the rights that Dovecot shows. Its lists of rights
// tell of others only: the owner has all.
func TestDovecotInUTF8(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	conf := strings.Replace(handConf, "maildir:~/Maildir", "maildir:~/Maildir:UTF-8", 1)
	d := peer.NewDovecot(t, filepath.Join(dir, "dovecot"), []byte(strings.ReplaceAll(conf, " listescape", "")))
	u := &servedUser{id: "joe", home: filepath.Join(dir, "in", "joe")}
	if err := os.MkdirAll(filepath.Join(u.home, "Maildir"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.Own(filepath.Join(dir, "in"))
	names := []string{"Entw&APw-rfe", "a/&ZeVnLA-", "R&-D", "A &- B-C", "&2D3eAA-", "Sent"}
	var commands []string
	for _, name := range names {
		commands = append(commands, "CREATE "+peer.Quote(name), "SUBSCRIBE "+peer.Quote(name), "SETACL "+peer.Quote(name)+" bob lr")
	}
	change(t, d, u, commands...)
	for _, name := range names {
		clientAppend(t, d, u, name, mail(1, `\Seen`))
	}
	c, err := d.IMAP(u.id, u.home)
	if err != nil {
		t.Fatal(err)
	}
	shown := namesListed(t, c, "LSUB")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(dir, "store")
	o := mustRun(t, 0, "restore", filepath.Join(dir, "in"), "--store", store)
	if !strings.Contains(o.stderr, "5 names of mailboxes are text in UTF-8") {
		t.Error(o.stderr)
	}
	mustRun(t, 0, "verify", "-f", filepath.Join(dir, "in"), "--store", store)
	said := filepath.Join(dir, "said")
	mustRun(t, 0, "restore", filepath.Join(dir, "in"), "--store", said, "-e", "UTF-8")
	mustRun(t, 0, "verify", "-f", filepath.Join(dir, "in"), "--store", said, "-e", "UTF-8")
	for _, got := range []map[string]map[string]string{indexes(t, store), indexes(t, said)} {
		for _, name := range names {
			box := got["user/joe/"+name]
			if box["Exists"] != "1" || box["Subscribed"] != "1" || box["ACL"] != "joe\tlrswipcda\tbob\tlr" || !slices.Contains(shown, name) {
				t.Errorf("%s: %q of %q", name, box, shown)
			}
		}
		if len(got) != len(names)+1 {
			t.Errorf("%d mailboxes", len(got))
		}
	}
	// Who says that they are in modified UTF-7 has them refused.
	mustRun(t, 3, "restore", filepath.Join(dir, "in"), "--store", filepath.Join(dir, "none"), "-e", "IMAP-MODIFIED-UTF-7")
	for _, line := range d.Complaints() {
		t.Error(line)
	}
}
