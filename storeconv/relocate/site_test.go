package relocate

import (
	"context"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// site generates an NMS store in a directory of the test.
func site(t testing.TB, opts testsite.NMSOptions) (string, testsite.NMSSite) {
	t.Helper()
	dir := filepath.Join(memoryDir(t), "nms")
	s, err := testsite.WriteNMS(dir, opts)
	must(t, err)
	return dir, s
}

func TestRelocateGeneratedSites(t *testing.T) {
	users := 24
	if os.Getenv("IMSCONV_FULL") == "1" {
		users = 1000
	}
	for _, tt := range []struct {
		name string
		site testsite.NMSOptions
		opts Options
		meta bdb.Meta
	}{
		{"big-endian", testsite.NMSOptions{Seed: 1, Users: users}, Options{}, bdb.Meta{Version: 6, ByteOrder: binary.BigEndian, PageSize: 8192}},
		{"little-endian", testsite.NMSOptions{Seed: 2, Users: users, ByteOrder: binary.LittleEndian, PageSize: 1024, QuotaBeside: true}, Options{Via: ViaCopy}, bdb.Meta{Version: 6, ByteOrder: binary.LittleEndian, PageSize: 1024}},
		{"opaque records", testsite.NMSOptions{Seed: 3, Users: users, Opaque: true, Links: 30}, Options{Via: ViaCopy, Databases: storeconv.Databases{Version: 9, ByteOrder: binary.LittleEndian, PageSize: 4096}, Jobs: 3}, bdb.Meta{Version: 9, ByteOrder: binary.LittleEndian, PageSize: 4096}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, s := site(t, tt.site)
			before := tree(t, from)
			store := filepath.Join(memoryDir(t), "store")
			rep, h := relocate(t, store, from, tt.opts)
			h.none(t)
			sameTrees(t, from, store)
			if rep.Users != int64(users) || rep.Messages != int64(s.Messages) || rep.Mailboxes != int64(s.Mailboxes) {
				t.Errorf("report: %+v", rep)
			}
			for name, want := range map[string]map[string]string{"folder.db": s.Folder, "quota.db": s.Quota, "subscr.db": s.Subscr, "peruser.db": {}} {
				path := store + "/mboxlist/" + name
				if d := cmp.Diff(want, records(t, path)); d != "" {
					t.Errorf("%s: %s", name, d)
				}
				got := meta(t, path)
				if got.Version != tt.meta.Version || got.ByteOrder != tt.meta.ByteOrder || got.PageSize != tt.meta.PageSize {
					t.Errorf("%s: version %d, %v, pages of %d", name, got.Version, got.ByteOrder, got.PageSize)
				}
			}
			if d := cmp.Diff(before, tree(t, from)); d != "" {
				t.Errorf("the source changed:\n%s", d)
			}
			_, h = verifyNMS(t, store, from, verify.NMSOptions{})
			h.none(t)
			if rep.Via == "copy" && rep.Shared == 0 {
				t.Error("no hard link inside the tree was kept")
			}
		})
	}
}

func meta(t testing.TB, path string) bdb.Meta {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	r, err := bdb.NewReader(f, info.Size(), bdb.Options{})
	must(t, err)
	return r.Meta()
}

// TestRelocateJobs expects the same store whatever the number of workers.
func TestRelocateJobs(t *testing.T) {
	from, _ := site(t, testsite.NMSOptions{Seed: 4, Users: 12, Links: 20})
	var first map[string]string
	for _, jobs := range []int{1, 4} {
		store := filepath.Join(memoryDir(t), "store")
		relocate(t, store, from, Options{Via: ViaCopy, Jobs: jobs, Domain: "siroe.com", Sync: storeconv.SyncUser})
		got := contents(tree(t, store))
		if first == nil {
			first = got
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Errorf("%d jobs: %s", jobs, d)
		}
	}
}

// contents takes the times of what has none from the source out of a tree.
func contents(files map[string]string) map[string]string {
	for path, line := range files {
		if path == "." || strings.HasPrefix(path, "mboxlist/") {
			f := strings.Fields(line)
			f[1] = ""
			files[path] = strings.Join(f, " ")
		}
	}
	return files
}

