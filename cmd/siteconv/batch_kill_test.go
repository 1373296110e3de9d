package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/peer"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/testsite/scratch"
)

// withoutReports is a listing without what holds times: reports.
func withoutReports(t *testing.T, root string) map[string]file {
	t.Helper()
	files := plainList(t, root)
	maps.DeleteFunc(files, func(name string, _ file) bool { return strings.HasPrefix(filepath.Base(name), "report") })
	return files
}

// begunFolder makes an output folder with what comes before the batches.
func begunFolder(t *testing.T, site string) string {
	t.Helper()
	out := filepath.Join(scratch.Dir(t), "moved")
	finished(t, incremental(site, out)...)
	return out
}

// copyOf is a copy of an output folder.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(scratch.Dir(t), "moved")
	if text, err := peer.Command(t, "cp", "-a", dir, out).CombinedOutput(); err != nil { // dates and links too
		t.Fatalf("%v: %s", err, text)
	}
	return out
}

// killAt starts a run and kills it as soon as its folder shows that a step has
// begun, or a file is there. It says whether the run was still going on.
func killAt(t *testing.T, dir, mark string, args ...string) bool {
	t.Helper()
	cmd := peer.Command(t, "siteconv", append([]string{"run", "--quiet"}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return err != nil && cmd.ProcessState.ExitCode() < 0
		case <-time.After(200 * time.Microsecond):
		}
		if !shows(dir, mark) {
			continue
		}
		cmd.Process.Kill()
		<-ended
		return cmd.ProcessState.ExitCode() < 0
	}
}

// shows says whether a step called mark has begun, or a file of that name is
// there.
func shows(dir, mark string) bool {
	if _, err := os.Lstat(filepath.Join(dir, mark)); err == nil {
		return true
	}
	steps, err := os.ReadFile(filepath.Join(dir, outdir.StepsName))
	return err == nil && bytes.Contains(steps, []byte(`"name":"`+mark+`"`))
}

// TestKilledBatchGoesOn kills a batch, and the closing pass, in each of their
// steps: the same command ends with the same bytes as one that nobody
// disturbed.
func TestKilledBatchGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the program several times")
	}
	site := batchedSite(t)
	base := begunFolder(t, site)
	today := write(t, t.TempDir(), "today.ldif", unlockedExport(t, filepath.Join(site, "export.ldif")))
	for _, run := range []struct {
		name  string
		dir   string
		args  []string
		marks []string
	}{
		{"batch", batches.Dir("", "b"), []string{"--batch", "b", "--split", "2", "--part", "2"}, []string{
			outdir.StateName, batches.UsersName, lockStep, batches.LockName, storeStep, membersStep, verificationStep, unlockStep, batches.UnlockName,
		}},
		{"closing", closingDir, []string{"--closing", "--ldif", today}, []string{groupsStep, directoryStep, daaciStep, leftStep, checkStep}},
	} {
		whole := copyOf(t, base) // the closing pass comes behind the batch
		t.Run(run.name, func(t *testing.T) {
			finished(t, incremental(site, whole, run.args...)...)
			want, told := withoutReports(t, whole), readReport(t, filepath.Join(whole, run.dir))
			killed := 0
			for _, mark := range run.marks {
				// A short step may be over before the blow falls.
				var out string
				var args []string
				for try := 0; try < 5; try++ {
					out = copyOf(t, base)
					args = incremental(site, out, run.args...)
					if killAt(t, filepath.Join(out, run.dir), mark, args...) {
						killed++
						break
					}
				}
				finished(t, args...)
				if d := cmp.Diff(want, withoutReports(t, out)); d != "" {
					t.Errorf("killed in %s: %s", mark, d)
				}
				rep := readReport(t, filepath.Join(out, run.dir))
				if d := cmp.Diff(told.Problems, rep.Problems) + cmp.Diff(told.Warnings, rep.Warnings); d != "" {
					t.Errorf("killed in %s: other lines in the report: %s", mark, d)
				}
				sameLines(t, filepath.Join(out, run.dir))
			}
			if killed < len(run.marks)/2 {
				t.Errorf("%d of %d runs were killed in time", killed, len(run.marks))
			}
		})
		base = whole
	}
}

