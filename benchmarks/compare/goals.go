package main

import (
	"fmt"
	"strings"
)

// goalResult is a row of the table of goals.
type goalResult struct {
	Path     string `json:"path"`
	Before   string `json:"before"` // where it stood
	Goal     string `json:"goal"`
	Measured string `json:"measured"`
	Reached  bool   `json:"reached"`
	Noisy    bool   `json:"noisy"`
}

// aim is one number that a goal asks for.
type aim struct {
	value float64
	known bool // it was measured
	least float64
	most  float64 // 0: least counts
	text  string  // with one %s for the value
	form  string  // of the value
	noisy bool
}

func (a aim) reached() bool {
	if a.most > 0 {
		return a.value <= a.most
	}
	return a.value >= a.least
}

// notMeasured stands where a run had other tasks.
const notMeasured = "not measured"

// goalsOf are the goals of the project with what was measured.
func goalsOf(r *results) []goalResult {
	row := func(path, before, goal string, aims ...aim) goalResult {
		g := goalResult{Path: path, Before: before, Goal: goal, Reached: true}
		var texts []string
		for _, a := range aims {
			if !a.known {
				g.Reached = false
				continue
			}
			g.Reached = g.Reached && a.reached()
			g.Noisy = g.Noisy || a.noisy
			texts = append(texts, fmt.Sprintf(a.text, fmt.Sprintf(a.form, a.value)))
		}
		g.Measured = strings.Join(texts, ", ")
		if g.Measured == "" {
			g.Measured = notMeasured
		}
		return g
	}
	return []goalResult{
		row("upgrade, 129 MB, users of one shape", "1.06x `ldapmodify -a -n` merely parsing", "2x", r.times("upgrade-shape", "ldapmodify -a -n", 2)),
		row("upgrade, 71 MB, users that all differ", "0.90x", "1.5x", r.times("upgrade-varied", "ldapmodify -a -n", 1.5)),
		row("upgrade, 13 MB", "0.64x", "1.2x", r.times("upgrade-tenth", "ldapmodify -a -n", 1.2)),
		row("upgrade, 1.3 MB", "53 ms", "25 ms, of which start-up 10 ms", r.millis("upgrade-hundredth", "ldifconv upgrade", "%s ms", 25), r.millis("start", "ldifconv", "start-up %s ms", 10)),
		row("restore", "0.86x `tar x`, 47 % of the limit", "1.1x, 65 %", r.times("restore-none", "tar -x", 1.1), r.ofLimit("restore-none", 65)),
		row("convert", "10.5x dump and load", "15x", r.times("database-convert", "db5.3_dump | db5.3_load", 15)),
		row("verify", "420 MB/s, 54 % of the limit, 2.3x sha256sum", "75 %", r.ofLimit("verify", 75), r.speed("verify"), r.times("verify", "sha256sum", 0)),
		row("backup", "0.65x `tar c`", "1x", r.times("backup", "tar -c", 1)),
		row("relocate, hard links", "2.4x `cp -al`", "kept", r.times("relocate-hardlink", "cp -al", 2.4)),
		row("relocate, copies", "2.4x `cp -a`", "kept", r.times("relocate-copy", "cp -a", 2.4)),
		row("export to Maildir, copies", "", "1x `cp -a`", r.times("export-copy", "cp -a", 1)),
		row("export to Maildir, hard links", "", "3x `cp -a`", r.times("export-hardlink", "cp -a", 3)),
		row("growth, restore", "linear to 100,000 messages", "15 % a message at 10x, memory flat", r.growth("growth-restore", "a message %s %% dearer at 10x"), r.memory("growth-restore")),
		row("growth, upgrade", "", "15 % an entry at 10x, memory flat", r.growth("growth-upgrade", "an entry %s %% dearer at 10x"), r.memory("growth-upgrade")),
	}
}

// times is how many times faster ours is than a peer.
func (r *results) times(task, peer string, least float64) aim {
	t := r.task(task)
	us, them := t.role(ours), t.contender(peer)
	if us == nil || them == nil || us.Wall.Median == 0 {
		return aim{}
	}
	return aim{value: them.Wall.Median / us.Wall.Median, known: true, least: least, text: "%sx " + peer, form: "%.2f", noisy: us.Noisy || them.Noisy}
}

// ofLimit is the part of the bare loop's speed that ours reaches, in percent.
func (r *results) ofLimit(task string, least float64) aim {
	t := r.task(task)
	us, bare := t.role(ours), t.role(limit)
	if us == nil || bare == nil || us.Wall.Median == 0 {
		return aim{}
	}
	return aim{value: 100 * bare.Wall.Median / us.Wall.Median, known: true, least: least, text: "%s %% of the limit", form: "%.0f", noisy: us.Noisy || bare.Noisy}
}

func (r *results) millis(task, name, text string, most float64) aim {
	c := r.task(task).contender(name)
	if c == nil {
		return aim{}
	}
	return aim{value: c.Wall.Median * 1000, known: true, most: most, text: text, form: "%.1f", noisy: c.Noisy}
}

func (r *results) speed(task string) aim {
	t := r.task(task)
	us := t.role(ours)
	if us == nil || us.Wall.Median == 0 {
		return aim{}
	}
	return aim{value: float64(t.Bytes) / 1e6 / us.Wall.Median, known: true, text: "%s MB/s", form: "%.0f", noisy: us.Noisy}
}

// growth is how much dearer an item becomes at ten times the size, in percent:
// the worst of all pairs of sizes that lie ten times apart. Processor time is
// taken, since wall time of a small input is mostly start-up and noise.
func (r *results) growth(task, text string) aim {
	t := r.task(task)
	if t == nil {
		return aim{}
	}
	a := aim{most: 15, text: text, form: "%.0f"}
	for i, c := range t.Contenders {
		for _, d := range t.Contenders[i+1:] {
			if d.X != 10*c.X || c.CPU.Median == 0 {
				continue
			}
			more := 100 * (d.CPU.Median/d.X/(c.CPU.Median/c.X) - 1)
			if !a.known || more > a.value {
				a.value = more
			}
			a.known, a.noisy = true, a.noisy || c.Noisy || d.Noisy
		}
	}
	return a
}

// flatMemory is how much more memory than for the middle size the largest may
// take to count as flat.
const flatMemory = 1.25

// memory is the peak of the largest input by that of the one before it, which
// fills all buffers.
func (r *results) memory(task string) aim {
	t := r.task(task)
	if t == nil || len(t.Contenders) < 2 {
		return aim{}
	}
	last := t.Contenders[len(t.Contenders)-1]
	before := t.Contenders[len(t.Contenders)-2]
	if before.Peak == 0 {
		return aim{}
	}
	return aim{value: float64(last.Peak) / float64(before.Peak), known: true, most: flatMemory, text: fmt.Sprintf("%d MiB, %%sx", last.Peak>>20), form: "%.2f"}
}
