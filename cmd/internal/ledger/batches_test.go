package ledger

import (
	"path/filepath"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
)

// TestBatchesOnThePage: a batch that waits for its stream is planned and has
// its users, one that got two streams has what both brought, and what a batch
// has lost is lost for the whole.
func TestBatchesOnThePage(t *testing.T) {
	out := t.TempDir()
	write := func(name string, rep cli.Report, run Run) {
		run.Scenario = "sims-incremental"
		writeReport(t, filepath.Join(out, name, ReportName), rep, run)
	}
	write(".", cli.Report{Command: "siteconv run", Result: "done"}, Run{})
	write(batchesDir+"/one", cli.Report{Command: "siteconv run", Result: "done", Counts: cli.Counts{{Name: "users of the batch", N: 7}}},
		Run{Batch: "one", Inputs: []Input{{Role: "ldif"}}})
	lines := cli.Lines{Total: 1, Kinds: cli.Counts{{Name: "truncated", N: 1}}, Items: []cli.Line{{Kind: "truncated", Where: "s: offset 5", Text: "cut"}}}
	write(batchesDir+"/two", cli.Report{Command: "siteconv run", Exit: 3, Result: "done, with losses", Problems: lines, Counts: cli.Counts{{Name: "users of the batch", N: 3}, {Name: "users", N: 1}, {Name: "mailboxes", N: 2}, {Name: "messages", N: 4}}},
		Run{Batch: "two", Inputs: []Input{{Role: "ldif"}, {Role: "stream", SHA256: "b"}}, Sums: Sums{Source: 5, Written: 4, LeftOut: []Reason{{Duplicate, 1}}},
			Earlier: []Pass{{Stream: "a", Users: 2, Mailboxes: 6, Messages: 12, Sums: Sums{Source: 12, Written: 12}}}})
	l, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	l.Totals = newTotals()
	if sum := l.Sums(); sum.Source != 17 || sum.Written != 16 || sum.Difference() != 0 {
		t.Errorf("sums %+v", sum)
	}
	var b strings.Builder
	if err := l.HTML(&b, "en"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<strong>Done, with losses.`,
		`<td class="path">one</td><td class="words">planned</td><td class="n">7</td><td class="n">0</td>`,
		`<td class="path">two</td><td class="words">done, with losses</td><td class="n">3</td><td class="n">6</td><td class="n">16</td>`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
