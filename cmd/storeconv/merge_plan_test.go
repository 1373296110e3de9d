package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/sims"
	"imsconv/storeconv/testsite"
)

// TestMergePlanned: parts of a plan that keeps users together who share
// messages are, merged, the store of one run, links included. Where the plan
// lets links cross, all but the links is the same, and the report counts the
// files that stand for links.
func TestMergePlanned(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 61, Users: 40, Mailboxes: 3, Messages: 500, Links: 5})
	one := filepath.Join(dir, "one")
	mustRun(t, 0, "restore", "-f", stream, "--store", one, "--quiet")
	for _, n := range []int{2, 5} {
		for _, links := range []string{"plan", "copy"} {
			t.Run(fmt.Sprintf("%d parts, links %s", n, links), func(t *testing.T) {
				tmp := scratch(t)
				plan := filepath.Join(tmp, "plan")
				mustRun(t, 0, "plan-shards", "--links", links, "--shards", fmt.Sprint(n), "--out", plan, stream)
				parts := makeParts(t, tmp, n, 0, "restore", "-f", stream, "--plan", plan)
				got, report := mergeAndRemove(t, tmp, parts)
				whole := readTree(t, one)
				copies := files(got) - files(whole)
				if links == "plan" {
					diffTrees(t, "merged", got, whole, true)
				} else {
					sameButLinks(t, got, whole)
				}
				if n := report.Counts["links that became copies"]; int(n) != copies || (links == "copy") != (copies > 0) {
					t.Errorf("the report counts %d copies, there are %d", n, copies)
				}
			})
		}
	}
}

