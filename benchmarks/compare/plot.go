package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// plotFile is a drawing that was written.
type plotFile struct{ name, title string }

// Colours of the roles.
var roleColours = map[string]color.Color{
	ours: color.RGBA{31, 111, 235, 255}, peer: color.RGBA{173, 181, 189, 255}, limit: color.RGBA{43, 138, 62, 255},
}

// lineColours are those of the lines of one drawing.
var lineColours = []color.Color{color.RGBA{31, 111, 235, 255}, color.RGBA{43, 138, 62, 255}, color.RGBA{201, 83, 17, 255}, color.RGBA{121, 80, 200, 255}}

// plot draws what was measured into dir, which is made anew.
func (r *results) plot(dir string) ([]plotFile, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var files []plotFile
	save := func(p *plot.Plot, name string, height vg.Length) error {
		files = append(files, plotFile{name, p.Title.Text})
		return saveSVG(p, filepath.Join(dir, name), height)
	}
	for _, t := range r.Tasks {
		if t.grows() || len(t.Contenders) < 2 {
			continue
		}
		p, err := t.bars()
		if err != nil {
			return nil, err
		}
		if err := save(p, t.Name+".svg", vg.Length(3+len(t.Contenders))*0.8*vg.Centimeter); err != nil {
			return nil, err
		}
	}
	for _, c := range r.curves() {
		p, err := c.draw()
		if err != nil {
			return nil, err
		}
		if err := save(p, c.name+".svg", 9*vg.Centimeter); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// plotFont is of letters that are equally wide in every font of its kind, so
// that labels have room where a viewer has another one.
var plotFont = font.Font{Typeface: "Liberation", Variant: "Mono"}

// newPlot is an empty drawing in that font.
func newPlot(title string) *plot.Plot {
	plot.DefaultFont = plotFont
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(8)
	return p
}

// saveSVG writes a drawing, and names fonts that a viewer may take instead.
func saveSVG(p *plot.Plot, path string, height vg.Length) error {
	w, err := p.WriterTo(18*vg.Centimeter, height, "svg")
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if _, err := w.WriteTo(&text); err != nil {
		return err
	}
	out := bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Mono"), []byte("font-family:'Liberation Mono','DejaVu Sans Mono',Menlo,Consolas,monospace"))
	return os.WriteFile(path, out, 0o644)
}

// bars draws the speed of the contenders of a task, the first on top.
func (t *taskResult) bars() (*plot.Plot, error) {
	p := newPlot(t.Title)
	p.X.Label.Text, p.X.Min = t.Unit+" a second", 0
	names := make([]string, len(t.Contenders))
	for role, colour := range roleColours {
		values := make(plotter.Values, len(t.Contenders))
		for i, c := range t.Contenders {
			at := len(values) - 1 - i
			names[at] = c.Name + noisyMark(c.Noisy)
			if c.Role == role && c.Wall.Median > 0 {
				values[at] = float64(t.Items) / c.Wall.Median
			}
		}
		bars, err := plotter.NewBarChart(values, 0.45*vg.Centimeter)
		if err != nil {
			return nil, err
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, colour, 0
		p.Add(bars)
	}
	p.NominalY(names...)
	p.X.Max *= 1.1 // or the last mark would be cut
	p.X.Tick.Marker = plainTicks{}
	return p, nil
}

// plainTicks are the usual marks of an axis, with plain numbers.
type plainTicks struct{}

// Ticks returns the marks between two values.
func (plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if !ticks[i].IsMinor() {
			ticks[i].Label = strconv.FormatFloat(ticks[i].Value, 'f', -1, 64)
		}
	}
	return ticks
}

// curve is a drawing over the size of something.
type curve struct {
	name, title, x, y string
	lines             []curveLine
	linear            bool // the axis of x
}

// curveLine is one line of a drawing: a series of contenders.
type curveLine struct {
	name   string
	points plotter.XYs
}

// add puts a point into the line of its series, which is made when it is not
// there.
func (c *curve) add(series string, at plotter.XY) {
	i := slices.IndexFunc(c.lines, func(l curveLine) bool { return l.name == series })
	if i < 0 {
		i = len(c.lines)
		c.lines = append(c.lines, curveLine{name: series})
	}
	c.lines[i].points = append(c.lines[i].points, at)
}

// curves are those that the tasks have points for: scaling with workers, cost
// and memory with size.
func (r *results) curves() []curve {
	var out []curve
	for _, t := range r.Tasks {
		add := func(c curve, of func(*contenderResult) float64) {
			for _, r := range t.Contenders {
				if v := of(&r); r.Series != "" && v > 0 {
					c.add(r.Series, plotter.XY{X: r.X, Y: v})
				}
			}
			if len(c.lines) > 0 && len(c.lines[0].points) > 1 {
				out = append(out, c)
			}
		}
		if t.shares() {
			add(curve{name: t.Name + "-wall", title: t.Title, x: "parts", y: "seconds", linear: true}, func(c *contenderResult) float64 { return c.Wall.Median })
			continue
		}
		if !t.grows() {
			add(curve{name: t.Name + "-jobs", title: t.Title + ": more workers", x: "--jobs", y: t.Unit + " a second", linear: true},
				func(c *contenderResult) float64 { return float64(t.Items) / c.Wall.Median })
			continue
		}
		add(curve{name: t.Name + "-cost", title: t.Title + ": cost", x: t.Unit, y: "microseconds of CPU each"}, func(c *contenderResult) float64 { return 1e6 * c.CPU.Median / c.X })
		add(curve{name: t.Name + "-memory", title: t.Title + ": memory", x: t.Unit, y: "peak, MiB"}, func(c *contenderResult) float64 { return float64(c.Peak) / (1 << 20) })
	}
	return out
}

func (c *curve) draw() (*plot.Plot, error) {
	p := newPlot(c.title)
	p.X.Label.Text, p.Y.Label.Text = c.x, c.y
	p.Add(plotter.NewGrid())
	var marks plot.ConstantTicks
	for i, l := range c.lines {
		line, points, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return nil, err
		}
		line.Color, points.Color = lineColours[i%len(lineColours)], lineColours[i%len(lineColours)]
		line.Width = vg.Points(1.5)
		p.Add(line, points)
		if len(c.lines) > 1 {
			p.Legend.Add(l.name, line, points)
		}
		for _, pt := range l.points {
			marks = append(marks, plot.Tick{Value: pt.X, Label: fmt.Sprintf("%.0f", pt.X)})
		}
	}
	p.Y.Min = 0
	p.Y.Max *= 1.15
	p.X.Tick.Marker = marks
	if !c.linear {
		p.X.Scale = plot.LogScale{}
		p.X.Min, p.X.Max = p.X.Min/1.3, p.X.Max*1.3
	}
	return p, nil
}
