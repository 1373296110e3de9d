package main

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"imsconv/cmd/internal/manual"
	"imsconv/ldifconv"
	"imsconv/ldifconv/aci"
)

// TestMappingPageIsCurrent holds docs/mapping.md against the table of rules;
// the page is made by go run ./cmd/ldifconv rules --format markdown >
// docs/mapping.md.
func TestMappingPageIsCurrent(t *testing.T) {
	var want bytes.Buffer
	writeRulesMarkdown(&want, ldifconv.Rules(ldifconv.AnySource))
	got, err := os.ReadFile("../../docs/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/mapping.md is not what the table of rules says: make it anew")
	}
}

// TestListsFitATerminal: what is for people has 80 columns, and the same words
// as the forms that have a line a rule, a code or an ACI.
func TestListsFitATerminal(t *testing.T) {
	var rules, codes, acis bytes.Buffer
	all := ldifconv.Rules(ldifconv.AnySource)
	writeRulesText(&rules, all)
	if err := writeCodes(bufio.NewWriter(&codes), "text"); err != nil {
		t.Fatal(err)
	}
	if err := listACIs(&acis); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{rules.String(), codes.String(), acis.String()} {
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > manual.Columns {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
	words := strings.Join(strings.Fields(rules.String()), " ")
	for i := range all {
		if what := strings.Join(strings.Fields(all[i].What), " "); !strings.Contains(words, what) {
			t.Errorf("%s: %q is not there", all[i].Name, what)
		}
	}
	letters := strings.Join(strings.Fields(acis.String()), "")
	for _, a := range aci.Templates() {
		if !strings.Contains(letters, strings.Join(strings.Fields(a.Text), "")) {
			t.Errorf("%s is not whole", a.Name)
		}
	}
}

func TestRulesAsTSV(t *testing.T) {
	var b bytes.Buffer
	all := ldifconv.Rules(ldifconv.AnySource)
	writeRulesTSV(&b, all)
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != len(all)+1 {
		t.Fatalf("%d lines for %d rules", len(lines), len(all))
	}
	for i, line := range lines[1:] {
		r, fields := &all[i], strings.Split(line, "\t")
		if want := []string{r.Name, r.From, r.Kind, runsOn(r), r.What, marks(r), r.Source}; !slices.Equal(fields, want) {
			t.Errorf("%q, want %q", fields, want)
		}
	}
}
