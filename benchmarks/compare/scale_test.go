package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

const (
	scalePage     = "../../docs/scale.md"
	night         = 28_800 // seconds
	ofAMailbox    = 100    // messages
	bytesOfOne    = 11_300 // a message
	fastestWriter = 60_000 // messages a second
)

// TestScaleTable reckons the machines of docs/scale.md again, and holds the
// fastest of them against what was measured.
func TestScaleTable(t *testing.T) {
	text, err := os.ReadFile(scalePage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| mailboxes | messages |")
	if !ok {
		t.Fatal("there is no table of machines")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")[2:]
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(row, "| "), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		mailboxes := number(t, cells[0])
		messages := mailboxes * ofAMailbox
		want := []float64{mailboxes, messages, 0, math.Ceil(messages / night)}
		for _, rate := range [...]float64{fastestWriter, 10_000, 2_000} {
			want = append(want, math.Ceil(messages/(rate*night)))
		}
		for i, w := range want {
			if i != 2 && number(t, cells[i]) != w {
				t.Errorf("%s mailboxes, column %d: %s, want %.0f", cells[0], i+1, cells[i], w)
			}
		}
		if want := fmt.Sprintf("%.3g TB", messages*bytesOfOne/1e12); cells[2] != want {
			t.Errorf("%s mailboxes: %s, want %s", cells[0], cells[2], want)
		}
		if want := fmt.Sprintf("2 x %.2f GB/s", messages*bytesOfOne/night/1e9); cells[7] != want {
			t.Errorf("%s mailboxes: %s, want %s", cells[0], cells[7], want)
		}
	}
}

// number reads a number with commas in it.
func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestScaleRate: the fastest writer of docs/scale.md is what was measured last,
// rounded. Machines differ, so that much is allowed.
func TestScaleRate(t *testing.T) {
	data, err := os.ReadFile("../results.json")
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	task := r.task("restore-batch")
	us := task.role(ours)
	if us == nil {
		t.Fatal("restore was not measured")
	}
	if rate := float64(task.Items) / us.Wall.Median; rate < fastestWriter/2 || rate > fastestWriter*2 {
		t.Errorf("docs/scale.md reckons with %d messages a second, measured are %.0f", fastestWriter, rate)
	}
}
