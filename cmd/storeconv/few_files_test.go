package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
)

// TestTooFewOpenFiles: a process that may not open as many files as it needs
// says so, and calls nothing in a store damaged.
func TestTooFewOpenFiles(t *testing.T) {
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	dir := scratch(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	manyMailboxes(t, at("s.sims"), 20, 2)
	runFew(t, 0, "restore", "-f", at("s.sims"), "--store", at("store"), "--quiet")
	nms := filepath.Join("..", "..", "testdata", "site", "nms", "store")
	runFew(t, 0, "relocate", "--from", nms, "--store", at("moved"), "--quiet")
	runFew(t, 0, "relocate", "--from", nms, "--store", at("part"), "--shard", "1/1", "--quiet")
	refused := 0
	for most := 8; most <= 20; most += 2 {
		for _, args := range [][]string{
			{"verify", at("store")},
			{"verify", at("store"), "-f", at("s.sims")},
			{"verify", at("moved"), "--from", nms},
			{"backup", "--store", at("store"), "-f", at(fmt.Sprintf("%d.sims", most))},
			{"inspect", at("store"), "user/joe"},
			{"relocate", "--from", nms, "--store", at(fmt.Sprintf("moved%d", most))},
			{"merge", "--store", at(fmt.Sprintf("merged%d", most)), at("part")},
		} {
			line := append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, most), path}, args...)
			text, err := peer.Command(t, "sh", append(line, "--quiet")...).CombinedOutput()
			var failed *exec.ExitError
			switch {
			case err == nil:
			case errors.As(err, &failed) && failed.ExitCode() == 1 && strings.Contains(string(text), "too many open files"):
				refused++
			default:
				t.Errorf("%d open files: storeconv %s: %v\n%s", most, strings.Join(args, " "), err, text)
			}
		}
	}
	if refused == 0 {
		t.Error("there were always enough open files")
	}
}
