package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestPhaseMeasures: a phase has what all of its meters counted, and samples
// that rise; the next begins with nothing.
func TestPhaseMeasures(t *testing.T) {
	var first, second Measured
	added := int64(0)
	run(t, func(_ context.Context, j *Job, _ []string) error {
		p := j.Phase(1, 2, "directory")
		j.Meter("entries", 0, 0).Add(5, 0)
		m := j.Meter("entries", 0, 0)
		for n := 0; n < 5 || len(taken(j, p)) < 3 && n < 600; n++ {
			m.Add(10, 100)
			time.Sleep(lineInterval)
			added++
		}
		first = p.End()
		second = j.Phase(2, 2, "store").End()
		return nil
	}, "tool", "do")
	if first.Unit != "entries" || first.Items != 5+10*added || first.Bytes != 100*added || first.Seconds < 0.4 || first.Start.IsZero() {
		t.Errorf("%+v", first)
	}
	last := Sample{}
	for _, s := range first.Samples {
		if s.Seconds < last.Seconds || s.Items < last.Items || s.Bytes < last.Bytes {
			t.Errorf("%+v comes before %+v", last, s)
		}
		last = s
	}
	if len(first.Samples) < 3 || last.Items != first.Items {
		t.Errorf("samples %+v", first.Samples)
	}
	if second.Items != 0 || len(second.Samples) != 0 {
		t.Errorf("%+v", second)
	}
}

// taken are the samples of a phase that goes on.
func taken(j *Job, p *Phase) []Sample {
	j.mu.Lock()
	defer j.mu.Unlock()
	return p.samples
}

// TestSamplesAreBounded: a phase of any length has a bounded number of them.
func TestSamplesAreBounded(t *testing.T) {
	p := &Phase{job: &Job{}, apart: 0.001}
	m := &Meter{}
	for range 20 * maxSamples {
		p.start = p.start.Add(-10 * time.Millisecond) // as if time went by
		if len(p.samples) == 0 {
			p.start = time.Now()
		}
		m.Add(1, 1)
		p.sample(m)
	}
	if n := len(p.samples); n < maxSamples/2 || n > maxSamples {
		t.Errorf("%d samples", n)
	}
}

func TestPhaseOnATerminal(t *testing.T) {
	tty, end := terminal(t, 80)
	Main(t.Context(), tool(func(_ context.Context, j *Job, _ []string) error {
		p := j.Phase(1, 2, "directory")
		j.Meter("entries", 0, 0).Add(5, 0)
		p.End()
		j.Phase(2, 2, "tidy").End()
		return nil
	}), []string{"tool", "do"}, nil, io.Discard, tty)
	text := end()
	for _, want := range []string{"tool: note: phase 1 of 2, directory: done in 0s, 5 entries\r\n", "tool: note: phase 2 of 2, tidy: done in 0s\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
}

// talk is a standard error that a test reads while the run goes on.
type talk struct {
	mu   sync.Mutex
	text strings.Builder
}

func (k *talk) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(p)
}

func (k *talk) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.String()
}

// await waits until something of a pattern is there.
func (k *talk) await(t *testing.T, pattern *regexp.Regexp) {
	for range 6000 {
		if pattern.MatchString(k.String()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s does not come: %q", pattern, k)
}

// awaitLines waits until so many lines are there.
func (k *talk) awaitLines(t *testing.T, lines int) {
	k.await(t, regexp.MustCompile(fmt.Sprintf(`(?s)^(.*\n){%d}`, lines)))
}

// TestAnswersUSR1: the signal is answered with one line, whatever the run is
// at.
func TestAnswersUSR1(t *testing.T) {
	var stderr talk
	asked := 0
	ask := func() {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
		asked++
		stderr.awaitLines(t, asked)
	}
	Main(t.Context(), tool(func(_ context.Context, j *Job, _ []string) error {
		ask()
		j.Phase(1, 3, "comparison")
		ask()
		j.Phase(2, 3, "store")
		j.Meter("messages", 0, 1000).Add(7, 500)
		time.Sleep(50 * time.Millisecond) // something takes time before it is estimated
		ask()
		return nil
	}), []string{"tool", "do"}, strings.NewReader(""), io.Discard, &stderr)
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != 3 || lines[0] != "tool: progress: nothing is counted yet" || lines[1] != "tool: progress: phase 1 of 3, comparison" ||
		!strings.HasPrefix(lines[2], "tool: progress: phase 2 of 3, store: 50%, 7 messages, ") || !strings.HasSuffix(lines[2], " left") {
		t.Errorf("%q", lines)
	}
}

func TestProgressInJSON(t *testing.T) {
	var stderr talk
	Main(t.Context(), tool(func(_ context.Context, j *Job, _ []string) error {
		j.Phase(2, 3, "store")
		j.Meter("messages", 0, 1000).Add(7, 500)
		stderr.awaitLines(t, 1)
		return nil
	}), []string{"tool", "do", "--json"}, strings.NewReader(""), io.Discard, &stderr)
	first, _, _ := strings.Cut(stderr.String(), "\n")
	var got progressLine
	if err := json.Unmarshal([]byte(first), &got); err != nil {
		t.Fatalf("%v: %q", err, first)
	}
	want := progressLine{Type: "progress", Phase: 2, Phases: 3, Name: "store", Unit: "messages", Items: 7, Bytes: 500, TotalBytes: 1000}
	if got != want {
		t.Errorf("%+v", got)
	}
}

// TestLineFits80Columns: with large numbers too.
func TestLineFits80Columns(t *testing.T) {
	m := &Meter{unit: "messages", totalBytes: 80_000_000_000, start: time.Now().Add(-2*time.Hour - 3*time.Second), phase: &Phase{k: 3, n: 7, name: "verification"}}
	m.Add(12_345_678, 33_000_000_000)
	if text := m.text(true); len(text) >= 80 || !strings.HasSuffix(text, "h51m left") || !strings.Contains(text, " 41%, ") {
		t.Errorf("%d columns: %s", len(text), text)
	}
}
