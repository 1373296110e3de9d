package ledger

import (
	"cmp"
	"html/template"
	"maps"
	"slices"
	"strconv"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
)

// shownYears is how many years the chart has; the earliest share a bar beyond.
const shownYears = 30

// YearChart draws the messages by year.
func (v *view) YearChart() template.HTML {
	c := page.BarChart{Title: v.say("messages.years"), Unit: v.say("unit.messages")}
	add := func(label string, n int64) {
		c.Bars = append(c.Bars, page.Bar{Label: label, Value: float64(n), Text: page.Int(n), Other: label == v.say("dates.nodate")})
	}
	if n := v.Years[0]; n > 0 {
		add(v.say("dates.nodate"), n)
	}
	years := slices.DeleteFunc(slices.Sorted(maps.Keys(v.Years)), func(y int) bool { return y == 0 })
	if len(years) == 0 {
		return page.Bars(c)
	}
	first, last := years[0], years[len(years)-1]
	if now := v.now.Year(); last > now && first <= now {
		last = max(now, lastUpTo(years, now)) // one date of the year 2106 hides no other
	}
	if from := last - shownYears + 1; first < from {
		var before int64
		for _, y := range years {
			if y < from {
				before += v.Years[y]
			}
		}
		add(v.say("dates.before", strconv.Itoa(from-1)), before)
		first = from
	}
	for y := first; y <= last; y++ {
		add(strconv.Itoa(y), v.Years[y])
	}
	return page.Bars(c)
}

// lastUpTo is the last of some years that is not after now.
func lastUpTo(years []int, now int) int {
	last := years[0]
	for _, y := range years {
		if y <= now {
			last = y
		}
	}
	return last
}

// SizeChart draws the messages by size, MailboxChart the mailboxes.
func (v *view) SizeChart() template.HTML {
	return v.bySize(v.say("messages.sizes"), v.say("unit.messages"), v.MessageSizes[:])
}

func (v *view) MailboxChart() template.HTML {
	return v.bySize(v.say("boxes.sizes"), v.say("unit.mailboxes"), v.MailboxSizes[:])
}

func (v *view) bySize(title, unit string, counts []int64) template.HTML {
	c := page.BarChart{Title: title, Unit: unit}
	for i, n := range counts {
		label := v.say("size.above", stepText(len(sizeSteps)-1))
		if i < len(sizeSteps) {
			label = v.say("size.below", stepText(i))
		}
		c.Bars = append(c.Bars, page.Bar{Label: label, Value: float64(n), Text: page.Int(n)})
	}
	// Nothing is learnt from empty bars at both ends.
	for len(c.Bars) > 1 && c.Bars[len(c.Bars)-1].Value == 0 {
		c.Bars = c.Bars[:len(c.Bars)-1]
	}
	return page.Rows(c)
}

// stepText is one of sizeSteps without decimals.
func stepText(i int) string {
	n := sizeSteps[i]
	for _, unit := range []string{"kB", "MB", "GB"} {
		if n /= 1000; n < 1000 {
			return strconv.FormatInt(n, 10) + " " + unit
		}
	}
	return strconv.FormatInt(n, 10) + " GB"
}

// StepChart draws the time of each step, of all batches together.
func (v *view) StepChart() template.HTML {
	var names []string
	took := map[string]float64{}
	for _, s := range v.allSteps() {
		if !slices.Contains(names, s.short) {
			names = append(names, s.short)
		}
		took[s.short] += s.Seconds
	}
	c := page.BarChart{Title: v.say("time.steps")}
	for _, name := range names {
		c.Bars = append(c.Bars, page.Bar{Label: name, Value: took[name], Text: page.Seconds(took[name], v.words.lang)})
	}
	return page.Rows(c)
}

// shownPoints is how many points a curve has at most.
const shownPoints = 40

// ItemChart draws what each step did per second, ByteChart its data.
func (v *view) ItemChart() template.HTML {
	return v.curves(v.say("time.items"), v.say("unit.persecond"), 1, func(s cli.Sample) int64 { return s.Items })
}

func (v *view) ByteChart() template.HTML {
	return v.curves(v.say("time.bytes"), v.say("unit.mbpersecond"), 1e6, func(s cli.Sample) int64 { return s.Bytes })
}

// curves draws a curve a step, one step behind the other.
func (v *view) curves(title, unit string, per float64, count func(cli.Sample) int64) template.HTML {
	c := page.LineChart{Title: title, YLabel: unit, XLabel: v.say("time.axis"), Note: v.say("time.note"), Times: v.words.lang}
	begin := 0.0
	for _, s := range v.allSteps() {
		if n := len(s.Samples); n >= 3 && count(s.Samples[n-1]) > 0 {
			line := page.Series{Name: s.short}
			for _, p := range thin(n, shownPoints) {
				a, b := s.Samples[p[0]], s.Samples[p[1]]
				if took := b.Seconds - a.Seconds; took > 0 {
					line.Points = append(line.Points, page.Point{X: begin + (a.Seconds+b.Seconds)/2, Y: max(float64(count(b)-count(a)), 0) / took / per})
				}
			}
			c.Series = append(c.Series, line)
		}
		begin += s.Seconds
	}
	return page.Lines(c)
}

// thin parts n samples into at most most stretches: the first and the last
// sample of each.
func thin(n, most int) [][2]int {
	step := cmp.Or((n-1+most-1)/most, 1)
	var list [][2]int
	for i := 0; i+1 < n; i += step {
		list = append(list, [2]int{i, min(i+step, n-1)})
	}
	return list
}
