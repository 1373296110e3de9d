package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv/shards"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
)

// sharing is one way of making parts.
type sharing struct {
	name string
	plan string // folder; "": by the hash
}

// flags are the options of one part.
func (s sharing) flags(i, n int) []string {
	out := []string{"--shard", fmt.Sprintf("%d/%d", i, n)}
	if s.plan != "" {
		out = append(out, "--plan", s.plan)
	}
	return out
}

// sharings are the ways of making n parts of a source.
func sharings(t *testing.T, dir string, n int, source ...string) []sharing {
	t.Helper()
	all := []sharing{{name: fmt.Sprintf("%d by hash", n)}}
	for _, links := range []string{"plan", "copy"} {
		plan := filepath.Join(dir, fmt.Sprintf("plan-%s-%d", links, n))
		args := []string{"plan-shards", "--shards", fmt.Sprint(n), "--links", links, "--out", plan}
		mustRun(t, 0, append(args, source...)...)
		all = append(all, sharing{fmt.Sprintf("%d by plan, links %s", n, links), plan})
	}
	return all
}

// partCounts are the numbers of parts that are tried.
var partCounts = []int{1, 2, 3, 8}

// edgeStream writes a stream with what parts may get wrong: users who come back
// later, who have no mail or no INBOX, in a domain, with links across users, to
// a later user, to an expired message, and with rights and subscriptions to the
// mailboxes of others.
func edgeStream(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	put := func(m *sims.Member, body string) {
		t.Helper()
		m.Size, m.Subscribed = int64(len(body)), max(m.Subscribed, -1)
		if err := w.WriteMember(m); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	message := func(name, flags string, date int64) {
		put(&sims.Member{Kind: sims.Message, Name: name, Time: date, Flags: flags, Subscribed: -1}, "Subject: "+name+"\r\n\r\n"+strings.Repeat(name+"\r\n", 20+int(date%500)))
	}
	link := func(name, to string, date int64) {
		put(&sims.Member{Kind: sims.Link, Name: name, Link: to, Time: date, Subscribed: -1}, "")
	}
	users := []string{"ann", "bob@other.org", "carl", "dora@siroe.com", "emil", "fay", "gus", "hal"}
	for i, u := range users {
		put(&sims.Member{Kind: sims.User, Name: u, Quota: int64(i) << 20, HasQuota: i%2 == 0}, "")
		put(&sims.Member{Kind: sims.Mailbox, Name: u + "/INBOX", UIDValidity: uint32(100 + i), UIDNext: 50, Subscribed: 1, ACL: u + "\tlrswipcda\nann\tlrs"}, "")
		message(u+"/INBOX/1", `\Seen`, int64(957764210+i))
		message(u+"/INBOX/2", "expired", int64(957764310+i))
	}
	for i, u := range users {
		link(u+"/INBOX/3", users[(i+3)%len(users)]+"/INBOX/1", int64(957765210+i))
		link(u+"/INBOX/4", users[(i+1)%len(users)]+"/INBOX/2", int64(957766210+i))
		link(u+"/Mail/Old/1", u+"/INBOX/1", int64(957767210+i))
		message(u+"/Mail/Old/2", `\Flagged work`, int64(957768210+i)) // comes back
	}
	put(&sims.Member{Kind: sims.User, Name: "nomail"}, "")
	put(&sims.Member{Kind: sims.Mailbox, Name: "empty/INBOX", UIDValidity: 7, Subscribed: 1}, "")
	message("noinbox/Mail/1", "", 957769210)
	link("noinbox/Mail/2", "ann/INBOX/1", 957769220)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// listRecords are those of the databases of a store, by file and key.
func listRecords(t *testing.T, store string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range []string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
		f, err := os.Open(filepath.Join(store, "mboxlist", name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		db, err := bdb.NewReader(f, info.Size(), bdb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for c := db.Cursor(); ; {
			key, value, err := c.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			all[name+" "+string(key)] = string(value)
		}
		f.Close()
	}
	return all
}

// parted gathers what parts that lie apart have together.
type parted struct {
	nodes   tree
	records map[string]string
}

// add takes in a part. Files that another part has too are a fault.
func (p *parted) add(t *testing.T, what string, nodes tree, recs map[string]string) {
	t.Helper()
	if p.nodes == nil {
		p.nodes, p.records = make(tree), make(map[string]string)
	}
	for name, n := range nodes {
		if _, twice := p.nodes[name]; twice && !n.mode.IsDir() {
			t.Errorf("%s: %s is in two parts", what, name)
		}
		p.nodes[name] = n
	}
	for key, value := range recs {
		if _, twice := p.records[key]; twice {
			t.Errorf("%s: the record %q is in two parts", what, key)
		}
		p.records[key] = value
	}
}

func (p *parted) compare(t *testing.T, what string, whole tree, recs map[string]string, links bool) {
	t.Helper()
	diffTrees(t, what, p.nodes, whole, links)
	if !maps.Equal(p.records, recs) {
		for _, key := range slices.Sorted(maps.Keys(recs)) {
			if p.records[key] != recs[key] {
				t.Errorf("%s: %q is %q, want %q", what, key, p.records[key], recs[key])
			}
		}
		t.Errorf("%s: %d records, want %d", what, len(p.records), len(recs))
	}
}

// TestShardedRestore: parts that lie apart have together what one run makes,
// and each of them is in order by itself; parts in one store are that store.
func TestShardedRestore(t *testing.T) {
	dir := scratch(t)
	edge := edgeStream(t, filepath.Join(dir, "edge.sims"))
	site, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 31, Users: 20, Mailboxes: 2, Messages: 160, MedianSize: 800, Links: 30, Odd: true})
	renames := filepath.Join(dir, "map")
	if err := os.WriteFile(renames, []byte("ann=anna\nbob@other.org=bob\ngus=hal2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, stream string
		counts       []int
		args         []string
	}{
		{"edges", edge, partCounts, []string{"-m", renames, "--default-domain", "siroe.com"}},
		{"site", site, []int{3}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			restoreSharded(t, tt.stream, tt.counts, tt.args)
		})
	}
}

func restoreSharded(t *testing.T, stream string, counts []int, args []string) {
	dir := scratch(t)
	one := filepath.Join(dir, "one")
	mustRun(t, 0, append([]string{"restore", "-f", stream, "--store", one}, args...)...)
	whole, recs := readTree(t, one), listRecords(t, one)
	for _, n := range counts {
		for _, s := range sharings(t, dir, n, append(args, stream)...) {
			links := strings.Contains(s.name, "links plan") || n == 1
			var apart parted
			together := filepath.Join(dir, "together")
			for i := 1; i <= n; i++ {
				part := filepath.Join(dir, "part")
				with := append(s.flags(i, n), args...)
				mustRun(t, 0, append([]string{"restore", "-f", stream, "--store", part}, with...)...)
				mustRun(t, 0, append([]string{"verify", "--store", part, "-f", stream, "--quiet"}, with...)...)
				apart.add(t, s.name, readTree(t, part).under("partition"), listRecords(t, part))
				mustRun(t, 0, append([]string{"restore", "-f", stream, "--store", together}, with...)...)
				if n == 3 {
					mustRun(t, 0, append([]string{"verify", "--store", together, "-f", stream, "--quiet"}, with...)...)
				}
				remove(t, part)
			}
			apart.compare(t, s.name+", apart", whole.under("partition"), recs, links)
			diffTrees(t, s.name+", together", readTree(t, together), whole, links)
			mustRun(t, 0, append([]string{"verify", "--store", together, "-f", stream, "--quiet"}, args...)...)
			remove(t, together)
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyShard: a store that lacks the users of a part is found out by the
// verification of that part, and of no other.
func TestVerifyShard(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 32, Users: 12, Messages: 60, Links: -1})
	for _, s := range sharings(t, dir, 3, stream)[:2] {
		store := filepath.Join(dir, "store")
		for _, i := range []int{1, 3} {
			mustRun(t, 0, append([]string{"restore", "-f", stream, "--store", store}, s.flags(i, 3)...)...)
		}
		for i, exit := range map[int]int{1: 0, 2: 3, 3: 0} {
			mustRun(t, exit, append([]string{"verify", "--store", store, "-f", stream, "--quiet"}, s.flags(i, 3)...)...)
		}
		// What is damaged in a user's mail is told by his part alone.
		var broken string
		for path := range readTree(t, store) {
			if strings.HasSuffix(path, ".msg") && (broken == "" || path < broken) {
				broken = path
			}
		}
		if err := os.WriteFile(filepath.Join(store, broken), []byte("other"), 0o600); err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, i := range []int{1, 3} {
			if o := run(t, nil, append([]string{"verify", "--store", store}, s.flags(i, 3)...)...); o.exit == 3 {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: %d parts tell of %s", s.name, told, broken)
		}
		remove(t, store)
	}
}

// TestShardedRelocate: the same of a store of NMS in two partitions, with users
// who get other ids and records that are no user's.
func TestShardedRelocate(t *testing.T) {
	from, site := nmsStore(t, testsite.NMSOptions{Seed: 33, Users: 14, Messages: 90, Links: 25, Opaque: true})
	dir := scratch(t)
	renames := filepath.Join(dir, "map")
	if err := os.WriteFile(renames, []byte(site.Users[2]+"=renamed\n"+site.Users[5]+"=other@siroe.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stray(t, from, site.Users[3])
	for i, args := range [][]string{{"--via", "copy", "-m", renames, "--requota"}, {"--via", "copy", "--domain", "siroe.com"}} {
		one := filepath.Join(dir, "one")
		o := run(t, nil, append([]string{"relocate", "--from", from, "--store", one}, args...)...)
		whole, recs, told := readTree(t, one), listRecords(t, one), lost(o)
		verified := verifyOptionsOf(args)
		counts := partCounts
		if i > 0 {
			counts = []int{3}
		}
		for _, n := range counts {
			for _, s := range sharings(t, dir, n, from) {
				relocateSharded(t, dir, from, s, n, args, verified, whole, recs, told)
			}
			for _, links := range []string{"plan", "copy"} {
				remove(t, filepath.Join(dir, fmt.Sprintf("plan-%s-%d", links, n)))
			}
		}
		remove(t, one)
	}
}

// stray puts into a store what belongs to no user, or to one without mail.
func stray(t *testing.T, store, user string) {
	t.Helper()
	for name, text := range map[string]string{
		"user/odd=name.sub": "x\n", "user/nobody.sub": "user/" + user + "\n", "partition/primary/=public/00/1.msg": "shared\r\n", "partition/primary/stray": "x",
	} {
		path := filepath.Join(store, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// lost are the lines of problems and warnings, in byte order.
func lost(o outcome) []string {
	var lines []string
	for line := range strings.Lines(o.stderr) {
		if strings.Contains(line, ": problem: ") || strings.Contains(line, ": warning: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines
}

// verifyOptionsOf are those options of a relocation that its verification
// takes.
func verifyOptionsOf(args []string) (out []string) {
	for i, a := range args {
		if a == "-m" || a == "--domain" {
			out = append(out, a, args[i+1])
		}
	}
	return out
}

func relocateSharded(t *testing.T, dir, from string, s sharing, n int, args, verified []string, whole tree, recs map[string]string, told []string) {
	t.Helper()
	links := strings.Contains(s.name, "links plan") || n == 1
	together := filepath.Join(dir, "together")
	var apart parted
	var lines []string
	for i := 1; i <= n; i++ {
		part := filepath.Join(dir, "part")
		o := run(t, nil, append(append([]string{"relocate", "--from", from, "--store", part}, s.flags(i, n)...), args...)...)
		if o.exit != 0 && o.exit != 3 {
			t.Fatalf("%s, part %d: exit status %d\n%s", s.name, i, o.exit, o.stderr)
		}
		lines = append(lines, lost(o)...)
		apart.add(t, s.name, filesOf(readTree(t, part)), listRecords(t, part))
		mustRun(t, 0, append(append([]string{"verify", "--store", part, "--from", from, "--quiet"}, s.flags(i, n)...), verified...)...)
		remove(t, part)
		run(t, nil, append(append([]string{"relocate", "--from", from, "--store", together}, s.flags(i, n)...), args...)...)
	}
	slices.Sort(lines)
	if !slices.Equal(lines, told) {
		t.Errorf("%s: the parts tell\n%s\nwhere one run tells\n%s", s.name, strings.Join(lines, "\n"), strings.Join(told, "\n"))
	}
	apart.compare(t, s.name+", apart", filesOf(whole), recs, links)
	diffTrees(t, s.name+", together", readTree(t, together), whole, links)
	remove(t, together)
	if t.Failed() {
		t.FailNow()
	}
}

// filesOf leaves the databases away, which each part has.
func filesOf(all tree) tree {
	out := make(tree)
	for name, n := range all {
		if !strings.HasPrefix(name, "mboxlist") && name != "." && !n.mode.IsDir() {
			out[name] = n
		}
	}
	return out
}

// TestShardedExport: the parts of an export of a store, of a store of NMS and
// of a stream are in one place what one run leaves there.
func TestShardedExport(t *testing.T) {
	dir := scratch(t)
	stream := edgeStream(t, filepath.Join(dir, "edge.sims"))
	store := filepath.Join(dir, "store")
	mustRun(t, 0, "restore", "-f", stream, "--store", store)
	for _, tt := range []struct {
		name string
		from []string
		args []string
	}{
		{"store", []string{"--store", store}, nil},
		{"stream", []string{"-f", stream}, nil},
		{"mbox", []string{"--store", store}, []string{"--to", "mbox"}},
	} {
		together := filepath.Join(dir, "together") // its path stands in what an export has for servers
		mustRun(t, 0, slices.Concat([]string{"export", "--out", together}, tt.from, tt.args)...)
		whole := readTree(t, together)
		remove(t, together)
		counts := []int{2, 8}
		if tt.name == "store" {
			counts = partCounts
		}
		for _, n := range counts {
			plans := filepath.Join(dir, "plans", tt.name)
			for _, s := range sharings(t, plans, n, tt.from[len(tt.from)-1]) {
				var apart parted
				for i := 1; i <= n; i++ {
					part := filepath.Join(dir, "part")
					mustRun(t, 0, slices.Concat([]string{"export", "--out", part}, tt.from, tt.args, s.flags(i, n))...)
					if tt.args == nil {
						mustRun(t, 0, slices.Concat([]string{"verify", "--maildir", part, "--quiet"}, tt.from, s.flags(i, n))...)
					}
					apart.add(t, s.name, mailOf(readTree(t, part)), nil)
					remove(t, part)
					mustRun(t, 0, slices.Concat([]string{"export", "--out", together}, tt.from, tt.args, s.flags(i, n))...)
				}
				links := strings.Contains(s.name, "links plan") || n == 1
				apart.compare(t, tt.name+", "+s.name+", apart", mailOf(whole), nil, links)
				diffTrees(t, tt.name+", "+s.name+", together", readTree(t, together), whole, links)
				remove(t, together)
				if t.Failed() {
					t.FailNow()
				}
			}
		}
	}
}

// mailOf is what an export has of users.
func mailOf(all tree) tree {
	out := make(tree)
	for name, n := range all {
		if !n.mode.IsDir() && strings.Contains(name, "/") && !strings.HasPrefix(name, ".imsconv") {
			out[name] = n
		}
	}
	return out
}

// TestShardedBackup: the streams of the parts, one after the other, make the
// store that was backed up; so do those of a tree.
func TestShardedBackup(t *testing.T) {
	dir := scratch(t)
	stream := edgeStream(t, filepath.Join(dir, "edge.sims"))
	store, out := filepath.Join(dir, "store"), filepath.Join(dir, "out")
	mustRun(t, 0, "restore", "-f", stream, "--store", store)
	mustRun(t, 0, "export", "--store", store, "--out", out)
	whole := filepath.Join(dir, "whole.sims")
	mustRun(t, 0, "backup", "--store", store, "-f", whole)
	tree := filepath.Join(dir, "tree.sims")
	mustRun(t, 0, "restore", "-f", out, "--to-stream", tree)
	for _, tt := range []struct {
		name, source, whole string
		line                []string
	}{
		{"backup", store, whole, []string{"backup", "--store", store, "-f"}},
		{"tree", out, tree, []string{"restore", "-f", out, "--to-stream"}},
	} {
		one := filepath.Join(dir, "one")
		mustRun(t, 0, "restore", "-f", tt.whole, "--store", one)
		want := readTree(t, one)
		for _, n := range partCounts {
			for _, s := range sharings(t, filepath.Join(dir, tt.name), n, tt.source) {
				restoreAll(t, dir, tt.name+", "+s.name, s, n, tt.line, want, strings.Contains(s.name, "links plan") || n == 1)
			}
		}
		remove(t, one)
	}
}

// restoreAll makes the streams of all parts and restores them one after the
// other.
func restoreAll(t *testing.T, dir, what string, s sharing, n int, line []string, want tree, links bool) {
	t.Helper()
	again := filepath.Join(dir, "again")
	restore := []string{"restore", "--store", again}
	met := make(map[string]int)
	for i := 1; i <= n; i++ {
		part := filepath.Join(dir, fmt.Sprintf("part%d.sims", i))
		mustRun(t, 0, append(append(slices.Clone(line), part), s.flags(i, n)...)...)
		restore = append(restore, "-f", part)
		users := make(map[string]bool)
		for row := range strings.Lines(mustRun(t, 0, "list", "-f", part).stdout) {
			user, _, _ := strings.Cut(row, "/")
			users[user] = true
		}
		for user := range users {
			if met[user]++; met[user] > 1 {
				t.Errorf("%s: %s is in two streams", what, user)
			}
		}
	}
	mustRun(t, 0, restore...)
	got := readTree(t, again)
	if !links { // a copy that is written in full has its own date, not that of the first
		got, want = undated(got), undated(want)
	}
	diffTrees(t, what, got, want, links)
	remove(t, again)
	for i := 1; i <= n; i++ {
		remove(t, filepath.Join(dir, fmt.Sprintf("part%d.sims", i)))
	}
	if t.Failed() {
		t.FailNow()
	}
}

// undated is a tree without the dates of its files.
func undated(all tree) tree {
	out := make(tree)
	for name, n := range all {
		n.mtime = 0
		out[name] = n
	}
	return out
}

// TestPlanSources: a stream, its listings and its store give one plan; what a
// plan counts as crossing is what the parts make copies of.
func TestPlanSources(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 38, Users: 20, Mailboxes: 2, Messages: 200, Links: 30, Expired: -1})
	store := filepath.Join(dir, "store")
	mustRun(t, 0, "restore", "-f", stream, "--store", store)
	for _, links := range []string{"plan", "copy"} {
		plan := func(name string, source ...string) tree {
			out := filepath.Join(dir, name+links)
			mustRun(t, 0, append([]string{"plan-shards", "--shards", "3", "--links", links, "--out", out}, source...)...)
			lists := readTree(t, out)
			delete(lists, "plan.json")
			return lists
		}
		want := plan("stream", "-f", stream)
		for _, format := range []string{"text", "json"} {
			list := filepath.Join(dir, "list."+format)
			o := mustRun(t, 0, "list", "-f", stream, "--format", format)
			if err := os.WriteFile(list, []byte(o.stdout), 0o600); err != nil {
				t.Fatal(err)
			}
			diffTrees(t, format+", links "+links, plan(format, "--sizes", list), want, false)
		}
		diffTrees(t, "store, links "+links, plan("store", store), want, false)

		made, err := shards.ReadPlan(filepath.Join(dir, "stream"+links))
		if err != nil {
			t.Fatal(err)
		}
		copies := int64(0)
		for i := 1; i <= 3; i++ {
			part, report := filepath.Join(dir, fmt.Sprintf("part%d%s", i, links)), filepath.Join(dir, "report")
			mustRun(t, 0, "restore", "-f", stream, "--store", part, "--report", report, "--shard", fmt.Sprintf("%d/3", i), "--plan", filepath.Join(dir, "stream"+links))
			copies += countOf(t, report, "copies for links")
		}
		if links == "plan" && copies+made.Crossing.Links > 0 || links == "copy" && (copies == 0 || copies > made.Crossing.Links) {
			t.Errorf("links %s: %d copies, and %d links cross", links, copies, made.Crossing.Links)
		}
	}
}
