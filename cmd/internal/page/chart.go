package page

import (
	_ "embed"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// Bar is one bar of a chart.
type Bar struct {
	Label string
	Value float64 // not below 0
	Text  string  // the value in words
	Other bool    // in the colour of what stands out
}

// BarChart is a drawing with bars.
type BarChart struct {
	Title string
	Note  string // below the drawing; may be empty
	Unit  string // of the axis: "messages"
	Bars  []Bar
}

// Series is one curve. Curves of one name have one colour and one line of the
// legend.
type Series struct {
	Name   string
	Points []Point // from left to right
}

// Point is a point of a curve.
type Point struct{ X, Y float64 }

// LineChart is a drawing with curves. Both axes begin at 0.
type LineChart struct {
	Title, Note    string
	XLabel, YLabel string
	Times          string // X is seconds, told in this language; "": a plain number
	Series         []Series
}

//go:embed chart.html
var chartText string

var chartTemplate = template.Must(template.New("chart").Parse(chartText))

// The picture, in its own units: narrow, so that its letters are not too small
// on a phone.
const (
	chartWidth  = 440
	chartHeight = 230
	plotLeft    = 56
	plotRight   = 424
	plotTop     = 22
	plotBottom  = 190
)

type tick struct {
	At   float64
	Text string
}

type drawnBar struct {
	X, Y, Width, Height float64
	Label, Text         string
	LabelAt, TextAt     float64
	Labelled, Valued    bool
	Other               bool
}

type drawnLine struct {
	Class  string
	Name   string
	Points string
	At     float64
}

// drawing is what the template shows.
type drawing struct {
	Kind           string
	Title, Note    string
	Width, Height  int
	Left, Right    float64
	Top, Bottom    float64
	Middle         float64
	XLabel, YLabel string
	XTicks, YTicks []tick
	Bars           []drawnBar
	Lines          []drawnLine
}

func (d *drawing) html() template.HTML {
	var b strings.Builder
	if err := chartTemplate.ExecuteTemplate(&b, d.Kind, d); err != nil {
		panic("internal error: " + err.Error()) // a builder fails nobody
	}
	return template.HTML(b.String())
}

func frame(kind, title, note string) *drawing {
	return &drawing{Kind: kind, Title: title, Note: note, Width: chartWidth, Height: chartHeight,
		Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom, Middle: (plotLeft + plotRight) / 2}
}

// Bars draws upright bars: something over years. A chart without bars is "".
func Bars(c BarChart) template.HTML {
	if len(c.Bars) == 0 {
		return ""
	}
	d := frame("bars", c.Title, c.Note)
	d.YLabel = c.Unit
	top := 0.0
	for _, b := range c.Bars {
		top = max(top, b.Value)
	}
	top = d.upTo(top)
	d.Height = plotBottom + 24
	slot := float64(plotRight-plotLeft) / float64(len(c.Bars))
	every, valued := labelEvery(c.Bars, slot), valuesFit(c.Bars, slot)
	for i, b := range c.Bars {
		height := b.Value / top * (plotBottom - plotTop)
		if b.Value > 0 {
			height = max(height, 1) // one message among thousands is seen too
		}
		x := plotLeft + slot*float64(i)
		width := min(slot*0.76, 46)
		d.Bars = append(d.Bars, drawnBar{
			X: round(x + (slot-width)/2), Y: round(plotBottom - height), Width: round(width), Height: round(height),
			Label: b.Label, Text: b.Text, LabelAt: round(x + slot/2), TextAt: round(plotBottom - height - 4),
			Labelled: (len(c.Bars)-1-i)%every == 0, Valued: valued, Other: b.Other,
		})
	}
	return d.html()
}

// labelEvery is how many bars share a label, so that labels do not touch.
func labelEvery(bars []Bar, slot float64) int {
	widest := 0.0
	for _, b := range bars {
		widest = max(widest, letters(b.Label)+6)
	}
	return max(1, int(math.Ceil(widest/slot)))
}

// valuesFit says whether the values have room above their bars.
func valuesFit(bars []Bar, slot float64) bool {
	for _, b := range bars {
		if letters(b.Text)+5 > slot {
			return false
		}
	}
	return true
}

// letters is about how wide a text is drawn: a letter of Japanese is twice as
// wide as a Latin one.
func letters(s string) float64 {
	width := 0.0
	for _, r := range s {
		if r >= 0x1100 {
			width += 12
		} else {
			width += 6.4
		}
	}
	return width
}

// Rows draws lying bars, with names before and values behind them: sizes, or
// times of steps.
func Rows(c BarChart) template.HTML {
	if len(c.Bars) == 0 {
		return ""
	}
	const line, first = 23, 4
	d := frame("rows", c.Title, c.Note)
	d.Height = first + line*len(c.Bars) + 4
	top, before, behind := 0.0, 0.0, 0.0
	for _, b := range c.Bars {
		top = max(top, b.Value)
		before, behind = max(before, letters(cut(b.Label))), max(behind, letters(b.Text))
	}
	d.Left = round(min(before, chartWidth*0.45) + 10)
	space := max(chartWidth-d.Left-behind-12, 40)
	for i, b := range c.Bars {
		width := 0.0
		if b.Value > 0 {
			width = max(b.Value/top*space, 1.5)
		}
		y := float64(first + line*i)
		d.Bars = append(d.Bars, drawnBar{X: d.Left, Y: y, Width: round(width), Height: 16, Label: cut(b.Label), Text: b.Text,
			LabelAt: round(d.Left - 8), TextAt: round(d.Left + width + 6), Other: b.Other})
	}
	return d.html()
}

// cut shortens a name that is too long to stand before a bar.
func cut(s string) string {
	const most = chartWidth * 0.4
	if letters(s) <= most {
		return s
	}
	kept := []rune(s)
	for len(kept) > 0 && letters(string(kept)) > most-12 {
		kept = kept[:len(kept)-1]
	}
	return string(kept) + "…"
}

// Lines draws curves: something over time. A chart without points is "".
func Lines(c LineChart) template.HTML {
	right, top := 0.0, 0.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			right, top = max(right, p.X), max(top, p.Y)
		}
	}
	if right == 0 {
		return ""
	}
	d := frame("lines", c.Title, c.Note)
	d.XLabel, d.YLabel = c.XLabel, c.YLabel
	top = d.upTo(top)
	d.across(right, c.Times)
	colours := map[string]int{}
	for _, s := range c.Series {
		if _, ok := colours[s.Name]; !ok {
			colours[s.Name] = len(colours)
		}
		parts := make([]string, len(s.Points))
		for j, p := range s.Points {
			x := plotLeft + p.X/right*(plotRight-plotLeft)
			y := plotBottom - p.Y/top*(plotBottom-plotTop)
			parts[j] = decimal(x) + "," + decimal(y)
		}
		d.Lines = append(d.Lines, drawnLine{Class: "c" + strconv.Itoa(colours[s.Name]%6), Name: s.Name, Points: strings.Join(parts, " ")})
	}
	if len(colours) > 1 {
		d.legend(len(colours))
	}
	return d.html()
}

