package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// markdown is RESULTS.md.
func (r *results) markdown(plots []plotFile, notes string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Measured\n\nMade by the command below; do not edit, the notes at the end come from %s.\n\n    %s\n\n", notesFile, strings.TrimSpace(r.Command))
	r.writeMachine(&b)
	b.WriteString(method)
	r.writeGoals(&b)
	for i := range r.Tasks {
		r.Tasks[i].write(&b)
	}
	r.writeAgreement(&b)
	r.writeProfiles(&b)
	if len(plots) > 0 {
		b.WriteString("\n## Plots\n\n")
		for _, p := range plots {
			fmt.Fprintf(&b, "![%s](%s/%s)\n\n", p.title, plotsDir, p.name)
		}
	}
	if notes = strings.TrimSpace(notes); notes != "" {
		b.WriteString("\n" + notes + "\n")
	}
	return b.String()
}

const method = `
Contenders of a task take turns on the same input, all of them once a round. Times are medians of the rounds, with half
of their range; "CPU" takes in the system's part and children, "peak" is the largest process, with a floor of what the
measuring process has itself. Inputs come from fixed seeds and are in memory before a run; between two runs everything is
written out. A result is checked before its time counts: stores are verified against their stream, databases are read with
the library, change records are counted, a verifier must find a byte that is changed. "times ours" is a contender's wall
time by ours, above 1 is slower than ours. A row marked ~ is noisy: other programs had more than 15 % of a processor, or the
middle half of its runs is wider than 15 %.
`

// growthGoal says what the goals of growth mean.
const growthGoal = `The goals of growth are about the last step of ten times that was measured, up to the size that is named: an item may take
15 % more processor time, and "flat" is a peak that rises by less than 15 %. Smaller inputs do not fill the buffers that
are there for all.

`

func (r *results) writeMachine(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "%s, size %s: %s, %d cores, %d GiB, %s, %s, on %s; load %.2f when it began.\n", r.Date, r.Size.Name, m.CPU, m.Cores, m.Memory>>30, m.Kernel, r.Go, m.FileSystem, m.Load)
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		texts = append(texts, name+": "+strings.TrimSuffix(r.Versions[name], "."))
	}
	if len(texts) > 0 {
		fmt.Fprintf(b, "Peers: %s.\n", strings.Join(texts, "; "))
	}
	if len(r.Missing) > 0 {
		fmt.Fprintf(b, "Not found on this machine: %s.\n", strings.Join(r.Missing, "; "))
	}
}

func (r *results) writeGoals(b *strings.Builder) {
	b.WriteString("\n## Goals\n\n")
	if r.Size.Name == sizes[0].Name {
		b.WriteString("The goals are for the sizes of medium: a small input is mostly start-up.\n\n")
	}
	b.WriteString(growthGoal)
	b.WriteString("| path | before | goal | measured | |\n|---|---|---|---|---|\n")
	for _, g := range r.Goals {
		mark := "not reached"
		switch {
		case g.Measured == notMeasured:
			mark = ""
		case g.Reached:
			mark = "reached"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s%s | %s |\n", g.Path, g.Before, g.Goal, cell(g.Measured), noisyMark(g.Noisy), mark)
	}
}

func noisyMark(noisy bool) string {
	if noisy {
		return " ~"
	}
	return ""
}

// write writes the table of a task.
func (t *taskResult) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", t.Title)
	if size := t.size(); size != "" {
		fmt.Fprintf(b, "%s. %s\n\n", size, t.Note)
	} else {
		fmt.Fprintf(b, "%s\n\n", t.Note)
	}
	if len(t.Left) > 0 {
		fmt.Fprintf(b, "Left out, since memory has not enough room: %s.\n\n", strings.Join(t.Left, "; "))
	}
	last := "times ours"
	if t.shares() {
		last = "of one run"
	}
	fmt.Fprintf(b, "| | wall | ± | CPU | peak | %s/s | MB/s | %s |\n|---|---|---|---|---|---|---|---|\n", t.Unit, last)
	for _, c := range t.Contenders {
		b.WriteString(t.line(&c))
	}
	b.WriteString("\n")
	for _, c := range t.Contenders {
		fmt.Fprintf(b, "- %s: `%s`\n", c.Name, c.Does)
	}
}

// size says what the input of a task is.
func (t *taskResult) size() string {
	switch {
	case t.grows():
		return ""
	case t.Bytes == 0:
		return fmt.Sprintf("%d %s", t.Items, t.Unit)
	}
	return fmt.Sprintf("%d %s, %.1f MB", t.Items, t.Unit, float64(t.Bytes)/1e6)
}

