package main

import (
	"fmt"
	"math"
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
		row("growth, restore", "linear to 100,000 messages", grows("message", "1,000,000"), r.growth("growth-restore", "storeconv restore", "message", 1_000_000)...),
		row("growth, restore of mailboxes", "", grows("mailbox", "1,000,000"), r.growth("growth-mailboxes", "storeconv restore", "mailbox", 1_000_000)...),
		row("growth, verify of mailboxes", "", grows("mailbox", "1,000,000"), r.growth("growth-mailboxes", "storeconv verify", "mailbox", 1_000_000)...),
		row("growth, upgrade", "", grows("entry", "10,000,000"), r.growth("growth-upgrade", "ldifconv upgrade", "entry", 10_000_000)...),
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

// mostGrowth is how much more a step of ten times may take, in percent, of
// processor time for each item and of memory for all.
const mostGrowth = 15

// grows is the goal of a task that grows.
func grows(item, most string) string {
	return fmt.Sprintf("at 10x %d %% for each %s, memory flat, to %s", mostGrowth, item, most)
}

// growth is what the last step of ten times adds to the processor time of an
// item and to the peak of memory, in percent. Processor time is taken, since
// wall time is of many programs. The third aim is the size that was reached.
// The bare loop, where it was measured at the same sizes, only says what of
// that the file system takes.
func (r *results) growth(task, series, item string, size float64) []aim {
	t := r.task(task)
	before, last := t.lastStep(series)
	if before == nil || before.Peak == 0 {
		return []aim{{}}
	}
	more := 100 * (float64(last.Peak)/float64(before.Peak) - 1)
	aims := []aim{
		{value: dearer(before, last), known: true, most: mostGrowth, text: article(item) + " %s %% dearer", form: "%.0f", noisy: before.Noisy || last.Noisy},
		{value: more, known: true, most: mostGrowth, text: fmt.Sprintf("%d MiB, %%s %%%% more", last.Peak>>20), form: "%.0f"},
		{value: last.X, known: true, least: size, text: "at %s", form: "%.0f"},
	}
	if before, last := t.lastStep(bareSeries); before != nil {
		aims = append(aims, aim{value: dearer(before, last), known: true, least: math.Inf(-1), text: "of the bare loop %s %% dearer", form: "%.0f"})
	}
	return aims
}

// lastStep is the largest size of a series, and the one a tenth of that before
// it; nil where there are none.
func (t *taskResult) lastStep(series string) (before, last *contenderResult) {
	if t == nil {
		return nil, nil
	}
	for i := range t.Contenders {
		if c := &t.Contenders[i]; c.Series == series {
			last, before = c, last
		}
	}
	if before == nil || last.X != 10*before.X || before.CPU.Median == 0 {
		return nil, nil
	}
	return before, last
}

// dearer is how much more processor time an item takes in percent.
func dearer(before, last *contenderResult) float64 {
	return 100 * (last.CPU.Median/last.X/(before.CPU.Median/before.X) - 1)
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
