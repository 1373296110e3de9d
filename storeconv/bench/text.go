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
	fmt.Fprintf(&b, "%s\n%s\n\n", r.Machine.line(), r.streamLine())
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "jobs\tsync\trestore msg/s\tMB/s\tspread\tof limit\tverify msg/s\tMB/s\tof limit\tbackup msg/s\tMB/s\tCPU s\tpeak MiB\tfsync\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%d\t%s\t%.0f\t%.1f\t%s\t%s\t%.0f\t%.1f\t%s\t%.0f\t%.1f\t%.2f\t%d\t%s\t\n", row.Jobs, row.Sync, row.MessagesPerS, row.MBPerS,
			row.Seconds.width(), percent(row.OfLimit), row.Verify.MessagesPerS, row.Verify.MBPerS, percent(row.Verify.OfLimit),
			row.Backup.MessagesPerS, row.Backup.MBPerS, row.CPU, row.Peak>>20, percent(row.FsyncShare))
	}
	t.Flush() // to a Builder, which has no errors
	fmt.Fprintln(&b)
	fmt.Fprintln(t, "jobs\tsync\tmessage p50\tp95\tp99\tmax\tcommit p50\tp95\tp99\tmax\tbare loop msg/s\tbare reading MB/s\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%.0f\t%.1f\t\n", row.Jobs, row.Sync, row.Message.cells(), row.Commit.cells(), row.Limit.MessagesPerS, row.Read.MBPerS)
	}
	t.Flush()
	fmt.Fprintf(&b, "\nthe disk alone: %.0f MB/s into one file, %.0f times a second 4 KiB made durable\n", r.Disk.MBPerS.Median, r.Disk.FsyncPerS.Median)
	b.WriteString(r.bestLine() + "\n")
	if r.Estimate != nil {
		b.WriteString(r.Estimate.line() + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (m Machine) line() string {
	return fmt.Sprintf("%s, %d cores, %d GiB, %s, %s; load %.2f when it began", m.CPU, m.Cores, m.Memory>>30, m.Kernel, m.FileSystem, m.Load)
}

func (r *Report) streamLine() string {
	return fmt.Sprintf("%d messages, %.1f MB, of %d users with %d mailboxes each; rounds: %d; caches %s",
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
	text := fmt.Sprintf("%d messages, %.1f GB: restore %s, verify %s, both %s; a backup %s",
		e.Messages, float64(e.Bytes)/1e9, e.Restore, e.Verify, e.Total, e.Backup)
	if !e.SameMean {
		text += "; the messages measured have another size, which the range takes in"
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
