package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"imsconv/storeconv"
)

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{5, 1}, Spread{3, 1, 5}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{4, 1, 2, 100}, Spread{3, 1, 100}},
	} {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("%v: %+v, want %+v", tt.values, got, tt.want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, tt := range []struct {
		name                    string
		values                  []int64
		p50, p95, p99, max, all int64
	}{
		{"none", nil, 0, 0, 0, 0, 0},
		{"one", []int64{7}, 7, 7, 7, 7, 7},
		{"1 to 100, each its own bucket", hundred, 50, 95, 99, 100, 100},
		{"two", []int64{10, 20}, 10, 20, 20, 20, 20},
		{"a bucket's upper end, at most the largest", []int64{1000, 1001, 1002}, 1002, 1002, 1002, 1002, 1002},
		{"an outlier", append(make([]int64, 99), 1<<40), 0, 0, 0, 1 << 40, 1 << 40},
		{"below zero", []int64{-5}, 0, 0, 0, 0, 0},
	} {
		var h Histogram
		for _, v := range tt.values {
			h.Add(time.Duration(v))
		}
		if h.Count() != int64(len(tt.values)) {
			t.Errorf("%s: count %d", tt.name, h.Count())
		}
		got := [...]time.Duration{h.Quantile(0.5), h.Quantile(0.95), h.Quantile(0.99), h.Max(), h.Quantile(1)}
		want := [...]time.Duration{time.Duration(tt.p50), time.Duration(tt.p95), time.Duration(tt.p99), time.Duration(tt.max), time.Duration(tt.all)}
		if got != want {
			t.Errorf("%s: %v, want %v", tt.name, got, want)
		}
	}
}

// TestBuckets: every value lies in its bucket, buckets follow each other, and
// none is wider than a sixty-fourth of what it holds.
func TestBuckets(t *testing.T) {
	last := int64(-1)
	for i := range histogramSize {
		low, high := bucketRange(i)
		if low != last+1 || high < low || bucketOf(low) != i || bucketOf(high) != i {
			t.Fatalf("bucket %d: %d to %d behind %d", i, low, high, last)
		}
		if high-low > low/subBuckets {
			t.Errorf("bucket %d is %d wide at %d", i, high-low, low)
		}
		last = high
	}
	if last != math.MaxInt64 {
		t.Errorf("the last bucket ends at %d", last)
	}
}

func TestHistogramJSON(t *testing.T) {
	var h, back Histogram
	for i := range 1000 {
		h.Add(time.Duration(i*i*i) * time.Microsecond)
	}
	data, err := json.Marshal(&h)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.Count() != h.Count() || back.Max() != h.Max() || back.Quantile(0.9) != h.Quantile(0.9) {
		t.Error("a histogram changes on its way")
	}
	for _, bad := range []string{`{"counts":[[-1,1]]}`, `{"counts":[[99999,1]]}`, `{"counts":[[1,-1]]}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), new(Histogram)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestEstimate(t *testing.T) {
	row := Row{Figures: Figures{Seconds: Spread{36, 30, 45}}}
	row.Verify.Seconds, row.Backup.Seconds = Spread{18, 18, 18}, Spread{9, 9, 9}
	measured := Totals{Messages: 1000, Bytes: 10_000_000}
	for _, tt := range []struct {
		goal    Goal
		restore Hours
		bytes   int64
		same    bool
	}{
		// A hundred times as much: a hundred times as long.
		{Goal{100_000, 0}, Hours{1, 30.0 / 36, 45.0 / 36}, 1_000_000_000, true},
		{Goal{100_000, 1_000_000_000}, Hours{1, 30.0 / 36, 45.0 / 36}, 1_000_000_000, true},
		{Goal{100_000, 1_050_000_000}, Hours{1.025, 30.0 / 36, 45 * 105.0 / 3600}, 1_050_000_000, true},
		// Messages of twice the size: time may go with their number or their bytes.
		{Goal{100_000, 2_000_000_000}, Hours{1.5, 30.0 / 36, 90.0 / 36}, 2_000_000_000, false},
		{Goal{100_000, 500_000_000}, Hours{0.75, 15.0 / 36, 45.0 / 36}, 500_000_000, false},
	} {
		e := estimate(tt.goal, row, measured)
		if !near(e.Restore, tt.restore) || e.Bytes != tt.bytes || e.SameMean != tt.same {
			t.Errorf("%+v: %+v", tt.goal, e)
		}
		if want := (Hours{e.Restore.Expected + e.Verify.Expected, e.Restore.Low + e.Verify.Low, e.Restore.High + e.Verify.High}); e.Total != want {
			t.Errorf("%+v: total %+v, want %+v", tt.goal, e.Total, want)
		}
	}
}

func near(a, b Hours) bool {
	const tiny = 1e-9
	return math.Abs(a.Expected-b.Expected) < tiny && math.Abs(a.Low-b.Low) < tiny && math.Abs(a.High-b.High) < tiny
}

func TestBest(t *testing.T) {
	row := func(jobs int, sync string, low, median, high float64) Row {
		return Row{Jobs: jobs, Sync: sync, Figures: Figures{Seconds: Spread{median, low, high}}}
	}
	for _, tt := range []struct {
		rows []Row
		want Best
	}{
		{[]Row{row(2, "none", 1, 1, 1)}, Best{2, "none", true, 0}},
		// What makes nothing durable is no setting for mail while another is there.
		{[]Row{row(2, "none", 1, 1, 1), row(2, "batch", 2, 2, 2)}, Best{2, "batch", true, 1}},
		{[]Row{row(1, "batch", 3, 3, 3), row(2, "batch", 1, 2, 2.5), row(4, "batch", 2.6, 2.7, 3)}, Best{2, "batch", true, 1}},
		{[]Row{row(1, "batch", 3, 3, 3), row(2, "batch", 1, 2, 2.5), row(4, "batch", 2.4, 2.7, 3)}, Best{2, "batch", false, 1}},
		{[]Row{row(1, "batch", 2, 2, 2), row(2, "user", 2, 2, 2)}, Best{1, "batch", false, 0}},
	} {
		if got := bestOf(tt.rows); *got != tt.want {
			t.Errorf("%+v: %+v, want %+v", tt.rows, got, tt.want)
		}
	}
}

func TestEnough(t *testing.T) {
	for _, tt := range []struct {
		bytes, inodes, freeBytes, files, freeFiles uint64
		ok                                         bool
	}{
		{10, 10, 10, 100, 10, true},
		{11, 10, 10, 100, 10, false},
		{10, 11, 10, 100, 10, false},
		{10, 11, 10, 0, 0, true}, // a file system that counts no inodes
	} {
		if err := enough("d", tt.bytes, tt.inodes, tt.freeBytes, tt.files, tt.freeFiles); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	bytes, inodes := Totals{Files: 1000, Blocks: 1 << 40, Unique: 1 << 40, Messages: 1000, Folders: 10}.Need()
	if bytes < 2<<40 || inodes < 1010 {
		t.Errorf("%d bytes, %d inodes", bytes, inodes)
	}
}

// fakeSteps stands in for the machine: a restore takes 2 s a round more with
// every round, and so on; every number is known.
type fakeSteps struct {
	taken []string
	round map[string]int
	fail  string // the step that fails
}

func (f *fakeSteps) step(_ context.Context, s Step, p storeconv.Progress) (Sample, error) {
	key := fmt.Sprintf("%s %d %s", s.Op, s.Jobs, s.Sync)
	f.taken = append(f.taken, key)
	f.round[key]++
	if key == f.fail {
		return Sample{}, errors.New("the disk is gone")
	}
	if p != nil {
		p.Add(s.Shape.Messages, 1)
	}
	out := Sample{Items: s.Shape.Messages, Bytes: 2_000_000, Seconds: float64(f.round[key]), CPU: 0.5, Peak: int64(f.round[key]) << 20}
	switch s.Op {
	case Restore:
		out.Seconds *= 2
		out.Syncing = out.Seconds / 4
		out.Message, out.Commit = new(Histogram), new(Histogram)
		out.Message.Add(50 * time.Nanosecond)
		out.Commit.Add(100 * time.Nanosecond)
		for i := range curvePoints {
			out.Curve = append(out.Curve, out.Seconds*float64(i+1)/curvePoints)
		}
	case Fsync:
		out.Items = 100
	}
	return out, nil
}

// measureFake runs Bench on a machine whose every number is known.
func measureFake(t *testing.T, opts Options, f *fakeSteps) (Report, error) {
	t.Helper()
	f.round = make(map[string]int)
	opts.Step = f.step
	return Bench(context.Background(), t.TempDir(), Shape{Seed: 1, Messages: 1000, Users: 10, Mailboxes: 1, Sizes: Sizes{Median: 1000}}, opts)
}

func TestBench(t *testing.T) {
	var f fakeSteps
	var told counter
	opts := Options{Jobs: []int{1, 2}, Sync: []storeconv.SyncMode{storeconv.SyncNone, storeconv.SyncBatch}, For: Goal{Messages: 3600_000}, Progress: &told}
	r, err := measureFake(t, opts, &f)
	if err != nil {
		t.Fatal(err)
	}
	// Every row has its turn in every round, and every round the disk alone.
	want := []string{"sequential 1 batch", "fsync 1 batch"}
	for _, row := range []string{"1 none", "2 none", "1 batch", "2 batch"} {
		for _, op := range rowOps {
			want = append(want, string(op)+" "+row)
		}
	}
	if diff := cmp.Diff(append(append(want, want...), want...), f.taken); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if told.items.Load() != opts.Work(Shape{Messages: 1000}) {
		t.Errorf("%d messages were told, %d foretold", told.items.Load(), opts.Work(Shape{Messages: 1000}))
	}
	row := r.Rows[3]
	wantRow := Row{
		Jobs: 2, Sync: "batch", FsyncShare: 0.25,
		Figures: Figures{MessagesPerS: 250, MBPerS: 0.5, Seconds: Spread{4, 2, 6}, CPU: 0.5, Peak: 3 << 20, OfLimit: 0.5},
		Message: Latency{3, 50e-9, 50e-9, 50e-9, 50e-9}, Commit: Latency{3, 100e-9, 100e-9, 100e-9, 100e-9},
		Limit:  Figures{MessagesPerS: 500, MBPerS: 1, Seconds: Spread{2, 1, 3}, CPU: 0.5, Peak: 3 << 20},
		Verify: Figures{MessagesPerS: 500, MBPerS: 1, Seconds: Spread{2, 1, 3}, CPU: 0.5, Peak: 3 << 20, OfLimit: 1},
		Read:   Figures{MessagesPerS: 500, MBPerS: 1, Seconds: Spread{2, 1, 3}, CPU: 0.5, Peak: 3 << 20},
		Backup: Figures{MessagesPerS: 500, MBPerS: 1, Seconds: Spread{2, 1, 3}, CPU: 0.5, Peak: 3 << 20},
		Curve:  row.Curve,
	}
	if diff := cmp.Diff(wantRow, row); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if row.Curve[curvePoints-1] != 4 {
		t.Errorf("the curve is not of the round in the middle: %v", row.Curve)
	}
	wantDisk := Disk{MBPerS: Spread{1, 2.0 / 3, 2}, FsyncPerS: Spread{50, 100.0 / 3, 100}, LargeBytes: 2_000_000, FsyncMean: Spread{0.02, 0.01, 0.03}}
	if diff := cmp.Diff(wantDisk, r.Disk); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if *r.Best != (Best{1, "batch", false, 2}) {
		t.Errorf("%+v", r.Best)
	}
	if e := r.Estimate; e.Restore != (Hours{4, 2, 6}) || e.Total != (Hours{6, 3, 9}) {
		t.Errorf("%+v", e)
	}
}

// TestBenchKeys: the keys that others read.
func TestBenchKeys(t *testing.T) {
	r, err := measureFake(t, Options{Rounds: 1}, new(fakeSteps))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"rows", "jobs", "sync", "messages_per_s", "mb_per_s", "p50", "p95", "p99", "max", "cpu_s", "peak_bytes",
		"fsync_share", "of_limit", "message", "commit", "verify", "backup", "limit", "best", "fsync_per_s", "machine"} {
		if !strings.Contains(string(data), `"`+key+`":`) {
			t.Errorf("no key %s", key)
		}
	}
	if strings.Contains(string(data), `"estimate"`) {
		t.Error("an estimate that nobody asked for")
	}
}

func TestBenchFails(t *testing.T) {
	f := &fakeSteps{}
	f.fail = "verify 3 batch"
	r, err := measureFake(t, Options{Jobs: []int{3}}, f)
	if err == nil || len(r.Rows) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Bench(context.Background(), t.TempDir(), Shape{}, Options{}); err == nil {
		t.Error("a shape of nothing is taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Bench(ctx, t.TempDir(), smallShape, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
