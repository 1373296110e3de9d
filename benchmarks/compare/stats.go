package main

import (
	"slices"
)

// Summary is the summary of a contender's runs.
type Summary struct {
	Runs    []usage `json:"runs"`
	Wall    stat    `json:"wall_s"`
	CPU     stat    `json:"cpu_s"`
	Peak    int64   `json:"peak_bytes"`
	Foreign float64 `json:"foreign"` // median of the processors that others had
	Noisy   bool    `json:"noisy"`
}

// stat is the median of the runs and their range.
type stat struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// A row is noisy when other programs had more than foreignPart of a processor
// in the median run, or the middle half of its runs is wider than widePart of
// the median.
const (
	foreignPart = 0.15
	widePart    = 0.15
)

func summarise(runs []usage) Summary {
	m := Summary{Runs: runs}
	pick := func(of func(usage) float64) []float64 {
		out := make([]float64, len(runs))
		for i, u := range runs {
			out[i] = of(u)
		}
		return out
	}
	walls := pick(func(u usage) float64 { return u.Wall })
	m.Wall, m.CPU = statOf(walls), statOf(pick(func(u usage) float64 { return u.CPU }))
	m.Foreign = statOf(pick(func(u usage) float64 { return u.Foreign })).Median
	for _, u := range runs {
		m.Peak = max(m.Peak, u.Peak)
	}
	low, high := quartiles(walls)
	m.Noisy = m.Foreign > foreignPart || high-low > widePart*m.Wall.Median
	return m
}

func statOf(values []float64) stat {
	if len(values) == 0 {
		return stat{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return stat{(v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1]}
}

// quartiles are the values a quarter of the way from both ends.
func quartiles(values []float64) (low, high float64) {
	if len(values) == 0 {
		return 0, 0
	}
	v := slices.Sorted(slices.Values(values))
	q := (len(v) - 1) / 4
	return v[q], v[len(v)-1-q]
}

// spread is half of the range as a part of the median.
func (s stat) spread() float64 {
	if s.Median == 0 {
		return 0
	}
	return (s.High - s.Low) / 2 / s.Median
}
