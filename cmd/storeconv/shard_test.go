package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// TestShards restores one stream with several processes at once into one store:
// the store is that of one run. Which process comes first decides whether a
// copy that crosses from one share to another is a hard link or a second file,
// so the grouping of links is compared only where the stream has no copies.
func TestShards(t *testing.T) {
	for _, links := range []int{-1, 30} {
		dir := scratch(t)
		opts := testsite.StreamOptions{Seed: 21, Users: 48, Mailboxes: 3, Messages: 1200, Links: links}
		stream, want := writeStream(t, filepath.Join(dir, "site.sims"), opts)
		one := filepath.Join(dir, "one")
		mustRun(t, 0, "restore", "-f", stream, "--store", one)
		whole := readTree(t, one)

		t.Run(fmt.Sprintf("shards, links %d", links), func(t *testing.T) {
			store := filepath.Join(scratch(t), "store")
			var runs [][]string
			for i := 1; i <= 4; i++ {
				runs = append(runs, []string{"restore", "-f", stream, "--store", store, "--shard", fmt.Sprintf("%d/4", i)})
			}
			runTogether(t, runs)
			diffTrees(t, "four shards", readTree(t, store), whole, links < 0)
		})
		t.Run(fmt.Sprintf("user files, links %d", links), func(t *testing.T) {
			tmp := scratch(t)
			store := filepath.Join(tmp, "store")
			var runs [][]string
			for i := range 5 {
				var users []string
				for j := i; j < len(want.Users); j += 5 {
					users = append(users, want.Users[j])
				}
				file := filepath.Join(tmp, fmt.Sprintf("users%d", i))
				if err := os.WriteFile(file, []byte(strings.Join(users, "\n")+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				runs = append(runs, []string{"restore", "-f", stream, "--store", store, "-u", file})
			}
			runTogether(t, runs)
			diffTrees(t, "five user files", readTree(t, store), whole, links < 0)
			mustRun(t, 0, "verify", "--store", store, "-f", stream)
		})
	}
}

// runTogether runs the command lines at the same time; each has to end with 0.
func runTogether(t *testing.T, lines [][]string) {
	t.Helper()
	cmds := make([]*exec.Cmd, len(lines))
	errs := make([]bytes.Buffer, len(lines))
	for i, args := range lines {
		cmds[i] = program(t, args...)
		cmds[i].Stderr = &errs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(lines[i], " "), err, errs[i].String())
		}
	}
}

// TestTwoPlansAtOnce: of two tasks of one number that have different plans, the
// one that comes second ends at its start, and the first goes on to its end.
func TestTwoPlansAtOnce(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 6, Users: 20, Messages: 300, Links: 5})
	data, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	store, one, two := filepath.Join(dir, "store"), filepath.Join(dir, "one"), filepath.Join(dir, "two")
	mustRun(t, 0, "plan-shards", "--shards", "2", "--out", one, stream)
	mustRun(t, 0, "plan-shards", "--shards", "2", "--links", "copy", "--out", two, stream)
	cmd := program(t, "restore", "-f", "-", "--store", store, "--shard", "1/2", "--plan", one)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(data[:len(data)*3/4]); err != nil {
		t.Fatal(err)
	}
	peer.Await(t, "the first is at work", func() bool {
		list, _ := filepath.Glob(filepath.Join(store, ".imsconv", "restore-*"))
		return len(list) > 0
	})
	for _, line := range [][]string{{"--shard", "1/2", "--plan", two}, {"--shard", "2/2", "--plan", two}, {"--shard", "1/2"}, {"--shard", "1/3"}} {
		o := run(t, nil, append([]string{"restore", "-f", stream, "--store", store}, line...)...)
		if o.exit != 1 || !strings.Contains(o.stderr, "another process makes a part of another division of the site there (2 parts of the plan ") {
			t.Errorf("%v: exit status %d\n%s", line, o.exit, o.stderr)
		}
	}
	mustRun(t, 0, "restore", "-f", stream, "--store", store, "--shard", "2/2", "--plan", one)
	if _, err := in.Write(data[len(data)*3/4:]); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, 0, "merge", "--store", store)
	mustRun(t, 0, "verify", "--store", store, "-f", stream)
}
