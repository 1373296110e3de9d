package runbook

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"imsconv/cmd/internal/peer"
	"imsconv/cmd/internal/site"
)

// evil is text that is markup, code or a command nearly everywhere.
const evil = "<script>alert(1)</script>'\"`$(touch x)``|*_[a](javascript:b){old}&amp;"

// evilInput is a site that is called so, wherever it may be.
func evilInput(scenario string, lang Lang) Input {
	in := guideInput(scenario, lang)
	s := in.Site
	s.Directory.Base = []string{"o=" + evil, "o=second"}
	s.Directory.BindDN, s.Directory.DefaultOrganization = "cn="+evil, "dc="+evil
	s.Directory.Domains = append(s.Directory.Domains, evil)
	s.Servers.Root, s.Servers.Owner = "/opt/"+evil, evil
	s.Upgrade = site.Options{"data-source": evil, "vanity": true, "domain": []string{"a", evil}}
	in.Facts.Pilot = []string{"joe", evil}
	in.Facts.Largest = []Folder{{evil, evil + "/INBOX", 1, 1}}
	return in
}

func TestEscapedHTML(t *testing.T) {
	for _, scenario := range site.Scenarios() {
		for _, lang := range []Lang{English, Japanese} {
			p, err := Build(evilInput(scenario, lang))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := p.WriteHTML(&b); err != nil {
				t.Fatal(err)
			}
			page := b.String()
			if strings.Contains(strings.ToLower(page), "<script") || strings.Contains(page, "alert(1)</script>") {
				t.Errorf("%s %s: a script", scenario, lang)
			}
			if n := strings.Count(html.UnescapeString(page), evil); n < 10 {
				t.Errorf("%s %s: the text is there only %d times", scenario, lang, n)
			}
		}
	}
}

// TestEscapedMarkdown takes all code out of the Markdown and looks for what
// could be markup in the rest.
func TestEscapedMarkdown(t *testing.T) {
	fences := regexp.MustCompile("(?s)\n *````*sh\n.*?\n *````*\n")
	live := regexp.MustCompile("[<`[]")
	for _, scenario := range site.Scenarios() {
		p, err := Build(evilInput(scenario, English))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := p.WriteMarkdown(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(fences.ReplaceAllString(b.String(), "\n")) {
			rest := withoutSpans(strings.TrimPrefix(strings.TrimSpace(line), "- [ ] "))
			if at := live.FindString(rest); at != "" {
				t.Errorf("%s: %q in %q", scenario, at, rest)
			}
		}
	}
}

// withoutSpans takes code spans out as Markdown does: a row of backquotes ends
// at the next row of the same length, and outside of code a backslash makes the
// next character one of its own. That is left out too.
func withoutSpans(line string) string {
	var out strings.Builder
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '`':
			row := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
			end := closing(line[i+row:], row)
			if end < 0 {
				out.WriteByte('`')
				continue
			}
			i += row + end - 1
		default:
			out.WriteByte(line[i])
		}
	}
	return out.String()
}

// closing is where a row of backquotes of a length ends; -1 is nowhere.
func closing(text string, length int) int {
	for _, at := range regexp.MustCompile("`+").FindAllStringIndex(text, -1) {
		if at[1]-at[0] == length {
			return at[1]
		}
	}
	return -1
}

// TestQuotedCommands lets a real shell take the command lines apart: values are
// words there, whatever is in them.
func TestQuotedCommands(t *testing.T) {
	for _, scenario := range site.Scenarios() {
		for _, client := range []string{site.Netscape, site.OpenLDAP} {
			in := evilInput(scenario, English)
			in.Site.Directory.Client = client
			p, err := Build(in)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range commandsOf(p) {
				if out, err := peer.Command(t, "sh", "-n", "-c", line).CombinedOutput(); err != nil {
					t.Errorf("%s: %s: %v: %s", scenario, line, err, out)
				}
			}
			words := shellWords(t, find(t, commandsOf(p), "ldapmodify"))
			if !slices.Contains(words, "cn="+evil) {
				t.Errorf("%s: the bind DN is no word: %q", scenario, words)
			}
		}
	}
}

// TestQuotedInSentences: command lines in sentences are typed as they stand.
func TestQuotedInSentences(t *testing.T) {
	n := 0
	for _, scenario := range site.Scenarios() {
		for _, lang := range []Lang{English, Japanese} {
			p, err := Build(evilInput(scenario, lang))
			if err != nil {
				t.Fatal(err)
			}
			for _, span := range spansOf(p) {
				if span.Kind != Code || !strings.Contains(span.Text, evil[:8]) || !strings.Contains(span.Text, "&& tar ") {
					continue
				}
				n++
				if out, err := peer.Command(t, "sh", "-n", "-c", span.Text).CombinedOutput(); err != nil {
					t.Errorf("%s: %s: %v: %s", scenario, span.Text, err, out)
				}
			}
		}
	}
	if n < 2 {
		t.Errorf("%d command lines in sentences", n)
	}
}

// spansOf are the sentences of all steps.
func spansOf(p *Plan) (spans []Span) {
	for _, ph := range p.Phases {
		for _, s := range ph.Steps {
			for _, text := range slices.Concat(s.Why, s.Back) {
				spans = append(spans, text...)
			}
		}
	}
	return spans
}

// find is the first line that begins with a program.
func find(t *testing.T, lines []string, program string) string {
	t.Helper()
	for _, l := range lines {
		if strings.HasPrefix(l, program+" ") {
			return l
		}
	}
	t.Fatalf("no line begins with %s", program)
	return ""
}

// shellWords are the words of a simple command, as sh has them.
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	out, err := peer.Command(t, "sh", "-c", `for w in `+line+`; do printf '%s\n' "$w"; done`).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func TestCodeSpans(t *testing.T) {
	for text, want := range map[string]string{
		"a": "`a`", "": "", "a`b": "``a`b``", "``": "``` `` ```", "`x": "`` `x ``", "a\\b": "`a\\b`",
	} {
		if got := code(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestPieces(t *testing.T) {
	for text, want := range map[string]int{
		"a{b}c": 3, "{b}{#c}": 2, "${f#*/}": 1, "{ b }": 1, "{B}": 1, "{": 1, "{a": 1, "": 0, "{}": 1, "{{a}}": 3,
	} {
		if got := pieces(text); len(got) != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
