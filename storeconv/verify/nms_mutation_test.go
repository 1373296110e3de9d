package verify_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// relocated is an NMS store and what the real conversion made of it.
type relocated struct {
	from, store string
	site        testsite.NMSSite
	opts        verify.NMSOptions
}

// relocateSite makes a site whose quota records have five fields, and
// relocates it.
func relocateSite(t testing.TB, site testsite.NMSOptions, opts relocate.Options) *relocated {
	t.Helper()
	dir := t.TempDir()
	r := &relocated{from: filepath.Join(dir, "nms"), store: filepath.Join(dir, "store")}
	var err error
	r.site, err = testsite.WriteNMS(r.from, site)
	must(t, err)
	path := filepath.Join(r.from, "quota.db2")
	quotas := readDatabase(t, path)
	for id := range quotas {
		quotas[id] = "20480 500 17 3 -1"
	}
	keepTimes(t, path, func() { writeDatabase(t, path, quotas) })
	r.run(t, opts)
	return r
}

func (r *relocated) run(t testing.TB, opts relocate.Options) {
	t.Helper()
	log := new(recorder)
	opts.Log = log
	_, err := relocate.Relocate(context.Background(), r.store, r.from, opts)
	must(t, err)
	if len(log.problems) > 0 {
		t.Fatalf("relocate: %q", log.problems)
	}
	r.opts = verify.NMSOptions{Domain: opts.Domain, Map: opts.Map, Users: opts.Users}
	for _, p := range opts.Partitions {
		r.opts.Partitions = append(r.opts.Partitions, verify.Partition(p))
	}
}

// nmsVictim is what there is to spoil in a relocated store.
type nmsVictim struct {
	from, store string
	old         string // id of a user in the source
	id, folder  string // its new id, the record of one of its mailboxes
	message     string // under the store, with one name
	linked      string // with several names in one user's tree
	index       string
	list        string // subscription file
}

