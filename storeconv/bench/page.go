package bench

import (
	_ "embed"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"percent": percent, "short": short, "width": Spread.width, "mib": func(n int64) int64 { return n >> 20 }, "hours": hours,
	"mb": func(n int64) float64 { return float64(n) / 1e6 },
}).Parse(pageText))

// WriteHTML writes the report as a page that needs nothing else: no network, no
// scripts.
func (r Report) WriteHTML(w io.Writer) error {
	return pageTemplate.Execute(w, page{Report: r, MachineLine: r.Machine.line(), StreamLine: r.streamLine(), BestLine: r.bestLine(),
		Charts: []chart{r.throughputChart(), r.latencyChart(), r.curveChart()}})
}

// page is what the template shows.
type page struct {
	Report
	MachineLine, StreamLine, BestLine string
	Charts                            []chart
}

// EstimateLine is the estimate as a sentence; "" when there is none.
func (p page) EstimateLine() string {
	if p.Estimate == nil {
		return ""
	}
	return p.Estimate.line()
}

// chart is a drawing with curves, in the units of its picture.
type chart struct {
	Title, Note    string
	XLabel, YLabel string
	XTicks, YTicks []tick
	Series         []series
}

// tick is a mark of an axis.
type tick struct {
	At   float64
	Text string
}

// series is one curve with its points and its line of the legend.
type series struct {
	Name   string
	Class  string // of the style sheet: c0 to c5
	Dashed bool
	Points []point
	Legend float64 // height of its line of the legend
}

type point struct {
	X, Y float64
	Text string // shown when pointed at
}

// Path is the curve for SVG.
func (s series) Path() string {
	parts := make([]string, len(s.Points))
	for i, p := range s.Points {
		parts[i] = svgNumber(p.X) + "," + svgNumber(p.Y)
	}
	return strings.Join(parts, " ")
}

// Of the picture, in its units: where the axes begin and end.
const (
	left, right = 70, 560
	top, bottom = 20, 260
	legendLine  = 16
)

// axis maps values to places of the picture.
type axis struct {
	low, high float64 // values
	from, to  float64 // places
	log       bool
}

func (a axis) at(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log10(v), math.Log10(low), math.Log10(high)
	}
	if high == low {
		return a.from
	}
	return a.from + (v-low)/(high-low)*(a.to-a.from)
}

// niceTop is the smallest of 1, 2, 2.5, 5 times a power of ten that is not
// below v.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range [...]float64{1, 2, 2.5, 5} {
		if n*power >= v {
			return n * power
		}
	}
	return 10 * power
}

// upAxis is a vertical axis from 0 to above the largest value, with its marks.
func upAxis(largest float64) (axis, []tick) {
	a := axis{low: 0, high: niceTop(largest), from: bottom, to: top}
	var ticks []tick
	for i := range 6 {
		v := a.high * float64(i) / 5
		ticks = append(ticks, tick{a.at(v), number(v)})
	}
	return a, ticks
}

// throughputChart has messages a second by workers, a curve a sync mode, and
// the limits.
func (r *Report) throughputChart() chart {
	c := chart{Title: "Restore: messages a second", XLabel: "workers (--jobs)", YLabel: "messages/s",
		Note: "Lines of dashes are the limit: the bare loop that creates, writes, dates and hashes the same files."}
	var jobs []int
	largest := 0.0
	for _, row := range r.Rows {
		if !slices.Contains(jobs, row.Jobs) {
			jobs = append(jobs, row.Jobs)
		}
		largest = max(largest, row.MessagesPerS, row.Limit.MessagesPerS)
	}
	slices.Sort(jobs)
	y, ticks := upAxis(largest)
	c.YTicks = ticks
	x := axis{low: -0.5, high: float64(len(jobs)) - 0.5, from: left, to: right}
	for i, j := range jobs {
		c.XTicks = append(c.XTicks, tick{x.at(float64(i)), number(float64(j))})
	}
	for _, mode := range r.modes() {
		var done, limit series
		done.Name, limit.Name, limit.Dashed = "--sync "+mode, "limit, "+mode, true
		for i, j := range jobs {
			for _, row := range r.Rows {
				if row.Jobs == j && row.Sync == mode {
					done.Points = append(done.Points, point{x.at(float64(i)), y.at(row.MessagesPerS), number(row.MessagesPerS)})
					limit.Points = append(limit.Points, point{x.at(float64(i)), y.at(row.Limit.MessagesPerS), number(row.Limit.MessagesPerS)})
				}
			}
		}
		c.add(done, limit)
	}
	return c
}