// TestRelocateBatches adds users batch by batch and expects the store that one
// run makes.
func TestRelocateBatches(t *testing.T) {
	from, s := site(t, testsite.NMSOptions{Seed: 5, Users: 12, Messages: 120, Links: -1})
	whole, parts := filepath.Join(memoryDir(t), "whole"), filepath.Join(memoryDir(t), "parts")
	relocate(t, whole, from, Options{Via: ViaCopy})
	for i := range 3 {
		batch := make(map[string]bool)
		for j := i; j < len(s.Users); j += 3 {
			batch[s.Users[j]] = true
		}
		rep, h := relocate(t, parts, from, Options{Via: ViaCopy, Users: batch})
		h.none(t)
		if rep.Placed != 4 || rep.QuotaRecords != 4 {
			t.Errorf("batch %d: %+v", i, rep)
		}
		if got := len(records(t, parts+"/mboxlist/quota.db")); got != 4*(i+1) {
			t.Errorf("batch %d: quota.db has %d records", i, got)
		}
	}
	if d := cmp.Diff(contents(tree(t, whole)), contents(tree(t, parts))); d != "" {
		t.Error(d)
	}
}

// TestRelocateRename gives users new ids and expects them everywhere.
func TestRelocateRename(t *testing.T) {
	from := copySample(t)
	// anna may read wallyc's drafts, and listens to them; joe is nobody.
	setRecord(t, from, "user/wallyc/Drafts", "primary\twallyc\tlrswipcda\tanna\tlrs\t-anna\ti\tgroup=staff\tl\tjoe\tl\t")
	// wallyc's new id is in the list already.
	setRecord(t, from, "user/keiko_s/Drafts", "primary\tkeiko_s\tlrswipcda\twallyc\tlr\tWally.C\tlp\t")
	must(t, os.WriteFile(from+"/user/02/50/anna.sub", []byte("user/anna/Mail/deep/er/est\t\nuser/wallyc/Drafts\t\n"), 0o640))
	store := filepath.Join(memoryDir(t), "store")
	opts := Options{Map: map[string]string{"wallyc": "Wally.C"}, Domain: "siroe.com",
		Partitions: []Partition{{Name: "primary", NewName: "main"}}}
	rep, h := relocate(t, store, from, opts)
	h.none(t)
	if rep.Renamed != 7 || rep.Placed != 8 {
		t.Errorf("report: %+v", rep)
	}
	folders := records(t, store+"/mboxlist/folder.db")
	for key, want := range map[string]string{
		"user/Wally.C/Drafts":           "main\tWally.C\tlrswipcda\tanna@siroe.com\tlrs\t-anna@siroe.com\ti\tgroup=staff\tl\tjoe\tl\t",
		"user/anna@siroe.com":           "main\tanna@siroe.com\tlrswipcda\t",
		"user/wallyc@varrius.org":       "main\twallyc@varrius.org\tlrswipcda\t",
		"user/keiko_s@siroe.com/Drafts": "main\tkeiko_s@siroe.com\tlrswipcda\tWally.C\tlrp\t",
		"user/John.Smith@siroe.com":     "main\tJohn.Smith@siroe.com\tlrswipcda\t",
	} {
		if folders[key] != want {
			t.Errorf("folder record %s: %q, want %q", key, folders[key], want)
		}
	}
	if len(folders) != 19 {
		t.Errorf("%d folder records", len(folders))
	}
	if got, want := records(t, store+"/mboxlist/quota.db")["anna@siroe.com"], records(t, from+"/quota.db2")["anna"]; got != want {
		t.Errorf("quota of anna@siroe.com: %q, want %q", got, want)
	}
	if got, want := records(t, store+"/mboxlist/subscr.db")["anna@siroe.com"], "user/anna@siroe.com/Mail/deep/er/est\nuser/Wally.C/Drafts"; got != want {
		t.Errorf("subscriptions of anna@siroe.com: %q, want %q", got, want)
	}
	for old, now := range map[string]string{
		annaDir:   testsite.MailboxDir("main", "anna@siroe.com", "INBOX"),
		wallycDir: testsite.MailboxDir("main", "Wally.C", "INBOX"),
	} {
		if d := cmp.Diff(tree(t, filepath.Join(from, old)), tree(t, filepath.Join(store, now))); d != "" {
			t.Errorf("%s: %s", now, d)
		}
	}
	sub := filepath.Join(store, "user", strings.TrimPrefix(filepath.Dir(testsite.MailboxDir("main", "anna@siroe.com", "INBOX")), "partition/main/=user/"), "anna@siroe%dcom.sub")
	if got := string(readFile(t, sub)); got != "user/anna@siroe.com/Mail/deep/er/est\t\nuser/Wally.C/Drafts\t\n" {
		t.Errorf("%s: %q", sub, got)
	}
	_, h = verifyNMS(t, store, from, verify.NMSOptions{Map: opts.Map, Domain: opts.Domain, Partitions: []verify.Partition{{Name: "primary", NewName: "main"}}})
	h.none(t)
	if again, _ := relocate(t, store, from, opts); again.Unchanged != 8 || again.Placed != 0 {
		t.Errorf("second run: %+v", again)
	}
}

