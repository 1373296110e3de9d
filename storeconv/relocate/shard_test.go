package relocate

import (
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/verify"
)

// oddSite is a store with what parts may give to nobody or to two: records and
// files of no user, users of one partition more, users with records alone, and
// faults of every kind that no user has.
func oddSite(t *testing.T) (string, testsite.NMSSite) {
	from, s := site(t, testsite.NMSOptions{Seed: 41, Users: 12, Messages: 60, Links: 20})
	for key, value := range map[string]string{"shared/board": "primary\tanyone\tlrs\t", "odd": "\x01", "user/ghost": "primary\tghost\tlrswipcda\t", "user/spectre/Mail": "nowhere\tspectre\tlrs\t"} {
		setRecord(t, from, key, value)
	}
	for _, name := range []string{
		ims.UserDir("secondary", s.Users[0]) + "/00/7.msg", ims.UserDir("primary", s.Users[1]) + "/=More/00/8.msg",
		"partition/primary/=board/00/1.msg", "partition/primary/beside", "partition/primary/=user/00/stray",
		"partition/secondary/=user/00/00/nobody/x", "partition/secondary/=user/00/00/=a%zz/00/1.msg", "partition/primary/=user/00/00/=late/00/1.msg",
		"user/ghost.sub", "user/%%%.sub",
	} {
		path := filepath.Join(from, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte("user/"+s.Users[4]+"\n"), 0o600))
	}
	must(t, os.Symlink("x", filepath.Join(from, "user/link")))
	return from, s
}

// partsOf are n shards, by the hash, and by a plan that knows some of the users
// only.
func partsOf(n int) map[string][]storeconv.Shard {
	out := make(map[string][]storeconv.Shard)
	for i := 1; i <= n; i++ {
		hash := storeconv.Shard{Index: i % n, Count: n}
		plan := hash
		plan.Plan = &storeconv.ShardPlan{ID: "x", Has: func(user string) bool {
			h := fnv.New32a()
			h.Write([]byte(user))
			at := int(h.Sum32()%uint32(2*n)) + 1 // beyond n: in no list
			return at == i || i == 1 && at > n
		}}
		out["hash"], out["plan"] = append(out["hash"], hash), append(out["plan"], plan)
	}
	return out
}

// TestRelocateShards: all parts in one store are that of one run, and tell and
// count what it does, each thing once; parts that lie apart share nothing.
func TestRelocateShards(t *testing.T) {
	from, s := oddSite(t)
	for name, opts := range map[string]Options{
		"as it is":    {Via: ViaCopy},
		"renamed":     {Via: ViaCopy, Map: map[string]string{s.Users[4]: "new4", s.Users[5]: s.Users[6], s.Users[7]: "new7@x.com"}, AddMissing: true, Requota: true, RepairHash: true},
		"of a domain": {Via: ViaCopy, Domain: "siroe.com"},
		"batch":       {Via: ViaCopy, Users: map[string]bool{s.Users[0]: true, s.Users[3]: true, "nobody-at-all": true}},
	} {
		one := filepath.Join(memoryDir(t), "one")
		rep, told := relocate(t, one, from, opts)
		want := tree(t, one)
		for _, n := range []int{1, 2, 3, 8} {
			for way, shards := range partsOf(n) {
				t.Run(fmt.Sprintf("%s, %d by %s", name, n, way), func(t *testing.T) {
					relocateShards(t, from, opts, shards, rep, told, want, one)
				})
			}
		}
	}
}

func relocateShards(t *testing.T, from string, opts Options, shards []storeconv.Shard, want Report, told *heard, whole map[string]string, one string) {
	t.Helper()
	dir := memoryDir(t)
	together := filepath.Join(dir, "together")
	var sum Report
	var problems, warnings []string
	apart := make(map[string]string)
	for i, shard := range shards {
		o := opts
		o.Shard = shard
		part := filepath.Join(dir, fmt.Sprint(i))
		rep, h := relocate(t, part, from, o)
		problems, warnings = append(problems, h.problems...), append(warnings, h.warnings...)
		sum.FolderRecords += rep.FolderRecords
		sum.QuotaRecords += rep.QuotaRecords
		sum.SubscrRecords += rep.SubscrRecords
		sum.RecordsLeft += rep.RecordsLeft
		sum.Users += rep.Users
		sum.LeftOut += rep.LeftOut
		sum.Messages += rep.Messages
		sum.Subscriptions += rep.Subscriptions
		sum.SharedTrees += rep.SharedTrees
		for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
			for key, value := range records(t, filepath.Join(part, "mboxlist", name)) {
				if _, twice := apart[name+key]; twice {
					t.Errorf("%s: the record %q is in two parts", name, key)
				}
				apart[name+key] = value
			}
		}
		if opts.Requota == false {
			parts := make([]verify.Partition, 0)
			_, v := verifyNMS(t, part, from, verify.NMSOptions{Users: opts.Users, Map: opts.Map, Domain: opts.Domain, Shard: verifyShard(t, shard), Partitions: parts})
			if shard.Plan == nil && len(v.problems) > 0 && opts.Users == nil {
				t.Errorf("part %d: %q", i, v.problems)
			}
		}
		relocate(t, together, from, o)
	}
	for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
		for key, value := range records(t, filepath.Join(one, "mboxlist", name)) {
			if got, ok := apart[name+key]; !ok || got != value {
				t.Errorf("%s: %q is %q, want %q", name, key, got, value)
			}
			delete(apart, name+key)
		}
	}
	for key := range apart {
		t.Errorf("the record %q is too much", key)
	}
	whole = contents(maps.Clone(whole))
	if got := contents(tree(t, together)); !maps.Equal(got, whole) {
		for path, line := range whole {
			if got[path] != line {
				t.Errorf("%s: %s, want %s", path, got[path], line)
			}
		}
		t.Errorf("%d paths, want %d", len(got), len(whole))
	}
	for _, list := range [][2][]string{{problems, told.problems}, {warnings, told.warnings}} {
		if got, want := slices.Sorted(slices.Values(list[0])), slices.Sorted(slices.Values(list[1])); !slices.Equal(got, want) {
			t.Errorf("the parts tell %d lines:\n%q\none run %d:\n%q", len(got), got, len(want), want)
		}
	}
	compare := func(what string, got, want int64) {
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	compare("folder records", sum.FolderRecords, want.FolderRecords)
	compare("quota records", sum.QuotaRecords, want.QuotaRecords)
	compare("subscription records", sum.SubscrRecords, want.SubscrRecords)
	compare("records left out", sum.RecordsLeft, want.RecordsLeft)
	compare("users", sum.Users, want.Users)
	compare("left out", sum.LeftOut, want.LeftOut)
	compare("messages", sum.Messages, want.Messages)
	compare("subscriptions", sum.Subscriptions, want.Subscriptions)
	compare("shared trees", sum.SharedTrees, want.SharedTrees)
}

// verifyShard is a shard that the verifier can read: by the hash.
func verifyShard(t *testing.T, s storeconv.Shard) storeconv.Shard {
	t.Helper()
	s.Plan = nil
	return s
}