// grows tells that each contender has an input of its own size.
func (t *taskResult) grows() bool { return strings.HasPrefix(t.Name, "growth") }

// shares tells that the contenders are our own, and the first one is what the
// others are held against.
func (t *taskResult) shares() bool { return strings.HasPrefix(t.Name, "shards") }

// items is how many items a contender handled.
func (t *taskResult) items(c *contenderResult) float64 {
	if t.grows() {
		return c.X
	}
	return float64(t.Items)
}

func (t *taskResult) line(c *contenderResult) string {
	name := cell(c.Name)
	switch c.Role {
	case ours:
		name = "**" + name + "**"
	case limit:
		name = "limit: *" + name + "*"
	}
	cells := []string{name + noisyMark(c.Noisy), seconds(c.Wall.Median), fmt.Sprintf("%.0f%%", 100*c.Wall.spread()), seconds(c.CPU.Median),
		fmt.Sprintf("%d MiB", c.Peak>>20), t.rate(c), t.megabytes(c), t.ratio(c)}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func (t *taskResult) rate(c *contenderResult) string {
	if c.Wall.Median == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", t.items(c)/c.Wall.Median)
}

func (t *taskResult) megabytes(c *contenderResult) string {
	if c.Wall.Median == 0 || t.Bytes == 0 || t.grows() {
		return ""
	}
	return fmt.Sprintf("%.0f", float64(t.Bytes)/1e6/c.Wall.Median)
}

func (t *taskResult) ratio(c *contenderResult) string {
	us := t.role(ours)
	if t.grows() {
		us = t.sameSize(c.X)
	}
	if us == nil || us.Wall.Median == 0 || c.Role == ours && (!t.shares() || c.Name == us.Name) {
		return ""
	}
	return fmt.Sprintf("%.2f", c.Wall.Median/us.Wall.Median)
}

// sameSize is our first contender that has an input of this size.
func (t *taskResult) sameSize(x float64) *contenderResult {
	i := slices.IndexFunc(t.Contenders, func(c contenderResult) bool { return c.Role == ours && c.X == x })
	if i < 0 {
		return nil
	}
	return &t.Contenders[i]
}

// cell is text as a table takes it.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

// seconds writes a time with three digits.
func seconds(s float64) string {
	if s < 0.1 {
		return fmt.Sprintf("%.1f ms", s*1000)
	}
	return fmt.Sprintf("%.3g s", s)
}

// writeAgreement sets what storeconv bench says beside what is measured here.
func (r *results) writeAgreement(b *strings.Builder) {
	t := r.task("restore-none")
	us := t.role(ours)
	if us == nil || len(r.Bench) == 0 || us.Wall.Median == 0 {
		return
	}
	s := statOf(r.Bench)
	low, high := float64(t.Items)/us.Wall.High, float64(t.Items)/us.Wall.Low
	fmt.Fprintf(b, "\n`storeconv bench` says %.0f messages a second of this stream (%.0f to %.0f), the row of restore %.0f (%.0f to %.0f); in the latter the program starts and reads a file, in the former it makes the stream.\n",
		s.Median, s.Low, s.High, float64(t.Items)/us.Wall.Median, low, high)
}

// writeProfiles shows where the time of a path goes that has not reached its
// goal.
func (r *results) writeProfiles(b *strings.Builder) {
	if len(r.Profiles) == 0 {
		return
	}
	b.WriteString("\n## Where the processor time goes\n\nOf the paths that have not reached their goals, by the Go benchmark that does the same work; Syscall6 is the kernel.\n")
	for _, p := range r.Profiles {
		fmt.Fprintf(b, "\n%s, `go test ./benchmarks -run '^$' -bench '%s' -cpuprofile FILE`:\n\n", p.Goal, p.Bench)
		for line := range strings.SplitSeq(p.Top, "\n") {
			fmt.Fprintf(b, "    %s\n", line)
		}
	}
}

// text is the table of a task for the terminal.
func (t *taskResult) text() string {
	var b strings.Builder
	b.WriteString(t.Title + "\n")
	for _, c := range t.Contenders {
		fmt.Fprintf(&b, "  %-38s %9s ±%3.0f%%  CPU %9s  %4d MiB  %12s %s/s%s\n", c.Name, seconds(c.Wall.Median), 100*c.Wall.spread(), seconds(c.CPU.Median), c.Peak>>20, t.rate(&c), t.Unit, noisyMark(c.Noisy))
	}
	for _, left := range t.Left {
		fmt.Fprintf(&b, "  left out: %s\n", left)
	}
	return b.String()
}
