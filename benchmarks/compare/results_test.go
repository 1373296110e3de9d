package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummarise(t *testing.T) {
	runs := func(foreign float64, walls ...float64) []usage {
		var out []usage
		for i, w := range walls {
			out = append(out, usage{Wall: w, CPU: 2 * w, Peak: int64(i) << 20, Foreign: foreign})
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		runs  []usage
		wall  stat
		noisy bool
	}{
		{"calm", runs(0, 1, 1.01, 1.02, 0.99, 1), stat{1, 0.99, 1.02}, false},
		{"one outlier", runs(0, 1, 1, 1, 1, 9), stat{1, 1, 9}, false},
		{"wide", runs(0, 1, 1.4, 1, 1.4, 1.2), stat{1.2, 1, 1.4}, true},
		{"neighbours", runs(0.2, 1, 1, 1, 1, 1), stat{1, 1, 1}, true},
		{"an even number", runs(0, 1, 1.02), stat{1.01, 1, 1.02}, false},
		{"none", nil, stat{}, false},
	} {
		m := summarise(tt.runs)
		if !near(m.Wall.Median, tt.wall.Median) || m.Wall.Low != tt.wall.Low || m.Wall.High != tt.wall.High || m.Noisy != tt.noisy {
			t.Errorf("%s: %+v, noisy %v", tt.name, m.Wall, m.Noisy)
		}
		if want := int64(max(len(tt.runs)-1, 0)) << 20; m.Peak != want || !near(m.CPU.Median, 2*m.Wall.Median) {
			t.Errorf("%s: peak %d, CPU %+v", tt.name, m.Peak, m.CPU)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// made is a contender that takes so long.
func made(name, role string, wall float64) contenderResult {
	return contenderResult{Name: name, Role: role, Does: "run " + name, Summary: summarise([]usage{{Wall: wall, CPU: wall, Peak: 10 << 20}})}
}

// grown is a contender of a task that grows.
func grown(x, wall float64, peak int64) contenderResult {
	c := made("ours", ours, wall)
	c.Series, c.X, c.Peak = "storeconv restore", x, peak
	return c
}

func upgraded(x, wall float64, peak int64) contenderResult {
	c := grown(x, wall, peak)
	c.Series = "ldifconv upgrade"
	return c
}

// bare is the bare loop of a task that grows.
func bare(x, wall float64) contenderResult {
	c := made(bareSeries, limit, wall)
	c.Series, c.X = bareSeries, x
	return c
}

// part is a contender of a task in parts.
func part(series string, x, wall float64) contenderResult {
	c := made(series, ours, wall)
	c.Series, c.X = series, x
	return c
}

// madeResults are results whose every number is known.
func madeResults() *results {
	r := &results{Command: "go run ./benchmarks/compare", Missing: []string{"bsdtar"}, Versions: map[string]string{"GNU tar": "tar 1.34"}, Bench: []float64{900, 1000, 1100}}
	r.Tasks = []taskResult{
		{Name: "restore-none", Title: "Restore", Unit: "messages", Items: 1000, Bytes: 50_000_000, Note: "Nobody else hashes.", Contenders: []contenderResult{
			made("storeconv restore", ours, 1), made("tar -x", peer, 1.2), made("create, write, date, hash", limit, 0.5)}},
		{Name: "verify", Title: "Verify", Unit: "messages", Items: 1000, Bytes: 50_000_000, Contenders: []contenderResult{
			made("storeconv verify", ours, 0.1), made("sha256sum", peer, 0.3), made("open, read, hash", limit, 0.08)}},
		{Name: "upgrade-hundredth", Title: "Upgrade", Unit: "entries", Items: 1, Contenders: []contenderResult{made("ldifconv upgrade", ours, 0.02)}},
		{Name: "start", Title: "Start-up", Unit: "runs", Items: 1, Contenders: []contenderResult{made("ldifconv", ours, 0.012)}},
		{Name: "growth-restore", Title: "Growth", Unit: "messages", Contenders: []contenderResult{
			grown(10_000, 1, 40<<20), grown(100_000, 11, 100<<20), bare(100_000, 4), grown(1_000_000, 121, 110<<20), bare(1_000_000, 48)}, Left: []string{"10000000 messages: 99.0 GiB of room, of which 9.0 are free"}},
		{Name: "growth-upgrade", Title: "Growth", Unit: "entries", Contenders: []contenderResult{
			upgraded(100_000, 1, 40<<20), upgraded(1_000_000, 9, 41<<20)}},
		{Name: "shards", Title: "Shards", Unit: "messages", Items: 1000, Note: "Parts.", Contenders: []contenderResult{
			made("one run", ours, 2), part("at once", 1, 2.5), part("at once", 4, 3), part("alone", 4, 0.5)}},
	}
	r.Goals = goalsOf(r)
	r.Profiles = []profileResult{{"restore", "^BenchmarkRestore$", "flat flat%\n1s 100% all"}}
	return r
}

func TestGoals(t *testing.T) {
	got := make(map[string]goalResult)
	for _, g := range madeResults().Goals {
		got[g.Path] = g
	}
	for path, want := range map[string]struct {
		measured string
		reached  bool
	}{
		"restore":         {"1.20x tar -x, 50 % of the limit", false}, // one of two
		"verify":          {"80 % of the limit, 500 MB/s, 3.00x sha256sum", true},
		"upgrade, 1.3 MB": {"20.0 ms, start-up 12.0 ms", false},
		"growth, restore": {"a message 10 % dearer, 110 MiB, 10 % more, at 1000000, of the bare loop 20 % dearer", true},
		"growth, upgrade": {"an entry -10 % dearer, 41 MiB, 2 % more, at 1000000", false}, // ten million is the goal
		"backup":          {"not measured", false},
	} {
		if g := got[path]; g.Measured != want.measured || g.Reached != want.reached {
			t.Errorf("%s: %q, %v", path, g.Measured, g.Reached)
		}
	}
}

// TestWrite writes the results, and reads what was written.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, notesFile), []byte("## Notes\n\nBy hand.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := madeResults()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"    go run ./benchmarks/compare\n", "Not found on this machine: bsdtar.", "GNU tar: tar 1.34",
		"| restore | 0.86x `tar x`, 47 % of the limit | 1.1x, 65 % | 1.20x tar -x, 50 % of the limit | not reached |",
		"| backup | 0.65x `tar c` | 1x | not measured |  |",
		"| **storeconv restore** | 1 s | 0% | 1 s | 10 MiB | 1000 | 50 |  |",
		"| tar -x | 1.2 s | 0% | 1.2 s | 10 MiB | 833 | 42 | 1.20 |",
		"| limit: *create, write, date, hash* | 0.5 s | 0% | 0.5 s | 10 MiB | 2000 | 100 | 0.50 |",
		"| limit: *create, write, date, hash* | 48 s | 0% | 48 s | 10 MiB | 20833 |  | 0.40 |", // of the restore of as many
		"| | wall | ± | CPU | peak | messages/s | MB/s | of one run |", "| **one run** | 2 s | 0% | 2 s | 10 MiB | 500 |  |  |",
		"| **at once** | 3 s | 0% | 3 s | 10 MiB | 333 |  | 1.50 |", "| **alone** | 0.5 s | 0% | 0.5 s | 10 MiB | 2000 |  | 0.25 |", "![Shards](plots/shards-wall.svg)",
		"Left out, since memory has not enough room: 10000000 messages: 99.0 GiB of room, of which 9.0 are free.",
		"\"flat\" is a peak that rises by less than 15 %",
		"- tar -x: `run tar -x`", "`storeconv bench` says 1000 messages a second of this stream (900 to 1100), the row of restore 1000 (1000 to 1000)",
		"![Restore](plots/restore-none.svg)", "![Growth: memory](plots/growth-restore-memory.svg)", "By hand.",
		"restore, `go test ./benchmarks -run '^$' -bench '^BenchmarkRestore$' -cpuprofile FILE`:\n\n    flat flat%\n    1s 100% all\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %q", resultsFile, want)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, jsonFile))
	if err != nil {
		t.Fatal(err)
	}
	var back results
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*r, back); diff != "" {
		t.Errorf("results change on their way:\n%s", diff)
	}
	checkPlots(t, filepath.Join(dir, plotsDir))
}