// nmsMutations are the fields that a relocation writes, each written wrong. All
// of them are known by the source alone.
var nmsMutations = []struct {
	field string
	spoil func(t *testing.T, v *nmsVictim)
	kind  string
	where string
}{
	{"Folder.Partition", folderOf(func(f *mboxlist.Folder) { f.Partition = "second" }), "differs", "folder.db"},
	{"Folder.ACL", folderOf(func(f *mboxlist.Folder) {
		f.ACL = append(f.ACL, mboxlist.ACE{Identifier: "stranger", Rights: "lrswipcda"})
	}), "differs", "stranger"},
	{"ACE.Identifier", folderOf(func(f *mboxlist.Folder) { f.ACL[0].Identifier = "stranger" }), "differs", "stranger"},
	{"ACE.Rights", folderOf(func(f *mboxlist.Folder) { f.ACL[0].Rights = "lr" }), "differs", "folder.db"},
	{"Quota.KB", quotaOf(func(q *mboxlist.Quota) { q.KB++ }), "differs", "quota.db"},
	{"Quota.Messages", quotaOf(func(q *mboxlist.Quota) { q.Messages++ }), "differs", "quota.db"},
	{"Quota.UsageKB", quotaOf(func(q *mboxlist.Quota) { q.UsageKB++ }), "differs", "quota.db"},
	{"Quota.UsageMessages", quotaOf(func(q *mboxlist.Quota) { q.UsageMessages++ }), "differs", "quota.db"},
	{"Quota.LastWarned", quotaOf(func(q *mboxlist.Quota) { q.LastWarned = 1 }), "differs", "quota.db"},
	{"Subscriptions", func(t *testing.T, v *nmsVictim) {
		editRecord(t, v, mboxlist.SubscrDB, v.id, func(s string) string { return s + "\nuser/stranger" })
	}, "differs", "subscr.db"},
	{"record.missing", func(t *testing.T, v *nmsVictim) {
		editDatabase(t, v.store, mboxlist.FolderDB, func(r map[string]string) { delete(r, v.folder) })
	}, "missing", "folder.db"},
	{"record.missing", func(t *testing.T, v *nmsVictim) {
		editDatabase(t, v.store, mboxlist.QuotaDB, func(r map[string]string) { delete(r, v.id) })
	}, "missing", "quota.db"},
	{"record.missing", func(t *testing.T, v *nmsVictim) {
		editDatabase(t, v.store, mboxlist.SubscrDB, func(r map[string]string) { delete(r, v.id) })
	}, "missing", "subscr.db"},
	{"record.extra", func(t *testing.T, v *nmsVictim) {
		editDatabase(t, v.store, mboxlist.FolderDB, func(r map[string]string) { r["user/"+v.id+"/Extra"] = "first\t" + v.id + "\tlrswipcda" })
	}, "differs", "the source has no such record"},
	{"record.stranger", func(t *testing.T, v *nmsVictim) {
		editDatabase(t, v.store, mboxlist.FolderDB, func(r map[string]string) { r["user/zz"] = "first\tzz\tlrswipcda" })
	}, "not-in-source", "folder.db: user/zz"},
	{"record.stranger", func(t *testing.T, v *nmsVictim) {
		editDatabase(t, v.store, mboxlist.SubscrDB, func(r map[string]string) { r["zz"] = "user/zz" })
	}, "not-in-source", "subscr.db: zz"},
	{"partition.extra", func(t *testing.T, v *nmsVictim) { must(t, os.Mkdir(filepath.Join(v.store, "partition/third"), 0o700)) }, "not-in-source", "partition/third"},
	{"subscription.extra", func(t *testing.T, v *nmsVictim) {
		path := filepath.Join(v.store, "user/11/11/stranger.sub")
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("user/stranger\n"), 0o600))
	}, "not-in-source", "user/11/11/stranger.sub"},
	{"subscription.extra", func(t *testing.T, v *nmsVictim) {
		must(t, os.WriteFile(filepath.Join(v.store, "user", filepath.Base(v.list)), nil, 0o600))
	}, "differs", "the source does not have it"},
	{"database.missing", func(t *testing.T, v *nmsVictim) { must(t, os.Remove(filepath.Join(v.store, "mboxlist/peruser.db"))) }, "missing", "peruser.db"},

	{"file.byte", func(t *testing.T, v *nmsVictim) {
		editFile(t, filepath.Join(v.store, v.message), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	}, "differs", "other bytes"},
	{"file.size", func(t *testing.T, v *nmsVictim) {
		editFile(t, filepath.Join(v.store, v.message), func(b []byte) []byte { return append(b, 'x') })
	}, "differs", "other bytes"},
	{"file.mode", func(t *testing.T, v *nmsVictim) { must(t, os.Chmod(filepath.Join(v.store, v.message), 0o660)) }, "differs", "mode 0660"},
	{"file.mtime", func(t *testing.T, v *nmsVictim) {
		path := filepath.Join(v.store, v.message)
		info, err := os.Stat(path)
		must(t, err)
		must(t, os.Chtimes(path, time.Time{}, info.ModTime().Add(1)))
	}, "differs", "modification time"},
	{"file.missing", func(t *testing.T, v *nmsVictim) {
		path := filepath.Join(v.store, v.message)
		keepTimes(t, path, func() { must(t, os.Remove(path)) })
	}, "missing", "not in the new store"},
	{"file.extra", func(t *testing.T, v *nmsVictim) {
		path := filepath.Join(filepath.Dir(filepath.Join(v.store, v.message)), "98.msg")
		keepTimes(t, path, func() { must(t, os.WriteFile(path, nil, 0o600)) })
	}, "differs", "the source does not have it"},
	{"link.copy", func(t *testing.T, v *nmsVictim) {
		path := filepath.Join(v.store, v.linked)
		info, err := os.Stat(path)
		must(t, err)
		keepTimes(t, path, func() {
			data, err := os.ReadFile(path)
			must(t, err)
			must(t, os.Remove(path))
			must(t, os.WriteFile(path, data, info.Mode()))
			must(t, os.Chmod(path, info.Mode()))
			must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		})
	}, "", "hard links of the source are files of their own"},
	{"link.extra", func(t *testing.T, v *nmsVictim) {
		keepTimes(t, filepath.Join(v.store, "x"), func() {
			must(t, os.Link(filepath.Join(v.store, v.message), filepath.Join(v.store, "x")))
		})
	}, "differs", "a hard link to another file"},
	{"index.byte", func(t *testing.T, v *nmsVictim) {
		editFile(t, filepath.Join(v.store, v.index), func(b []byte) []byte { b[0] ^= 1; return b })
	}, "differs", "other bytes"},
	{"index.shared", func(t *testing.T, v *nmsVictim) {
		path := filepath.Join(v.store, v.index)
		keepTimes(t, path, func() {
			must(t, os.Remove(path))
			must(t, os.Link(filepath.Join(v.from, testsite.MailboxDir("primary", v.old, "INBOX"), "store.idx"), path))
		})
	}, "differs", "the same file as in the source"},
	{"dir.mode", func(t *testing.T, v *nmsVictim) {
		must(t, os.Chmod(filepath.Dir(filepath.Join(v.store, v.message)), 0o750))
	}, "differs", "mode 0750"},
	{"dir.mtime", func(t *testing.T, v *nmsVictim) {
		setTime(t, filepath.Dir(filepath.Join(v.store, v.message)), 1)
	}, "differs", "modification time"},
	{"dir.mode", func(t *testing.T, v *nmsVictim) {
		must(t, os.Chmod(filepath.Join(v.store, "partition/first/=user"), 0o755))
	}, "differs", "mode 0755"},
	{"subscription.byte", func(t *testing.T, v *nmsVictim) {
		editFile(t, filepath.Join(v.store, v.list), func(b []byte) []byte { return b[:len(b)-3] })
	}, "differs", "user/"},
	{"subscription.missing", func(t *testing.T, v *nmsVictim) { must(t, os.Remove(filepath.Join(v.store, v.list))) }, "missing", "user/"},
	{"user.missing", func(t *testing.T, v *nmsVictim) {
		must(t, os.RemoveAll(filepath.Dir(filepath.Join(v.store, v.index))))
	}, "missing", "not in the new store"},
}

