package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"imsconv/storeconv"
)

// TestPage: the page has every figure, draws every curve, is well-formed, and
// asks nobody for anything.
func TestPage(t *testing.T) {
	opts := Options{Jobs: []int{1, 2, 4}, Sync: []storeconv.SyncMode{storeconv.SyncBatch, storeconv.SyncUser}, For: Goal{Messages: 3600_000}}
	r, err := measureFake(t, opts, new(fakeSteps))
	if err != nil {
		t.Fatal(err)
	}
	r.Machine.CPU = "<script>alert(1)</script>"
	var b strings.Builder
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{
		"<td>4</td><td>user</td><td>250</td><td>0.5</td><td>±50%</td><td>50%</td><td>0.50</td><td>3</td><td>25%</td><td>500</td><td>1.0</td><td>100%</td><td>500</td><td>1.0</td>",
		"<tr><td>both</td><td>6.0 h</td><td>3.0 h</td><td>9.0 h</td></tr>",
		"best: --jobs 1 --sync batch (others come as near as the rounds differ)",
		"<td>3</td><td>50ns</td>",
		"&lt;script&gt;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "NaN", "Inf", "<no value>", "%!"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	// Six rows and two modes: 4 curves of throughput, 6 of latency, 6 of speed.
	if n := strings.Count(page, "<polyline"); n != 16 {
		t.Errorf("%d curves", n)
	}
	checkWellFormed(t, page)
	checkInside(t, page)
}

// checkWellFormed reads the drawings as XML.
func checkWellFormed(t *testing.T, page string) {
	t.Helper()
	for svg := range strings.SplitSeq(page, "<svg") {
		body, _, ok := strings.Cut(svg, "</svg>")
		if !ok {
			continue
		}
		d := xml.NewDecoder(strings.NewReader("<svg" + body + "</svg>"))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("a drawing is no XML: %v", err)
			}
		}
	}
}

var pointsPattern = regexp.MustCompile(`points="([^"]*)"`)

// checkInside: no curve leaves its picture.
func checkInside(t *testing.T, page string) {
	t.Helper()
	for _, m := range pointsPattern.FindAllStringSubmatch(page, -1) {
		for p := range strings.SplitSeq(m[1], " ") {
			x, y, _ := strings.Cut(p, ",")
			if !between(x, left, right) || !between(y, top, bottom) {
				t.Errorf("the point %s is outside", p)
			}
		}
	}
}

func between(text string, low, high float64) bool {
	var whole, tenth float64
	a, b, _ := strings.Cut(text, ".")
	for _, c := range a {
		whole = whole*10 + float64(c-'0')
	}
	for _, c := range b {
		tenth = float64(c-'0') / 10
	}
	v := whole + tenth
	return v >= low && v <= high
}

// TestPageOfNothing: rows without latencies, times of zero, one worker.
func TestPageOfNothing(t *testing.T) {
	r := Report{Rows: []Row{{Jobs: 1, Sync: "none"}}}
	r.Best = bestOf(r.Rows)
	var page, text strings.Builder
	if err := errors.Join(r.WriteHTML(&page), r.WriteText(&text)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(page.String()+text.String(), bad) {
			t.Errorf("%s is written", bad)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.5: "0.5", 1: "1", 12.34: "12.3", 999: "999", 1234: "1234", 9999: "9999", 12345: "12.3k", 250000: "250k", 2500000: "2.5M"} {
		if got := number(v); got != want {
			t.Errorf("number(%g) = %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]float64{0: 1, 1: 1, 1.1: 2, 2.2: 2.5, 3: 5, 7: 10, 120: 200, 0.03: 0.05} {
		if got := niceTop(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("niceTop(%g) = %g, want %g", v, got, want)
		}
	}
	for v, want := range map[float64]string{50e-9: "50ns", 8.83e-6: "8.83us", 0.0012: "1.2ms", 2.5: "2.5s", 0: "0ns"} {
		if got := short(v); got != want {
			t.Errorf("short(%g) = %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{2.5: "2.5 h", 0.5: "30.0 min", 0.005: "18.0 s"} {
		if got := hours(v); got != want {
			t.Errorf("hours(%g) = %s, want %s", v, got, want)
		}
	}
}

func TestText(t *testing.T) {
	r, err := measureFake(t, Options{For: Goal{Messages: 3600_000, Bytes: 1}, Jobs: []int{2}}, new(fakeSteps))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"jobs sync restore msg/s MB/s spread of limit CPU s peak MiB fsync 2 batch 250 0.5 ±50% 50% 0.50 3 25%",
		"jobs sync verify msg/s MB/s of limit backup msg/s MB/s 2 batch 500 1.0 100% 500 1.0",
		"jobs sync a message p50 p95 p99 max bare loop msg/s 2 batch 50ns 50ns 50ns 50ns 500",
		"jobs sync a commit p50 p95 p99 max bare reading MB/s 2 batch 100ns 100ns 100ns 100ns 1.0",
		"1 MB/s into one file, 50 times a second 4 KiB made durable",
		"best: --jobs 2 --sync batch 3600000 messages",
		"; the messages measured have another size, which the range takes in",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	_, tables, _ := strings.Cut(b.String(), "\n\n") // behind the machine's own name
	for line := range strings.Lines(tables) {
		if n := utf8.RuneCountInString(line); n > 81 {
			t.Errorf("%d columns: %s", n-1, line)
		}
	}
}
