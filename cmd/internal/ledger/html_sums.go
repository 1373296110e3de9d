package ledger

import (
	"maps"
	"slices"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/storeconv/sims"
)

// sumRow is one line of the sums.
type sumRow struct {
	Class, Words string
	N            int64
}

func (v *view) SumRows() []sumRow {
	s := v.Sums()
	if s.Source == 0 && s.Accounted() == 0 {
		return nil
	}
	rows := []sumRow{{"total", v.say("sums.source"), s.Source}, {"", v.say("sums.written"), s.Written}, {"", v.say("sums.linked"), s.Linked}}
	for _, r := range s.LeftOut {
		rows = append(rows, sumRow{"", v.say("sums.leftout", v.words.name("rule", r.Rule)), r.N})
	}
	for _, r := range s.Refused {
		words := r.Rule
		if a, ok := AdviceFor(r.Rule, v.words.lang); ok {
			words = a.What
		}
		rows = append(rows, sumRow{"", v.say("sums.refused", words), r.N})
	}
	return append(rows, sumRow{"total", v.say("sums.total"), s.Accounted()})
}

func (v *view) SumsClass() string {
	if s := v.Sums(); s.Difference() != 0 {
		return "stop"
	}
	return "good"
}

func (v *view) SumsText() string {
	s := v.Sums()
	switch d := s.Difference(); {
	case d > 0:
		return v.say("sums.missing", page.Int(d))
	case d < 0:
		return v.say("sums.excess", page.Int(-d))
	}
	return v.say("sums.agree")
}

// Uncounted says whether a part of the source could not be read, so that nobody
// knows how many messages it held.
func (v *view) Uncounted() bool {
	return slices.ContainsFunc(v.Lines(true).Kinds, func(c cli.Count) bool {
		a, ok := AdviceFor(c.Name, "en")
		return ok && a.group == "stream"
	})
}

// Cut says whether a stream has no end marker, so that nobody knows whether
// more came behind what was read.
func (v *view) Cut() bool {
	return v.Lines(true).Kinds.Get(sims.NoEnd)+v.Lines(false).Kinds.Get(sims.NoEnd) > 0
}

// SumsNow holds the output as it is against what the run says it made.
func (v *view) SumsNow() string {
	s := v.Sums()
	made, now := s.Written+s.Linked, v.Messages+v.Strays
	text := v.say("sums.now.other", page.Int(now), page.Int(made))
	switch {
	case v.SumRows() == nil:
		text = v.say("sums.now", page.Int(now))
	case made == now:
		text = v.say("sums.now.same", page.Int(now))
	case made > now:
		text = v.say("sums.now.less", page.Int(now), page.Int(made))
	}
	if v.Strays > 0 {
		text += " " + v.say("sums.now.strays", page.Int(v.Strays))
	}
	return text
}

// checkRow is a line of the checks before and after.
type checkRow struct{ Words, Before, After string }

func (v *view) CheckRows() []checkRow {
	before, after := v.Run.Before, v.Run.After
	if before == nil && after == nil {
		return nil
	}
	number := func(c *Check, n func(*Check) int64) string {
		if c == nil {
			return "-"
		}
		return page.Int(n(c))
	}
	row := func(text string, n func(*Check) int64) checkRow {
		return checkRow{text, number(before, n), number(after, n)}
	}
	rows := []checkRow{
		row(v.say("check.entries"), func(c *Check) int64 { return c.Entries }),
		row(v.say("check.errors"), func(c *Check) int64 { return c.Errors }),
		row(v.say("check.warnings"), func(c *Check) int64 { return c.Warnings }),
	}
	codes := map[string]bool{}
	for _, c := range []*Check{before, after} {
		if c != nil {
			for _, n := range c.Codes {
				codes[n.Name] = true
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		rows = append(rows, row(code, func(c *Check) int64 { return c.Codes.Get(code) }))
	}
	return rows
}
