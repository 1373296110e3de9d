package bench

import (
	"runtime"
	"slices"
	"time"
)

// Report is what was measured. Times are in seconds, sizes in bytes, MB are
// millions of bytes, parts are of 1.
type Report struct {
	Machine  Machine   `json:"machine"`
	Caches   string    `json:"caches"` // how warm they were
	Shape    Shape     `json:"shape"`
	Stream   Totals    `json:"stream"`
	Rounds   int       `json:"rounds"`
	Disk     Disk      `json:"disk"`
	Rows     []Row     `json:"rows"`
	Best     *Best     `json:"best"`
	Estimate *Estimate `json:"estimate,omitempty"` // nil: not asked for
}

// Disk is what the disk does without any messages.
type Disk struct {
	MBPerS     Spread `json:"mb_per_s"`     // one large file, made durable at its end
	FsyncPerS  Spread `json:"fsync_per_s"`  // 4 KiB made durable at a time
	LargeBytes int64  `json:"large_bytes"`  // of the large file
	FsyncMean  Spread `json:"fsync_s_mean"` // seconds that one takes
}

// Spread is the median of the rounds, the smallest and the largest.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Row is one setting. Its own figures are those of the restore.
type Row struct {
	Jobs int    `json:"jobs"`
	Sync string `json:"sync"`
	Figures
	FsyncShare float64 `json:"fsync_share"` // part of the time in which something was being made durable
	Message    Latency `json:"message"`     // from the creation of a message's file to its close
	Commit     Latency `json:"commit"`      // putting a batch of users into place

	Limit  Figures   `json:"limit"`  // the bare loop that writes
	Verify Figures   `json:"verify"` //
	Read   Figures   `json:"read"`   // the bare loop that reads, the limit of verify
	Backup Figures   `json:"backup"` //
	Curve  []float64 `json:"curve"`  // of the median round: seconds at which each of so many equal parts of the restore was done
}

// Figures are the medians of a conversion's rounds.
type Figures struct {
	MessagesPerS float64 `json:"messages_per_s"`
	MBPerS       float64 `json:"mb_per_s"`
	Seconds      Spread  `json:"seconds"`
	CPU          float64 `json:"cpu_s"`
	Peak         int64   `json:"peak_bytes"`         // the most of all rounds
	OfLimit      float64 `json:"of_limit,omitempty"` // part of the bare loop's speed; 0: it has none
}

// Latency is how long single things take, over all rounds, to within one part
// in 64.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// Best is the setting to take.
type Best struct {
	Jobs  int    `json:"jobs"`
	Sync  string `json:"sync"`
	Clear bool   `json:"clear"` // no other durable setting comes as near as the rounds differ
	Row   int    `json:"row"`   // among the rows, from 0
}

// spreadOf is the median of values and the ends of their range.
func spreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Low: v[0], High: v[n-1]}
}

// pick is what is said of each sample.
func pick(samples []Sample, value func(Sample) float64) []float64 {
	out := make([]float64, len(samples))
	for i, s := range samples {
		out[i] = value(s)
	}
	return out
}

func figuresOf(samples []Sample) Figures {
	f := Figures{
		Seconds: spreadOf(pick(samples, func(s Sample) float64 { return s.Seconds })),
		CPU:     spreadOf(pick(samples, func(s Sample) float64 { return s.CPU })).Median,
	}
	for _, s := range samples {
		f.Peak = max(f.Peak, s.Peak)
	}
	if len(samples) > 0 && f.Seconds.Median > 0 {
		f.MessagesPerS = float64(samples[0].Items) / f.Seconds.Median
		f.MBPerS = float64(samples[0].Bytes) / 1e6 / f.Seconds.Median
	}
	return f
}

// ofLimit is the part of a limit's speed that f reaches.
func (f *Figures) ofLimit(limit Figures) {
	if limit.MessagesPerS > 0 {
		f.OfLimit = f.MessagesPerS / limit.MessagesPerS
	}
}