func editRecord(t *testing.T, v *nmsVictim, kind mboxlist.Kind, key string, change func(string) string) {
	editDatabase(t, v.store, kind, func(records map[string]string) {
		was, ok := records[key]
		if !ok {
			t.Fatalf("%s has no record %q", kind.FileName(), key)
		}
		records[key] = change(was)
	})
}

func folderOf(change func(*mboxlist.Folder)) func(t *testing.T, v *nmsVictim) {
	return func(t *testing.T, v *nmsVictim) {
		editRecord(t, v, mboxlist.FolderDB, v.folder, func(s string) string {
			f, err := mboxlist.ParseFolder([]byte(s))
			must(t, err)
			change(&f)
			return string(f.Append(nil))
		})
	}
}

func quotaOf(change func(*mboxlist.Quota)) func(t *testing.T, v *nmsVictim) {
	return func(t *testing.T, v *nmsVictim) {
		editRecord(t, v, mboxlist.QuotaDB, v.id, func(s string) string {
			q, err := mboxlist.ParseQuota([]byte(s))
			must(t, err)
			change(&q)
			return string(q.Append(nil))
		})
	}
}

// TestNMSMutations writes each field of a relocated store wrong, one at a time,
// and wants it named. Users and partitions are renamed.
func TestNMSMutations(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 21, Users: 6, Messages: 330, MedianSize: 300, Links: 10},
		relocate.Options{Via: relocate.ViaCopy, Domain: "siroe.com", Partitions: []relocate.Partition{{Name: "primary", NewName: "first"}}})
	_, log := verifyNMS(t, r.store, r.from, r.opts)
	log.none(t)
	whole := r.victim(t)
	covered := make(map[string]bool)
	for _, m := range nmsMutations {
		covered[m.field] = true
		t.Run(m.field+" "+m.where, func(t *testing.T) {
			v := *whole
			v.store = filepath.Join(t.TempDir(), "store")
			copyTree(t, r.store, v.store)
			m.spoil(t, &v)
			_, log := verifyNMS(t, v.store, r.from, r.opts)
			named(t, log, m.kind, m.where)
		})
	}
	for _, field := range append(fieldsOf(mboxlist.Folder{}, mboxlist.ACE{}, mboxlist.Quota{}), "Subscriptions") {
		if !covered[field] {
			t.Errorf("no mutation of %s: verify --from may overlook it", field)
		}
	}
}

// victim chooses what to spoil.
func (r *relocated) victim(t *testing.T) *nmsVictim {
	t.Helper()
	v := &nmsVictim{from: r.from, store: r.store}
	for _, id := range r.site.Users {
		if r.site.Partition[id] == "primary" && r.site.Subscr[id] != "" && !strings.Contains(id, "@") {
			v.old = id
			break
		}
	}
	v.id = v.old + "@siroe.com"
	v.folder = "user/" + v.id + "/Drafts"
	dir := testsite.MailboxDir("first", v.id, "INBOX")
	v.index = dir + "/store.idx"
	v.list = "user/" + strings.Split(dir, "/")[3] + "/" + strings.Split(dir, "/")[4] + "/" + filepath.Base(dir)[1:] + ".sub"
	err := filepath.WalkDir(filepath.Join(r.store, "partition/first"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".msg") || strings.HasSuffix(path, "/98.msg") {
			return err
		}
		rel, _ := filepath.Rel(r.store, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Sys().(*syscall.Stat_t).Nlink == 1 {
			if strings.HasPrefix(rel, dir+"/") {
				v.message = rel
			}
		} else {
			v.linked = rel
		}
		return nil
	})
	must(t, err)
	if v.message == "" || v.linked == "" {
		t.Fatalf("the site has nothing that suits: %+v", v)
	}
	return v
}

