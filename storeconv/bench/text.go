package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText writes the report as tables for a terminal.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", r.Machine.line(), r.streamLine())
	r.writeTable(&b, "restore msg/s\tMB/s\tspread\tof limit\tCPU s\tpeak MiB\tfsync", func(row *Row) string {
		return fmt.Sprintf("%.0f\t%.1f\t%s\t%s\t%.2f\t%d\t%s", row.MessagesPerS, row.MBPerS, row.Seconds.width(), percent(row.OfLimit), row.CPU, row.Peak>>20, percent(row.FsyncShare))
	})
	r.writeTable(&b, "verify msg/s\tMB/s\tof limit\tbackup msg/s\tMB/s", func(row *Row) string {
		return fmt.Sprintf("%.0f\t%.1f\t%s\t%.0f\t%.1f", row.Verify.MessagesPerS, row.Verify.MBPerS, percent(row.Verify.OfLimit), row.Backup.MessagesPerS, row.Backup.MBPerS)
	})
	r.writeTable(&b, "a message p50\tp95\tp99\tmax\tbare loop msg/s", func(row *Row) string {
		return fmt.Sprintf("%s\t%.0f", row.Message.cells(), row.Limit.MessagesPerS)
	})
	r.writeTable(&b, "a commit p50\tp95\tp99\tmax\tbare reading MB/s", func(row *Row) string {
		return fmt.Sprintf("%s\t%.1f", row.Commit.cells(), row.Read.MBPerS)
	})
	fmt.Fprintf(&b, "\nthe disk alone: %.0f MB/s into one file, %.0f times a second 4 KiB made durable\n", r.Disk.MBPerS.Median, r.Disk.FsyncPerS.Median)
	b.WriteString(r.bestLine() + "\n")
	if r.Estimate != nil {
		b.WriteString(r.Estimate.line() + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeTable writes a table with a line a row, that fits a terminal of 80
// columns.
func (r *Report) writeTable(b *strings.Builder, head string, cells func(row *Row) string) {
	b.WriteByte('\n')
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "jobs\tsync\t%s\t\n", head)
	for i := range r.Rows {
		fmt.Fprintf(t, "%d\t%s\t%s\t\n", r.Rows[i].Jobs, r.Rows[i].Sync, cells(&r.Rows[i]))
	}
	t.Flush() // to a Builder, which has no errors
}

func (m Machine) line() string {
	return fmt.Sprintf("%s, %d cores, %d GiB,\n%s, %s; load %.2f when it began", m.CPU, m.Cores, m.Memory>>30, m.Kernel, m.FileSystem, m.Load)
}

func (r *Report) streamLine() string {
	return fmt.Sprintf("%d messages, %.1f MB, of %d users with %d mailboxes each; rounds: %d;\ncaches %s",
		r.Stream.Messages, float64(r.Stream.Bytes)/1e6, r.Shape.Users, r.Shape.Mailboxes, r.Rounds, r.Caches)
}

func (r *Report) bestLine() string {
	if r.Best == nil {
		return ""
	}
	text := fmt.Sprintf("best: --jobs %d --sync %s", r.Best.Jobs, r.Best.Sync)
	if !r.Best.Clear {
		text += " (others come as near as the rounds differ)"
	}
	return text
}

func (e *Estimate) line() string {
	text := fmt.Sprintf("%d messages, %.1f GB:\n  restore %s, verify %s,\n  both %s; a backup %s",
		e.Messages, float64(e.Bytes)/1e9, e.Restore, e.Verify, e.Total, e.Backup)
	if !e.SameMean {
		text += ";\n  the messages measured have another size, which the range takes in"
	}
	return text
}

// String is the time with its range, in hours or a smaller unit.
func (h Hours) String() string {
	return fmt.Sprintf("%s (%s to %s)", hours(h.Expected), hours(h.Low), hours(h.High))
}

// hours writes a time that is given in hours.
func hours(h float64) string {
	switch {
	case h < 1.0/60:
		return fmt.Sprintf("%.1f s", h*3600)
	case h < 1:
		return fmt.Sprintf("%.1f min", h*60)
	}
	return fmt.Sprintf("%.1f h", h)
}

// width is how far the rounds lie apart, as a part of the median.
func (s Spread) width() string {
	if s.Median == 0 {
		return "-"
	}
	return "±" + percent((s.High-s.Low)/2/s.Median)
}

func percent(part float64) string { return fmt.Sprintf("%.0f%%", part*100) }

func (l Latency) cells() string {
	if l.Count == 0 {
		return "-\t-\t-\t-"
	}
	return short(l.P50) + "\t" + short(l.P95) + "\t" + short(l.P99) + "\t" + short(l.Max)
}

// short writes seconds with three digits, in the unit that they take.
func short(seconds float64) string {
	d := time.Duration(math.Round(seconds * 1e9))
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%.3gns", seconds*1e9)
	case d < time.Millisecond:
		return fmt.Sprintf("%.3gus", seconds*1e6)
	case d < time.Second:
		return fmt.Sprintf("%.3gms", seconds*1e3)
	}
	return fmt.Sprintf("%.3gs", seconds)
}
