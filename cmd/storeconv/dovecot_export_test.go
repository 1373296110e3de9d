package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// servedSite says what an IMAP server has to show of a store that was exported
// to out. Everything is of the expectation; what that has not, of the index of
// the mailbox, and the bytes of messages of their files.
func servedSite(t testing.TB, store, out, stream string, want *testsite.Expect) []servedUser {
	t.Helper()
	limits := streamQuotas(t, stream)
	var users []servedUser
	for i := range want.Mailboxes {
		w := &want.Mailboxes[i]
		if len(users) == 0 || users[len(users)-1].id != w.User {
			users = append(users, servedUser{id: w.User, home: filepath.Join(out, w.User), limit: limits[w.User] / 1024 * 1024})
		}
		u := &users[len(users)-1]
		u.boxes = append(u.boxes, servedMailbox(t, store, w))
	}
	return users
}

func servedMailbox(t testing.TB, store string, w *testsite.Mailbox) servedBox {
	t.Helper()
	index := indexFields(t, filepath.Join(store, w.Dir, "store.idx"))
	last, err := strconv.ParseUint(index["Last UID"], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	b := servedBox{
		name: w.Name, validity: w.UIDValidity, next: uint32(last) + 1, subscribed: w.Subscribed == 1,
		keywords: strings.Fields(index["Userflags"]), acl: dovecotRights(index["ACL"]),
	}
	for i := range w.Messages {
		m := &w.Messages[i]
		body, err := os.ReadFile(filepath.Join(store, m.Path))
		if err != nil {
			t.Fatal(err)
		}
		if hashHex(body) != m.SHA256 {
			t.Fatalf("%s: the store is not what it was", m.Path)
		}
		b.messages = append(b.messages, newServed(m.UID, m.Flags, m.Date, body))
		b.messages[i].body = nil
	}
	return b
}

// indexFields reads the head of an index.
func indexFields(t testing.TB, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\n\n")
	fields := make(map[string]string)
	for line := range strings.Lines(head) {
		if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); ok && fields[key] == "" {
			fields[key] = strings.TrimPrefix(value, " ")
		}
	}
	return fields
}

// dovecotRights turns rights of RFC 2086 into those of Dovecot: c is k and x,
// d is e and t.
func dovecotRights(acl string) map[string]string {
	if acl == "" {
		return nil
	}
	rights := make(map[string]string)
	fields := strings.Split(acl, "\t")
	for i := 0; i+1 < len(fields); i += 2 {
		rights[fields[i]] = strings.NewReplacer("c", "kx", "d", "et").Replace(fields[i+1])
	}
	return rights
}

// streamQuotas reads the limits of a stream's users.
func streamQuotas(t testing.TB, stream string) map[string]int64 {
	t.Helper()
	f, err := os.Open(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	limits := make(map[string]int64)
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return limits
		}
		if err != nil {
			t.Fatal(err)
		}
		if quota, ok := h.PAXRecords["SIMS.quota"]; ok {
			if limits[strings.TrimSuffix(h.Name, "/")], err = strconv.ParseInt(quota, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// exported is a site that was exported to Maildir.
type exported struct {
	dir, store, out, stream string
	conf                    []byte // its dovecot.conf.example
	users                   []servedUser
}

// exportSite restores a stream and exports the store.
func exportSite(t testing.TB, stream string, want *testsite.Expect, args ...string) *exported {
	t.Helper()
	dir := scratch(t)
	x := &exported{dir: dir, store: filepath.Join(dir, "store"), out: filepath.Join(dir, "out"), stream: stream}
	mustRun(t, 0, "restore", "-f", stream, "--store", x.store, "--quiet")
	x.exportFrom(t, "store", 0, args...)
	x.users = servedSite(t, x.store, x.out, stream, want)
	return x
}

// dovecot is one with the configuration of the export.
func (x *exported) dovecot(t testing.TB) *peer.Dovecot {
	t.Helper()
	return peer.NewDovecot(t, filepath.Join(x.dir, "dovecot"), x.conf)
}

// judge lets Dovecot show everything, and once more what it makes of it in
// mdbox.
func (x *exported) judge(t *testing.T) {
	t.Helper()
	d := x.dovecot(t)
	x.withoutRights(t)
	judge(t, d, x.out, x.users).fail(t)
	keptBy(t, "mdbox", x.dir, x.conf, d, x.users).fail(t)
}

// withoutRights leaves out rights that the configuration lets no client ask
// for, which must be those that every owner has.
func (x *exported) withoutRights(t testing.TB) {
	t.Helper()
	if strings.Contains(string(x.conf), "imap_acl") {
		return
	}
	for i := range x.users {
		u := &x.users[i]
		for k := range u.boxes {
			acl := u.boxes[k].acl
			if len(acl) > 1 || len(acl) == 1 && sortedRights(acl[u.id]) != sortedRights("lrwstipekxa") {
				t.Errorf("%s: %s has the rights %q, and the configuration does not serve them", u.id, u.boxes[k].name, acl)
			}
			u.boxes[k].acl = nil
		}
	}
}

func readExpect(t testing.TB, path string) *testsite.Expect {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := testsite.ReadExpect(f)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// TestServedSample: Dovecot shows of the sample what expect.json says.
func TestServedSample(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--layout", "fs"}, {"--escape", "listescape"}, {"--via", "hardlink"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			x := exportSite(t, sampleSite+"sims/backup.sims", readExpect(t, sampleSite+"expect.json"), args...)
			x.judge(t)
		})
	}
}

// TestServedStream: the same straight from the stream, which knows limits to
// the byte.
func TestServedStream(t *testing.T) {
	t.Parallel()
	stream := sampleSite + "sims/backup.sims"
	x := exportSite(t, stream, readExpect(t, sampleSite+"expect.json"))
	whole := x.out
	x.out = filepath.Join(x.dir, "direct")
	x.exportFrom(t, "stream", 0)
	trees := []tree{readTree(t, whole), readTree(t, x.out)}
	for _, tree := range trees {
		for name := range tree {
			if strings.HasPrefix(name, ".imsconv") || strings.HasSuffix(name, "/maildirsize") || !strings.Contains(name, "/") {
				delete(tree, name) // it names its source, or has limits in it
			}
		}
	}
	diffTrees(t, "from the stream", trees[1], trees[0], false)
	x.users = servedSite(t, x.store, x.out, stream, readExpect(t, sampleSite+"expect.json"))
	for id, limit := range streamQuotas(t, stream) {
		for i := range x.users {
			if x.users[i].id == id {
				x.users[i].limit = limit
			}
		}
	}
	x.judge(t)
}

// TestServedSite: the same with a generated site of 200 users, which has all
// kinds of messages and user ids.
func TestServedSite(t *testing.T) {
	t.Parallel()
	opts := testsite.StreamOptions{Seed: 12, Users: 200, Mailboxes: 6, Messages: 4000, MedianSize: 2048, MaxSize: 1 << 18, Odd: true}
	if full {
		opts.Users, opts.Mailboxes, opts.Messages = 1000, 14, 60000
	}
	dir := scratch(t)
	stream, want := writeStream(t, filepath.Join(dir, "site.sims"), opts)
	exportSite(t, stream, want).judge(t)
}