func latencyOf(samples []Sample, of func(Sample) *Histogram) Latency {
	var all Histogram
	for _, s := range samples {
		if h := of(s); h != nil {
			all.Merge(h)
		}
	}
	seconds := func(d time.Duration) float64 { return d.Seconds() }
	return Latency{Count: all.Count(), P50: seconds(all.Quantile(0.5)), P95: seconds(all.Quantile(0.95)),
		P99: seconds(all.Quantile(0.99)), Max: seconds(all.Max())}
}

func (b *bench) report(m Machine, totals Totals) Report {
	r := Report{Machine: m, Caches: "warm: what is read has just been written", Shape: b.shape, Stream: totals, Rounds: b.opts.Rounds, Disk: diskOf(b.disk)}
	for _, row := range b.rows {
		r.Rows = append(r.Rows, rowOf(row))
	}
	r.Best = bestOf(r.Rows)
	if b.opts.For.Messages > 0 {
		r.Estimate = estimate(b.opts.For, r.Rows[r.Best.Row], totals)
	}
	return r
}

func diskOf(disk [2][]Sample) Disk {
	rate := func(of func(Sample) float64) func(Sample) float64 {
		return func(s Sample) float64 {
			if s.Seconds <= 0 {
				return 0
			}
			return of(s) / s.Seconds
		}
	}
	d := Disk{
		MBPerS:    spreadOf(pick(disk[0], rate(func(s Sample) float64 { return float64(s.Bytes) / 1e6 }))),
		FsyncPerS: spreadOf(pick(disk[1], rate(func(s Sample) float64 { return float64(s.Items) }))),
		FsyncMean: spreadOf(pick(disk[1], func(s Sample) float64 { return s.Seconds / float64(max(s.Items, 1)) })),
	}
	if len(disk[0]) > 0 {
		d.LargeBytes = disk[0][0].Bytes
	}
	return d
}

func rowOf(s *rowSamples) Row {
	restored := s.samples[Restore]
	row := Row{
		Jobs: s.jobs, Sync: s.sync, Figures: figuresOf(restored),
		Limit: figuresOf(s.samples[BareWrite]), Verify: figuresOf(s.samples[Verify]),
		Read: figuresOf(s.samples[BareRead]), Backup: figuresOf(s.samples[Backup]),
		Message: latencyOf(restored, func(s Sample) *Histogram { return s.Message }),
		Commit:  latencyOf(restored, func(s Sample) *Histogram { return s.Commit }),
	}
	row.ofLimit(row.Limit)
	row.Verify.ofLimit(row.Read)
	row.FsyncShare = spreadOf(pick(restored, func(s Sample) float64 {
		if s.Seconds <= 0 {
			return 0
		}
		return s.Syncing / s.Seconds
	})).Median
	row.Curve = middle(restored).Curve
	return row
}

// middle is the sample whose time is the median, or just below it.
func middle(samples []Sample) Sample {
	if len(samples) == 0 {
		return Sample{}
	}
	sorted := slices.SortedStableFunc(slices.Values(samples), func(a, b Sample) int {
		switch {
		case a.Seconds < b.Seconds:
			return -1
		case a.Seconds > b.Seconds:
			return 1
		}
		return 0
	})
	return sorted[(len(sorted)-1)/2]
}

// bestOf is the fastest setting among those that make mail durable; among all,
// when none does.
func bestOf(rows []Row) *Best {
	durable := slices.ContainsFunc(rows, func(r Row) bool { return r.Sync != "none" })
	var candidates []int
	for i, r := range rows {
		if r.Sync != "none" || !durable {
			candidates = append(candidates, i)
		}
	}
	best := slices.MinFunc(candidates, func(a, b int) int {
		switch x, y := rows[a].Seconds.Median, rows[b].Seconds.Median; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	out := &Best{Jobs: rows[best].Jobs, Sync: rows[best].Sync, Clear: true, Row: best}
	for _, i := range candidates {
		if i != best && rows[i].Seconds.Low <= rows[best].Seconds.High {
			out.Clear = false
		}
	}
	return out
}

// workers is the number of workers that a row is called by: 0 stands for one a
// processor.
func workers(jobs int) int {
	if jobs <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return jobs
}
