package ledger

import (
	"fmt"

	"imsconv/cmd/internal/page"
)

// work is how long all steps took, in seconds.
func (v *view) work() float64 {
	t := 0.0
	for _, p := range v.parts() {
		for _, s := range p.Run.Steps {
			t += s.Seconds
		}
	}
	return t
}

func (v *view) TimeSpan() string {
	return v.say("time.whole", v.moment(v.Run.Start), v.moment(v.Run.End), page.Seconds(v.work(), v.words.lang))
}

// stepRow is a line of the table of steps.
type stepRow struct{ Words, Pieces, Began, Took, Items, Rate, Bytes string }

func (v *view) Steps() []stepRow {
	var rows []stepRow
	for _, s := range v.allSteps() {
		r := stepRow{Words: s.words, Began: v.moment(s.Start), Took: page.Seconds(s.Seconds, v.words.lang), Items: "-", Rate: "-", Bytes: "-"}
		if s.Pieces > 1 {
			r.Pieces = v.say("step.pieces", page.Int(int64(s.Pieces)))
		}
		if s.Items > 0 {
			r.Items = v.items(s.Items, s.Unit)
			if s.Seconds > 0 {
				r.Rate = v.say("rate.persecond", page.Int(int64(float64(s.Items)/s.Seconds)))
			}
		}
		if s.Bytes > 0 {
			r.Bytes = page.Size(s.Bytes, v.words.lang)
		}
		rows = append(rows, r)
	}
	return rows
}

// items is a number of things of a unit.
func (v *view) items(n int64, unit string) string {
	if text, ok := v.words.texts["item."+unit]; ok {
		return fmt.Sprintf(text, page.Int(n))
	}
	return page.Int(n) + " " + unit
}

// namedStep is a step of the run or of a batch.
type namedStep struct {
	Step
	words string // for the table
	short string // without the batch
}

func (v *view) allSteps() []namedStep {
	var list []namedStep
	for _, p := range v.parts() {
		for _, s := range p.Run.Steps {
			step := namedStep{Step: s, short: v.words.name("step", s.Name)}
			step.words = step.short
			if p.Name != "" {
				step.words = p.Name + ": " + step.short
			}
			list = append(list, step)
		}
	}
	return list
}
