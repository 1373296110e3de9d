package runbook

import (
	"fmt"
	"strings"
)

// Kind is what a span of text is.
type Kind int

// The kinds of spans.
const (
	Plain Kind = iota // words
	Code              // what is typed, printed or named
	Ref               // the number of a step; Span.ID is its id
)

// Span is a piece of text of one kind, as it is to be read: nothing in it is
// markup.
type Span struct {
	Kind Kind
	Text string
	ID   string // of a Ref: the step's id
}

// Text is a line of prose.
type Text []Span

// String is the text without its markup.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// piece is a part of a template: words, a value's name, or a step's id.
type piece struct {
	text string // words as they stand
	name string // of a value; "" for words
	step string // id of a step; "" for others
}

// isName says whether {text} is the name of a value or a step's id.
func isName(text string) bool {
	text = strings.TrimPrefix(text, "#")
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && text[0] >= 'a'
}

// pieces takes a template apart at its names. A brace that holds no name is a
// brace.
func pieces(template string) []piece {
	var out []piece
	words := ""
	flush := func() {
		if words != "" {
			out = append(out, piece{text: words})
			words = ""
		}
	}
	for template != "" {
		before, rest, _ := strings.Cut(template, "{")
		words += before
		if len(before) == len(template) {
			break
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok || !isName(name) {
			words += "{"
			template = rest
			continue
		}
		flush()
		if id, isStep := strings.CutPrefix(name, "#"); isStep {
			out = append(out, piece{step: id})
		} else {
			out = append(out, piece{name: name})
		}
		template = after
	}
	flush()
	return out
}

// values are what the names in templates stand for.
type values map[string]value

// value is what a name stands for. A fragment is shell text as it stands, in a
// command line; any other value is quoted there.
type value struct {
	text     string
	fragment bool
}

func (v values) get(name string) (value, error) {
	got, ok := v[name]
	if !ok {
		return value{}, fmt.Errorf("no value is called %q", name)
	}
	return got, nil
}
