package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
)

// TestOneRunAtATime: a run keeps others out of its output folder from its first
// change to it on, and leaves it when it ends.
func TestOneRunAtATime(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(out, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{"--scenario", "nms-single", "--site", nmsSite(t), "--out", out}
	for _, more := range [][]string{nil, {"--force"}} {
		release, err := outdir.Hold(out)
		if err != nil {
			t.Fatal(err)
		}
		before := treeHash(t, out)
		said := convert(t, cli.ExitFailed, append(args, more...)...)
		if !strings.Contains(said, "another run is at work there") || treeHash(t, out) != before {
			t.Errorf("%q: the folder was written into, or:\n%s", more, said)
		}
		release()
		convert(t, cli.ExitDone, append(args, more...)...)
	}
}

// TestOneRunOfABatchAtATime: a run keeps others out of the folder of its batch
// while its users are still to be locked, and when all is done: neither the
// same command nor one of another export removes or writes anything there.
func TestOneRunOfABatchAtATime(t *testing.T) {
	site := batchedSite(t)
	out := begunFolder(t, site)
	args := incremental(site, out, "--batch", "b", "--filter", "(uid=*)")
	finished(t, args...)
	dir := batches.Dir(out, "b")
	path := filepath.Join(dir, outdir.StateName)
	done, err := outdir.ReadState(dir)
	must(t, err)
	locking := *done
	locking.Finished, locking.Done = false, nil // as a run leaves it that is in its first step
	other := write(t, t.TempDir(), "other.ldif", append(bytesOf(t, filepath.Join(site, "export.ldif")), "\n# later\n"...))
	for _, st := range []*outdir.State{&locking, done} {
		data, err := json.MarshalIndent(st, "", "  ")
		must(t, err)
		must(t, os.WriteFile(path, append(data, '\n'), 0o600))
		for _, more := range [][]string{{"--ldif", other}, {"--force"}, nil} {
			release, err := outdir.Hold(dir)
			must(t, err)
			before := plainList(t, dir)
			said := convert(t, cli.ExitFailed, append(args, more...)...)
			if !strings.Contains(said, "another run is at work there") {
				t.Errorf("%q: %s", more, said)
			}
			if d := cmp.Diff(before, plainList(t, dir)); d != "" {
				t.Errorf("%q: the folder was written into: %s", more, d)
			}
			release()
		}
	}
	finished(t, args...) // nothing is held any more
}

// TestForceBesideABatch: a batch that begins while a run with --force looks at
// its inputs keeps its mail.
func TestForceBesideABatch(t *testing.T) {
	out := t.TempDir()
	st := outdir.State{Scenario: "sims-incremental", Finished: true}
	inJob(t, func(job *cli.Job) error {
		must(t, st.Write(job, out))
		must(t, os.MkdirAll(filepath.Join(batches.Dir(out, "b"), "mail"), 0o700))
		c := &conversion{out: out}
		err := c.carryOut(t.Context(), job, st, true, nil)
		if err == nil || !strings.Contains(err.Error(), "holds 1 batch: --force would remove their mail") {
			t.Errorf("%v", err)
		}
		return nil
	})
	if have, err := outdir.ReadState(out); err != nil || have == nil {
		t.Errorf("the state is gone: %v", err)
	}
}

// TestFolderMadeAnewBehindABatch: a batch that waits for a run to leave the
// folder looks again at what it finds there then.
func TestFolderMadeAnewBehindABatch(t *testing.T) {
	site := batchedSite(t)
	out := begunFolder(t, site)
	unlock, err := batches.Lock(t.Context(), out)
	must(t, err)
	said := make(chan string, 1)
	go func() {
		code, stdout, stderr := siteconv(t, append([]string{"run"}, incremental(site, out, "--batch", "b", "--filter", "(uid=*)")...)...)
		said <- fmt.Sprintf("exit %d\n%s%s", code, stdout, stderr)
	}()
	time.Sleep(time.Second) // it looks at its inputs, and waits
	st, err := outdir.ReadState(out)
	must(t, err)
	st.Finished = false // as a run leaves it that starts afresh and is interrupted
	data, err := json.Marshal(st)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(out, outdir.StateName), data, 0o600))
	unlock()
	if text := <-said; !strings.Contains(text, "what comes before the users is not finished") || !missing(batches.Dir(out, "b")) {
		t.Error(text)
	}
}

// TestOwnerOfHardLinks: what can never be done is wrong usage, and told before
// anything is written.
func TestOwnerOfHardLinks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	said := convert(t, cli.ExitUsage, "--scenario", "nms-single", "--site", nmsSite(t), "--out", out, "--via", "hardlink", "--owner", "7")
	if _, err := os.Stat(out); err == nil || !strings.Contains(said, "use --via copy") {
		t.Errorf("%s was made, or:\n%s", out, said)
	}
}