// TestNMSMapping is a relocation whose mapping of records gives a stranger all
// rights everywhere: each record is named.
func TestNMSMapping(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 22, Users: 6, Messages: 40}, relocate.Options{Via: relocate.ViaCopy})
	editDatabase(t, r.store, mboxlist.FolderDB, func(records map[string]string) {
		for key, value := range records {
			records[key] = strings.TrimSuffix(value, "\t") + "\tstranger\tlrswipcda"
		}
	})
	rep, log := verifyNMS(t, r.store, r.from, r.opts)
	if int64(len(log.problems)) != rep.FolderRecords || rep.Differences != rep.FolderRecords || rep.FolderRecords != int64(len(r.site.Folder)) {
		t.Errorf("%d lines of %d records", len(log.problems), rep.FolderRecords)
	}
}

// TestNMSWays verifies what each way of a relocation leaves.
func TestNMSWays(t *testing.T) {
	for name, opts := range map[string]relocate.Options{
		"copy":     {Via: relocate.ViaCopy},
		"hardlink": {Via: relocate.ViaHardlink},
		"symlink":  {Via: relocate.ViaSymlink},
		"requota":  {Via: relocate.ViaCopy, Requota: true, Domain: "siroe.com"},
		"map":      {Via: relocate.ViaCopy, Map: map[string]string{"user0": "zoe", "user1": "user0"}},
		"select":   {Via: relocate.ViaCopy, Users: map[string]bool{"user0": true, "John.Smith3": true}},
		"version":  {Via: relocate.ViaCopy, Databases: storeconv.Databases{Version: 9, PageSize: 4096}},
	} {
		t.Run(name, func(t *testing.T) {
			r := relocateSite(t, testsite.NMSOptions{Seed: 23, Users: 14, Messages: 200, Links: 20}, opts)
			rep, log := verifyNMS(t, r.store, r.from, r.opts)
			log.none(t)
			if rep.Users == 0 || rep.Messages == 0 || rep.FolderRecords == 0 || rep.QuotaRecords == 0 || rep.SubscrRecords == 0 || rep.Subscriptions == 0 {
				t.Errorf("%+v", rep)
			}
			if linked := opts.Via != relocate.ViaCopy; linked && rep.SameFile != rep.Messages || !linked && (rep.SameFile != 0 || rep.Bytes == 0) {
				t.Errorf("%+v", rep)
			}
		})
	}
}

// TestNMSOpaque: records of a form that nobody understands go over byte for
// byte.
func TestNMSOpaque(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 24, Users: 6, Opaque: true}, relocate.Options{Via: relocate.ViaCopy})
	_, log := verifyNMS(t, r.store, r.from, r.opts)
	log.none(t)
	key := slices.Sorted(maps.Keys(r.site.Folder))[2]
	editDatabase(t, r.store, mboxlist.FolderDB, func(records map[string]string) { records[key] += "x" })
	_, log = verifyNMS(t, r.store, r.from, r.opts)
	named(t, log, "differs", key)
}

// TestNMSJobs wants the same lines for any number of workers.
func TestNMSJobs(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 25, Users: 20, Messages: 300, Links: 30}, relocate.Options{Via: relocate.ViaCopy})
	must(t, filepath.WalkDir(filepath.Join(r.store, "partition"), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "4.msg") {
			var data []byte
			if data, err = os.ReadFile(path); err == nil {
				err = os.Remove(path)
			}
			if err == nil {
				err = os.WriteFile(path, data, 0o644)
			}
		}
		return err
	}))
	var first []string
	for _, jobs := range []int{1, 2, 7} {
		r.opts.Jobs = jobs
		_, log := verifyNMS(t, r.store, r.from, r.opts)
		if first == nil {
			first = log.all()
		}
		if len(first) == 0 || !slices.Equal(first, log.all()) {
			t.Errorf("%d jobs: %d lines, with one %d", jobs, len(log.all()), len(first))
		}
	}
}

