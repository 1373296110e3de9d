package main

import (
	"encoding/json"
	"fmt"
	"os"

	"imsconv/storeconv/bench"
)

// growthMedian is the median size of a message of the growing stores, in bytes.
const growthMedian = 1024

// growingStores restores streams of more and more messages, which are small, so
// that a million have room in memory.
func growingStores(s *suite) ([]task, error) {
	t := task{name: "growth-restore", title: "Restore, from a small store to a large one", unit: "messages", note: "Messages with a median of 1 KiB, --sync none."}
	for _, n := range s.opt.size.Growth {
		shape := mailShape(n)
		shape.Sizes = bench.Sizes{Median: growthMedian}
		name := fmt.Sprintf("growth-%d.sims", n)
		if _, err := s.mail(name, shape); err != nil {
			return nil, err
		}
		totals := shape.Totals()
		c := contender{
			name: fmt.Sprintf("storeconv restore, %d messages", n), role: ours, does: "storeconv restore -f " + name + " --store out --sync none",
			cmd:     command{argv: []string{s.ours["storeconv"], "restore", "-f", s.at(name), "--store", s.at("out"), "--sync", "none", "--quiet"}},
			prepare: s.remove("out"), series: "storeconv restore", x: float64(n),
			check: func(bool) error { return s.wantTree("out", ".msg", totals.Messages, totals.Bytes) },
		}
		t.list = append(t.list, c)
	}
	t.items = s.opt.size.Growth[0]
	return []task{t}, nil
}

// growingExports upgrades exports of more and more entries. The change records
// go nowhere: those of ten million entries would fill a memory. That they are
// right is seen in the tasks that keep them; here they are counted.
func growingExports(s *suite) ([]task, error) {
	t := task{name: "growth-upgrade", title: "Upgrade, from a small export to a large one", unit: "entries", note: "Users of one shape; the change records go to /dev/null."}
	for _, n := range s.opt.size.GrowthLDIF {
		name := fmt.Sprintf("growth-%d.ldif", n)
		var entries int
		if _, err := s.file(name, plainExport(n, &entries)); err != nil {
			return nil, err
		}
		const report = "report.json"
		t.list = append(t.list, contender{
			name: fmt.Sprintf("ldifconv upgrade, %d entries", n), role: ours, does: "ldifconv upgrade -M sims -b o=internet -o /dev/null " + name,
			cmd:    command{argv: []string{s.ours["ldifconv"], "upgrade", "--quiet", "-M", "sims", "-b", "o=internet", "-o", "/dev/null", "--report", s.at(report), s.at(name)}},
			series: "ldifconv upgrade", x: float64(n), prepare: s.remove(report),
			check: func(bool) error {
				return s.wantCounts(report, map[string]int64{"entries": int64(entries), "changed users": int64(n)})
			},
		})
	}
	t.items = int64(s.opt.size.GrowthLDIF[0])
	return []task{t}, nil
}

// wantCounts checks counts of a report.
func (s *suite) wantCounts(name string, want map[string]int64) error {
	data, err := os.ReadFile(s.at(name))
	if err != nil {
		return err
	}
	var report struct {
		Counts map[string]int64 `json:"counts"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return err
	}
	for count, n := range want {
		if report.Counts[count] != n {
			return fmt.Errorf("%s are %d, want %d", count, report.Counts[count], n)
		}
	}
	return nil
}
