package cli

import (
	"fmt"
	"slices"
	"time"
)

// Phase is one part of a run that has several: it stands before the lines of
// progress, and measures what its meters count.
type Phase struct {
	job   *Job
	k, n  int
	name  string
	start time.Time

	// Under the job's lock.
	unit         string
	items, bytes int64 // of the meters that have ended
	samples      []Sample
	apart        float64 // seconds between two samples
}

// Measured is how long a phase took and what was done in it.
type Measured struct {
	Start        time.Time
	Seconds      float64
	Unit         string // of the items; of the last meter
	Items, Bytes int64  // of all its meters
	Samples      []Sample
}

// Sample is how far a phase had come at one moment.
type Sample struct {
	Seconds float64 `json:"s"` // since its start
	Items   int64   `json:"items"`
	Bytes   int64   `json:"bytes"`
}

// maxSamples is how many samples are kept at most: with more, every second one
// goes, and they are taken half as often.
const maxSamples = 200

// Phase begins phase k of n, counted from 1, and ends the one before. The
// meters from now on are its own.
func (j *Job) Phase(k, n int, name string) *Phase {
	j.stopMeter()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.phase = &Phase{job: j, k: k, n: n, name: name, start: time.Now(), apart: lineInterval.Seconds()}
	return j.phase
}

// End ends the phase. On a terminal a line says how long it took.
func (p *Phase) End() Measured {
	p.job.stopMeter()
	p.job.mu.Lock()
	defer p.job.mu.Unlock()
	m := Measured{Start: p.start, Seconds: time.Since(p.start).Seconds(), Unit: p.unit, Items: p.items, Bytes: p.bytes, Samples: p.samples}
	if p.items > 0 {
		m.Samples = append(m.Samples, Sample{m.Seconds, p.items, p.bytes})
	}
	if p.job.phase == p {
		p.job.phase = nil
	}
	if p.job.terminal && !p.job.quiet && !p.job.json {
		p.job.say("note", "", "", p.title()+": "+m.text())
	}
	return m
}

func (m *Measured) text() string {
	text := "done in " + time.Duration(m.Seconds*float64(time.Second)).Round(100*time.Millisecond).String()
	if m.Items > 0 {
		text += fmt.Sprintf(", %d %s", m.Items, m.Unit)
	}
	return text
}

func (p *Phase) title() string { return fmt.Sprintf("phase %d of %d, %s", p.k, p.n, p.name) }

// sample notes how far the phase is, when it is time to; the job's lock is
// held. A nil phase notes nothing.
func (p *Phase) sample(m *Meter) {
	if p == nil {
		return
	}
	now := time.Since(p.start).Seconds()
	if n := len(p.samples); n > 0 && now < p.samples[n-1].Seconds+p.apart {
		return
	}
	p.samples = append(p.samples, Sample{now, p.items + m.items.Load(), p.bytes + m.bytes.Load()})
	if len(p.samples) < maxSamples {
		return
	}
	odd := false
	p.samples = slices.DeleteFunc(p.samples, func(Sample) bool { odd = !odd; return odd })
	p.apart *= 2
}

// take adds what a meter has counted; the job's lock is held.
func (p *Phase) take(m *Meter) {
	if p == nil {
		return
	}
	p.unit = m.unit
	p.items += m.items.Load()
	p.bytes += m.bytes.Load()
}
