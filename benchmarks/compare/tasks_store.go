package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"imsconv/storeconv/bench"
)

// mailTask starts a task about the stream or the store of a shape.
func mailTask(name, title, note string, t bench.Totals) task {
	return task{name: name, title: title, unit: "messages", items: t.Messages, bytes: t.Bytes, note: note}
}

// restoreTasks unpack the stream, with and without making the result durable.
func restoreTasks(s *suite) ([]task, error) {
	shape := mailShape(s.opt.size.Messages)
	if _, err := s.mail("site.sims", shape); err != nil {
		return nil, err
	}
	totals := shape.Totals()
	var tasks []task
	for _, mode := range [...]string{"none", "batch"} {
		sync := ""
		note := "storeconv hashes messages, parses their headers, and writes indexes and databases; the others only files. Nothing is made durable."
		if mode == "batch" {
			sync = "out"
			note = "As above, and all is durable at the end: sync(1) counts for the others."
		}
		t := mailTask("restore-"+mode, "Restore, --sync "+mode, note, totals)
		t.list = append(t.list, s.restore(totals, mode, 0))
		if mode == "none" {
			for _, jobs := range [...]int{1, 2, 4, 8} {
				t.list = append(t.list, s.restore(totals, mode, jobs))
			}
		}
		t.list = append(t.list, s.unpackers(totals, sync)...)
		bare, err := s.bareWrite(shape, mode)
		if err != nil {
			return nil, err
		}
		t.list = append(t.list, bare)
		tasks = append(tasks, t)
	}
	files, err := s.fileMakers(totals)
	if err != nil {
		return nil, err
	}
	tasks[0].list = append(tasks[0].list, files...)
	return append(tasks, s.ownBench(totals)), nil
}

func (s *suite) restore(t bench.Totals, mode string, jobs int) contender {
	argv := []string{s.ours["storeconv"], "restore", "-f", s.at("site.sims"), "--store", s.at("out"), "--sync", mode, "--quiet"}
	c := contender{name: "storeconv restore", role: ours, does: "storeconv restore -f site.sims --store out --sync " + mode}
	if jobs > 0 {
		n := strconv.Itoa(jobs)
		argv = append(argv, "--jobs", n)
		c.name, c.does, c.series, c.x = c.name+", --jobs "+n, c.does+" --jobs "+n, "storeconv restore", float64(jobs)
	}
	c.cmd, c.prepare = command{argv: argv}, s.remove("out")
	c.check = func(first bool) error {
		if first {
			return s.sayWhat("storeconv", "verify", "--store", s.at("out"), "-f", s.at("site.sims"), "--quiet")
		}
		return s.wantTree("out", ".msg", t.Messages, t.Bytes)
	}
	return c
}

// unpackers are the programs that unpack the stream as the tar archive that it
// is.
func (s *suite) unpackers(t bench.Totals, sync string) []contender {
	behind := ""
	if sync != "" {
		behind = "; sync -f out"
	}
	var list []contender
	add := func(name, does string, argv ...string) {
		list = append(list, contender{
			name: name, role: peer, does: does + behind, cmd: command{argv: argv, dir: s.dir, sync: sync}, prepare: s.renewed("out"),
			check: func(bool) error { return s.wantTree("out", "", t.Messages, t.Bytes) },
		})
	}
	if s.found("tar") {
		add("tar -x", "tar -xf site.sims -C out", "tar", "-xf", "site.sims", "-C", "out", "--warning=no-unknown-keyword")
	}
	if s.found("bsdtar") {
		add("bsdtar -x", "bsdtar -xf site.sims -C out", "bsdtar", "-xf", "site.sims", "-C", "out")
	}
	return list
}

// What the bare loop of a restore is called, and what it makes.
const (
	bareSeries = "create, write, date, hash"
	bareTree   = "bare"
)

// bareWrite is the bare loop of a restore. What a restore made is removed
// before: of a large store, two have no room in memory.
func (s *suite) bareWrite(shape bench.Shape, mode string) (contender, error) {
	cmd, err := s.step(bench.Step{Op: bench.BareWrite, Dir: s.dir, Sync: mode, Shape: shape})
	return contender{name: bareSeries, role: limit, does: "the bare loop of storeconv bench, --sync " + mode, cmd: cmd,
		prepare: s.remove("out", bareTree), check: func(bool) error { return s.wantTree(bareTree, ".msg", shape.Messages, -1) }}, err
}

