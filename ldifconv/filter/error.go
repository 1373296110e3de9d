package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// Error is what is wrong with the text of a filter.
type Error struct {
	// Filter is the text as it was given.
	Filter string
	// Offset is the byte of Filter, counted from 0, at which it goes wrong.
	Offset int
	// Text says what is wrong, in lower case.
	Text string
}

// Error names the filter, the place and what is wrong there.
func (e *Error) Error() string {
	return fmt.Sprintf("filter %q: %s: %s", e.Filter, e.Position(), e.Text)
}

// Position is the place in the filter, "byte 5", counted from 1.
func (e *Error) Position() string { return "byte " + strconv.Itoa(e.Offset+1) }

// Kind is "bad-filter".
func (e *Error) Kind() string { return "bad-filter" }

// Severity is 2: with a filter that is not understood nothing can be selected.
func (e *Error) Severity() int { return 2 }

// explain says what is wrong with a filter that does not parse.
func explain(text string) *Error {
	if e := explainBrackets(text); e != nil {
		return e
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '(' {
			continue
		}
		part := strings.TrimLeft(text[i+1:], " \t\r\n")
		switch end := strings.IndexAny(part, "()"); {
		case end == 0 && part[0] == ')':
			return &Error{text, i, "nothing stands between ( and )"}
		case part != "" && strings.IndexByte("&|!", part[0]) >= 0:
			if rest := strings.TrimLeft(part[1:], " \t\r\n"); rest != "" && rest[0] != '(' {
				return &Error{text, i, fmt.Sprintf("%c needs filters in brackets behind it", part[0])}
			}
		case end > 0 && part[end] == '(':
			return &Error{text, i, "a comparison holds a bracket: write it \\28"}
		case end > 0:
			if why := explainComparison(part[:end]); why != "" {
				return &Error{text, i, why}
			}
		}
	}
	return &Error{text, 0, "not a filter of RFC 1558 or RFC 4515"}
}

func explainBrackets(text string) *Error {
	var open []int
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i+1 < len(text) && strings.IndexByte(`*()\`, text[i+1]) >= 0 {
				i++
			}
		case '(':
			open = append(open, i)
		case ')':
			if len(open) == 0 {
				return &Error{text, i, "a ) without its ("}
			}
			if open = open[:len(open)-1]; len(open) == 0 && strings.TrimSpace(text[i+1:]) != "" {
				return &Error{text, i + 1, "something stands behind the filter"}
			}
		}
	}
	if len(open) > 0 {
		return &Error{text, open[len(open)-1], "a ( without its )"}
	}
	return nil
}

// explainComparison says what is wrong with what stands between two brackets.
func explainComparison(text string) string {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !ok:
		return fmt.Sprintf("%q has no =", text)
	case strings.Trim(name, " ~<>:") == "" && !strings.Contains(name, ":"):
		return fmt.Sprintf("%q names no attribute", text)
	}
	for i := strings.IndexByte(value, '\\'); i >= 0; i = strings.IndexByte(value, '\\') {
		if value = value[i+1:]; len(value) < 2 || !isHex(value[0]) || !isHex(value[1]) {
			return "a \\ needs two hex digits behind it, or one of * ( ) \\"
		}
		value = value[2:]
	}
	return ""
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}