// setRecord rewrites data.db2 with one other value.
func setRecord(t testing.TB, from, key, value string) {
	t.Helper()
	path := from + "/mboxlist/data.db2"
	all := records(t, path)
	if value == "" {
		delete(all, key)
	} else {
		all[key] = value
	}
	must(t, os.Remove(path))
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	w, err := bdb.NewWriter(f, bdb.WriterOptions{Name: "data.db2"})
	must(t, err)
	for k, v := range maps.All(all) {
		must(t, w.Put([]byte(k), []byte(v)))
	}
	must(t, w.Close())
}

// TestRelocateRenameRefused leaves a user out whole where the new id cannot be
// given everywhere.
func TestRelocateRenameRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		plant func(t *testing.T, from string)
		users map[string]string
		want  []string
	}{
		{"id of another", nil, map[string]string{"anna": "wallyc"}, []string{`"wallyc" is that of another user of the source: left out`}},
		{"one id for two", nil, map[string]string{"anna": "zoe", "keiko_s": "zoe"}, []string{"given to more than one user", "given to more than one user"}},
		{"forbidden id", nil, map[string]string{"anna": "an*na"}, []string{"forbidden byte"}},
		{"a value that is not understood", func(t *testing.T, from string) {
			setRecord(t, from, "user/anna", "\x01\x02anna\x00")
		}, map[string]string{"anna": "zoe"}, []string{"in a form that is not understood: left out"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from := copySample(t)
			if tt.plant != nil {
				tt.plant(t, from)
			}
			store := filepath.Join(memoryDir(t), "store")
			rep, h := relocate(t, store, from, Options{Map: tt.users})
			wantProblems(t, h, tt.want)
			if rep.Placed != int64(8-len(tt.want)) {
				t.Errorf("report: %+v", rep)
			}
			for old := range tt.users {
				for key := range records(t, store+"/mboxlist/folder.db") {
					if strings.HasPrefix(key+"/", "user/"+old+"/") || strings.Contains(key, "zoe") {
						t.Errorf("record %s of a user who was left out", key)
					}
				}
				if _, ok := records(t, store+"/mboxlist/quota.db")[old]; ok {
					t.Errorf("quota record of %s", old)
				}
			}
		})
	}
}

// TestRelocateSwap exchanges the ids of two users.
func TestRelocateSwap(t *testing.T) {
	from := copySample(t)
	store := filepath.Join(memoryDir(t), "store")
	rep, h := relocate(t, store, from, Options{Map: map[string]string{"anna": "keiko_s", "keiko_s": "anna"}})
	h.none(t)
	if rep.Renamed != 2 {
		t.Errorf("report: %+v", rep)
	}
	if d := cmp.Diff(tree(t, filepath.Join(from, annaDir)), tree(t, filepath.Join(store, keikoDir))); d != "" {
		t.Error(d)
	}
}

// TestRelocatePartitionElsewhere brings in a partition that lies outside of the
// store, in both ways of naming it.
func TestRelocatePartitionElsewhere(t *testing.T) {
	for _, flag := range []string{"second=PATH", "PATH=second"} {
		from, s := site(t, testsite.NMSOptions{Seed: 6, Users: 8, Partitions: []string{"primary", "second"}})
		away := filepath.Join(memoryDir(t), "disk2")
		must(t, os.Rename(filepath.Join(from, "partition/second"), away))
		part, err := ParsePartition(strings.Replace(flag, "PATH", away, 1))
		must(t, err)
		store := filepath.Join(memoryDir(t), "store")
		rep, h := relocate(t, store, from, Options{Partitions: []Partition{part}})
		h.none(t)
		if rep.Placed != 8 || rep.Partitions != 2 {
			t.Errorf("%s: %+v", flag, rep)
		}
		if d := cmp.Diff(s.Folder, records(t, store+"/mboxlist/folder.db")); d != "" {
			t.Errorf("%s: %s", flag, d)
		}
	}
}