// fileMakers are benchmarks of file systems: as many files of the mean size.
func (s *suite) fileMakers(t bench.Totals) ([]contender, error) {
	mean := strconv.FormatInt(t.Bytes/t.Messages, 10)
	n := strconv.FormatInt(t.Messages, 10)
	var list []contender
	if s.found("fs_mark") {
		list = append(list, contender{name: "fs_mark", role: peer, does: "fs_mark -d out -n " + n + " -s " + mean + " -S 0 -k -D 100 (files of one size, not synced)",
			cmd: command{argv: []string{"fs_mark", "-d", "out", "-n", n, "-s", mean, "-S", "0", "-k", "-D", "100"}, dir: s.dir}, prepare: s.renewed("out"),
			check: func(bool) error { return s.wantTree("out", "", t.Messages, -1) }})
	}
	if s.found("postmark") {
		script := fmt.Sprintf("set location %s\nset number %s\nset transactions 0\nset size %s %s\nset subdirectories 100\nset read 65536\nset write 65536\nrun\nquit\n", s.at("out"), n, mean, mean)
		if err := os.WriteFile(s.at("postmark.txt"), []byte(script), 0o600); err != nil {
			return nil, err
		}
		list = append(list, contender{name: "postmark", role: peer, does: "postmark: creates and removes as many files of one size",
			cmd: command{argv: []string{"postmark", s.at("postmark.txt")}, dir: s.dir}, prepare: s.renewed("out")})
	}
	return list, nil
}

// ownBench measures the same stream with storeconv bench, for comparison with
// the row of restore.
func (s *suite) ownBench(t bench.Totals) task {
	out := mailTask("restore-bench", "storeconv bench on the same stream", "The whole of it: bare loops, restore, verify and backup, one round.", t)
	argv := []string{s.ours["storeconv"], "bench", s.at("measured"), "--messages", strconv.FormatInt(t.Messages, 10), "--sync", "none", "--rounds", "1", "--quiet", "--report", s.at("bench.json")}
	out.list = []contender{{name: "storeconv bench", role: ours, does: "storeconv bench DIR --messages N --sync none --rounds 1 --report bench.json",
		cmd: command{argv: argv}, check: func(bool) error { return s.noteBench(s.at("bench.json")) }}}
	return out
}

// restored makes the store that the next tasks read.
func (s *suite) restored(shape bench.Shape) error {
	if _, err := s.mail("site.sims", shape); err != nil {
		return err
	}
	return s.sayWhat("storeconv", "restore", "-f", s.at("site.sims"), "--store", s.at("store"), "--sync", "none", "--quiet")
}

// verifyTasks read a whole store.
func verifyTasks(s *suite) ([]task, error) {
	shape := mailShape(s.opt.size.Messages)
	if err := s.restored(shape); err != nil {
		return nil, err
	}
	t := mailTask("verify", "Verify a store", "storeconv holds every message against its index and the databases; sha256sum and the bare loop only read and hash.", shape.Totals())
	t.list = append(t.list,
		contender{name: "storeconv verify", role: ours, does: "storeconv verify --store store", cmd: command{argv: []string{s.ours["storeconv"], "verify", "--store", s.at("store"), "--quiet"}}, check: s.damageIsFound},
		contender{name: "storeconv verify -f", role: ours, does: "storeconv verify --store store -f site.sims", cmd: command{argv: []string{s.ours["storeconv"], "verify", "--store", s.at("store"), "-f", s.at("site.sims"), "--quiet"}}})
	if s.found("sha256sum") {
		shell := "find store -name '*.msg' -print0 | xargs -0 sha256sum > sums.txt"
		t.list = append(t.list, contender{name: "sha256sum", role: peer, does: shell, cmd: command{shell: shell, dir: s.dir},
			check: func(bool) error { return s.wantLines("sums.txt", "", int(shape.Messages)) }})
		shell = "find store -name '*.msg' -print0 | xargs -0 -P 2 -n 500 sha256sum > sums.txt"
		t.list = append(t.list, contender{name: "sha256sum, two at a time", role: peer, does: shell, cmd: command{shell: shell, dir: s.dir},
			check: func(bool) error { return s.wantLines("sums.txt", "", int(shape.Messages)) }})
	}
	cmd, err := s.step(bench.Step{Op: bench.BareRead, Dir: s.dir, Sync: "none", Shape: shape})
	t.list = append(t.list, contender{name: "open, read, hash", role: limit, does: "the bare loop of storeconv bench", cmd: cmd})
	return []task{t}, err
}

