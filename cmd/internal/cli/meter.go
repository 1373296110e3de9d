package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Meter counts what a run has done, for the progress bar, for SIGUSR1 and for
// --json. A nil Meter counts nothing.
type Meter struct {
	items, bytes atomic.Int64
	unit         string
	totalItems   int64
	totalBytes   int64
	start        time.Time

	job  *Job
	bar  *progressbar.ProgressBar // nil when not drawn
	done chan struct{}
	wait sync.WaitGroup
}

const (
	barInterval  = 100 * time.Millisecond
	jsonInterval = time.Second
)

// Meter starts the progress display of a run that counts items of the given
// unit ("messages") and bytes; totals are 0 or less when unknown. Add is cheap,
// but meant for batches. The display ends with the run.
func (j *Job) Meter(unit string, totalItems, totalBytes int64) *Meter {
	m := &Meter{unit: unit, totalItems: totalItems, totalBytes: totalBytes,
		start: time.Now(), job: j, done: make(chan struct{})}
	j.meter.stop()
	if !j.quiet && !j.json && j.terminal {
		m.bar = newBar(oneLine{j.stderr.(*os.File)}, totalItems, totalBytes)
	}
	j.mu.Lock()
	j.meter = m
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

func newBar(w io.Writer, items, bytes int64) *progressbar.ProgressBar {
	total := int64(-1)
	if bytes > 0 {
		total = bytes
	} else if items > 0 {
		total = items
	}
	return progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionThrottle(barInterval),
		progressbar.OptionClearOnFinish(), progressbar.OptionShowBytes(bytes > 0), progressbar.OptionSetPredictTime(total > 0))
}

// Add counts items and bytes.
func (m *Meter) Add(items, bytes int64) {
	if m == nil {
		return
	}
	m.items.Add(items)
	m.bytes.Add(bytes)
}

// run draws until the meter is stopped.
func (m *Meter) run() {
	interval := barInterval
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
	items, bytes := m.items.Load(), m.bytes.Load()
	switch {
	case m.job.json:
		m.job.sayJSON(struct {
			Type       string `json:"type"`
			Unit       string `json:"unit"`
			Items      int64  `json:"items"`
			TotalItems int64  `json:"total_items,omitempty"`
			Bytes      int64  `json:"bytes"`
			TotalBytes int64  `json:"total_bytes,omitempty"`
		}{"progress", m.unit, items, m.totalItems, bytes, m.totalBytes})
	case m.bar != nil:
		at := bytes
		if m.totalBytes <= 0 {
			at = items
		}
		if limit := m.bar.GetMax64(); limit > 0 && at > limit {
			at = limit
		}
		m.bar.Describe(fmt.Sprintf("%d %s", items, m.unit))
		m.bar.Set64(at) // an error is one of the terminal's
	}
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
				j.say("progress", "", "", j.meter.line())
				j.mu.Unlock()
			}
		}
	}()
	return func() {
		signal.Stop(asked)
		close(done)
	}
}

// line is one line: what is done, the rate, and the time left where the total
// is known.
func (m *Meter) line() string {
	if m == nil {
		return "nothing is counted yet"
	}
	items, bytes := m.items.Load(), m.bytes.Load()
	seconds := time.Since(m.start).Seconds()
	text := fmt.Sprintf("%d %s, %.1f MB, %.0f %s/s, %.1f MB/s", items, m.unit, float64(bytes)/1e6,
		float64(items)/seconds, m.unit, float64(bytes)/1e6/seconds)
	if m.totalBytes > 0 && bytes > 0 {
		left := time.Duration(float64(m.totalBytes-bytes) / float64(bytes) * seconds * float64(time.Second))
		text += ", about " + left.Round(time.Second).String() + " left"
	}
	return text
}

// clear takes the bar off the line before something else is written there;
// the job's lock is held.
func (m *Meter) clear() {
	if m != nil && m.bar != nil {
		m.bar.Clear()
	}
}

func (m *Meter) stop() {
	if m == nil {
		return
	}
	select {
	case <-m.done:
		return
	default:
	}
	close(m.done)
	m.wait.Wait()
	m.clear()
}