func TestRelocateQuota(t *testing.T) {
	from := copySample(t)
	store := filepath.Join(memoryDir(t), "store")
	limits := func(id string) (storeconv.Quota, bool) {
		if id == "anna" {
			return storeconv.Quota{Bytes: 3000, Messages: -1}, true
		}
		return storeconv.Quota{}, false
	}
	rep, h := relocate(t, store, from, Options{Requota: true, Limits: limits})
	h.none(t)
	quotas := records(t, store+"/mboxlist/quota.db")
	// 280+650+852+4685 and 128+3812+406 in INBOX, 8406+5602+426 below: 25247
	// bytes.
	if got, want := quotas["anna"], "2 -1 25 10 -1"; got != want {
		t.Errorf("anna: %q, want %q", got, want)
	}
	if got, want := quotas["wallyc@varrius.org"], "-1 -1 "; !strings.HasPrefix(got, want) {
		t.Errorf("wallyc@varrius.org: %q, want %q...", got, want)
	}
	if len(rep.OverQuota) != 1 || rep.OverQuota[0].User != "anna" {
		t.Errorf("over quota: %+v", rep.OverQuota)
	}
	// verify knows nothing of the directory that the limits came from.
	if _, h = verifyNMS(t, store, from, verify.NMSOptions{}); len(h.problems) > 0 || len(h.warnings) != 1 || !strings.HasPrefix(h.warnings[0], "quota-limit: mboxlist/quota.db: anna: ") {
		t.Errorf("told %q, %q", h.problems, h.warnings)
	}
}

func TestRelocateAddMissing(t *testing.T) {
	from := copySample(t)
	setRecord(t, from, "user/anna", "")
	store := filepath.Join(memoryDir(t), "store")
	rep, h := relocate(t, store, from, Options{AddMissing: true})
	if len(h.problems) != 0 || len(h.warnings) != 1 || rep.RecordsAdded != 1 {
		t.Errorf("report: %+v\n%v\n%v", rep, h.problems, h.warnings)
	}
	if got := records(t, store+"/mboxlist/folder.db")["user/anna"]; got != "primary\tanna\tlrswipcda" {
		t.Errorf("record: %q", got)
	}
}

func TestRelocateDryRun(t *testing.T) {
	from := copySample(t)
	must(t, os.RemoveAll(filepath.Join(from, keikoDir, "=+Drafts")))
	store := filepath.Join(memoryDir(t), "store")
	dry, h := relocate(t, store, from, Options{DryRun: true, Via: ViaCopy})
	wantProblems(t, h, []string{"no-tree"})
	if _, err := os.Stat(store); err == nil {
		t.Error("a dry run made the store")
	}
	wet, _ := relocate(t, store, from, Options{Via: ViaCopy})
	wet.Copied, wet.Shared = dry.Copied, dry.Shared
	if d := cmp.Diff(wet, dry); d != "" {
		t.Errorf("a dry run counts otherwise (-run +dry):\n%s", d)
	}
}

// TestRelocateDryRunOnto: of a store that has another tree for a user, a dry
// run says what the run says.
func TestRelocateDryRunOnto(t *testing.T) {
	from := copySample(t)
	store := filepath.Join(memoryDir(t), "store")
	relocate(t, store, from, Options{Via: ViaCopy})
	name := filepath.Join(store, keikoDir, "=+Drafts", "store.idx")
	must(t, os.WriteFile(name, []byte("another\n"), 0o600))
	dry, said := relocate(t, store, from, Options{DryRun: true, Via: ViaCopy})
	wet, h := relocate(t, store, from, Options{Via: ViaCopy})
	wantProblems(t, said, []string{"already-there"})
	wantProblems(t, h, []string{"already-there"})
	if dry.LeftOut != wet.LeftOut || dry.LeftOut != 1 {
		t.Errorf("left out %d, a dry run says %d", wet.LeftOut, dry.LeftOut)
	}
}

func TestRelocateRefuses(t *testing.T) {
	from := copySample(t)
	for _, tt := range []struct {
		name        string
		from, store string
		opts        Options
		want        string
	}{
		{"store in the source", from, from + "/new", Options{}, "inside each other"},
		{"source in the store", from, filepath.Dir(from), Options{}, "inside each other"},
		{"no store", memoryDir(t), memoryDir(t), Options{}, "no NMS store"},
		{"owner of hard links", from, filepath.Join(memoryDir(t), "s"), Options{Via: ViaHardlink, Owner: &storeconv.Owner{}}, "share owner"},
		{"no domain", from, filepath.Join(memoryDir(t), "s"), Options{Domain: "siroe"}, "not a fully qualified domain"},
		{"unknown partition", from, filepath.Join(memoryDir(t), "s"), Options{Partitions: []Partition{{Name: "x", NewName: "y"}}}, "partition x: not in"},
	} {
		_, err := Relocate(context.Background(), tt.store, tt.from, tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestParseRelocatePartition(t *testing.T) {
	for text, want := range map[string]Partition{
		"primary=main":   {Name: "primary", NewName: "main"},
		"/disk2/p2=two":  {"two", "/disk2/p2", "two", "p2"},
		"two=/disk2/p2/": {Name: "two", Path: "/disk2/p2", NewName: "two"},
	} {
		if got, err := ParsePartition(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "=x", "x=", "/a=/b", "a=.."} {
		if got, err := ParsePartition(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}