// legend puts the n names of the curves below the axis, one below the other.
func (d *drawing) legend(n int) {
	at := map[string]bool{}
	for i := range d.Lines {
		if l := &d.Lines[i]; !at[l.Name] {
			l.At = float64(chartHeight + 14 + 17*len(at))
			at[l.Name] = true
		}
	}
	d.Height = chartHeight + 17*n + 6
}

// upTo makes the marks of the upright axis and returns the value at its top.
func (d *drawing) upTo(largest float64) float64 {
	top := niceTop(largest)
	steps := 4
	if top == 1 || top == 2 || top == 3 {
		steps = int(top) // whole things have no halves
	}
	for i := range steps + 1 {
		v := top * float64(i) / float64(steps)
		d.YTicks = append(d.YTicks, tick{round(plotBottom - v/top*(plotBottom-plotTop)), axisNumber(v)})
	}
	return top
}

// across makes the marks of the lying axis: at most six.
func (d *drawing) across(right float64, times string) {
	step, text := niceTop(right/5), axisNumber
	if times != "" {
		step = timeStep(right / 5)
		text = func(v float64) string { return wholeSeconds(v, times) }
	}
	for i := 0; float64(i)*step <= right*(1+1e-9); i++ {
		v := float64(i) * step
		d.XTicks = append(d.XTicks, tick{round(plotLeft + v/right*(plotRight-plotLeft)), text(v)})
	}
}

// wholeSeconds is Seconds for the marks of an axis, where 2.0 s is 2 s.
func wholeSeconds(v float64, lang string) string {
	return strings.Replace(strings.Replace(Seconds(v, lang), ".00 ", " ", 1), ".0 ", " ", 1)
}

// timeStep is a length of time that people count in and that is not below s.
func timeStep(s float64) float64 {
	for _, step := range [...]float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400} {
		if s <= step && s > 0.5 {
			return step
		}
	}
	if s <= 0.5 {
		return niceTop(s)
	}
	return 86400 * math.Ceil(s/86400)
}

// niceTop is a round number that is not below v.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range [...]float64{1, 2, 3, 4, 6, 8} {
		if n*power >= v*(1-1e-12) {
			return n * power
		}
	}
	return 10 * power
}

// axisNumber is a number that is short enough to stand before an axis.
func axisNumber(v float64) string {
	for _, big := range [...]struct {
		from float64
		unit string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if v >= big.from {
			div := big.from
			if big.unit == "k" {
				div = 1e3
			}
			return strconv.FormatFloat(math.Round(v/div*100)/100, 'f', -1, 64) + big.unit
		}
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

func decimal(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }
