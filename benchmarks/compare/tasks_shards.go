package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"imsconv/storeconv/bench"
)

// shardCounts are the numbers of parts that are measured.
var shardCounts = []int{1, 2, 4}

const shardsNote = "One stream in parts of equal size (plan-shards --links copy), --sync none. \"At once\" are all parts at the same time on this machine, and merge behind them: " +
	"they have no more processors and no other disk than one run has, so that these rows tell what parts cost, and not what more machines bring. " +
	"\"Alone\" is the heaviest part with the machine to itself, as it has it where each part is on a machine of its own; a network and a disk that all share are not in it. " +
	"Of this stream a part reads the headers of all messages and seeks over bodies that are not its own (docs/scale.md), so that no part is faster than that. Its copies are for users at random, so that --links plan keeps nearly all users together."

// shardTasks restore one stream in parts: all at once into one store, all at
// once into a store each that merge joins, and one part alone.
func shardTasks(s *suite) ([]task, error) {
	shape := mailShape(s.opt.size.Messages)
	if err := s.restored(shape); err != nil {
		return nil, err
	}
	totals := shape.Totals()
	t := mailTask("shards", "Scaling by shards", shardsNote, totals)
	one := s.restore(totals, "none", 0)
	one.name = "one run"
	t.list = append(t.list, one, s.planning())
	for _, n := range shardCounts {
		for _, links := range [...]string{"copy", "plan"} {
			if err := s.sayWhat("storeconv", "plan-shards", "--links", links, "--shards", strconv.Itoa(n), "--out", s.at(planOf(links, n)), s.at("site.sims"), "--quiet"); err != nil {
				return nil, err
			}
		}
		t.list = append(t.list, s.together(totals, n, false), s.together(totals, n, true))
		for _, links := range [...]string{"copy", "plan"} {
			if n == 1 {
				continue
			}
			c, err := s.alone(n, links)
			if err != nil {
				return nil, err
			}
			t.list = append(t.list, c)
		}
	}
	return []task{t}, nil
}

// planOf is the folder of a plan.
func planOf(links string, n int) string { return fmt.Sprintf("%s%d", links, n) }

// planning sorts the users into the most parts that are measured.
func (s *suite) planning() contender {
	n := shardCounts[len(shardCounts)-1]
	line := fmt.Sprintf("plan-shards --links copy --shards %d --out plan site.sims", n)
	return contender{name: "storeconv plan-shards", role: ours, does: "storeconv " + line,
		cmd:     s.storeconv(line),
		prepare: s.remove("plan"), check: func(bool) error { return s.wantFile(filepath.Join("plan", "plan.json")) }}
}

// together restores all parts at the same time, and joins them.
func (s *suite) together(totals bench.Totals, n int, parts bool) contender {
	c := contender{name: fmt.Sprintf("%d at once, one store", n), role: ours, series: "at once, one store", x: float64(n),
		prepare: s.remove("out", "parts"), check: s.isWhole(totals)}
	store, joined := "out", ""
	if parts {
		c.name, c.series = fmt.Sprintf("%d at once, a store each", n), "at once, a store each"
		store, joined = "parts/$i", " parts/*"
	}
	restore := fmt.Sprintf("restore -f site.sims --store %s --shard $i/%d --plan %s --sync none", store, n, planOf("copy", n))
	merge := "merge --store out --sync none" + joined
	c.does = fmt.Sprintf("for i in 1..%d: storeconv %s &; wait; storeconv %s", n, restore, merge)
	c.cmd = command{dir: s.dir, shell: fmt.Sprintf(`mkdir -p parts; pids=; i=0
while [ $i -lt %[1]d ]; do
	i=$((i+1))
	%[2]s %[3]s --quiet & pids="$pids $!"
done
for pid in $pids; do wait $pid || exit; done
%[2]s %[4]s --quiet`, n, s.ours["storeconv"], restore, merge)}
	return c
}

// alone restores the heaviest part while no other is at work.
func (s *suite) alone(n int, links string) (contender, error) {
	plan := planOf(links, n)
	c := contender{name: fmt.Sprintf("1 of %d, alone", n), role: ours, series: "one part alone", x: float64(n), prepare: s.remove("out")}
	if links == "plan" {
		c.name, c.series = c.name+", --links plan", "one part alone, --links plan"
	}
	number, part, err := s.heaviest(plan)
	if err != nil {
		return c, err
	}
	line := fmt.Sprintf("restore -f site.sims --store out --shard %d/%d --plan %s --sync none", number, n, plan)
	c.does, c.cmd = "storeconv "+line, s.storeconv(line)
	c.check = func(bool) error { return s.wantTree("out", ".msg", part.Messages, part.Bytes) }
	return c, nil
}

// planned is what a plan says of one part.
type planned struct{ Messages, Bytes int64 }

// heaviest is the part with the most bytes, and its number from 1.
func (s *suite) heaviest(dir string) (number int, part planned, err error) {
	text, err := os.ReadFile(s.at(dir, "plan.json"))
	if err != nil {
		return 0, part, err
	}
	var p struct{ Shards []planned }
	if err := json.Unmarshal(text, &p); err != nil {
		return 0, part, fmt.Errorf("%s: %w", dir, err)
	}
	for i, sh := range p.Shards {
		if number == 0 || sh.Bytes > part.Bytes {
			number, part = i+1, sh
		}
	}
	return number, part, nil
}

// storeconv is the command of a line of arguments.
func (s *suite) storeconv(line string) command {
	return command{argv: append(append([]string{s.ours["storeconv"]}, strings.Fields(line)...), "--quiet"), dir: s.dir}
}

// isWhole holds the store of the parts against that of one run: its mailbox
// lists byte by byte, and the messages against the stream.
func (s *suite) isWhole(totals bench.Totals) func(bool) error {
	return func(first bool) error {
		for _, name := range [...]string{"folder.db", "quota.db", "subscr.db", "peruser.db"} {
			want, err := os.ReadFile(s.at("store", "mboxlist", name))
			if err != nil {
				return err
			}
			got, err := os.ReadFile(s.at("out", "mboxlist", name))
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want) {
				return fmt.Errorf("%s is not that of one run", name)
			}
		}
		if first {
			return s.sayWhat("storeconv", "verify", "--store", s.at("out"), "-f", s.at("site.sims"), "--quiet")
		}
		return s.wantTree("out", ".msg", totals.Messages, totals.Bytes)
	}
}
