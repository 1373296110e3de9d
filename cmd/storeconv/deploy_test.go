package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"imsconv/storeconv/testsite"
)

// deployed is a conversion with the scripts of deploy: a site of 400 users in 4
// parts, and what one run makes of it.
type deployed struct {
	t        testing.TB
	dir      string
	stream   string
	settings string // the file of the scripts
	whole    string // the store of one run
	hold     string // a folder; see testdata/deploy/held.sh
	env      []string
}

// deployParts is how many parts there are.
const deployParts = 4

// deploySite makes the site and the settings, with some lines of their own. The
// parts with these numbers will be held in the middle.
func deploySite(t testing.TB, own string, held ...int) *deployed {
	t.Helper()
	dir := scratch(t)
	d := &deployed{t: t, dir: dir, settings: filepath.Join(dir, "my settings.sh"), whole: filepath.Join(dir, "whole"), hold: filepath.Join(dir, "hold")}
	opts := testsite.StreamOptions{Seed: 33, Users: 400, Mailboxes: 3, Messages: 8000, MedianSize: 2000, Links: 1, Odd: true}
	d.stream, _ = writeStream(t, filepath.Join(dir, "site.sims"), opts)
	mustRun(t, 0, "restore", "-f", d.stream, "--store", d.whole, "--quiet")
	real, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	standIn, err := filepath.Abs(filepath.Join("testdata", "deploy", "held.sh"))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("VERB=restore STORECONV=%s SOURCE=%s STORE=%s SHARDS=%d\nPLAN=%s LINKS=plan PARTS= LOCAL= REPORTS=%s AT_ONCE=\nPLANNING=() OPTIONS=() MERGE=() VERIFY=() SBATCH=()\n%s\n",
		standIn, d.stream, d.store(), deployParts, filepath.Join(dir, "plan"), d.reports(), own)
	put(t, d.settings, text)
	if err := os.Mkdir(d.hold, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, n := range held {
		put(t, filepath.Join(d.hold, "want."+strconv.Itoa(n)), "")
	}
	d.env = []string{"REAL=" + real, "HOLD=" + d.hold}
	return d
}

func (d *deployed) store() string { return filepath.Join(d.dir, "store") }

func (d *deployed) reports() string { return filepath.Join(d.dir, "reports") }

// script is the path of a script of deploy.
func script(t testing.TB, name ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "deploy"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// isHeld tells whether a part is held.
func (d *deployed) isHeld(part int) bool {
	_, err := os.Stat(filepath.Join(d.hold, "held."+strconv.Itoa(part)))
	return err == nil
}

// held returns the process of a part that is held. That it is in the middle is
// seen: it has written messages, and it has not told how it ended.
func (d *deployed) held(part int) int {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.hold, "held."+strconv.Itoa(part)))
	if err != nil {
		d.t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	pid, err := strconv.Atoi(lines[0])
	if err != nil || len(lines) < 2 {
		d.t.Fatalf("part %d is not in the middle: %s", part, text)
	}
	if _, err := os.Stat(filepath.Join(d.reports(), fmt.Sprintf("shard%d.json", part))); err == nil {
		d.t.Fatalf("part %d has ended", part)
	}
	return pid
}

// check holds the store and its databases against those of one run, and the
// report of the whole against what each part has told.
func (d *deployed) check() {
	d.t.Helper()
	diffTrees(d.t, "in parts", readTree(d.t, d.store()), readTree(d.t, d.whole), true)
	whole := d.report("whole.json")
	if whole.Exit != 0 || len(whole.Shards) != deployParts {
		d.t.Fatalf("the whole ended with %d and has %d parts", whole.Exit, len(whole.Shards))
	}
	users := 0
	for i, part := range whole.Shards {
		own := d.report(fmt.Sprintf("shard%d.json", i+1))
		if part.Index != i+1 || part.Count != deployParts || part.Exit != own.Exit || !part.Start.Equal(own.Start) || !maps.Equal(part.Counts, own.Counts) {
			d.t.Errorf("of part %d the whole says %+v, and it says %+v", i+1, part, own)
		}
		users += part.Counts["users"]
	}
	if users != 400 || whole.Details["users"] != users {
		d.t.Errorf("the parts have %d users, the whole has %d", users, whole.Details["users"])
	}
}

// partReport is what a report tells of a run, or of one part of it.
type partReport struct {
	Index, Count, Exit int
	Start              time.Time
	Counts             map[string]int
}

// wholeReport is the report of a run.
type wholeReport struct {
	partReport
	Details map[string]int
	Shards  []partReport
}

// report reads a report.
func (d *deployed) report(name string) (r wholeReport) {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.reports(), name))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
	return r
}
