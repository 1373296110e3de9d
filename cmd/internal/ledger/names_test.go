package ledger

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The names of counts and outputs, as the steps of a run have them: in a call,
// or in a row of a table of outputs with the step that makes them, if any.
var (
	countName  = regexp.MustCompile(`job\.Count\("([^"]+)"`)
	outputName = regexp.MustCompile(`job\.Output\("([^"]+)"|\{(?:\w+Step, )?"([a-zA-Z][a-zA-Z ]+)", \w+(?:\.\w+)?\}`)
)

// Whatever a run counts and writes has a text of its own on the page: without
// one, a page in Japanese has the English name.
func TestEveryCountAndOutputHasText(t *testing.T) {
	var paths []string
	for _, dir := range []string{".", "internal/*"} {
		list, err := filepath.Glob(filepath.Join("..", "..", "siteconv", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, list...)
	}
	words := words{"ja", texts["ja"]}
	found := map[string]int{}
	for _, path := range paths {
		base := filepath.Base(path)
		switch {
		case strings.HasSuffix(base, "_test.go"), base == "init.go", strings.HasPrefix(base, "plan"):
			continue // no page tells of these
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for class, re := range map[string]*regexp.Regexp{"count": countName, "output": outputName} {
			for _, m := range re.FindAllStringSubmatch(string(text), -1) {
				name := strings.Join(m[1:], "")
				found[class]++
				if words.name(class, name) == name && name != "Maildirs" {
					t.Errorf("%s: the %s %q has no text", base, class, name)
				}
			}
		}
	}
	if found["count"] < 20 || found["output"] < 20 {
		t.Errorf("only %v found", found)
	}
}

// A sentence begins with a capital letter where its language has that, and its
// first word is no name with a spelling of its own.
func TestSentence(t *testing.T) {
	for _, tt := range [][3]string{
		{"a user", "en", "A user"}, {"iMS does not", "en", "iMS does not"}, {"UIDs", "en", "UIDs"}, {"", "en", ""},
		{"iMS で禁止された", "ja", "iMS で禁止された"}, {"site.toml に", "ja", "site.toml に"},
	} {
		if got := sentence(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%q in %s: %q, want %q", tt[0], tt[1], got, tt[2])
		}
	}
}
