package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/storeconv/testsite"
)

// stepper runs deploy/step.sh with settings of its own, as an engine does.
type stepper struct {
	t             testing.TB
	dir, settings string
}

// newStepper writes settings: VERB, SOURCE and lines of the test's own.
func newStepper(t testing.TB, dir, verb, source, own string) *stepper {
	t.Helper()
	program, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	s := &stepper{t: t, dir: dir, settings: filepath.Join(dir, "settings.sh")}
	example, err := os.ReadFile(script(t, "settings.sh"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s.settings, string(example)+fmt.Sprintf("\nVERB=%s STORECONV=%s SOURCE=%s SHARDS=3\nSTORE=%[4]s/store PLAN=%[4]s/plan REPORTS=%[4]s/reports\n%[5]s\n", verb, program, source, dir, own))
	return s
}

// step runs a step, which has to end with the exit status.
func (s *stepper) step(exit int, args ...string) string {
	s.t.Helper()
	cmd := peer.Command(s.t, script(s.t, "step.sh"), append([]string{s.settings}, args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exit {
		s.t.Fatalf("step.sh %s: %v, want exit status %d\n%s", strings.Join(args, " "), err, exit, out)
	}
	return string(out)
}

// all runs all steps, each twice: the second time finds its work done. merge
// and verify end with the exit status.
func (s *stepper) all(exit int) {
	s.t.Helper()
	for range 2 {
		s.step(0, "plan")
	}
	for _, part := range [...]string{"1/3", "2/3", "3/3", "2/3"} {
		s.step(0, "shard", part)
	}
	for range 2 {
		s.step(exit, "merge")
	}
	s.step(exit, "verify")
	for _, part := range [...]string{"1/3", "2/3", "3/3"} {
		s.step(exit, "verify", part)
	}
}

// TestSteps runs every verb in every place that the settings know, without an
// engine. What comes out is what one run makes.
func TestSteps(t *testing.T) {
	dir := scratch(t)
	stream, site := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 34, Users: 30, Mailboxes: 2, Messages: 300, Links: 3})
	restored := filepath.Join(dir, "restored")
	mustRun(t, 0, "restore", "-f", stream, "--store", restored)
	ids, named := filepath.Join(dir, "ids"), filepath.Join(dir, "named")
	put(t, ids, site.Users[3]+"="+site.Users[20]+"\n"+site.Users[4]+"="+site.Users[21]+"\n")
	mustRun(t, 0, "restore", "-f", stream, "--store", named, "-m", ids, "--default-domain", "siroe.com")
	exported := filepath.Join(dir, "exported")
	mustRun(t, 0, "export", "-f", stream, "--out", exported)
	nms, _ := nmsStore(t, testsite.NMSOptions{Seed: 35, Users: 20, Messages: 200})
	relocated := filepath.Join(dir, "relocated")
	mustRun(t, 0, "relocate", "--from", nms, "--store", relocated)
	for _, tt := range []struct{ name, verb, source, own, want string }{
		{"one store", "restore", stream, "", restored},
		{"parts", "restore", stream, "PARTS=$(dirname $STORE)/parts", restored},
		{"parts made elsewhere", "restore", stream, "PARTS=$(dirname $STORE)/parts LOCAL=$(dirname $STORE)/local", restored},
		{"parts with names", "restore", stream, "PARTS=$(dirname $STORE)/parts NAMES=(-m " + ids + " --default-domain siroe.com)", named},
		{"parts by hash", "restore", stream, "PLAN= LINKS=", ""},
		{"relocate", "relocate", nms, "", relocated},
		{"relocate parts", "relocate", nms, "PARTS=$(dirname $STORE)/parts OPTIONS=(--via copy) MERGE=(--via copy)", relocated},
		{"export", "export", stream, "", exported},
		{"export of a store", "export", restored, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStepper(t, scratch(t), tt.verb, tt.source, tt.own)
			s.all(0)
			if err := os.RemoveAll(filepath.Join(s.dir, "parts")); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(filepath.Join(s.dir, "local")); err == nil && len(left) > 0 {
				t.Errorf("%v is left on the disk of the machine", left)
			}
			if tt.want != "" {
				diffTrees(t, tt.name, exportedMail(t, filepath.Join(s.dir, "store")), exportedMail(t, tt.want), tt.verb == "restore")
			}
		})
	}
}

