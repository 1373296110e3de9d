package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Meter counts what a run has done, for the line of progress, for SIGUSR1 and
// for --json. A nil Meter counts nothing.
type Meter struct {
	items, bytes atomic.Int64
	unit         string
	totalItems   int64
	totalBytes   int64
	start        time.Time

	job   *Job
	phase *Phase                   // that the meter is part of; may be nil
	bar   *progressbar.ProgressBar // nil when not drawn
	done  chan struct{}
	wait  sync.WaitGroup
}

const (
	lineInterval = 100 * time.Millisecond
	jsonInterval = time.Second
)

// Meter starts the progress display of a run, or of its current phase, that
// counts items of the given unit ("messages") and bytes; totals are 0 or less
// when unknown. Add is cheap, but meant for batches. The display ends with the
// run, the phase, or the next meter.
func (j *Job) Meter(unit string, totalItems, totalBytes int64) *Meter {
	m := &Meter{unit: unit, totalItems: totalItems, totalBytes: totalBytes,
		start: time.Now(), job: j, done: make(chan struct{})}
	j.stopMeter()
	if !j.quiet && !j.json && j.terminal {
		m.bar = newBar(oneLine{j.stderr.(*os.File)}, totalItems, totalBytes)
	}
	j.mu.Lock()
	j.meter = m
	m.phase = j.phase
	j.mu.Unlock()
	m.wait.Go(m.run)
	return m
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// oneLine keeps what is drawn on one line of a terminal, however narrow: a bar
// that wraps would be drawn below itself again and again.
type oneLine struct{ terminal *os.File }

func (o oneLine) Write(p []byte) (int, error) {
	width, _, err := term.GetSize(int(o.terminal.Fd()))
	if err != nil || width < 2 {
		width = 80
	}
	if _, err := o.terminal.Write(cutLines(p, width-1)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cutLines cuts every line of text, which ends in a carriage return or line
// feed, after width characters.
func cutLines(text []byte, width int) []byte {
	out := make([]byte, 0, len(text))
	at := 0
	for _, r := range string(text) {
		if r == '\r' || r == '\n' {
			at = -1
		}
		if at < width {
			out = utf8.AppendRune(out, r)
		}
		at++
	}
	return out
}

// newBar draws a line of progress on w: a short bar, and behind it what a
// narrow terminal may cut, the text of the meter. Without a total something
// turns in the place of the bar.
func newBar(w io.Writer, items, bytes int64) *progressbar.ProgressBar {
	total := int64(-1)
	if bytes > 0 {
		total = bytes
	} else if items > 0 {
		total = items
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionThrottle(lineInterval/2),
		progressbar.OptionSetWidth(barWidth), progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
}

// barWidth is the length of the bar alone, in columns: with its percents and a
// long text behind it fits 80.
const barWidth = 5

// Add counts items and bytes.
func (m *Meter) Add(items, bytes int64) {
	if m == nil {
		return
	}
	m.items.Add(items)
	m.bytes.Add(bytes)
}

// run draws, and takes samples for the phase, until the meter is stopped.
func (m *Meter) run() {
	interval := lineInterval
	if m.job.json {
		interval = jsonInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-m.done:
			return
		case <-tick.C:
			m.draw()
		}
	}
}

func (m *Meter) draw() {
	m.job.mu.Lock()
	defer m.job.mu.Unlock()
	m.phase.sample(m)
	switch {
	case m.job.json:
		m.job.sayJSON(m.jsonLine())
	case m.bar != nil:
		at := m.bytes.Load()
		if m.totalBytes <= 0 {
			at = m.items.Load()
		}
		if limit := m.bar.GetMax64(); limit > 0 && at > limit {
			at = limit
		}
		m.bar.Describe(m.text(false))
		m.bar.Set64(at) // an error is one of the terminal's
	}
}

// progressLine is the JSON form of how far a run is.
type progressLine struct {
	Type       string `json:"type"`
	Phase      int    `json:"phase,omitempty"` // of Phases, counted from 1
	Phases     int    `json:"phases,omitempty"`
	Name       string `json:"name,omitempty"` // of the phase
	Unit       string `json:"unit"`
	Items      int64  `json:"items"`
	TotalItems int64  `json:"total_items,omitempty"`
	Bytes      int64  `json:"bytes"`
	TotalBytes int64  `json:"total_bytes,omitempty"`
}

func (m *Meter) jsonLine() progressLine {
	l := progressLine{Type: "progress", Unit: m.unit, Items: m.items.Load(), TotalItems: m.totalItems, Bytes: m.bytes.Load(), TotalBytes: m.totalBytes}
	if p := m.phase; p != nil {
		l.Phase, l.Phases, l.Name = p.k, p.n, p.name
	}
	return l
}

// answer tells how far the run is at every SIGUSR1, until stop is called.
func (j *Job) answer() (stop func()) {
	asked, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-asked:
				j.mu.Lock()
				j.say("progress", "", "", j.progress())
				j.mu.Unlock()
			}
		}
	}()
	return func() {
		signal.Stop(asked)
		close(done)
	}
}

// progress is one line on how far the run is; j.mu is held.
func (j *Job) progress() string {
	switch {
	case j.meter != nil:
		return j.meter.text(true)
	case j.phase != nil:
		return j.phase.title()
	}
	return "nothing is counted yet"
}

// text is one line: the phase, what is done, percent where asked for, the rate,
// and the time left, both where the total is known. It fits 80 columns.
func (m *Meter) text(percent bool) string {
	items, bytes := m.items.Load(), m.bytes.Load()
	seconds := max(time.Since(m.start).Seconds(), 1e-3)
	var text string
	if m.phase != nil {
		text = m.phase.title() + ": "
	}
	part, known := m.part(items, bytes)
	if known && percent {
		text += fmt.Sprintf("%d%%, ", int(part*100))
	}
	text += fmt.Sprintf("%d %s, ", items, m.unit)
	if bytes > 0 && !known {
		text += fmt.Sprintf("%.1f MB, ", float64(bytes)/1e6)
	}
	text += fmt.Sprintf("%.0f/s", float64(items)/seconds)
	if bytes > 0 {
		text += fmt.Sprintf(" %.1f MB/s", float64(bytes)/1e6/seconds)
	}
	if known && part > 0 && part < 1 {
		left := time.Duration((1 - part) / part * seconds * float64(time.Second))
		text += ", " + leftText(left) + " left"
	}
	return text
}

// leftText is a length of time: to the minute where there are hours of it.
func leftText(d time.Duration) string {
	if d < time.Hour {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// part is how much of the whole is done, from 0 to 1, where that is known.
func (m *Meter) part(items, bytes int64) (part float64, known bool) {
	switch {
	case m.totalBytes > 0:
		part = float64(bytes) / float64(m.totalBytes)
	case m.totalItems > 0:
		part = float64(items) / float64(m.totalItems)
	default:
		return 0, false
	}
	return min(part, 1), true
}

// clear takes the line of progress off the terminal before something else is
// written there; the job's lock is held.
func (m *Meter) clear() {
	if m != nil && m.bar != nil {
		m.bar.Clear()
	}
}

// stopMeter ends the display. What the meter has counted stays with its phase.
func (j *Job) stopMeter() {
	j.mu.Lock()
	m := j.meter
	j.meter = nil
	j.mu.Unlock()
	if m == nil {
		return
	}
	close(m.done)
	m.wait.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	m.clear()
	m.phase.take(m)
}
