package manual

import (
	"regexp"
	"strings"
)

// inlineMarks are the marks of a text that the reader knows, longest first.
var inlineMarks = []struct {
	mark  string
	style Style
}{{"`", Bold}, {"**", Bold}, {"*", Italic}}

// unknown is what means something in Markdown that the reader does not know:
// links, tags, entities, struck text, emphasis with underscores.
var unknown = regexp.MustCompile(`\]\(|!\[|\]\[|</?[A-Za-z!]|&(?:[A-Za-z0-9]+|#[0-9xA-Fa-f]+);|~~|(?:^|[^A-Za-z0-9])_|_(?:$|[^A-Za-z0-9_])`)

// inline reads the marks of a text.
func (m *markdown) inline(text string) (Text, error) {
	var out Text
	var plain strings.Builder
	flush := func() error {
		s := plain.String()
		plain.Reset()
		if found := unknown.FindString(s); found != "" {
			return m.fail("%q is no part of what this text may have", found)
		}
		if s != "" {
			out = append(out, Span{Text: s})
		}
		return nil
	}
	for text != "" {
		if text[0] == '\\' {
			if len(text) < 2 || !strings.ContainsRune("\\`*_{}[]()<>#+-.!|~&", rune(text[1])) {
				return nil, m.fail("a backslash in front of nothing that needs one")
			}
			if err := flush(); err != nil {
				return nil, err
			}
			out = append(out, Span{Text: text[1:2]})
			text = text[2:]
			continue
		}
		span, rest, err := m.marked(text)
		if err != nil {
			return nil, err
		}
		if rest == text {
			plain.WriteByte(text[0])
			text = text[1:]
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		out = append(out, span)
		text = rest
	}
	return out, flush()
}

// marked reads a span between two marks at the beginning of a text, and
// returns what follows; the text itself where there is none.
func (m *markdown) marked(text string) (Span, string, error) {
	for _, k := range inlineMarks {
		rest, ok := strings.CutPrefix(text, k.mark)
		if !ok {
			continue
		}
		inner, rest, ok := strings.Cut(rest, k.mark)
		if !ok || inner == "" || strings.TrimSpace(inner) != inner && k.mark != "`" {
			return Span{}, "", m.fail("a %q without its other", k.mark)
		}
		if k.mark != "`" && (strings.ContainsAny(inner, "`*\\") || unknown.MatchString(inner)) {
			return Span{}, "", m.fail("marks within *%s*", inner)
		}
		return Span{k.style, inner}, rest, nil
	}
	return Span{}, text, nil
}