// checkPlots reads the drawings as XML.
func checkPlots(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil || len(files) != 8 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, f := range files {
		in, err := os.Open(f)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		d := xml.NewDecoder(in)
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for _, bad := range [][]string{{"--size", "huge"}, {"--rounds", "4"}, {"word"}, {"--unknown"}, {"--size", "medium", "--out", "/nowhere"},
		{"--tasks", "restore,"}, {"--tasks", "Restore"}} {
		if _, err := parseOptions(bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
	opt, err := parseOptions([]string{"--size", "small", "--peers", "tar,cp", "--tasks", "restore", "--rounds", "9"})
	if err != nil || opt.size.Rounds != 9 || opt.out != "" || !opt.wants("tar") || opt.wants("rsync") || !opt.has("restore-none") || opt.has("verify") {
		t.Errorf("%+v, %v", opt, err)
	}
}

// TestProfiles: every path that is looked into is a goal, and its benchmark is
// there.
func TestProfiles(t *testing.T) {
	known := make(map[string]bool)
	for _, g := range goalsOf(new(results)) {
		known[g.Path] = true
	}
	files, err := filepath.Glob("../*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, p := range profiles {
		name, _, _ := strings.Cut(strings.TrimPrefix(p.bench, "^"), "$")
		if !known[p.goal] || !strings.Contains(all.String(), "func "+name+"(") {
			t.Errorf("%+v", p)
		}
		for part := range strings.SplitSeq(p.bench, "/") {
			if part = strings.Trim(part, "^$"); part != name && !strings.Contains(all.String(), `"`+part+`"`) && !strings.Contains(all.String(), "string(via)") {
				t.Errorf("%s: no benchmark %s", p.bench, part)
			}
		}
	}
	if got := trimProfile("File: x\nTime: y\n  flat  flat%\n 1s 5% f\n"); got != "  flat  flat%\n 1s 5% f" {
		t.Errorf("%q", got)
	}
}

func TestCountLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	long := strings.Repeat("dn: ", 1<<19)
	if err := os.WriteFile(path, []byte("dn: a\n dn: no\n\n"+long+"\ndn: last"), 0o600); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int{"dn: ": 3, "": 5, "x": 0} {
		if n, err := countLines(path, word); err != nil || n != want {
			t.Errorf("%d lines %q, want %d: %v", n, word, want, err)
		}
	}
}
