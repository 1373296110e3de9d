package manual

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadMarkdown(t *testing.T) {
	got, err := ReadMarkdown("# One `x`\n\nA *b c* **d e**,\n`*f* \\g` a\\|b 2^3 x_y.\n\n## Two\n\n* a\n  b\n* c\n\n```\n* x\n\ty\n```\n\n" +
		"| a | `b\\|c` |\n|---|:nodashes|\n")
	var wrong *MarkdownError
	if !errors.As(err, &wrong) || wrong.Line != 18 {
		t.Errorf("%v, %v", got, err)
	}
	got, err = ReadMarkdown("# One `x`\n\nA *b c* **d e**,\n`*f* \\g` a\\|b 2^3 x_y.\n\n## Two\n\n- a\n  b\n- c\n\n```\n* x\n\ty\n```\n\n" +
		"| a | `b\\|c` |\n|---| --- |\n| | d |\n")
	want := []Title{
		{Line: 1, Level: 1, Text: "One x", Blocks: []Block{Paragraph{Text{
			{Roman, "A "}, {Italic, "b c"}, {Roman, " "}, {Bold, "d e"}, {Roman, ", "}, {Bold, `*f* \g`}, {Roman, " a"}, {Roman, "|"}, {Roman, "b 2^3 x_y."},
		}}}},
		{Line: 6, Level: 2, Text: "Two", Blocks: []Block{
			Bullets{[][]Block{{Paragraph{Plain("a b")}}, {Paragraph{Plain("c")}}}},
			Literal{[]string{"* x", "        y"}},
			Table{Head: []Text{Plain("a"), {{Bold, "b|c"}}}, Rows: [][]Text{{nil, Plain("d")}}},
		}},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

// TestMarkdownRefuses: what the reader does not know, it does not show in
// another way than a browser would, and does not leave out.
func TestMarkdownRefuses(t *testing.T) {
	for _, tt := range []struct {
		line int
		text string
	}{
		{1, "text"},
		{3, "# a\n\n#### b"},
		{3, "# a\n\n#b"},
		{3, "# a\n\n> b"},
		{4, "# a\n\n- b\n* c"},
		{3, "# a\n\n+ b"},
		{3, "# a\n\n1. b"},
		{3, "# a\n\n2) b"},
		{4, "# a\n\nb\n1. c"},
		{3, "# a\n\n---"},
		{4, "# a\n\nb\n==="},
		{3, "# a\n\n~~~"},
		{3, "# a\n\n    b"},
		{3, "# a\n\n\tb"},
		{3, "# a\n\n<b>"},
		{3, "# a\n\n[b]: c"},
		{3, "# a\n\nb  \nc"},
		{3, "# a\n\nb\\\nc"},
		{3, "# a\n\n```go\nx\n```"},
		{3, "# a\n\n```\nx"},
		{4, "# a\n\nb\n| c |"},
		{3, "# a\n\n| b"},
		{4, "# a\n\n| b |"},
		{4, "# a\n\n| b | c |\n|---|"},
		{5, "# a\n\n| b | c |\n|---|---|\n| d |"},
		{4, "# a\n\n* b\nc"},
		{4, "# a\n\n* b\n  * c"},
		{4, "# a\n\n* b\n  - c"},
		{3, "# a\n\n[b](c)"},
		{3, "# a\n\n![b](c)"},
		{3, "# a\n\n[b][c]"},
		{3, "# a\n\na <b> c"},
		{3, "# a\n\na &lt; c"},
		{3, "# a\n\na ~~b~~ c"},
		{3, "# a\n\na _b_ c"},
		{3, "# a\n\na *b"},
		{3, "# a\n\na `b"},
		{3, "# a\n\na **b"},
		{3, "# a\n\na * b * c"},
		{3, "# a\n\na *b `c` d*"},
		{3, "# a\n\na **b *c* d**"},
		{3, "# a\n\na `` ` `` c"},
		{3, "# a\n\na \\b"},
		{3, "# a\n\n| a \\b |\n|---|\n| c |"},
	} {
		got, err := ReadMarkdown(tt.text)
		var wrong *MarkdownError
		if !errors.As(err, &wrong) || wrong.Line != tt.line {
			t.Errorf("%q: %v, %v", tt.text, got, err)
		}
	}
}

func FuzzReadMarkdown(f *testing.F) {
	f.Add("# a\n\n| b | c |\n|---|---|\n| d | e |\n\n* f *g* `h`\n  i\n\n```\nj\n```\n")
	f.Add("# \\a\n**b**\n\n2. c")
	f.Fuzz(func(t *testing.T, text string) {
		titles, err := ReadMarkdown(text)
		if err != nil {
			return
		}
		for _, title := range titles {
			p := &Page{Name: "x", Section: 5}
			p.Add("DESCRIPTION", title.Blocks...)
			if err := WriteMan(t.Output(), p); err != nil {
				t.Fatal(err)
			}
		}
	})
}
