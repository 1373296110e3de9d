package main

import (
	"fmt"
	"os/exec"
)

// databaseTasks handle a database of small records, as Berkeley DB's own
// programs do. What the library reads is version 9; dbconv converts from
// version 6, big-endian, which the library does not read. dbconv makes its
// result durable, so sync(1) counts for the library's.
func databaseTasks(s *suite) ([]task, error) {
	n := s.opt.size.Records
	if err := s.oldDatabase("v6.db", n); err != nil {
		return nil, err
	}
	for name, order := range map[string]func(int) []int{"rising.txt": rising, "shuffled.txt": shuffled} {
		if _, err := s.file(name, dumpText(order(n))); err != nil {
			return nil, err
		}
	}
	library := true
	for _, p := range [...]string{"db5.3_dump", "db5.3_load", "db5.3_verify"} {
		library = s.found(p) && library
	}
	if err := s.sayWhat("dbconv", "convert", s.at("v6.db"), s.at("v9.db"), "--byte-order", "little", "--bdb", "9", "--quiet", "--force"); err != nil {
		return nil, err
	}
	b := &databases{s: s, n: n, library: library}
	return b.tasks(), nil
}

// databases makes the tasks of databaseTasks.
type databases struct {
	s       *suite
	n       int
	library bool
}

const dbconv = "dbconv"

func (b *databases) tasks() []task {
	ourProgram := b.s.ours[dbconv] + " "
	return []task{
		b.task("database-convert", "Convert a database", "out.db", "rising.txt", []contender{
			{name: "dbconv convert", role: ours, does: "dbconv convert v6.db out.db --byte-order little", cmd: command{shell: "exec " + ourProgram + "convert v6.db out.db --byte-order little --bdb 9 --quiet"}},
			{name: "db5.3_dump | db5.3_load", role: peer, does: "db5.3_dump v9.db | db5.3_load out.db; sync -f out.db", cmd: command{shell: "db5.3_dump v9.db | db5.3_load out.db", sync: "out.db"}},
			{name: "cp", role: limit, does: "cp v9.db out.db; sync -f out.db", cmd: command{shell: "exec cp v9.db out.db", sync: "out.db"}},
		}),
		b.task("database-dump", "Dump a database", "out.txt", "", []contender{
			{name: "dbconv dump", role: ours, does: "dbconv dump v9.db > out.txt", cmd: command{shell: "exec " + ourProgram + "dump v9.db --quiet > out.txt"}},
			{name: "db5.3_dump", role: peer, does: "db5.3_dump v9.db > out.txt", cmd: command{shell: "exec db5.3_dump v9.db > out.txt"}},
		}),
		b.task("database-print", "Dump a database as text", "out.txt", "", []contender{
			{name: "dbconv dump -p", role: ours, does: "dbconv dump -p v9.db > out.txt", cmd: command{shell: "exec " + ourProgram + "dump -p v9.db --quiet > out.txt"}},
			{name: "db5.3_dump -p", role: peer, does: "db5.3_dump -p v9.db > out.txt", cmd: command{shell: "exec db5.3_dump -p v9.db > out.txt"}},
		}),
		b.task("database-load", "Load sorted records", "out.db", "rising.txt", []contender{
			{name: "dbconv load", role: ours, does: "dbconv load out.db < rising.txt", cmd: command{shell: "exec " + ourProgram + "load out.db --bdb 9 --byte-order little --quiet < rising.txt"}},
			{name: "db5.3_load", role: peer, does: "db5.3_load out.db < rising.txt; sync -f out.db", cmd: command{shell: "exec db5.3_load out.db < rising.txt", sync: "out.db"}},
		}),
		b.task("database-load-shuffled", "Load records in any order", "out.db", "shuffled.txt", []contender{
			{name: "dbconv load", role: ours, does: "dbconv load out.db < shuffled.txt", cmd: command{shell: "exec " + ourProgram + "load out.db --bdb 9 --byte-order little --quiet < shuffled.txt"}},
			{name: "db5.3_load", role: peer, does: "db5.3_load out.db < shuffled.txt; sync -f out.db", cmd: command{shell: "exec db5.3_load out.db < shuffled.txt", sync: "out.db"}},
		}),
		b.task("database-verify", "Verify a database", "", "", []contender{
			{name: "dbconv verify", role: ours, does: "dbconv verify v9.db", cmd: command{shell: "exec " + ourProgram + "verify v9.db --quiet"}},
			{name: "db5.3_verify", role: peer, does: "db5.3_verify v9.db", cmd: command{shell: "exec db5.3_verify v9.db"}},
		}),
	}
}

// task completes a task: results are removed before each run and checked after
// it. A database must give the text back that it was made of; text must be the
// library's own.
func (b *databases) task(name, title, result, text string, list []contender) task {
	t := task{name: name, title: title, unit: "records", items: int64(b.n), bytes: int64(b.n) * 43}
	for _, c := range list {
		if c.role == peer && !b.library {
			continue
		}
		c.cmd.dir = b.s.dir
		if result != "" {
			c.prepare = b.s.remove(result)
			c.check = func(first bool) error {
				if !first {
					return b.s.wantFile(result)
				}
				return b.check(name, result, text)
			}
		}
		t.list = append(t.list, c)
	}
	return t
}

func (b *databases) check(name, result, text string) error {
	switch {
	case !b.library:
		return b.s.wantFile(result)
	case text == "": // a dump
		flag := "-k"
		if name == "database-print" {
			flag = "-p"
		}
		shell := "db5.3_dump v9.db > want.txt"
		if flag == "-p" {
			shell = "db5.3_dump -p v9.db > want.txt"
		}
		return b.sameData(shell, result)
	}
	// db5.3_dump names the records in order, whatever order they came in.
	return b.sameRecords(result, text)
}

// sameData compares a dump with the library's, behind the header.
func (b *databases) sameData(shell, result string) error {
	cmd := exec.Command("/bin/sh", "-c", shell+" && tail -n +$(grep -n -m1 '^HEADER=END' want.txt | cut -d: -f1) want.txt > a.txt && "+
		"tail -n +$(grep -n -m1 '^HEADER=END' "+result+" | cut -d: -f1) "+result+" > b.txt && cmp a.txt b.txt")
	cmd.Dir = b.s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the dumps differ: %w: %.300s", err, out)
	}
	return nil
}

// sameRecords compares a database, read by the library, with the pairs of lines
// that it was made of.
func (b *databases) sameRecords(database, text string) error {
	pairs := func(in string) string { return "sed -n 's/^ //p' " + in + " | paste - - | LC_ALL=C sort" }
	cmd := exec.Command("/bin/sh", "-c", "db5.3_dump -p "+database+" > got.txt && "+pairs("got.txt")+" > a.txt && "+pairs(text)+" > b.txt && cmp a.txt b.txt")
	cmd.Dir = b.s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the records differ: %w: %.300s", err, out)
	}
	return nil
}