// modes are the sync modes of the rows, in their order.
func (r *Report) modes() []string {
	var out []string
	for _, row := range r.Rows {
		if !slices.Contains(out, row.Sync) {
			out = append(out, row.Sync)
		}
	}
	return out
}

// latencyChart has the quantiles of the messages of each row, on a logarithmic
// scale.
func (r *Report) latencyChart() chart {
	c := chart{Title: "Restore: time of one message", XLabel: "part of the messages that take no longer", YLabel: "time, logarithmic",
		Note: "From the creation of a message's file to its close."}
	low, high := math.Inf(1), 0.0
	for _, row := range r.Rows {
		if row.Message.Count > 0 {
			low, high = min(low, max(row.Message.P50, 1e-9)), max(high, row.Message.Max, 1e-9)
		}
	}
	if high == 0 {
		low, high = 1e-6, 1e-5
	}
	y := axis{low: math.Pow(10, math.Floor(math.Log10(low))), high: math.Pow(10, math.Ceil(math.Log10(high)+1e-9)), from: bottom, to: top, log: true}
	for v := y.low; v <= y.high*1.0001; v *= 10 {
		c.YTicks = append(c.YTicks, tick{y.at(v), short(v)})
	}
	names := [...]string{"p50", "p95", "p99", "max"}
	x := axis{low: -0.5, high: 3.5, from: left, to: right}
	for i, n := range names {
		c.XTicks = append(c.XTicks, tick{x.at(float64(i)), n})
	}
	for _, row := range r.Rows {
		if row.Message.Count == 0 {
			continue
		}
		s := series{Name: row.name()}
		for i, v := range [...]float64{row.Message.P50, row.Message.P95, row.Message.P99, row.Message.Max} {
			s.Points = append(s.Points, point{x.at(float64(i)), y.at(max(v, y.low)), short(v)})
		}
		c.add(s)
	}
	return c
}

// curveChart has the speed of each row over its run: a disk that becomes slower
// as it fills shows here.
func (r *Report) curveChart() chart {
	c := chart{Title: "Restore: speed over the run", XLabel: "part of the messages done", YLabel: "messages/s",
		Note: "The round in the middle. Users come into place in batches, so that the end counts too."}
	largest := 0.0
	speeds := make([][]float64, len(r.Rows))
	for i, row := range r.Rows {
		speeds[i] = speedOf(row.Curve, r.Stream.Messages)
		for _, v := range speeds[i] {
			largest = max(largest, v)
		}
	}
	y, ticks := upAxis(largest)
	c.YTicks = ticks
	x := axis{low: 0, high: 1, from: left, to: right}
	for _, part := range [...]float64{0, 0.25, 0.5, 0.75, 1} {
		c.XTicks = append(c.XTicks, tick{x.at(part), percent(part)})
	}
	for i, row := range r.Rows {
		s := series{Name: row.name()}
		for j, v := range speeds[i] {
			s.Points = append(s.Points, point{x.at((float64(j) + 0.5) / float64(len(speeds[i]))), y.at(v), number(v)})
		}
		if len(s.Points) > 0 {
			c.add(s)
		}
	}
	return c
}

// speedParts is how many parts of a run the speed is drawn for: fewer than the
// curve has points, which lie too near to each other in a short run.
const speedParts = 10

// speedOf is the speed in each of speedParts parts of a run of n messages; none
// where the curve is not whole.
func speedOf(curve []float64, n int64) []float64 {
	if len(curve) != curvePoints {
		return nil
	}
	var out []float64
	const step = curvePoints / speedParts
	last := 0.0
	for i := step - 1; i < len(curve); i += step {
		if took := curve[i] - last; took > 0 {
			out = append(out, float64(n)/speedParts/took)
		} else {
			out = append(out, 0)
		}
		last = curve[i]
	}
	return out
}

func (r *Row) name() string { return "--jobs " + number(float64(r.Jobs)) + " --sync " + r.Sync }

// add takes curves into the chart; a dashed one has the colour of the one
// before it.
func (c *chart) add(list ...series) {
	for _, s := range list {
		colour := 0
		for _, old := range c.Series {
			if !old.Dashed {
				colour++
			}
		}
		if s.Dashed {
			colour--
		}
		s.Class = "c" + number(float64(colour%6))
		s.Legend = float64(top + legendLine*len(c.Series))
		c.Series = append(c.Series, s)
	}
}
