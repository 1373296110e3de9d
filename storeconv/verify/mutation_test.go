package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// How a wrong field can be known.
const (
	alone      = "the store alone"
	withStream = "its stream" // the store alone tells of no problem
)

// mutation writes one field of a finished store wrong.
type mutation struct {
	field string
	by    string
	spoil func(t *testing.T, m *victim)
	kind  string // of the line that must come
	where string // part of the line
}

// victim is the store to spoil and what in it.
type victim struct {
	store  string
	box    *testsite.Mailbox // has keywords, and a message that is seen and one that is deleted
	index  string            // of box
	full   string            // name of box
	plain  testsite.Message  // of box, with one name, neither first nor last in anything
	linked testsite.Message  // anywhere, a later copy whose file has two names
}

func (m *victim) path(name string) string { return filepath.Join(m.store, name) }

func (m *victim) header(change func(*ims.Header)) func(t *testing.T) {
	return func(t *testing.T) { editIndex(t, m.index, func(x *ims.Index) { change(&x.Header) }) }
}

// record changes the record of the plain message.
func (m *victim) record(t *testing.T, change func(*ims.Record)) {
	editIndex(t, m.index, func(x *ims.Index) {
		i := slices.IndexFunc(x.Messages, func(r ims.Record) bool { return r.UID == m.plain.UID })
		change(&x.Messages[i])
	})
}

func (m *victim) list(t *testing.T, kind mboxlist.Kind, key string, change func(string) string) {
	editDatabase(t, m.store, kind, func(records map[string]string) {
		was, ok := records[key]
		if !ok {
			t.Fatalf("%s has no record %q", kind.FileName(), key)
		}
		if records[key] = change(was); records[key] == was {
			t.Fatalf("%s: the mutation changes nothing", key)
		}
	})
}

func (m *victim) folder(t *testing.T, change func(*mboxlist.Folder)) {
	m.list(t, mboxlist.FolderDB, m.full, func(s string) string {
		f, err := mboxlist.ParseFolder([]byte(s))
		must(t, err)
		change(&f)
		return string(f.Append(nil))
	})
}

func (m *victim) quota(t *testing.T, change func(*mboxlist.Quota)) {
	m.list(t, mboxlist.QuotaDB, m.box.User, func(s string) string {
		q, err := mboxlist.ParseQuota([]byte(s))
		must(t, err)
		change(&q)
		return string(q.Append(nil))
	})
}

func (m *victim) perUser(t *testing.T, change func(*mboxlist.PerUser)) {
	m.list(t, mboxlist.PeruserDB, mboxlist.PerUserKey(m.box.User, m.full), func(s string) string {
		p, err := mboxlist.ParsePerUser([]byte(s))
		must(t, err)
		change(&p)
		return string(p.Append(nil))
	})
}

func inHeader(field, by, kind, where string, change func(*ims.Header)) mutation {
	return mutation{"Header." + field, by, func(t *testing.T, m *victim) { m.header(change)(t) }, kind, where}
}

func inRecord(field, by, kind, where string, change func(*ims.Record)) mutation {
	return mutation{"Record." + field, by, func(t *testing.T, m *victim) { m.record(t, change) }, kind, where}
}

func inFolder(field, kind, where string, change func(*mboxlist.Folder)) mutation {
	return mutation{field, alone, func(t *testing.T, m *victim) { m.folder(t, change) }, kind, where}
}

func inQuota(field, by, kind, where string, change func(*mboxlist.Quota)) mutation {
	return mutation{"Quota." + field, by, func(t *testing.T, m *victim) { m.quota(t, change) }, kind, where}
}

func inPerUser(field, by, kind, where string, change func(*mboxlist.PerUser)) mutation {
	return mutation{field, by, func(t *testing.T, m *victim) { m.perUser(t, change) }, kind, where}
}

