package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// nmsPlan is the English runbook of the sample site of NMS, whose site.toml has
// more at its end.
func nmsPlan(t *testing.T, more string) string {
	t.Helper()
	return planOf(t, nmsSite(t), more)
}

// planOf is that of a site of NMS.
func planOf(t *testing.T, dir, more string) string {
	t.Helper()
	out := t.TempDir()
	toml := `scenario = "nms-single"
` + more + `
[hosts]
old = "oldmail.siroe.com"
[directory]
host = "ldap.siroe.com"
base = ["o=siroe.com"]
default-domain = "siroe.com"
domains = ["siroe.com", "varrius.org"]
[servers]
root = "/ims"
instance = "new"
old-root = "/nms"
old-instance = "old"
directory-root = "/slapd"
`
	if err := os.WriteFile(filepath.Join(dir, "site.toml"), []byte(toml), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := siteconv(t, "plan", "--site", dir, "--out", out); code != cli.ExitDone {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(filepath.Join(out, "runbook.en.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPlanCountsWhatRunConverts: a folder with nothing but folders in it is no
// mailbox, and a domain is counted where only ids name it.
func TestPlanCountsWhatRunConverts(t *testing.T) {
	text := nmsPlan(t, "")
	for _, want := range []string{"| Mailboxes | 19 |", "| Messages | 96 |", "| Domains | 2 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the runbook", want)
		}
	}
}

// TestPlanSaysHowMessagesComeOver: the runbook speaks of hard links and of
// symbolic ones where the conversion makes them, and nowhere else.
func TestPlanSaysHowMessagesComeOver(t *testing.T) {
	const hard, symbolic, same = "are hard links to the", "are symbolic links", "are the same files as the old ones"
	for _, c := range []struct {
		more string
		says []string
	}{
		{"", []string{hard, same}},
		{"[relocate]\nvia = \"hardlink\"", []string{hard, same}},
		{"[relocate]\nvia = \"copy\"", nil},
		{"[relocate]\nvia = \"symlink\"", []string{symbolic, same}},
		{"destination = \"maildir\"", nil},
		{"destination = \"maildir\"\n[export]\nvia = \"copy\"", nil},
		{"destination = \"maildir\"\n[export]\nvia = \"hardlink\"", []string{hard, same}},
	} {
		text := nmsPlan(t, c.more)
		for _, words := range []string{hard, symbolic, same} {
			if want := slices.Contains(c.says, words); strings.Contains(text, words) != want {
				t.Errorf("%q: says that messages %s: %v, want %v", c.more, words, !want, want)
			}
		}
		if strings.Contains(text, "its flags") {
			t.Errorf("%q: the runbook promises flags, which no store of NMS tells", c.more)
		}
	}
}

// TestPlanSaysWhatBecomesOfMarks: users of NMS are told before the day that
// read marks go, or may go, and nobody else is.
func TestPlanSaysWhatBecomesOfMarks(t *testing.T) {
	const may, will = "may be shown as unread", "All messages are shown as unread"
	for destination, want := range map[string]string{"ims": may, "maildir": will} {
		text := nmsPlan(t, "destination = \""+destination+"\"")
		for _, words := range []string{may, will} {
			if strings.Contains(text, words) != (words == want) {
				t.Errorf("%s: says %q: %v", destination, words, words != want)
			}
		}
	}
}
