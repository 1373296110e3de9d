package main

import (
	"fmt"
	"strings"

	"imsconv/storeconv/bench"
)

// growthTasks measure what an item costs as inputs grow, and what memory they
// take. Messages are small, so that a million have room in memory.
func growthTasks(s *suite) ([]task, error) {
	stores, err := s.growingStores()
	if err != nil {
		return nil, err
	}
	exports, err := s.growingExports()
	return append(stores, exports...), err
}

// growthMedian is the median size of a message of the growing stores, in bytes.
const growthMedian = 1024

// growingStores restores and verifies streams of more and more messages.
func (s *suite) growingStores() ([]task, error) {
	if !s.opt.has("growth-restore") {
		return nil, nil
	}
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

// growingExports upgrades exports of more and more entries.
func (s *suite) growingExports() ([]task, error) {
	if !s.opt.has("growth-upgrade") {
		return nil, nil
	}
	t := task{name: "growth-upgrade", title: "Upgrade, from a small export to a large one", unit: "entries", note: "Users of one shape, change records."}
	for _, n := range s.opt.size.GrowthLDIF {
		name := fmt.Sprintf("growth-%d.ldif", n)
		if _, err := s.file(name, plainExport(n)); err != nil {
			return nil, err
		}
		c := s.upgrade(name, "", n)
		c.name, c.series, c.x = fmt.Sprintf("ldifconv upgrade, %d entries", n), "ldifconv upgrade", float64(n)
		c.does = strings.ReplaceAll(c.does, "export.ldif", name)
		t.list = append(t.list, c)
	}
	t.items = int64(s.opt.size.GrowthLDIF[0])
	return []task{t}, nil
}
