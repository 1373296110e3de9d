// Package fold sets text in lines for a terminal: prose is broken at blanks,
// and a command line or a path stays whole, to be copied.
package fold

import (
	"strings"
	"unicode/utf8"

	"imsconv/cmd/internal/manual"
)

// Prose breaks prose at blanks, so that no line is wider than a terminal; a
// word that alone is wider, such as a path, stays whole. The first line begins
// with first, the others with rest.
func Prose(text, first, rest string) string {
	var b strings.Builder
	line := first
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= manual.Columns:
			line += " "
		default:
			b.WriteString(line + "\n")
			line = rest
		}
		line += word
	}
	return b.String() + line + "\n"
}

// Step is a step of what to do next as the terminal shows it: prose is
// folded, and a command, alone or behind prose, stays whole.
func Step(step string) string {
	const inset = "  "
	first, rest := inset, inset+"  "
	text, comment := strings.CutPrefix(step, "# ")
	if comment {
		first, rest = inset+"# ", inset+"#   "
	}
	prose, command := apart(text)
	switch {
	case utf8.RuneCountInString(inset+step) <= manual.Columns || prose == "":
		return inset + step + "\n"
	case command == "":
		return Prose(prose, first, rest)
	}
	return Prose(prose, first, rest) + rest + command + "\n"
}

// apart parts a step into prose and the command that it ends with.
func apart(step string) (prose, command string) {
	if IsCommand(step) {
		return "", step
	}
	for at := 0; ; {
		i := strings.Index(step[at:], ": ")
		if i < 0 {
			return step, ""
		}
		if at += i + len(": "); IsCommand(step[at:]) {
			return strings.TrimSuffix(step[:at], " "), step[at:]
		}
	}
}

// IsCommand tells a command line of a step from prose: it begins with a program
// of a host, by its whole path, or with one of those that steps name.
func IsCommand(text string) bool {
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, "'") || strings.HasPrefix(text, "<") {
		return true
	}
	word, _, _ := strings.Cut(text, " ")
	switch word {
	case "ldapmodify", "mv", "sh", "siteconv":
		return true
	}
	return false
}