// TestMergePlannedNames: users whom -m and the default domain make one are in
// one part, so that the parts are the store of one run.
func TestMergePlannedNames(t *testing.T) {
	dir := scratch(t)
	stream := filepath.Join(dir, "site.sims")
	f, err := os.Create(stream)
	if err != nil {
		t.Fatal(err)
	}
	w, err := sims.NewWriter(f, sims.Header{Date: 981538200}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ids strings.Builder
	for i := range 24 {
		for n, name := range []string{fmt.Sprintf("user%d", i), fmt.Sprintf("user%d@siroe.com", i), fmt.Sprintf("old%d", i)} {
			m := &sims.Member{Kind: sims.Message, Name: fmt.Sprintf("%s/INBOX/%d", name, n+1), Time: 981538200, Size: int64(1000 + i), Subscribed: -1}
			err = errors.Join(err, w.WriteMember(m))
			_, bodyErr := io.WriteString(w, strings.Repeat("x", int(m.Size)))
			err = errors.Join(err, bodyErr)
		}
		fmt.Fprintf(&ids, "old%d=user%d\n", i, i)
	}
	if err = errors.Join(err, w.Close(), f.Close(), os.WriteFile(filepath.Join(dir, "ids"), []byte(ids.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	names := []string{"-m", filepath.Join(dir, "ids"), "--default-domain", "siroe.com"}
	one, plan := filepath.Join(dir, "one"), filepath.Join(dir, "plan")
	mustRun(t, 0, append([]string{"restore", "-f", stream, "--store", one, "--quiet"}, names...)...)
	mustRun(t, 0, append([]string{"plan-shards", "--shards", "5", "--out", plan, stream}, names...)...)
	parts := makeParts(t, dir, 5, 0, append([]string{"restore", "-f", stream, "--plan", plan}, names...)...)
	for i, part := range parts {
		mustRun(t, 0, append([]string{"verify", "--store", part, "-f", stream, "--plan", plan, "--shard", fmt.Sprintf("%d/5", i+1)}, names...)...)
	}
	got, _ := mergeAndRemove(t, dir, parts)
	diffTrees(t, "merged", got, readTree(t, one), true)
}

// TestMergePlannedRelocation is the same for a store of NMS.
func TestMergePlannedRelocation(t *testing.T) {
	dir := scratch(t)
	from, one, plan := filepath.Join(dir, "nms"), filepath.Join(dir, "one"), filepath.Join(dir, "plan")
	if _, err := testsite.WriteNMS(from, testsite.NMSOptions{Seed: 8, Users: 30, Mailboxes: 3, Links: 4}); err != nil {
		t.Fatal(err)
	}
	line := []string{"relocate", "--from", from, "--via", "copy"}
	mustRun(t, 0, append(line, "--store", one, "--quiet")...)
	mustRun(t, 0, "plan-shards", "--shards", "3", "--out", plan, from)
	parts := makeParts(t, dir, 3, 0, append(line, "--plan", plan)...)
	got, _ := mergeAndRemove(t, dir, parts)
	diffTrees(t, "merged", got, readTree(t, one), true)
	mustRun(t, 0, "verify", "--store", filepath.Join(dir, "store"), "--from", from)
}

// mergeReport is what the report of a merge says.
type mergeReport struct {
	Exit   int
	Counts map[string]int64
	Shards []struct {
		Index, Count, Exit int
		Problems           int64
		Part               string
		Start, End         time.Time // as text they do not sort: fractions vary in length
		Counts             map[string]int64
	}
	Details  map[string]int64
	Problems struct{ Total int64 }
}

// mergeAndRemove merges parts into dir/store and removes them.
func mergeAndRemove(t *testing.T, dir string, parts []string) (tree, mergeReport) {
	t.Helper()
	store, path := filepath.Join(dir, "store"), filepath.Join(dir, "report.json")
	mustRun(t, 0, append([]string{"merge", "--store", store, "--report", path}, parts...)...)
	for _, p := range parts {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	return readTree(t, store), readMergeReport(t, path)
}

func readMergeReport(t *testing.T, path string) (r mergeReport) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// files counts the files of messages, whatever names they have.
func files(tr tree) int {
	firsts := make(map[string]bool)
	for name, n := range tr {
		if filepath.Ext(name) == ".msg" {
			firsts[n.first] = true
		}
	}
	return len(firsts)
}

// TestMergeReport: the report of the whole has what every part did, the
// problems of all, damage that all have met once, and exit status 3.
func TestMergeReport(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 62, Users: 12, Messages: 200, Links: -1})
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 { // the headers of some members
		data[len(data)/2+i] ^= 0x55
	}
	broken, one := filepath.Join(dir, "broken.sims"), filepath.Join(dir, "one.json")
	if err := os.WriteFile(broken, data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := run(t, nil, "restore", "-f", broken, "--store", filepath.Join(dir, "one"), "--report", one)
	if o.exit != 3 {
		t.Fatal("the bytes that were changed are inside of a message: change others")
	}
	var parts []string
	for i := 1; i <= 3; i++ {
		part := filepath.Join(dir, fmt.Sprintf("part%d", i))
		o := run(t, nil, "restore", "-f", broken, "--store", part, "--shard", fmt.Sprintf("%d/3", i))
		if o.exit != 0 && o.exit != 3 {
			t.Fatalf("exit status %d\n%s", o.exit, o.stderr)
		}
		parts = append(parts, part)
	}
	path := filepath.Join(dir, "report.json")
	mustRun(t, 3, append([]string{"merge", "--store", filepath.Join(dir, "store"), "--report", path}, parts...)...)
	r, whole := readMergeReport(t, path), readMergeReport(t, one)
	if r.Exit != 3 || r.Problems.Total != whole.Problems.Total || len(r.Shards) != 3 {
		t.Errorf("exit %d, problems %d and of one run %d, %d shards", r.Exit, r.Problems.Total, whole.Problems.Total, len(r.Shards))
	}
	users := int64(0)
	for i, s := range r.Shards {
		users += s.Counts["users"]
		if s.Index != i+1 || s.Count != 3 || s.Part != parts[i] || s.Start.IsZero() || s.End.Before(s.Start) {
			t.Errorf("%+v", s)
		}
	}
	if users != whole.Counts["users"] || r.Details["users"] != users || r.Details["messages"] != whole.Counts["messages"] {
		t.Errorf("users %d, sums %v, one run %v", users, r.Details, whole.Counts)
	}
}
