package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/preflight"
)

// TestFindingsHaveAdvice: what a look at the inputs may find is a kind that
// reports have advice on, in every language.
func TestFindingsHaveAdvice(t *testing.T) {
	for kind := range preflight.Kinds {
		for _, lang := range ledger.Langs {
			if _, ok := ledger.AdviceFor(kind, lang); !ok {
				t.Errorf("reports know nothing of %q", kind)
			}
		}
	}
}

// TestNextStepsAreTranslated: what is left to do and is no command line has its
// words in Japanese.
func TestNextStepsAreTranslated(t *testing.T) {
	var steps []string
	for _, sc := range scenarios {
		for _, destination := range []string{site.IMS, site.Maildir} {
			c := &conversion{scenario: sc, site: &site.Site{Destination: destination}, mail: &inputs.Mail{NoEnd: true}}
			c.batch = &batch{name: "pilot"}
			c.site.Hosts = site.Hosts{Old: "old.siroe.com", New: "new.siroe.com"}
			for _, list := range [][]string{c.nextSteps(), c.afterLock(), c.afterBatch(), c.afterClosing()} {
				steps = append(steps, list...)
			}
			c.closing = &closing{found: &batches.Seen{Left: []string{"joe"}}}
			steps = append(steps, c.afterClosing()...)
		}
	}
	command := regexp.MustCompile(`^(ldapmodify|mv|'<|<)`)
	for _, s := range steps {
		words, known := ledger.NextStep(s, "ja")
		switch {
		case known && words == s:
			t.Errorf("%q has no Japanese", s)
		case !known && !command.MatchString(s):
			t.Errorf("%q is in no table of what is left to do", s)
		}
	}
	if len(steps) < 40 {
		t.Errorf("only %d steps", len(steps))
	}
}

// TestCountsAreTranslated: every figure of a conversion has its name in
// Japanese.
func TestCountsAreTranslated(t *testing.T) {
	for scenario, args := range scenarioArgs(t) {
		out := t.TempDir()
		convert(t, cli.ExitDone, append(args, "--out", out)...)
		page, err := os.ReadFile(filepath.Join(out, ledger.HTMLName("ja")))
		if err != nil {
			t.Fatal(err)
		}
		for _, count := range readReport(t, out).Counts {
			if strings.Contains(string(page), ">"+count.Name+"<") {
				t.Errorf("%s: %q has no Japanese", scenario, count.Name)
			}
		}
	}
}
