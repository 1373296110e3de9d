package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// TestMergeKill kills a merge at random moments and gives the same command
// again: a user is there whole or not at all, and after the second run the
// store is that of a merge nobody disturbed. The parts never change.
func TestMergeKill(t *testing.T) {
	kills := 6
	if full {
		kills = 100
	}
	dir := scratch(t)
	stream, want := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 5, Users: 60, Mailboxes: 3, Messages: 1500, MedianSize: 3000, Links: 25})
	parts := makeParts(t, dir, 3, 0, "restore", "-f", stream, "--sync", "none")
	before := treesOf(t, parts)
	undisturbed := filepath.Join(dir, "undisturbed")
	line := slices.Clip(append([]string{"merge", "--via", "copy", "--quiet"}, parts...))
	k := newKiller(1, 2)
	k.measure(func() { mustRun(t, 0, append(line, "--store", undisturbed)...) })
	whole := readTree(t, undisturbed)
	users := make(map[string]tree)
	for _, box := range want.Mailboxes {
		if box.Name == "INBOX" {
			users[box.Dir] = whole.under(box.Dir)
		}
	}
	for i := range kills {
		store := filepath.Join(dir, "store")
		args := append(line, "--store", store, "--sync", []string{"batch", "user", "none"}[i%3])
		for try := 0; !k.anywhere(t, args); try++ {
			if try == 20 {
				t.Fatal("no kill meets a running process")
			}
			if err := os.RemoveAll(store); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + i%2 { // some are killed twice, late or not at all
			if _, err := os.Stat(store); err == nil {
				checkWholeUsers(t, readTree(t, store), users)
			}
			k.anywhere(t, args)
		}
		mustRun(t, 0, args...)
		if diffTrees(t, "after the second run", readTree(t, store), whole, true); t.Failed() {
			t.Fatalf("kill %d (%s)", i, args[len(args)-1])
		}
		if err := os.RemoveAll(store); err != nil {
			t.Fatal(err)
		}
	}
	sameSources(t, parts, before, "copy")
}

// TestMergeOwnKilled kills a merge of parts that were made in one store: the
// same command ends well, and its report is the whole one, whether the records
// were there still, were on their way, or had gone.
func TestMergeOwnKilled(t *testing.T) {
	kills := 8
	if full {
		kills = 100
	}
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 7, Users: 20, Messages: 300, Links: -1})
	store, report := filepath.Join(dir, "store"), filepath.Join(dir, "whole.json")
	for _, part := range []string{"1/2", "2/2"} {
		mustRun(t, 0, "restore", "-f", stream, "--store", store, "--shard", part)
	}
	work, kept := filepath.Join(store, ".imsconv"), filepath.Join(dir, "kept")
	if err := os.Rename(work, kept); err != nil {
		t.Fatal(err)
	}
	bare := []string{"merge", "--store", store}
	line := append(slices.Clip(bare), "--report", report)
	k := newKiller(3, 4)
	k.took = 100 * time.Millisecond
	for i := range kills {
		if err := errors.Join(os.RemoveAll(report), os.RemoveAll(work)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(work, os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
		again := [][]string{line, bare}[i%2]
		k.anywhere(t, again)
		mustRun(t, 0, again...)
		mustRun(t, 0, bare...)
		noWorkDir(t, work)
		if i%2 == 1 {
			continue // no report was asked for
		}
		text, err := os.ReadFile(report)
		if err != nil || strings.Count(string(text), `"index": `) != 2 {
			t.Fatalf("the report is not whole: %v\n%s", err, text)
		}
	}

	// Stopped when the records had gone, and their folder had not.
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, 0, line...)
	noWorkDir(t, work)
}

func noWorkDir(t *testing.T, work string) {
	t.Helper()
	if _, err := os.Lstat(work); !os.IsNotExist(err) {
		t.Fatalf("the working directory is there: %v", err)
	}
}

// TestShardKilled: a part whose run is killed is no part until the same command
// has ended it, and no merge takes it for one.
func TestShardKilled(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 6, Users: 40, Messages: 1200, Links: -1})
	one := filepath.Join(dir, "one")
	mustRun(t, 0, "restore", "-f", stream, "--store", one)
	parts := makeParts(t, dir, 2, 0, "restore", "-f", stream, "--sync", "none")

	// The second part is made again, of a pipe that stays open after a half.
	if err := os.RemoveAll(filepath.Join(parts[1], "partition")); err != nil {
		t.Fatal(err)
	}
	line := []string{"restore", "-f", "-", "--store", parts[1], "--shard", "2/2"}
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { w.Write(data[:len(data)/2]) }() // ends with an error when the reader is killed first
	cmd := program(t, line...)
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitRun(t, parts[1])
	_ = cmd.Process.Kill() // it may have ended
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the run ended by itself: %v", err)
	}
	r.Close()
	w.Close()
	store := filepath.Join(dir, "store")
	merge := append([]string{"merge", "--store", store}, parts...)
	if o := run(t, nil, merge...); o.exit != 1 || !strings.Contains(o.stderr, "left by an interrupted run: ") {
		t.Errorf("exit status %d\n%s", o.exit, o.stderr)
	}
	if o := runFed(t, stream, line); o.exit != 0 {
		t.Fatalf("exit status %d\n%s", o.exit, o.stderr)
	}
	// The killed run has counted nothing, and its part was made once before.
	if o := run(t, nil, merge...); o.exit != 0 || !strings.Contains(o.stderr, "[counted-before]") {
		t.Errorf("exit status %d\n%s", o.exit, o.stderr)
	}
	for _, p := range parts {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	diffTrees(t, "merged", readTree(t, store), readTree(t, one), true)
}

// awaitRun waits until a restore into a store has begun.
func awaitRun(t *testing.T, store string) {
	t.Helper()
	begun := hasAny(".imsconv/restore-*")
	peer.Await(t, "a run in "+store+" has begun", func() bool { return begun(store) })
}

// TestSameShardTwice: of two runs of one part in one store, one ends with 1.
func TestSameShardTwice(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 6, Users: 20, Messages: 300, Links: -1})
	store := filepath.Join(dir, "store")
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	line := []string{"restore", "-f", "-", "--store", store, "--shard", "1/2"}
	cmd := program(t, line...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(data[:len(data)/2]); err != nil {
		t.Fatal(err)
	}
	awaitRun(t, store)
	if o := runFed(t, stream, line); o.exit != 1 || !strings.Contains(o.stderr, "another process is at work on the same run") {
		t.Errorf("exit status %d\n%s", o.exit, o.stderr)
	}
	if o := run(t, nil, "merge", "--store", store); o.exit != 1 || !strings.Contains(o.stderr, "a run is at work there") {
		t.Errorf("exit status %d\n%s", o.exit, o.stderr)
	}
	if _, err := in.Write(data[len(data)/2:]); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if list, _ := filepath.Glob(filepath.Join(store, ".imsconv", "shards", "*")); fmt.Sprint(list) != fmt.Sprint([]string{filepath.Join(store, ".imsconv/shards/01-of-02.json")}) {
		t.Errorf("records: %v", list)
	}
}
