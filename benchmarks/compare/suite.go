package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"imsconv/storeconv/bench"
)

// suite is one run of this command: where it works, and with which programs.
type suite struct {
	opt     options
	dir     string            // all of the suite's own
	ours    map[string]string // our programs and the helpers, by their names
	floor   int64             // the peak memory of a program that does nothing, as it is measured
	missing map[string]bool   // programs that were asked for and not found
	res     *results
}

// newSuite makes the working directory and builds our programs.
func newSuite(opt options) (*suite, error) {
	parent := opt.dir
	if parent == "" {
		parent = "/dev/shm"
		if _, err := os.Stat(parent); err != nil {
			parent = os.TempDir()
		}
	}
	dir, err := os.MkdirTemp(parent, "imsconv-compare-")
	if err != nil {
		return nil, err
	}
	s := &suite{opt: opt, dir: dir, ours: make(map[string]string), missing: make(map[string]bool)}
	for name, pkg := range map[string]string{
		"ldifconv": "cmd/ldifconv", "storeconv": "cmd/storeconv", "dbconv": "cmd/dbconv",
		"run": "benchmarks/measure/run", "loops": "benchmarks/loops",
	} {
		s.ours[name] = filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-o", s.ours[name], "imsconv/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			s.close()
			return nil, fmt.Errorf("go build %s: %w: %s", name, err, out)
		}
	}
	return s, nil
}

func (s *suite) close() { os.RemoveAll(s.dir) }

// at is a path in the working directory.
func (s *suite) at(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// taskMakers make the tasks, each after its inputs. A new verb joins with a
// line here.
var taskMakers = []struct {
	name string
	make func(*suite) ([]task, error)
}{
	{"start", startTasks},
	{"upgrade", upgradeTasks},
	{"database", databaseTasks},
	{"restore", restoreTasks},
	{"verify", verifyTasks},
	{"backup", backupTasks},
	{"relocate", relocateTasks},
	{"export", exportTasks},
	{"shards", shardTasks},
	{"growth-restore", growingStores},
	{"growth-mailboxes", growingMailboxes},
	{"growth-upgrade", growingExports},
}

// makerNames are what the names of tasks begin with.
func makerNames() []string {
	var names []string
	for _, m := range taskMakers {
		names = append(names, m.name)
	}
	return names
}

// measure takes every task.
func (s *suite) measure(ctx context.Context) (*results, error) {
	s.res = &results{
		Date: time.Now().UTC().Format("2 January 2006"), Size: s.opt.size, Command: "go run ./benchmarks/compare " + strings.Join(s.opt.args, " "),
		Machine: bench.ThisMachine(s.dir), Go: runtime.Version(),
	}
	floor, err := s.runOnce(ctx, command{argv: []string{"true"}})
	if err != nil {
		return nil, err
	}
	s.floor = floor.Peak
	s.res.Floor = floor.Peak
	for _, m := range taskMakers {
		if len(s.opt.tasks) > 0 && !s.opt.has(m.name) && !anyHasPrefix(s.opt.tasks, m.name) {
			continue
		}
		tasks, err := m.make(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		for i := range tasks {
			if !s.opt.has(tasks[i].name) {
				continue
			}
			row, err := s.task(ctx, &tasks[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", tasks[i].name, err)
			}
			s.res.Tasks = append(s.res.Tasks, row)
			fmt.Print(row.text())
		}
		if err := s.clear(); err != nil {
			return nil, err
		}
	}
	if len(s.res.Tasks) == 0 {
		return nil, fmt.Errorf("--tasks %s: no task begins so", strings.Join(s.opt.tasks, ","))
	}
	s.res.finish(s)
	if s.opt.size.Name == sizes[0].Name {
		return s.res, nil
	}
	return s.res, s.profile(ctx)
}

func anyHasPrefix(list []string, prefix string) bool {
	for _, t := range list {
		if strings.HasPrefix(t, prefix) {
			return true
		}
	}
	return false
}

// clear removes the inputs of the tasks that are done.
func (s *suite) clear() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, program := s.ours[e.Name()]; program {
			continue
		}
		if err := os.RemoveAll(s.at(e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// found looks for a peer's program, and notes one that is missing.
func (s *suite) found(program string) bool {
	if !s.opt.wants(program) {
		return false
	}
	if _, err := exec.LookPath(program); err != nil {
		s.missing[program] = true
		return false
	}
	return true
}
