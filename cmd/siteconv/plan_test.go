package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/runbook"
	"imsconv/storeconv/bench"
)

// TestRatesOfABench reads the report as storeconv bench makes it.
func TestRatesOfABench(t *testing.T) {
	data, err := json.Marshal(bench.Report{
		Rows: []bench.Row{
			{Jobs: 1, Sync: "none", Figures: bench.Figures{MessagesPerS: 1, MBPerS: 1}},
			{Jobs: 4, Sync: "batch", Figures: bench.Figures{MessagesPerS: 5200, MBPerS: 160}, Verify: bench.Figures{MessagesPerS: 9100, MBPerS: 280}},
		},
		Best: &bench.Best{Jobs: 4, Sync: "batch", Row: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bench.json")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	var got *runbook.Rates
	inJob(t, func(job *cli.Job) error {
		got, err = readRates(job, path)
		return err
	})
	if want := (runbook.Rates{Restore: runbook.Rate{MessagesPerS: 5200, MBPerS: 160}, Verify: runbook.Rate{MessagesPerS: 9100, MBPerS: 280}, Jobs: 4, Sync: "batch"}); *got != want {
		t.Errorf("%+v", *got)
	}
}

func TestPilots(t *testing.T) {
	var many []weighed
	for i := range 100 {
		many = append(many, weighed{string(rune('a'+i%26)) + strings.Repeat("x", i/26), int64(i * 7 % 100)})
	}
	if got := pilotOf(many); len(got) != 3 || got[0] == got[1] || got[1] == got[2] {
		t.Errorf("%q", got)
	}
	if got := pilotOf([]weighed{{"b", 2}, {"a", 1}}); strings.Join(got, " ") != "a" && strings.Join(got, " ") != "a b" {
		t.Errorf("%q", got)
	}
	if got := pilotOf(nil); got != nil {
		t.Errorf("%q", got)
	}
}

// inJob runs an action as a verb.
func inJob(t *testing.T, do func(job *cli.Job) error) {
	t.Helper()
	verb := cli.Verb{Name: "do", New: func(*pflag.FlagSet) cli.Action {
		return func(_ context.Context, job *cli.Job, _ []string) error { return do(job) }
	}}
	if status := cli.Main(t.Context(), cli.Command{Name: "test", Verbs: []cli.Verb{verb}}, []string{"test", "do"}, strings.NewReader(""), io.Discard, os.Stderr); status != 0 {
		t.Fatalf("exit status %d", status)
	}
}
