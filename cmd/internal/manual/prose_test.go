package manual

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []Block
	}{
		{"nothing", "\n", nil},
		{"paragraphs", "\na\nb\n\nc", []Block{Paragraph{Plain("a b")}, Paragraph{Plain("c")}}},
		{"heading", "a\n\nTWO WORDS\nb", []Block{Paragraph{Plain("a")}, Heading{Plain("TWO WORDS")}, Paragraph{Plain("b")}}},
		{"capitals alone", "a\n\nLDIF\n\nb", []Block{Paragraph{Plain("a")}, Paragraph{Plain("LDIF")}, Paragraph{Plain("b")}}},
		{"list", "a:\n  x  one\n     two\n  y z   three\n  w", []Block{Paragraph{Plain("a:")}, List{[]Item{
			{Term: Text{{Bold, "x"}}, Body: []Block{Paragraph{Plain("one two")}}},
			{Term: Text{{Bold, "y z"}}, Body: []Block{Paragraph{Plain("three")}}},
			{Term: Text{{Bold, "w"}}},
		}}}},
		{"bullets", "  - a\n    b\n  - c", []Block{Bullets{[][]Block{{Paragraph{Plain("a b")}}, {Paragraph{Plain("c")}}}}}},
		{"literal", "    {\"a\":1,\n     \"b\":2}\n\n    c\nd", []Block{Literal{[]string{`{"a":1,`, ` "b":2}`, "", "c"}}, Paragraph{Plain("d")}}},
		{"deeper first", "    a\n  b", []Block{Literal{[]string{"  a", "b"}}}},
		{"options", "-x and (--yy-z), not a-b, -1 or - alone", []Block{Paragraph{Text{
			{Bold, "-x"}, {Roman, " and ("}, {Bold, "--yy-z"}, {Roman, "), not a-b, -1 or - alone"},
		}}}},
	} {
		if d := cmp.Diff(tt.want, Prose(tt.text)); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestReferences(t *testing.T) {
	got := References([]string{"store.idx(5)", "tar(1)", "a(1)", "tar(1)"}).Text.String()
	if want := "a(1), tar(1), store.idx(5)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
