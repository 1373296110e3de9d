package main

import (
	"encoding/json"
	"fmt"
	"os"

	"imsconv/storeconv/bench"
)

// What a message of a growing store takes, in bytes.
const (
	growthMedian = 1024      // the median of its size
	tinyMedian   = 64        // where there is one in each mailbox
	messageRoom  = 11 << 10  // in the stream and as a file in memory
	mailboxRoom  = 16 << 10  // with its directories and its index
	mailboxFiles = 5         // a message, its directories, the index, some of the user's
	entryRoom    = 1 << 10   // of an export
	manyFolders  = 100       // of a user who has one message in each
	largeGrowth  = 1_000_000 // items from which on a size has fewer rounds
)

// growthRounds is how often a size is measured.
func (s *suite) growthRounds(n int64) int {
	if n < largeGrowth {
		return minRounds
	}
	return min(s.opt.size.LargeRounds, minRounds)
}

// growingStores restores streams of more and more messages, which are small, so
// that a million have room in memory. The bare loop beside them tells what the
// file system itself takes for a message of a large store.
func growingStores(s *suite) ([]task, error) {
	t := task{name: "growth-restore", title: "Restore, from a small store to a large one", unit: "messages", note: "Messages with a median of 1 KiB, 100 of each user, --sync none."}
	for _, n := range s.opt.size.Growth {
		shape := mailShape(n)
		shape.Sizes = bench.Sizes{Median: growthMedian}
		p, name := s.mailPoint(n, "messages", shape)
		p.need = n * messageRoom
		bare, err := s.bareWrite(shape, "none")
		if err != nil {
			return nil, err
		}
		bare.name, bare.series, bare.x = fmt.Sprintf("%s, %d messages", bareSeries, n), bareSeries, float64(n)
		p.list = []contender{s.growingRestore(name, n, "messages", shape), bare}
		t.sizes = append(t.sizes, p)
	}
	return []task{s.growing(t)}, nil
}

// growingMailboxes restores streams of more and more mailboxes, each with one
// message of a few bytes, and verifies the stores.
func growingMailboxes(s *suite) ([]task, error) {
	t := task{name: "growth-mailboxes", title: "Restore and verify, from few mailboxes to many", unit: "mailboxes", note: "Users with 100 folders of one message of some 64 bytes, --sync none."}
	for _, n := range s.opt.size.GrowthBoxes {
		shape := mailShape(n)
		shape.Users, shape.Mailboxes, shape.Links, shape.Sizes = max(n/manyFolders, 1), manyFolders, 0, bench.Sizes{Median: tinyMedian}
		p, name := s.mailPoint(n, "mailboxes", shape)
		p.need, p.files = n*mailboxRoom, n*mailboxFiles
		p.list = []contender{s.growingRestore(name, n, "mailboxes", shape), {
			name: fmt.Sprintf("storeconv verify, %d mailboxes", n), role: ours, does: "storeconv verify --store out -f " + name,
			cmd:    command{argv: []string{s.ours["storeconv"], "verify", "--store", s.at("out"), "-f", s.at(name), "--quiet"}},
			series: "storeconv verify", x: float64(n),
		}}
		t.sizes = append(t.sizes, p)
	}
	return []task{s.growing(t)}, nil
}

// mailPoint is a size of a growing store, and the name of its stream.
func (s *suite) mailPoint(n int64, unit string, shape bench.Shape) (point, string) {
	name := fmt.Sprintf("growth-%d.sims", n)
	return point{size: fmt.Sprintf("%d %s", n, unit), rounds: s.growthRounds(n), input: func() error {
		_, err := s.mail(name, shape)
		return err
	}}, name
}

// growingRestore restores a stream, when what the bare loop made is gone: there
// is room for one of them. Its files are looked at in the first round,
// which takes longer than the restore; then it is believed what it counts.
func (s *suite) growingRestore(name string, n int64, unit string, shape bench.Shape) contender {
	const report = "report.json"
	totals := shape.Totals()
	return contender{
		name: fmt.Sprintf("storeconv restore, %d %s", n, unit), role: ours, does: "storeconv restore -f " + name + " --store out --sync none",
		cmd:     command{argv: []string{s.ours["storeconv"], "restore", "-f", s.at(name), "--store", s.at("out"), "--sync", "none", "--quiet", "--report", s.at(report)}},
		prepare: s.remove("out", bareTree, report), series: "storeconv restore", x: float64(n),
		check: func(first bool) error {
			if first {
				return s.wantTree("out", ".msg", totals.Messages, totals.Bytes)
			}
			return s.wantCounts(report, map[string]int64{"messages": totals.Messages, "bytes": totals.Bytes, "mailboxes": shape.Users * shape.Mailboxes})
		},
	}
}

// growing says in the note of a task how often its sizes are measured.
func (s *suite) growing(t task) task {
	for _, p := range t.sizes {
		if p.rounds < minRounds {
			t.note += fmt.Sprintf(" %s: %d rounds instead of %d.", p.size, p.rounds, minRounds)
		}
	}
	return t
}

// growingExports upgrades exports of more and more entries. The change records
// go nowhere: those of ten million entries would fill a memory. That they are
// right is seen in the tasks that keep them; here they are counted.
func growingExports(s *suite) ([]task, error) {
	t := task{name: "growth-upgrade", title: "Upgrade, from a small export to a large one", unit: "entries", note: "Users of one shape; the change records go to /dev/null."}
	for _, n := range s.opt.size.GrowthLDIF {
		name := fmt.Sprintf("growth-%d.ldif", n)
		const report = "report.json"
		var entries int
		t.sizes = append(t.sizes, point{
			size: fmt.Sprintf("%d entries", n), rounds: s.growthRounds(int64(n) / 10), need: int64(n) * entryRoom,
			input: func() error {
				_, err := s.file(name, plainExport(n, &entries))
				return err
			},
			list: []contender{{
				name: fmt.Sprintf("ldifconv upgrade, %d entries", n), role: ours, does: "ldifconv upgrade -M sims -b o=internet -o /dev/null " + name,
				cmd:    command{argv: []string{s.ours["ldifconv"], "upgrade", "--quiet", "-M", "sims", "-b", "o=internet", "-o", "/dev/null", "--report", s.at(report), s.at(name)}},
				series: "ldifconv upgrade", x: float64(n), prepare: s.remove(report),
				check: func(bool) error {
					return s.wantCounts(report, map[string]int64{"entries": int64(entries), "changed users": int64(n)})
				},
			}},
		})
	}
	return []task{s.growing(t)}, nil
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
