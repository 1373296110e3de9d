package main

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// plotFile is a drawing that was written.
type plotFile struct{ name, title string }

// Colours of the roles.
var roleColours = map[string]color.Color{
	ours: color.RGBA{31, 111, 235, 255}, peer: color.RGBA{173, 181, 189, 255}, limit: color.RGBA{43, 138, 62, 255},
}

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
		return p.Save(18*vg.Centimeter, height, filepath.Join(dir, name))
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

// bars draws the speed of the contenders of a task, the first on top.
func (t *taskResult) bars() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = t.Title
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
	return p, nil
}

// curve is a drawing over the size of something.
type curve struct {
	name, title, x, y string
	series            string
	points            plotter.XYs
	linear            bool // the axis of x
}

// curves are those that the tasks have points for: scaling with workers, cost
// and memory with size.
func (r *results) curves() []curve {
	var out []curve
	for _, t := range r.Tasks {
		points := func(of func(*contenderResult) float64) (series string, xy plotter.XYs) {
			for _, c := range t.Contenders {
				if v := of(&c); c.Series != "" && v > 0 {
					series = c.Series
					xy = append(xy, plotter.XY{X: c.X, Y: v})
				}
			}
			return series, xy
		}
		add := func(c curve, of func(*contenderResult) float64) {
			if c.series, c.points = points(of); len(c.points) > 1 {
				out = append(out, c)
			}
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
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.x, c.y
	line, points, err := plotter.NewLinePoints(c.points)
	if err != nil {
		return nil, err
	}
	line.Color, points.Color = roleColours[ours], roleColours[ours]
	line.Width = vg.Points(1.5)
	p.Add(plotter.NewGrid(), line, points)
	p.Legend.Add(c.series, line, points)
	p.Y.Min = 0
	p.Y.Max *= 1.15
	if !c.linear {
		p.X.Scale = plot.LogScale{}
		p.X.Tick.Marker = powers{}
	}
	return p, nil
}

// powers marks an axis at powers of ten, with plain numbers.
type powers struct{}

// Ticks returns the marks between two values.
func (powers) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		v := math.Pow(10, e)
		if v < low*0.999 || v > high*1.001 {
			continue
		}
		out = append(out, plot.Tick{Value: v, Label: fmt.Sprintf("%.0f", v)})
	}
	return out
}