// TestBatchesInterleave kills a batch while its mail comes over, moves another
// one, and goes on with the first.
func TestBatchesInterleave(t *testing.T) {
	site := batchedSite(t)
	base := begunFolder(t, site)
	one, two := []string{"--batch", "one", "--split", "2", "--part", "1"}, []string{"--batch", "two", "--split", "2", "--part", "2"}
	whole, out := copyOf(t, base), copyOf(t, base)
	finished(t, incremental(site, whole, one...)...)
	finished(t, incremental(site, whole, two...)...)
	killAt(t, batches.Dir(out, "one"), storeStep, incremental(site, out, one...)...)
	code, table, _ := siteconv(t, "status", out)
	if code != 0 || !strings.Contains(table, "\none  ") {
		t.Errorf("status %d:\n%s", code, table)
	}
	finished(t, incremental(site, out, two...)...)
	finished(t, incremental(site, out, one...)...)
	if d := cmp.Diff(withoutReports(t, whole), withoutReports(t, out)); d != "" {
		t.Error(d)
	}
}

// TestKilledSplit kills a run while it makes the lists of a split: they are
// made again, and no user is in two of them.
func TestKilledSplit(t *testing.T) {
	site := batchedSite(t)
	out := begunFolder(t, site)
	dir := batches.SplitDir(out, 2)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"users01.txt": "nobody\n", ".users02.txt.imsconv.tmp": "half"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	finished(t, incremental(site, out, "--batch", "one", "--split", "2", "--part", "1")...)
	names := slices.Sorted(maps.Keys(list(t, dir)))
	if d := cmp.Diff([]string{".", "split.json", "users01.txt", "users02.txt"}, names); d != "" {
		t.Error(d)
	}
	checkLists(t, dir, siteUsers-2)
}

// checkLists insists that the lists of a folder hold n users, none twice.
func checkLists(t *testing.T, dir string, n int) {
	t.Helper()
	seen := batches.Set{}
	lists, err := filepath.Glob(filepath.Join(dir, "users*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lists {
		for _, id := range mustUsers(t, path) {
			if seen.Has(id) {
				t.Errorf("%s is in two lists", id)
			}
			seen.Add(id)
		}
	}
	if len(seen) != n {
		t.Errorf("%d users are in the lists, not %d", len(seen), n)
	}
}

// TestBatchesAtOnce moves all parts of a split at the same time.
func TestBatchesAtOnce(t *testing.T) {
	site := batchedSite(t)
	out := begunFolder(t, site)
	whole := filepath.Join(t.TempDir(), "whole")
	var runs []*exec.Cmd
	for _, part := range []string{"1", "2", "3"} {
		args := incremental(site, out, "--batch", "p"+part, "--split", "3", "--part", part)
		cmd := peer.Command(t, "siteconv", append([]string{"run", "--quiet"}, args...)...)
		var talk bytes.Buffer
		cmd.Stdout, cmd.Stderr = &talk, &talk
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, cmd)
	}
	for _, cmd := range runs {
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 3 {
			t.Fatalf("%q: %v\n%s", cmd.Args, err, cmd.Stdout)
		}
	}
	checkLists(t, batches.SplitDir(out, 3), siteUsers-2)
	strays := threeBatches(t, site)[2]
	finished(t, incremental(site, out, strays...)...)
	finished(t, "--scenario", "sims-offline", "--site", site, "--out", whole, "--default-domain", "siroe.com")
	sameStores(t, filepath.Join(whole, "store"), filepath.Join(out, "store"), out, true)
}

// TestBatchLooksAtItsOwn: what is wrong with the mail of another batch, or is
// being made of it, is none of a batch's problems.
func TestBatchLooksAtItsOwn(t *testing.T) {
	site := batchedSite(t)
	out := begunFolder(t, site)
	args := func(part string) []string {
		return incremental(site, out, "--batch", "p"+part, "--split", "3", "--part", part)
	}
	finished(t, args("1")...)
	before := readReport(t, batches.Dir(out, "p1"))
	other := mustUsers(t, filepath.Join(batches.Dir(out, "p1"), batches.UsersName))[0]
	dir := filepath.Join(out, "store", ims.UserDir("primary", other))
	must(t, os.MkdirAll(filepath.Join(dir, "=box"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "letter"), []byte("x"), 0o600))
	finished(t, args("2")...)
	rep := readReport(t, batches.Dir(out, "p2"))
	for _, line := range rep.Problems.Items {
		if line.Kind != "mail-without-entry" && strings.Contains(line.Where, ims.Component(other)) {
			t.Errorf("%+v", line)
		}
	}
	if a, b := before.Counts.Get("messages verified"), rep.Counts.Get("messages verified"); a == 0 || b == 0 || b > a*3/2 {
		t.Errorf("%d messages verified of one third, %d of the next", a, b)
	}
}