// storeMutations are the fields that a restore writes, each written wrong.
var storeMutations = []mutation{
	inHeader("Name", alone, "index-header", "Name is", func(h *ims.Header) { h.Name += "x" }),
	{"Header.Version", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte {
			return bytes.Replace(b, []byte("\nVersion: imsconv-1\n"), []byte("\nVersion: 5.0\n"), 1)
		})
	}, "index-header", "Version is"},
	inHeader("Exists", alone, "index-header", "Exists is", func(h *ims.Header) { h.Exists++ }),
	inHeader("LargestMsg", alone, "index-header", "Largest Msg is", func(h *ims.Header) { h.LargestMsg++ }),
	inHeader("LastAppend", alone, "index-header", "Last Append is", func(h *ims.Header) { h.LastAppend++ }),
	inHeader("LastUID", withStream, "uidnext", "Last UID is", func(h *ims.Header) { h.LastUID++ }),
	inHeader("OldestMsg", alone, "index-header", "Oldest Msg is", func(h *ims.Header) { h.OldestMsg-- }),
	inHeader("OldestUID", alone, "index-header", "Oldest Uid is", func(h *ims.Header) { h.OldestUID++ }),
	inHeader("QuotaUsed", alone, "index-header", "Quota Used is", func(h *ims.Header) { h.QuotaUsed++ }),
	inHeader("UIDValidity", withStream, "uidvalidity", "UIDVALIDITY is", func(h *ims.Header) { h.UIDValidity++ }),
	inHeader("ACL", alone, "folder-record", "ACL", func(h *ims.Header) { h.ACL += "\tstranger\tlr" }),
	inHeader("Userflags", withStream, "keywords", "Userflags", func(h *ims.Header) { h.Userflags[0] += "x" }),
	inHeader("Subscribed", alone, "subscription", "Subscribed is", func(h *ims.Header) { h.Subscribed = !h.Subscribed }),
	inHeader("Partition", alone, "index-header", "Partition is", func(h *ims.Header) { h.Partition = "second" }),
	inHeader("Bare", alone, "index-header", "Bare LF is", func(h *ims.Header) { h.Bare.Messages++ }),
	inHeader("Bare", alone, "index-header", "names other messages", func(h *ims.Header) {
		if h.Bare.Messages == 0 {
			h.Bare.UIDs = []ims.UIDRange{{First: 1, Last: 1}}
			return
		}
		h.Bare.UIDs[0].First, h.Bare.UIDs[0].Last = h.Bare.UIDs[0].First+10000, h.Bare.UIDs[0].Last+10000
		h.Bare.UIDs = h.Bare.UIDs[:1]
	}),
	inHeader("Bare", alone, "index-header", "nobody goes by it", func(h *ims.Header) { h.Bare.Of-- }),
	inHeader("Other", alone, "index-header", "no index of this version", func(h *ims.Header) { h.Other = append(h.Other, ims.Field{Name: "X", Value: "1"}) }),

	{"Record.UID", alone, func(t *testing.T, m *victim) {
		editIndex(t, m.index, func(x *ims.Index) {
			last := &x.Messages[len(x.Messages)-1]
			last.UID++
			x.LastUID = max(x.LastUID, last.UID)
		})
	}, "missing-file", "the file is not there"},
	inRecord("InternalDate", withStream, "date", "received", func(r *ims.Record) { r.InternalDate++ }),
	inRecord("SentDate", alone, "wrong-sent-date", "the Date field is", func(r *ims.Record) { r.SentDate++ }),
	inRecord("Size", alone, "wrong-size", "the index says", func(r *ims.Record) { r.Size-- }),
	inRecord("HSize", alone, "wrong-header-size", "the index says", func(r *ims.Record) { r.HSize-- }),
	inRecord("Flags", withStream, "flags", "the flags are", func(r *ims.Record) { r.Flags ^= ims.Answered }),
	inRecord("Flags", alone, "per-user", "seen", func(r *ims.Record) { r.Flags ^= ims.Seen }),
	inRecord("Flags", alone, "per-user", "deleted", func(r *ims.Record) { r.Flags ^= ims.Deleted }),
	inRecord("Keywords", withStream, "flags", "the flags are", func(r *ims.Record) {
		if r.HasKeyword(0) {
			r.Keywords[0] ^= 1
			return
		}
		r.SetKeyword(0)
	}),
	inRecord("Keywords", alone, "index-flags", "keyword 30", func(r *ims.Record) { r.SetKeyword(30) }),
	inRecord("OrigValidity", withStream, "other-origin", "", func(r *ims.Record) { r.OrigValidity++ }),
	inRecord("OrigUID", withStream, "other-origin", "", func(r *ims.Record) { r.OrigUID += 100000 }),
	inRecord("OrigUID", alone, "no-origin", "has no Original-Uid", func(r *ims.Record) { r.OrigValidity, r.OrigUID = 0, 0 }),
	inRecord("SHA256", alone, "wrong-content", "SHA-256 is", func(r *ims.Record) { r.SHA256[31] ^= 1 }),
	inRecord("SHA256", alone, "wrong-content", "has no SHA-256", func(r *ims.Record) { clear(r.SHA256[:]) }),
	inRecord("MessageID", alone, "wrong-message-id", "Message-ID", func(r *ims.Record) { r.MessageID = "<other@siroe.com>" }),

	inFolder("Folder.Partition", "folder-record", "partition second", func(f *mboxlist.Folder) { f.Partition = "second" }),
	inFolder("Folder.ACL", "folder-record", "ACL", func(f *mboxlist.Folder) { f.ACL = append(f.ACL, mboxlist.ACE{Identifier: "stranger", Rights: "lr"}) }),
	inFolder("ACE.Identifier", "folder-record", "ACL", func(f *mboxlist.Folder) { f.ACL[0].Identifier = "stranger" }),
	inFolder("ACE.Rights", "folder-record", "ACL", func(f *mboxlist.Folder) { f.ACL[0].Rights = "lr" }),
	inQuota("KB", withStream, "quota-limit", "KB", func(q *mboxlist.Quota) { q.KB += 5 }),
	inQuota("Messages", withStream, "quota-limit", "messages", func(q *mboxlist.Quota) { q.Messages += 5 }),
	inQuota("UsageKB", alone, "quota", "counts", func(q *mboxlist.Quota) { q.UsageKB++ }),
	inQuota("UsageMessages", alone, "quota", "counts", func(q *mboxlist.Quota) { q.UsageMessages++ }),
	inQuota("LastWarned", withStream, "quota-warned", "last warning", func(q *mboxlist.Quota) { q.LastWarned = 981538200 }),
	{"Subscriptions", alone, func(t *testing.T, m *victim) {
		editDatabase(t, m.store, mboxlist.SubscrDB, func(records map[string]string) {
			list := strings.Split(records[m.box.User], "\n")
			if i := slices.Index(list, m.full); i >= 0 {
				list = slices.Delete(list, i, i+1)
			} else {
				list = append(list, m.full)
			}
			records[m.box.User] = strings.Trim(strings.Join(list, "\n"), "\n")
		})
	}, "subscription", "in subscr.db"},
	inPerUser("PerUser.LastAccess", withStream, "last-access", "last access", func(p *mboxlist.PerUser) { p.LastAccess++ }),
	inPerUser("PerUser.Seen", alone, "per-user", "seen", func(p *mboxlist.PerUser) { p.Seen = nil }),
	inPerUser("PerUser.Deleted", alone, "per-user", "deleted", func(p *mboxlist.PerUser) { p.Deleted = nil }),
	inPerUser("UIDRange.First", alone, "per-user", "seen", func(p *mboxlist.PerUser) {
		last := &p.Seen[len(p.Seen)-1]
		last.Last += 10
		last.First = last.Last - 1
	}),
	inPerUser("UIDRange.Last", alone, "per-user", "seen", func(p *mboxlist.PerUser) { p.Seen[len(p.Seen)-1].Last++ }),

	{"file.byte", alone, func(t *testing.T, m *victim) {
		editFile(t, m.path(m.plain.Path), func(b []byte) []byte { b[len(b)-3] ^= 1; return b })
	}, "wrong-content", "SHA-256"},
	{"file.size", alone, func(t *testing.T, m *victim) {
		editFile(t, m.path(m.plain.Path), func(b []byte) []byte { return append(b, '\n') })
	}, "wrong-size", ""},
	{"file.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.path(m.plain.Path), 0o640)) }, "mode", "0640 instead of 0600"},
	{"file.mtime", withStream, func(t *testing.T, m *victim) { setTime(t, m.path(m.plain.Path), m.plain.Date+1) }, "file-date", "its first copy"},
	{"file.mtime", withStream, func(t *testing.T, m *victim) { setTime(t, m.path(m.linked.Path), m.linked.Date) }, "file-date", "its first copy"},
	{"file.mtime", withStream, func(t *testing.T, m *victim) { setNano(t, m.path(m.plain.Path), m.plain.Date) }, "file-date", "and 7 ns, its first copy"},
	{"file.mtime", alone, func(t *testing.T, m *victim) { setNano(t, m.path(m.plain.Path), m.plain.Date) }, "file-date", "the date of this file"},
	{"file.missing", alone, func(t *testing.T, m *victim) { must(t, os.Remove(m.path(m.plain.Path))) }, "missing-file", ""},
	{"file.extra", alone, func(t *testing.T, m *victim) {
		must(t, os.WriteFile(filepath.Join(filepath.Dir(m.path(m.plain.Path)), "99.msg"), nil, 0o600))
	}, "stray-file", "99.msg"},
	{"link.copy", withStream, func(t *testing.T, m *victim) {
		path := m.path(m.linked.Path)
		keepTimes(t, path, func() {
			data, err := os.ReadFile(path)
			must(t, err)
			must(t, os.Remove(path))
			must(t, os.WriteFile(path, data, 0o600))
		})
	}, "copied-link", "a file of its own"},
	{"index.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.index, 0o644)) }, "mode", "store.idx"},
	{"index.mtime", alone, func(t *testing.T, m *victim) { setTime(t, m.index, 1) }, "file-date", "store.idx"},
	{"index.first-line", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] })
	}, "bad-index", "damaged index"},
	{"index.header", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return b[bytes.Index(b, []byte("\n\n"))+2:] })
	}, "bad-index", "damaged index"},
	{"index.line-ends", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) })
	}, "bad-index", "damaged index"},
	{"index.line-in-front", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return append([]byte("x\n"), b...) })
	}, "bad-index", "damaged index"},
	{"index.empty", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return nil })
	}, "bad-index", "damaged index"},
	{"index.zeros", alone, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return make([]byte, len(b)) })
	}, "bad-index", "nothing but zero bytes"},
	{"index.foreign", withStream, func(t *testing.T, m *victim) {
		editFile(t, m.index, func(b []byte) []byte { return bytes.Repeat([]byte{0, 0x81, 7}, 500) })
	}, "foreign-index", "as a relocation leaves it"},
	{"index.mtime", alone, func(t *testing.T, m *victim) {
		info, err := os.Stat(m.index)
		must(t, err)
		setNano(t, m.index, info.ModTime().Unix())
	}, "file-date", "and 7 ns, the latest message"},
	{"index.missing", alone, func(t *testing.T, m *victim) { must(t, os.Remove(m.index)) }, "no-index", ""},
	{"dir.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(filepath.Dir(m.path(m.plain.Path)), 0o750)) }, "mode", "0750 instead of 0700"},
	{"dir.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.path("partition/primary/=user"), 0o755)) }, "mode", "partition/primary/=user: mode 0755"},
	{"dir.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(filepath.Dir(m.index), 0o755)) }, "mode", "0755"},
	{"database.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.path("mboxlist/quota.db"), 0o644)) }, "mode", "quota.db"},
	{"database.missing", alone, func(t *testing.T, m *victim) { must(t, os.Remove(m.path("mboxlist/peruser.db"))) }, "missing-database", "peruser.db"},
	{"database.link", alone, func(t *testing.T, m *victim) {
		for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
			must(t, os.Rename(m.path("mboxlist/"+name), m.store+"."+name))
			must(t, os.Symlink(m.store+"."+name, m.path("mboxlist/"+name)))
		}
	}, "database", "quota.db: a symbolic link"},
	{"file.owner", alone, chown(func(m *victim) string { return m.path(m.plain.Path) }), "owner", ".msg"},
	{"index.owner", alone, chown(func(m *victim) string { return m.index }), "owner", "store.idx"},
	{"dir.owner", alone, chown(func(m *victim) string { return filepath.Dir(m.path(m.plain.Path)) }), "owner", ""},
	{"database.owner", alone, chown(func(m *victim) string { return m.path("mboxlist/folder.db") }), "owner", "folder.db"},
	{"record.missing", alone, dropRecord(mboxlist.FolderDB), "not-listed", "folder.db has no record"},
	{"record.missing", alone, dropRecord(mboxlist.QuotaDB), "not-listed", "quota.db has no record"},
	{"record.missing", alone, dropRecord(mboxlist.PeruserDB), "per-user", "no record"},
	{"record.extra", alone, extraRecord(mboxlist.FolderDB, "user/nobody", "primary\tnobody\tlr"), "no-mailbox", "user/nobody"},
	{"record.extra", alone, extraRecord(mboxlist.QuotaDB, "nobody", "-1 -1 0 0 -1"), "no-user", "nobody"},
	{"record.extra", alone, extraRecord(mboxlist.PeruserDB, "nobody\tuser/nobody", "1\t\t"), "no-mailbox", "nobody"},
	{"record.extra", alone, extraRecord(mboxlist.SubscrDB, "nobody", "user/nobody"), "subscription", "nobody"},
	{"record.extra", alone, extraRecord(mboxlist.SubscrDB, "nobody", ""), "no-user", "subscr.db: nobody"},
	{"record.extra", alone, extraRecord(mboxlist.PeruserDB, "nobody\tuser/nobody/x", "1\t\t"), "no-user", "peruser.db: nobody"},
	{"record.form", alone, extraRecord(mboxlist.FolderDB, "odd key", "primary\tx\tlr"), "record", "folder.db: odd key"},
	{"record.form", alone, extraRecord(mboxlist.FolderDB, "user/odd", "primary\tx"), "record", "folder.db: user/odd"},
	{"record.form", alone, extraRecord(mboxlist.PeruserDB, "odd", "1\t\t"), "record", "peruser.db: odd"},
	{"record.form", alone, extraRecord(mboxlist.PeruserDB, "odd\tuser/odd", "x"), "record", "peruser.db: odd user/odd"},
	{"record.form", alone, extraRecord(mboxlist.QuotaDB, "odd", "x"), "record", "quota.db: odd"},
	{"record.form", alone, extraRecord(mboxlist.SubscrDB, "odd", "a\x01"), "record", "subscr.db: odd"},
	{"Subscriptions", alone, func(t *testing.T, m *victim) {
		editDatabase(t, m.store, mboxlist.SubscrDB, func(records map[string]string) {
			for key, list := range records {
				if name, _, _ := strings.Cut(list, "\n"); name != "" {
					records[key] = list + "\n" + name
				}
			}
		})
	}, "subscription", "in the list twice"},
	{"dir.empty", alone, emptyDir("partition/second"), "empty-directory", "partition/second"},
	{"dir.empty", alone, emptyDir("partition/primary/=user/11"), "empty-directory", "=user/11"},
	{"dir.empty", alone, emptyDir("partition/primary/=user/f7/71"), "empty-directory", "=user/f7/71"},
	{"dir.empty", alone, func(t *testing.T, m *victim) { must(t, os.Mkdir(filepath.Join(filepath.Dir(m.index), "97"), 0o700)) }, "empty-directory", "/97"},
	{"dir.empty", alone, func(t *testing.T, m *victim) { must(t, os.Mkdir(filepath.Join(filepath.Dir(m.index), "=x"), 0o700)) }, "empty-directory", "/=x"},
	{"dir.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.store, 0o755)) }, "mode", "the store directory has the mode 0755"},
	{"dir.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.path("mboxlist"), 0o755)) }, "mode", "mboxlist: mode 0755"},
	{"dir.mode", alone, func(t *testing.T, m *victim) { must(t, os.Chmod(m.path("partition"), 0o755)) }, "mode", "partition: mode 0755"},
}

// notRoot are the fields that only root can write wrong.
var notRoot = []string{"file.owner", "index.owner", "dir.owner", "database.owner"}

func chown(path func(m *victim) string) func(t *testing.T, m *victim) {
	return func(t *testing.T, m *victim) { must(t, os.Lchown(path(m), 1234, 1234)) }
}

func dropRecord(kind mboxlist.Kind) func(t *testing.T, m *victim) {
	return func(t *testing.T, m *victim) {
		key := map[mboxlist.Kind]string{mboxlist.FolderDB: m.full, mboxlist.QuotaDB: m.box.User, mboxlist.PeruserDB: mboxlist.PerUserKey(m.box.User, m.full)}[kind]
		editDatabase(t, m.store, kind, func(records map[string]string) {
			if _, ok := records[key]; !ok {
				t.Fatalf("no record %q", key)
			}
			delete(records, key)
		})
	}
}

func extraRecord(kind mboxlist.Kind, key, value string) func(t *testing.T, m *victim) {
	return func(t *testing.T, m *victim) {
		editDatabase(t, m.store, kind, func(records map[string]string) { records[key] = value })
	}
}

func emptyDir(path string) func(t *testing.T, m *victim) {
	return func(t *testing.T, m *victim) { must(t, os.MkdirAll(m.path(path), 0o700)) }
}

// fieldsOf lists the exported fields of types, "Type.Field".
func fieldsOf(types ...any) []string {
	var all []string
	for _, v := range types {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			if f := typ.Field(i); f.IsExported() {
				all = append(all, typ.Name()+"."+f.Name)
			}
		}
	}
	return all
}

// TestMutations writes each field of a restored store wrong, one at a time, and
// wants it named.
func TestMutations(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 11, Users: 4, Messages: 240, MedianSize: 900, Links: 12, Expired: -1})
	if _, log := verifyStore(t, s.store, verify.StoreOptions{}); len(log.all()) > 0 {
		log.none(t)
	}
	_, log := verifyStore(t, s.store, verify.StoreOptions{}, s.stream)
	log.none(t)
	whole := findVictim(t, s)
	covered := make(map[string]bool)
	for _, m := range storeMutations {
		covered[m.field] = true
		t.Run(m.field+" "+m.kind, func(t *testing.T) {
			if slices.Contains(notRoot, m.field) && os.Geteuid() != 0 {
				t.Skip("needs root; TestOwner has it without")
			}
			v := *whole
			v.store = filepath.Join(t.TempDir(), "store")
			copyTree(t, s.store, v.store)
			v.index = v.path(v.box.Dir + "/store.idx")
			m.spoil(t, &v)
			_, log := verifyStore(t, v.store, verify.StoreOptions{})
			if m.by == withStream {
				if len(log.problems) > 0 {
					t.Errorf("the store alone cannot know, and tells:\n%s", strings.Join(log.problems, "\n"))
				}
				_, log = verifyStore(t, v.store, verify.StoreOptions{}, s.stream)
			}
			named(t, log, m.kind, m.where)
		})
	}
	for _, field := range append(fieldsOf(ims.Header{}, ims.Record{}, mboxlist.Folder{}, mboxlist.ACE{}, mboxlist.Quota{}, mboxlist.PerUser{}, mboxlist.UIDRange{}), "Subscriptions") {
		if !covered[field] {
			t.Errorf("no mutation of %s: verify may overlook it", field)
		}
	}
}

// named wants a line of a kind ("": any) that has a text in it.
func named(t testing.TB, log *recorder, kind, text string) {
	t.Helper()
	for _, line := range log.all() {
		if (kind == "" || strings.HasPrefix(line, kind+" ")) && strings.Contains(line, text) {
			return
		}
	}
	t.Errorf("no line of kind %s with %q:\n%s", kind, text, strings.Join(log.all(), "\n"))
}

// findVictim chooses what to spoil.
func findVictim(t *testing.T, s *restored) *victim {
	t.Helper()
	v := &victim{store: s.store}
	names := make(map[string]int)
	for _, box := range s.want.Mailboxes {
		for _, m := range box.Messages {
			if m.Linked {
				names[m.First]++
			}
		}
	}
	for i := range s.want.Mailboxes {
		box := &s.want.Mailboxes[i]
		for _, m := range box.Messages {
			owner := "/=" + box.User + "/"
			if m.Linked && names[m.First] == 1 && !strings.Contains(m.First, owner) && m.Date != m.FileDate && strings.HasPrefix(box.User, "user") {
				v.linked = m
			}
		}
		if v.box == nil && box.Keywords != "" && box.Name != "INBOX" && box.Quota > 0 {
			if m, ok := plainMessage(box, names); ok {
				v.box, v.plain = box, m
			}
		}
	}
	if v.box == nil || v.linked.Path == "" {
		t.Fatal("the site has nothing that suits")
	}
	v.full = mboxlist.FolderKey(v.box.User, v.box.Name)
	return v
}

// plainMessage finds a message that is the first, last and largest of nothing,
// in a mailbox that has one seen and one deleted.
func plainMessage(box *testsite.Mailbox, names map[string]int) (testsite.Message, bool) {
	has := func(flag string) bool {
		return slices.ContainsFunc(box.Messages, func(m testsite.Message) bool { return slices.Contains(m.Flags, flag) })
	}
	if len(box.Messages) < 6 || !has(`\Seen`) || !has(`\Deleted`) {
		return testsite.Message{}, false
	}
	for _, m := range box.Messages[1 : len(box.Messages)-1] {
		early, late := false, false
		for _, o := range box.Messages {
			early = early || o.Date < m.Date-2
			late = late || o.Date > m.Date+2
		}
		if early && late && !m.Linked && names[m.Path] == 0 && m.UID != 99 {
			return m, true
		}
	}
	return testsite.Message{}, false
}

// TestOwner asks for an owner that nothing has.
func TestOwner(t *testing.T) {
	s := restoreSite(t, testsite.StreamOptions{Seed: 12, Users: 2, Messages: 20, MedianSize: 300})
	_, log := verifyStore(t, s.store, verify.StoreOptions{Owner: &storeconv.Owner{UID: os.Geteuid(), GID: -1}})
	if len(log.problems) > 0 {
		t.Errorf("%q", log.problems)
	}
	_, log = verifyStore(t, s.store, verify.StoreOptions{Owner: &storeconv.Owner{UID: os.Geteuid() + 1, GID: -1}})
	for _, where := range []string{".msg", "store.idx", "partition/primary", "partition/primary/=user", "folder.db"} {
		named(t, log, "owner", where+": owner")
	}
}
