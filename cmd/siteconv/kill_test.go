package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/peer"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv/testdir"
	"imsconv/storeconv/testsite"
	"imsconv/storeconv/testsite/scratch"
)

// siteUsers are the users of generated sites: a sample of what .ci/full takes.
var siteUsers = func() int {
	if os.Getenv("IMSCONV_FULL") == "1" {
		return 500
	}
	return 40
}()

// siteMessages are the messages of their stores.
var siteMessages = 300 * siteUsers / 40

// generated makes a SIMS site of some size.
func generated(t *testing.T) string {
	t.Helper()
	dir := scratch.Dir(t)
	export, err := os.Create(dir + "/export.ldif")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testdir.WriteSIMS(export, testdir.Options{Seed: 7, Users: siteUsers + 110}); err != nil {
		t.Fatal(err)
	}
	stream, err := os.Create(dir + "/backup.sims")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testsite.WriteStream(stream, testsite.StreamOptions{Seed: 7, Users: siteUsers, Messages: siteMessages}, nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{export, stream} {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plainList is a listing without what differs from run to run: inodes, the
// times of files that are no messages, and the reports, which hold times.
func plainList(t *testing.T, root string) map[string]file {
	t.Helper()
	files := list(t, root)
	for name, f := range files {
		f.Inode = 0
		if !strings.HasSuffix(name, ".msg") {
			f.Mtime = 0
		}
		files[name] = f
		if strings.HasPrefix(name, "report") {
			delete(files, name)
		}
	}
	return files
}

// generatedNMS makes an NMS site of some size.
func generatedNMS(t *testing.T) string {
	t.Helper()
	dir := scratch.Dir(t)
	if _, err := testsite.WriteNMS(dir+"/store", testsite.NMSOptions{Seed: 7, Users: siteUsers, Messages: siteMessages}); err != nil {
		t.Fatal(err)
	}
	export, err := os.Create(dir + "/export.ldif")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testdir.WriteNMS(export, testdir.Options{Seed: 7, Users: siteUsers + 60}); err != nil {
		t.Fatal(err)
	}
	if err := export.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// siteOf makes the inputs of a scenario.
func siteOf(t *testing.T, scenario string) []string {
	t.Helper()
	if scenario == "nms-single" {
		return []string{"--scenario", scenario, "--site", generatedNMS(t)}
	}
	args := []string{"--scenario", scenario, "--site", generated(t)}
	if scenario == "sims-incremental" || scenario == "sims-online" {
		args = append(args, "--old-host", "old.siroe.com", "--new-host", "new.siroe.com")
	}
	return args
}

// TestKilledRunGoesOn kills a conversion in each of its steps; the same command
// given again ends with the same bytes as one that nobody disturbed, and with
// the same problems and warnings.
func TestKilledRunGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the program several times")
	}
	for _, sc := range scenarios {
		for _, destination := range []string{"ims", "maildir"} {
			if destination == "maildir" && (sc.batches || sc.moves) {
				continue // no mail is moved before the batches; online is the same as offline
			}
			t.Run(sc.name+" to "+destination, func(t *testing.T) {
				args := append(siteOf(t, sc.name), "--destination", destination, "--default-domain", "siroe.com", "--quiet")
				if sc.name != "sims-offline" || destination != "ims" { // one is enough that waits for the disk
					args = append(args, "--sync", "none")
				}
				killInEachStep(t, args, &conversion{scenario: sc, site: &site.Site{Destination: destination}})
			})
		}
	}
}

// converted runs a conversion that does not fail and returns its exit status:
// a generated export has values that no rule understands, each a problem.
func converted(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	text, err := cmd.CombinedOutput()
	status := cmd.ProcessState.ExitCode()
	if err != nil && status != cli.ExitLost {
		t.Fatalf("%v\n%s", err, text)
	}
	return status
}

func killInEachStep(t *testing.T, args []string, c *conversion) {
	run := func(out string) *exec.Cmd {
		return peer.Command(t, "siteconv", append([]string{"run", "--out", out}, args...)...)
	}
	// One place for all of them: what is made for Dovecot names it.
	dir := scratch.Dir(t)
	out, whole := filepath.Join(dir, "out"), filepath.Join(dir, "whole")
	status := converted(t, run(out))
	if err := os.Rename(out, whole); err != nil {
		t.Fatal(err)
	}
	want, told := treeHash(t, whole), readReport(t, whole)
	killed := map[string]bool{}
	for _, step := range c.stepNames() {
		// A short step may be over before the blow falls.
		for try := 0; try < 50 && !killed[step]; try++ {
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
			at := killIn(t, run(out), out, step)
			killed[at] = true
			if got := converted(t, run(out)); got != status {
				t.Errorf("killed in %q: exit status %d, not %d", at, got, status)
			}
			if d := cmp.Diff(told.Problems, readReport(t, out).Problems) + cmp.Diff(told.Warnings, readReport(t, out).Warnings); d != "" {
				t.Errorf("killed in %q: other lines in the report: %s", at, d)
			}
			if treeHash(t, out) != want {
				t.Fatalf("killed in %q: another tree: %s", at, cmp.Diff(plainList(t, whole), plainList(t, out)))
			}
		}
		if !killed[step] {
			t.Errorf("no run was killed in the step %s", step)
		}
	}
}

// killIn starts a run, kills it when the step has begun, and returns the step
// that it was in.
func killIn(t *testing.T, cmd *exec.Cmd, out, step string) string {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case <-ended:
			return "none"
		default:
		}
		if at, done := underWay(out); at == step && !done {
			break
		}
		time.Sleep(200 * time.Microsecond)
	}
	// An error is of a run that has ended meanwhile.
	_ = cmd.Process.Kill()
	<-ended
	at, done := underWay(out)
	if done {
		return "after " + at
	}
	return at
}

// underWay is the last step that a run has noted, and whether it is done.
func underWay(out string) (name string, done bool) {
	data, err := os.ReadFile(filepath.Join(out, outdir.StepsName))
	var lines []outdir.StepLine
	if err != nil || json.Unmarshal(data, &lines) != nil || len(lines) == 0 {
		return "", false
	}
	last := lines[len(lines)-1]
	return last.Name, last.Done
}
