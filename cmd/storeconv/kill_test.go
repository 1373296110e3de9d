package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"imsconv/storeconv/testsite"
)

// TestKill kills a restore at random moments and gives the same command again:
// a user is there whole or not at all after the kill, and after the second run
// the store is, byte for byte, that of a run nobody disturbed. 15 kills, 200 in
// the full run.
func TestKill(t *testing.T) {
	kills := 15
	opts := testsite.StreamOptions{Seed: 5, Users: 40, Mailboxes: 3, Messages: 1200, MedianSize: 3000, Links: 25, Odd: true}
	if full {
		kills = 200
		opts.Users, opts.Messages = 150, 6000
	}
	dir := scratch(t)
	stream, want := writeStream(t, filepath.Join(dir, "site.sims"), opts)

	undisturbed := filepath.Join(dir, "undisturbed")
	mustRun(t, 0, "restore", "-f", stream, "--store", undisturbed, "--quiet")
	whole := readTree(t, undisturbed)
	users := make(map[string]tree)
	for _, box := range want.Mailboxes {
		if box.Name == "INBOX" {
			users[box.Dir] = whole.under(box.Dir)
		}
	}
	// What a run takes once everything is warm.
	k := newKiller(1, 2)
	k.measure(func() { mustRun(t, 0, "restore", "-f", stream, "--store", filepath.Join(dir, "warm"), "--quiet") })

	landed := 0
	for i := range kills {
		store := filepath.Join(dir, "store")
		input, mode := stream, []string{"batch", "user", "none"}[i%3]
		if i%2 == 1 {
			input = "-"
		}
		args := []string{"restore", "-f", input, "--store", store, "--quiet", "--sync", mode}
		what := fmt.Sprintf("kill %d (-f %s --sync %s)", i, input, mode)
		// Some of the second runs are killed too.
		for range 1 + i%3 {
			if k.once(t, args, stream) {
				landed++
			}
			if _, err := os.Stat(store); err == nil {
				checkWholeUsers(t, readTree(t, store), users)
			}
			if t.Failed() {
				t.Fatal(what)
			}
		}
		if o := runFed(t, stream, args); o.exit != 0 {
			t.Fatalf("%s: exit status %d\n%s", what, o.exit, o.stderr)
		}
		if diffTrees(t, "after the second run", readTree(t, store), whole, true); t.Failed() {
			t.Fatal(what)
		}
		if err := os.RemoveAll(store); err != nil {
			t.Fatal(err)
		}
	}
	if landed < kills/2 {
		t.Errorf("only %d of %d kills met a running process", landed, kills)
	}
}

// runFed runs the program with the stream on its standard input, which it reads
// when told -f -.
func runFed(t *testing.T, stream string, args []string) outcome {
	t.Helper()
	f, err := os.Open(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return run(t, f, args...)
}

// killer kills runs at random moments of the time that they take. That changes
// with what else the machine does: it is what the last run took that came to
// its end.
type killer struct {
	rng  *rand.Rand
	took time.Duration
}

func newKiller(seed1, seed2 uint64) *killer {
	return &killer{rng: rand.New(rand.NewPCG(seed1, seed2))}
}

// measure takes the time of a run.
func (k *killer) measure(run func()) {
	began := time.Now()
	run()
	k.took = time.Since(began)
}

// anywhere kills a run at a random moment and says whether it was still running
// then.
func (k *killer) anywhere(t *testing.T, args []string) bool {
	t.Helper()
	began := time.Now()
	if killFed(t, time.Duration(k.rng.Float64()*float64(k.took)), args, nil) {
		return true
	}
	k.took = time.Since(began)
	return false
}

// once kills a run once: one that reads the file at a random moment, one that
// reads standard input after a random part of the stream, of which nothing more
// comes.
func (k *killer) once(t *testing.T, args []string, stream string) bool {
	t.Helper()
	if args[2] != "-" {
		return k.anywhere(t, args)
	}
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	part := k.rng.IntN(len(data))
	var fed sync.WaitGroup
	fed.Go(func() {
		_, _ = w.Write(data[:part]) // ends with an error when the reader is killed first
	})
	killed := killFed(t, time.Duration((0.3+k.rng.Float64())*float64(k.took)), args, r)
	r.Close()
	fed.Wait()
	return killed
}

// killFed starts the program with a standard input, kills it after the delay,
// and says whether it was still running then. It waits no longer than the
// program runs.
func killFed(t *testing.T, delay time.Duration, args []string, stdin *os.File) bool {
	t.Helper()
	cmd := program(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() }) // it may have ended
	err := cmd.Wait()
	kill.Stop()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return true
	}
	if err != nil {
		t.Fatalf("the run ended by itself: %v\n%s", err, stderr.String())
	}
	return false
}

// checkWholeUsers holds every user's directory that is in its place against the
// one of the undisturbed run.
func checkWholeUsers(t *testing.T, got tree, users map[string]tree) {
	t.Helper()
	for dir, want := range users {
		if _, there := got[dir]; there {
			diffTrees(t, dir, got.under(dir), want, false)
		}
	}
}

// TestInterrupt: SIGINT leaves a state that the same command continues from,
// exit status 130.
func TestInterrupt(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 6, Users: 40, Messages: 1200})
	undisturbed, store := filepath.Join(dir, "undisturbed"), filepath.Join(dir, "store")
	mustRun(t, 0, "restore", "-f", stream, "--store", undisturbed)

	// The stream comes through a pipe that stays open after a half, so that the
	// run is under way for certain.
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	cmd := program(t, "restore", "-f", "-", "--store", store)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	pipe, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.Write(data[:len(data)/2]); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(time.Second):
		// A read from a silent pipe is not interrupted: the writer's going ends it.
		pipe.Close()
		<-ended
	}
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit status %d after an interrupt, want 130\n%s", code, talk.String())
	}
	if o := run(t, bytes.NewReader(data), "restore", "-f", "-", "--store", store); o.exit != 0 {
		t.Fatalf("exit status %d\n%s", o.exit, o.stderr)
	}
	diffTrees(t, "after the interrupt", readTree(t, store), readTree(t, undisturbed), true)
}

// TestAgain: the same stream a second time changes nothing in a finished store.
func TestAgain(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 8, Users: 20, Messages: 400, Odd: true})
	store := filepath.Join(dir, "store")
	mustRun(t, 0, "restore", "-f", stream, "--store", store)
	once := readTree(t, store)
	mustRun(t, 0, "restore", "-f", stream, "--store", store)
	diffTrees(t, "restored a second time", readTree(t, store), once, true)
}

// TestJobs: the number of workers does not show in the store.
func TestJobs(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 9, Users: 30, Messages: 900, Links: 30, Odd: true})
	before, err := hashFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(dir, "one")
	mustRun(t, 0, "restore", "-f", stream, "--store", one, "--jobs", "1")
	for _, jobs := range []string{"2", "7"} {
		many := filepath.Join(dir, "many"+jobs)
		mustRun(t, 0, "restore", "-f", stream, "--store", many, "--jobs", jobs)
		diffTrees(t, "--jobs "+jobs, readTree(t, many), readTree(t, one), true)
	}
	if after, err := hashFile(stream); err != nil || after != before {
		t.Errorf("the stream has changed (%v)", err)
	}
}