// exportedMail is a tree without the files of an export that name its folder.
func exportedMail(t testing.TB, root string) tree {
	t.Helper()
	mail := readTree(t, root)
	for _, name := range [...]string{"dovecot.conf.example", "import-mox.sh", "import-vandelay.sh"} {
		delete(mail, name)
	}
	return mail
}

// TestStepsLosses: what was lost does not make an engine run a part again, and
// is not forgotten.
func TestStepsLosses(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 36, Users: 30, Mailboxes: 2, Messages: 300, Links: 3})
	if err := os.Truncate(stream, 200_000); err != nil {
		t.Fatal(err)
	}
	for _, verb := range [...]string{"restore", "export"} {
		s := newStepper(t, scratch(t), verb, stream, "")
		s.step(0, "plan")
		for _, part := range [...]string{"1/3", "2/3", "3/3"} {
			s.step(0, "shard", part)
		}
		s.step(3, "merge")
	}
}

// TestStepsWrong: a part of another number of parts, and a part that is
// missing.
func TestStepsWrong(t *testing.T) {
	dir := scratch(t)
	stream, _ := writeStream(t, filepath.Join(dir, "site.sims"), testsite.StreamOptions{Seed: 37, Users: 10, Messages: 40})
	for _, verb := range [...]string{"restore", "export"} {
		s := newStepper(t, scratch(t), verb, stream, "PLAN=")
		for _, wrong := range [][]string{{"shard", "1/4"}, {"shard", "x/3"}, {"shard", "1"}, {"shard"}, {"merge", "1/3"}, {"sort"}} {
			if out := s.step(2, wrong...); !strings.Contains(out, "SHARDS=3") && !strings.Contains(out, "is no part") && !strings.Contains(out, "usage: step.sh") {
				t.Errorf("%v: %s", wrong, out)
			}
		}
		s.step(0, "shard", "01/03")
		s.step(0, "shard", "0/3") // the third
		s.step(1, "merge")
		s.step(0, "shard", "2/3")
		s.step(0, "merge")
	}
	if out := newStepper(t, scratch(t), "copy", stream, "PLAN=").step(2, "shard", "1/3"); !strings.Contains(out, "VERB=copy") {
		t.Error(out)
	}
}

// TestStepsLocal: a part that could not be brought from LOCAL to PARTS stays
// there, and what was brought of it does not pile up in PARTS. Another
// conversion with the same LOCAL does not go on with it.
func TestStepsLocal(t *testing.T) {
	dir := scratch(t)
	local := filepath.Join(dir, "local")
	conversion := func(name string, seed uint64) *stepper {
		home := filepath.Join(dir, name)
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		stream, _ := writeStream(t, filepath.Join(home, "site.sims"), testsite.StreamOptions{Seed: seed, Users: 10, Messages: 60, Odd: true})
		return newStepper(t, home, "restore", stream, "PLAN= PARTS="+home+"/parts LOCAL="+local)
	}
	tools := filepath.Join(dir, "tools")
	if err := os.Mkdir(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(tools, "cp"), "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(filepath.Join(tools, "cp"), 0o700); err != nil {
		t.Fatal(err)
	}
	other, own := conversion("other", 38), conversion("own", 39)
	path := os.Getenv("PATH")
	t.Setenv("PATH", tools+":"+path)
	for range 2 {
		other.step(1, "shard", "1/3")
	}
	if list, err := os.ReadDir(filepath.Join(other.dir, "parts")); err != nil || len(list) > 1 {
		t.Errorf("after two copies that failed: %v %v", list, err)
	}
	t.Setenv("PATH", path)
	for _, part := range [...]string{"1/3", "2/3", "3/3"} {
		own.step(0, "shard", part)
	}
	own.step(0, "merge")
	if err := os.RemoveAll(filepath.Join(own.dir, "parts")); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(own.dir, "whole")
	mustRun(t, 0, "restore", "-f", filepath.Join(own.dir, "site.sims"), "--store", whole)
	diffTrees(t, "merged", readTree(t, filepath.Join(own.dir, "store")), readTree(t, whole), false)
}
