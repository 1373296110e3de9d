package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

func TestClean(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 1, Users: 24, Messages: 700, MedianSize: 2000, Links: 30, Odd: true})
	rep, log := verifyStore(t, s.store, verify.StoreOptions{}, s.stream)
	log.none(t)
	var messages, bytes int64
	for _, box := range s.want.Mailboxes {
		for _, m := range box.Messages {
			messages++
			bytes += m.Size
		}
	}
	if rep.Users != 24 || rep.Mailboxes != int64(len(s.want.Mailboxes)) || rep.Messages != messages || rep.Bytes != bytes ||
		rep.Links != s.report.Links || rep.Links == 0 || rep.Copies != s.report.Copies || rep.Copies == 0 || rep.Unchecked != 0 || rep.Members != messages+rep.Expired || rep.Foreign+rep.OddRecord != 0 {
		t.Errorf("%+v", rep)
	}
}

// TestFaults makes one fault at a time in a good store and wants it told, by
// its kind and at its place, and nothing else.
func TestFaults(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 2, Users: 5, Messages: 150, MedianSize: 1000, Links: 25, Expired: -1})
	var plain, linked, first *testsite.Message // a message with one name, a later copy, its first copy
	var box *testsite.Mailbox                  // of plain
	named := make(map[string]int)
	for i := range s.want.Mailboxes {
		for j := range s.want.Mailboxes[i].Messages {
			m := &s.want.Mailboxes[i].Messages[j]
			if m.Linked {
				named[m.First]++
			}
		}
	}
	for i := range s.want.Mailboxes {
		for j := range s.want.Mailboxes[i].Messages {
			m := &s.want.Mailboxes[i].Messages[j]
			switch {
			case m.Linked && linked == nil && named[m.First] == 1:
				linked = m
			case !m.Linked && named[m.Path] == 0 && plain == nil && strings.Contains(strings.Join(m.Flags, " "), `\Seen`) && s.want.Mailboxes[i].Name != "INBOX":
				plain, box = m, &s.want.Mailboxes[i]
			}
		}
	}
	for i := range s.want.Mailboxes {
		for j := range s.want.Mailboxes[i].Messages {
			if m := &s.want.Mailboxes[i].Messages[j]; m.Path == linked.First {
				first = m
			}
		}
	}
	path := func(name string) string { return filepath.Join(s.store, name) }
	index := box.Dir + "/store.idx"
	full := mboxlist.FolderKey(box.User, box.Name)
	edit := func(name string, change func([]byte) []byte) func(t *testing.T) {
		return func(t *testing.T) {
			editFile(t, path(name), change)
		}
	}
	replace := func(name, old, new string) func(t *testing.T) {
		return edit(name, func(data []byte) []byte {
			if !bytes.Contains(data, []byte(old)) {
				t.Fatalf("%s does not hold %q", name, old)
			}
			return bytes.Replace(data, []byte(old), []byte(new), 1)
		})
	}
	write := func(name, text string) func(t *testing.T) {
		return func(t *testing.T) {
			if err := os.MkdirAll(filepath.Dir(path(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := func(kind mboxlist.Kind, change func(map[string]string)) func(t *testing.T) {
		return func(t *testing.T) { editDatabase(t, s.store, kind, change) }
	}
	date := stampOf(plain.Date)

	cases := []struct {
		what  string
		spoil func(t *testing.T)
		kinds []string // expected, one for each line
		where string   // in every line
	}{
		{"a byte changed", edit(plain.Path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), []string{"wrong-content"}, plain.Path},
		{"a byte more", edit(plain.Path, func(b []byte) []byte { return append(b, 'x') }), []string{"wrong-size"}, plain.Path},
		{"a message gone", func(t *testing.T) { must(t, os.Remove(path(plain.Path))) }, []string{"missing-file", "quota"}, ""},
		{"a message too much", write(box.Dir+"/99/9901.msg", "x"), []string{"stray-file"}, "/9901.msg"},
		{"a file too much", write(box.Dir+"/core", "x"), []string{"stray-file"}, "/core"},
		{"a message in the wrong directory", write(box.Dir+"/00/4711.msg", "x"), []string{"misplaced"}, "/4711.msg"},
		{"a user in the wrong directory", write("partition/primary/=user/00/00/=joe/00/1.msg", "x"), []string{"misplaced"}, "=joe"},
		{"a file beside the users", write("partition/primary/note", "x"), []string{"stray-file"}, "partition/primary/note"},
		{"a file in the store", write("note", "x"), []string{"stray-file"}, "note"},
		{"a file among the databases", write("mboxlist/quota.db.old", "x"), []string{"stray-file"}, "quota.db.old"},
		{"the rules of a server", write("store.expirerule", "x"), nil, ""},
		{"a log of the databases", write("mboxlist/log.0000000001", "x"), nil, ""},
		{"a file among the users", write("partition/primary/=user/00/note", "x"), []string{"stray-file"}, "/note"},
		{"a directory in place of a message", func(t *testing.T) {
			must(t, os.Remove(path(plain.Path)))
			if err := os.Mkdir(path(plain.Path), 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"quota", "stray-file", "unreadable"}, ""},
		{"a symbolic link in place of a message", func(t *testing.T) {
			must(t, os.Remove(path(plain.Path)))
			if err := os.Symlink(path(first.Path), path(plain.Path)); err != nil {
				t.Fatal(err)
			}
		}, []string{"quota", "unreadable"}, ""},
		{"an index gone", func(t *testing.T) { must(t, os.Remove(path(index))) }, []string{"no-index"}, box.Dir},
		{"an index cut", edit(index, func(b []byte) []byte { return b[:len(b)-3] }), []string{"bad-index", "per-user", "quota", "stray-file"}, ""},
		{"a count in the index", replace(index, "\nExists: ", "\nExists: 1"), []string{"index-header"}, index},
		{"a name in the index", replace(index, "\nName: user/", "\nName: user/x"), []string{"index-header"}, index},
		{"a date in the index", replace(index, "\t"+date+"\t", "\t19700101000000\t"), []string{"date", "index-header"}, ""},
		{"the UIDVALIDITY", replace(index, "\nUID Validity: ", "\nUID Validity: 1"), []string{"uidvalidity"}, box.Name},
		{"the next UID", replace(index, "\nLast UID: ", "\nLast UID: 9"), []string{"uidnext"}, box.Name},
		{"the subscription", replace(index, "\nSubscribed: "+digit(box.Subscribed), "\nSubscribed: "+digit(1-box.Subscribed)), []string{"subscribed", "subscription"}, ""},
		{"the ACL", replace(index, "lrswipcda", "lr"), []string{"acl", "folder-record"}, ""},
		{"a header size", edit(index, func(b []byte) []byte {
			lines := strings.Split(string(b), "\n")
			for i, line := range lines {
				if f := strings.Split(line, "\t"); len(f) == 10 && f[8] == plain.SHA256 {
					f[4] = "1"
					lines[i] = strings.Join(f, "\t")
				}
			}
			return []byte(strings.Join(lines, "\n"))
		}), []string{"wrong-header-size"}, plain.Path},
		{"the flags of a message", edit(index, func(b []byte) []byte {
			lines := strings.Split(string(b), "\n")
			for i, line := range lines {
				if f := strings.Split(line, "\t"); len(f) == 10 && f[8] == plain.SHA256 {
					f[5] = "0000000"
					lines[i] = strings.Join(f, "\t")
				}
			}
			return []byte(strings.Join(lines, "\n"))
		}), []string{"flags", "per-user"}, ""},
		{"a keyword without a name", replace(index, "\nUserflags: Junk", "\nUserflags: "), []string{"flags", "index-flags", "index-header", "keywords"}, ""},
		{"a link broken", func(t *testing.T) {
			data, err := os.ReadFile(path(linked.Path))
			if err != nil {
				t.Fatal(err)
			}
			must(t, os.Remove(path(linked.Path)))
			if err := os.WriteFile(path(linked.Path), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"broken-link"}, ""},
		{"a folder record gone", list(mboxlist.FolderDB, func(r map[string]string) { delete(r, full) }), []string{"no-mailbox", "not-listed"}, box.Name},
		{"a folder record too much", list(mboxlist.FolderDB, func(r map[string]string) { r["user/nobody"] = "primary\tnobody\tlr" }), []string{"no-mailbox"}, "user/nobody"},
		{"another partition", list(mboxlist.FolderDB, func(r map[string]string) { r[full] = "second\tx\tlr" }), []string{"folder-record", "folder-record", "no-mailbox"}, box.Name},
		{"a quota record gone", list(mboxlist.QuotaDB, func(r map[string]string) { delete(r, box.User) }), []string{"not-listed"}, box.User},
		{"a quota record too much", list(mboxlist.QuotaDB, func(r map[string]string) { r["nobody"] = "-1 -1 0 0 -1" }), []string{"no-user"}, "nobody"},
		{"a quota usage", list(mboxlist.QuotaDB, func(r map[string]string) { r[box.User] = "-1 -1 0 0 -1" }), []string{"quota"}, box.User},
		{"a quota record that is none", list(mboxlist.QuotaDB, func(r map[string]string) { r[box.User] = "lots" }), []string{"quota"}, box.User},
		{"a seen set", list(mboxlist.PeruserDB, func(r map[string]string) {
			r[mboxlist.PerUserKey(box.User, full)] = "981538200\t\t"
		}), []string{"per-user"}, box.Name},
		{"a database gone", func(t *testing.T) { must(t, os.Remove(path("mboxlist/quota.db"))) }, []string{"missing-database"}, "quota.db"},
		{"a database damaged", edit("mboxlist/folder.db", func(b []byte) []byte { clear(b[:100]); return b }), []string{"database"}, "folder.db"},
		{"a pipe as a database", func(t *testing.T) {
			must(t, os.Remove(path("mboxlist/subscr.db")))
			if err := syscall.Mkfifo(path("mboxlist/subscr.db"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"database"}, "subscr.db"},
		{"a pipe as an index", func(t *testing.T) {
			must(t, os.Remove(path(index)))
			if err := syscall.Mkfifo(path(index), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"no-index", "stray-file"}, box.Dir},
		{"an interrupted run", write(".imsconv/x/journal", ""), []string{"unfinished"}, ".imsconv"},
	}
	pristine := s.store
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			s.store = filepath.Join(t.TempDir(), "store")
			copyTree(t, pristine, s.store)
			c.spoil(t)
			_, log := verifyStore(t, s.store, verify.StoreOptions{}, s.stream)
			var kinds []string
			for _, line := range log.problems {
				kind, _, _ := strings.Cut(line, " ")
				if !slices.Contains(kinds, kind) || kind == "folder-record" {
					kinds = append(kinds, kind)
				}
				if !strings.Contains(line, c.where) {
					t.Errorf("%q does not name %s", line, c.where)
				}
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, c.kinds) {
				t.Errorf("told %q, want %q:\n%s", kinds, c.kinds, strings.Join(log.problems, "\n"))
			}
		})
	}
}

func digit(n int) string { return string(rune('0' + n)) }

func stampOf(seconds int64) string { return string(ims.AppendTime(nil, seconds)) }
