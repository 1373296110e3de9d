package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func formatsText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", filepath.FromSlash(source)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// word is what a reader of both sides must find on both.
var word = regexp.MustCompile(`[A-Za-z0-9]+`)

// TestFormatPagesHaveAllWords: every word of the sections is on the page, in
// its order, tables of more than two columns aside, whose cells are wrapped
// beside each other.
func TestFormatPagesHaveAllWords(t *testing.T) {
	text := formatsText(t)
	pages, err := Formats(text, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for i, heading := range []string{"## 2. ", "## 3. ", "## 4. "} {
		_, section, _ := strings.Cut(text, heading)
		_, section, _ = strings.Cut(section, "\n")
		section, _, _ = strings.Cut(section, "\n## ")
		var b strings.Builder
		if err := WritePlain(&b, pages[i], 4096); err != nil {
			t.Fatal(err)
		}
		shown := map[string]int{}
		for _, w := range word.FindAllString(b.String(), -1) {
			shown[w]++
		}
		section = reference.ReplaceAllString(section, "")
		for _, w := range word.FindAllString(section, -1) {
			if shown[w]--; shown[w] < 0 {
				t.Errorf("%s lacks %q", pages[i].File(), w)
			}
		}
	}
}

func TestFormatsRefuse(t *testing.T) {
	whole := "# F\n\nAll.\n\n## 2. A\n\nX.\n\n## 3. B\n\nX.\n\n## 4. C\n\nX.\n\n## 7. D\n\nX.\n"
	if _, err := Formats(whole, "", ""); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{"## 4. C", "## 5. C", "no section 4"},
		{"## 3. B\n\nX.", "## 3. B\n\nAs sections 3 and 4.", "more than one section"},
		{"## 3. B\n\nX.", "## 3. B\n\nAs section 6.1.", "part of a section"},
		{"## 3. B\n\nX.", "## 3. B\n\n> X.", "line 11"},
		{"## 3. B\n\nX.", "## 3. B\n\n```\n" + strings.Repeat("x", 73) + "\n```", "too long"},
	} {
		_, err := Formats(strings.Replace(whole, tt.old, tt.new, 1), "", "")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v", tt.new, err)
		}
	}
	pages, err := Formats(strings.Replace(whole, "## 3. B\n\nX.", "## 3. B\n\nSection 2, section 4, section 7, section 8.", 1), "", "")
	if err != nil {
		t.Fatal(err)
	}
	got := pages[1].Parts[0].Blocks[0].(Paragraph).Text.String()
	if want := "sims-tar(5), store.idx(5), DATABASES, section 8 of docs/formats.md."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
