package runbook

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"imsconv/cmd/internal/site"
)

// eachRecord calls do with every record of every file of texts.
func eachRecord(t *testing.T, do func(r *record)) {
	t.Helper()
	files, err := fs.Glob(texts, "texts/*.txt")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, f := range files {
		name := strings.TrimPrefix(f, "texts/")
		if name == "terms.txt" {
			continue
		}
		records, err := readRecords(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range records {
			do(&records[i])
		}
	}
}

// marks are the values, steps and code of a template: what both languages must
// have alike.
func marks(template string) []string {
	var out []string
	for i, part := range strings.Split(template, "`") {
		if i%2 == 1 {
			out = append(out, "`"+part+"`")
			continue
		}
		for _, p := range pieces(part) {
			if p.text == "" {
				out = append(out, "{"+p.name+p.step+"}")
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestLanguagesSayTheSame(t *testing.T) {
	eachRecord(t, func(r *record) {
		for _, f := range r.fields {
			if f.ja == "" {
				continue
			}
			if en, ja := marks(f.en), marks(f.ja); !slices.Equal(en, ja) {
				t.Errorf("%s: %s %s: %s: en has %q, ja has %q", r.where, r.kind, r.id, f.name, en, ja)
			}
			if strings.Count(f.en, "____") != strings.Count(f.ja, "____") {
				t.Errorf("%s: %s: blanks to fill in differ", r.where, f.name)
			}
			if f.ja != f.en && r.id != "from-to" && !strings.ContainsFunc(f.ja, japanese) {
				t.Errorf("%s: %s is not Japanese: %q", r.where, f.name, f.ja)
			}
			if strings.ContainsFunc(f.en, japanese) {
				t.Errorf("%s: %s is not English: %q", r.where, f.name, f.en)
			}
		}
	})
}

func japanese(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }

// TestSentencesArePolite holds that Japanese sentences end in the form of a
// manual: です and ます, or a request.
func TestSentencesArePolite(t *testing.T) {
	plain := regexp.MustCompile(`(である|[^ま]した|する|ある|ない|いる|れる)。`)
	eachRecord(t, func(r *record) {
		for _, f := range r.fields {
			if at := plain.FindString(f.ja); at != "" {
				t.Errorf("%s: %s: %q in %q", r.where, f.name, at, f.ja)
			}
		}
	})
}

// terms are the lines of terms.txt: English, and the Japanese of it.
func terms(t *testing.T) map[string][]string {
	t.Helper()
	data, err := fs.ReadFile(texts, "texts/terms.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		en, ja, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if ok {
			out[en] = strings.Split(ja, ", ")
		}
	}
	if len(out) < 40 {
		t.Fatalf("only %d terms", len(out))
	}
	return out
}

func TestTerms(t *testing.T) {
	used := map[string]bool{}
	for en, ja := range terms(t) {
		word := regexp.MustCompile(`(?i)(^|[^-a-z])` + regexp.QuoteMeta(en) + `($|[^-a-z])`)
		if en != strings.ToLower(en) || en == "uids" {
			word = regexp.MustCompile(`\b` + en + `\b`)
		}
		eachRecord(t, func(r *record) {
			for _, f := range r.fields {
				if f.ja == "" || !word.MatchString(withoutCode(f.en)) {
					continue
				}
				used[en] = true
				if !slices.ContainsFunc(ja, func(w string) bool { return strings.Contains(f.ja, w) }) {
					t.Errorf("%s: %s: %q without %q:\n\t%s\n\t%s", r.where, f.name, en, ja, f.en, f.ja)
				}
			}
		})
	}
	for en := range terms(t) {
		if !used[en] {
			t.Errorf("no text has the term %q", en)
		}
	}
}

// withoutCode leaves code and values out, which are the same in both languages.
func withoutCode(text string) string {
	parts := strings.Split(text, "`")
	for i := range parts {
		if i%2 == 1 {
			parts[i] = ""
		}
	}
	words := ""
	for _, p := range pieces(strings.Join(parts, "")) {
		words += p.text
	}
	return words
}

// TestNamesAreKnown finds misprints in conditions, values and roles: they would
// leave a step out, or show only in a plan of a certain kind.
func TestNamesAreKnown(t *testing.T) {
	in := guideInput(site.SIMSIncremental, English)
	conds, known := conditions(in), valuesOf(in).with(&batches(in)[0])
	eachRecord(t, func(r *record) {
		lists := [][]string{r.conds}
		for _, f := range r.fields {
			lists = append(lists, f.conds)
			for _, text := range []string{f.en, f.ja} {
				for _, p := range pieces(text) {
					if _, ok := known[p.name]; p.name != "" && !ok {
						t.Errorf("%s: no value is called %q", r.where, p.name)
					}
				}
			}
			if strings.Count(f.en, "`")%2 != 0 || strings.Count(f.ja, "`")%2 != 0 {
				t.Errorf("%s: %s: an odd number of backquotes", r.where, f.name)
			}
		}
		for _, c := range slices.Concat(lists...) {
			if _, ok := conds[strings.TrimPrefix(c, "!")]; !ok && c != "pilot" {
				t.Errorf("%s: no condition is called %q", r.where, c)
			}
		}
	})
}

// TestEveryStepIsWhole holds what a step must have: something to look at, a way
// back or the word that there is none, and a check before the live directory
// is changed.
func TestEveryStepIsWhole(t *testing.T) {
	eachRecord(t, func(r *record) {
		if r.kind != "step" {
			return
		}
		for _, name := range []string{"title", "expect"} {
			if len(r.all(name)) == 0 {
				t.Errorf("%s: step %s has no %s", r.where, r.id, name)
			}
		}
		for _, f := range r.all("sh") {
			if strings.Contains(f.en, "{ldapmodify}") && (len(r.all("stop")) == 0 || len(r.all("back")) == 0) {
				t.Errorf("%s: step %s changes the directory without a check and a way back", r.where, r.id)
			}
		}
		if len(r.all("why"))+len(r.all("stop")) == 0 && !strings.HasPrefix(r.id, "close-") && r.id != "restart-slapd" {
			t.Errorf("%s: step %s says no reason", r.where, r.id)
		}
	})
}

func TestParseFaults(t *testing.T) {
	for text, want := range map[string]string{
		"stop x @old\n":                                "no record is a",
		"step\n":                                       "without an id",
		"step a b\n":                                   "one word too much",
		"  title.en: x\n":                              "before the first record",
		"step a\n  title\n":                            "without a colon",
		"step a\n  title.en: x\n":                      "wrong number of languages",
		"step a\n  title.ja: x\n":                      "without title.en",
		"step a\n  title.en: x\n  why.ja: y\n":         "does not follow",
		"step a\n  sh: x\n  sh.ja: y\n":                "wrong number of languages",
		"step a\n  title.en:\n  title.ja: y\n":         "is empty",
		"step a\n  title.en: x\n  title.ja if b: y\n":  "are those of",
		"step a\n    goes on\n":                        "nothing to go on with",
		"step a\n  title.en: x\n  title.ja: y\n  z: q": "wrong number of languages",
	} {
		_, err := parseRecords("x.txt", text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestContinuedLines(t *testing.T) {
	got, err := parseRecords("x.txt", "step a if b !c\n  title.en if d: one\n    two\n  title.ja: 一つ\n    二つ\n    dirsync\n    run\n")
	if err != nil {
		t.Fatal(err)
	}
	f := got[0].fields[0]
	if s := fmt.Sprintf("%v %v %s|%s", got[0].conds, f.conds, f.en, f.ja); s != "[b !c] [d] one two|一つ二つdirsync run" {
		t.Error(s)
	}
}