// TestNMSDamaged: what is damaged in the source is a warning, and what is left
// of it is compared.
func TestNMSDamaged(t *testing.T) {
	r := &relocated{from: filepath.Join(t.TempDir(), "nms"), store: filepath.Join(t.TempDir(), "store")}
	var err error
	r.site, err = testsite.WriteNMS(r.from, testsite.NMSOptions{Seed: 26, Users: 40, PageSize: 1024})
	must(t, err)
	editFile(t, filepath.Join(r.from, "mboxlist/data.db2"), func(b []byte) []byte { clear(b[3*1024 : 4*1024]); return b })
	_, err = relocate.Relocate(context.Background(), r.store, r.from, relocate.Options{})
	must(t, err)
	_, log := verifyNMS(t, r.store, r.from, verify.NMSOptions{})
	if len(log.problems) > 0 || len(log.warnings) == 0 {
		t.Errorf("problems %q, warnings %q", log.problems, log.warnings)
	}
	_, log = verifyStore(t, r.store, verify.StoreOptions{Origin: &verify.Origin{From: r.from}})
	if len(log.problems) > 0 {
		t.Errorf("by itself: %q", log.problems[:min(len(log.problems), 5)])
	}
	editDatabase(t, r.store, mboxlist.FolderDB, func(records map[string]string) { delete(records, "user/user0") })
	_, log = verifyNMS(t, r.store, r.from, verify.NMSOptions{})
	if len(log.problems) != 1 {
		t.Errorf("%q", log.problems)
	}
}

// TestNMSInside refuses a store inside of its source.
func TestNMSInside(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 27, Users: 1}, relocate.Options{})
	for _, store := range []string{r.from, filepath.Join(r.from, "partition"), filepath.Dir(r.from)} {
		if _, err := verify.NMS(context.Background(), store, r.from, r.opts); err == nil {
			t.Errorf("%s is taken for the store of %s", store, r.from)
		}
	}
}

// TestInherited: what lies oddly in the store as in the source is a warning,
// with other content a problem.
func TestInherited(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 28, Users: 3}, relocate.Options{})
	dir := testsite.MailboxDir(r.site.Partition["user0"], "user0", "INBOX")
	must(t, os.WriteFile(filepath.Join(r.from, dir, "core"), []byte("odd"), 0o600))
	must(t, os.RemoveAll(r.store))
	r.run(t, relocate.Options{})
	opts := verify.StoreOptions{Origin: &verify.Origin{From: r.from}}
	_, log := verifyStore(t, r.store, opts)
	if len(log.problems) != 0 {
		t.Errorf("%q", log.problems)
	}
	named(t, log, "stray-file", "core: no part of a mailbox (as in the source)")
	must(t, os.WriteFile(filepath.Join(r.store, dir, "core"), []byte("new"), 0o600))
	_, log = verifyStore(t, r.store, opts)
	if len(log.problems) != 1 || !strings.Contains(log.problems[0], "core: no part of a mailbox") {
		t.Errorf("other content: %q", log.problems)
	}
}

// TestSourceBehindSymbolicLinks: users and folders of the source that lie
// behind links did not go over, which relocate has told; their records are as
// in the source.
func TestSourceBehindSymbolicLinks(t *testing.T) {
	r := relocateSite(t, testsite.NMSOptions{Seed: 28, Users: 3}, relocate.Options{})
	dir := testsite.MailboxDir(r.site.Partition["user0"], "user0", "INBOX")
	away := t.TempDir()
	for _, link := range []string{dir, filepath.Dir(dir)} {
		to := filepath.Join(away, filepath.Base(link))
		must(t, os.Rename(filepath.Join(r.from, link), to))
		must(t, os.Symlink(to, filepath.Join(r.from, link)))
		must(t, os.RemoveAll(r.store))
		_, err := relocate.Relocate(context.Background(), r.store, r.from, relocate.Options{Log: new(recorder)})
		must(t, err)
		_, log := verifyStore(t, r.store, verify.StoreOptions{Origin: &verify.Origin{From: r.from}})
		if len(log.problems) != 0 {
			t.Errorf("%s: %q", link, log.problems)
		}
		must(t, os.Remove(filepath.Join(r.from, link)))
		must(t, os.Rename(to, filepath.Join(r.from, link)))
	}
}