// damageIsFound changes a byte of a message once, to see that verify looks at
// all: a verifier that finds nothing is fast.
func (s *suite) damageIsFound(first bool) error {
	if !first {
		return nil
	}
	out, err := exec.Command("find", s.at("store", "partition"), "-name", "*.msg", "-size", "+1k", "-print", "-quit").Output()
	path := strings.TrimSpace(string(out))
	if err != nil || path == "" {
		return fmt.Errorf("no message to damage: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	old := make([]byte, 1)
	if _, err := f.ReadAt(old, 900); err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte{old[0] ^ 1}, 900); err != nil {
		return err
	}
	found := exec.Command(s.ours["storeconv"], "verify", "--store", s.at("store"), "--quiet").Run()
	if _, err := f.WriteAt(old, 900); err != nil {
		return err
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("a changed byte of %s is not found", path)
	}
	return nil
}

// backupTasks write a store as one stream.
func backupTasks(s *suite) ([]task, error) {
	shape := mailShape(s.opt.size.Messages)
	if err := s.restored(shape); err != nil {
		return nil, err
	}
	t := mailTask("backup", "Back up a store", "storeconv reads indexes and databases, and makes its stream durable; sync(1) counts for the others.", shape.Totals())
	t.list = append(t.list, contender{name: "storeconv backup", role: ours, does: "storeconv backup --store store -f out.sims",
		cmd:     command{argv: []string{s.ours["storeconv"], "backup", "--store", s.at("store"), "-f", s.at("out.sims"), "--quiet"}},
		prepare: s.remove("out.sims"), check: s.checkBackup})
	for _, p := range [...]string{"tar", "bsdtar"} {
		if s.found(p) {
			t.list = append(t.list, contender{name: p + " -c", role: peer, does: p + " -cf out.tar -C store .; sync -f out.tar",
				cmd:     command{argv: []string{p, "-cf", "out.tar", "-C", "store", "."}, dir: s.dir, sync: "out.tar"},
				prepare: s.remove("out.tar"), check: func(bool) error { return s.wantFile("out.tar") }})
		}
	}
	return []task{t}, nil
}

// checkBackup holds the store against its own backup.
func (s *suite) checkBackup(first bool) error {
	if !first {
		return s.wantFile("out.sims")
	}
	return s.sayWhat("storeconv", "verify", "--store", s.at("store"), "-f", s.at("out.sims"), "--quiet")
}

// relocateTasks copy or link an NMS store.
func relocateTasks(s *suite) ([]task, error) {
	site, err := s.nmsStore("nms", s.opt.size.Files)
	if err != nil {
		return nil, err
	}
	files, bytes, err := treeSum(s.at("nms"), ".msg")
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, via := range [...]string{"hardlink", "copy"} {
		t := task{name: "relocate-" + via, title: "Relocate an NMS store, --via " + via, unit: "files", items: int64(site.Files), bytes: bytes,
			note: "storeconv checks names and hash directories, holds records against trees and writes three databases."}
		t.list = append(t.list, contender{name: "storeconv relocate", role: ours, does: "storeconv relocate --from nms --store out --via " + via + " --sync none",
			cmd:     command{argv: []string{s.ours["storeconv"], "relocate", "--from", s.at("nms"), "--store", s.at("out"), "--via", via, "--sync", "none", "--quiet"}},
			prepare: s.remove("out"), check: s.relocated(files, bytes)})
		t.list = append(t.list, s.copiers(via, files, bytes)...)
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func (s *suite) relocated(files, bytes int64) func(bool) error {
	return func(first bool) error {
		if first {
			return s.sayWhat("storeconv", "verify", "--store", s.at("out"), "--from", s.at("nms"), "--quiet")
		}
		return s.wantTree("out", ".msg", files, bytes)
	}
}

func (s *suite) copiers(via string, files, bytes int64) []contender {
	var list []contender
	add := func(name string, argv ...string) {
		list = append(list, contender{name: name, role: peer, does: strings.Join(argv, " "), cmd: command{argv: argv, dir: s.dir}, prepare: s.remove("out"),
			check: func(bool) error { return s.wantTree("out", ".msg", files, bytes) }})
	}
	cp, rsync := s.found("cp"), s.found("rsync")
	switch {
	case via == "hardlink":
		if cp {
			add("cp -al", "cp", "-al", "nms", "out")
		}
		if rsync {
			add("rsync -a --link-dest", "rsync", "-a", "--link-dest=../nms", "nms/", "out")
		}
	default:
		if cp {
			add("cp -a", "cp", "-a", "nms", "out")
		}
		if rsync {
			add("rsync -a", "rsync", "-a", "nms/", "out")
		}
	}
	return list
}
