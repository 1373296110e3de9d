package runbook

import (
	"fmt"
	"strings"

	"imsconv/cmd/internal/cli"
)

// filler puts the values of one site, and the numbers of its steps, into
// templates.
type filler struct {
	values values
	words  map[string]string // labels, in the language
	number func(id string) int
}

// text fills in a template of prose.
func (f *filler) text(template string) (Text, error) {
	var out Text
	for i, part := range strings.Split(template, "`") {
		code := i%2 == 1
		if code && isCommand(part) {
			line, err := f.command(part)
			if err != nil {
				return nil, err
			}
			out = append(out, Span{Kind: Code, Text: line})
			continue
		}
		spans, err := f.part(part, code)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", template, err)
		}
		out = append(out, spans...)
	}
	return out, nil
}

// isCommand tells a command line in a sentence, which is typed as it stands,
// from a name, and from a line of a configuration or of DNS.
func isCommand(code string) bool {
	return strings.Contains(code, " ") && !strings.Contains(code, " = ") && !strings.Contains(code, " IN ")
}

// part fills in what stands inside of a pair of backquotes, or outside of all.
func (f *filler) part(template string, code bool) (Text, error) {
	var out Text
	var inside strings.Builder
	for _, p := range pieces(template) {
		switch {
		case p.step != "":
			n := f.number(p.step)
			if n == 0 {
				return nil, fmt.Errorf("no step is called %q", p.step)
			}
			out = append(out, Span{Kind: Ref, Text: fmt.Sprintf(f.words["step-number"], n), ID: p.step})
		case p.name != "":
			v, err := f.values.get(p.name)
			if err != nil {
				return nil, err
			}
			if code {
				inside.WriteString(v.text)
			} else {
				out = append(out, Span{Kind: Code, Text: v.text})
			}
		case code:
			inside.WriteString(p.text)
		default:
			out = append(out, Span{Text: p.text})
		}
	}
	if code {
		out = append(out, Span{Kind: Code, Text: inside.String()})
	}
	return out, nil
}

// command fills in a command line. Every value is a word, or a part of one,
// that the shell takes as it is.
func (f *filler) command(template string) (string, error) {
	line := ""
	for _, p := range pieces(template) {
		if p.name == "" {
			line += p.text
			continue
		}
		v, err := f.values.get(p.name)
		switch {
		case err != nil:
			return "", fmt.Errorf("%q: %w", template, err)
		case v.fragment && v.text == "":
			line = strings.TrimSuffix(line, " ") // no options: no gap
		case v.fragment:
			line += v.text
		default:
			line += cli.Quote(v.text)
		}
	}
	return line, nil
}

// plain fills in a template whose values are read by a person, not by a shell.
func (f *filler) plain(template string) (string, error) {
	t, err := f.part(template, true)
	return t.String(), err
}
