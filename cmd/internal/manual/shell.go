package manual

import "strings"

// commandWidth is the column at which example commands are broken, so that
// they fit plain text and a page, which set them in, within 80 columns.
const commandWidth = 72

// Commands makes a literal of command lines and what they print. Where lines
// begin with "$ " these are the commands, else all are. Commands that are too
// long are broken with a backslash: they run as they stand.
func Commands(text string) Literal {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	prompted := false
	for _, l := range lines {
		prompted = prompted || strings.HasPrefix(l, "$ ")
	}
	var out []string
	for _, l := range lines {
		l = expand(l)
		if prompted && !strings.HasPrefix(l, "$ ") {
			out = append(out, l)
			continue
		}
		out = append(out, breakCommand(l, commandWidth)...)
	}
	return Literal{out}
}

// breakCommand breaks a command line at blanks outside of quotes: in front of
// every pipe where it does not fit, and within a part of the pipe where that
// does not fit either.
func breakCommand(line string, columns int) []string {
	if width(line) <= columns || strings.HasPrefix(line, "#") {
		return []string{line}
	}
	words := shellWords(line)
	var parts [][]string
	for i, w := range words {
		if i == 0 || w == "|" || w == "&&" {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], w)
	}
	var lines []string
	for _, part := range parts {
		lines = append(lines, fill(part, columns, len(lines) == 0)...)
	}
	for i := range lines[:len(lines)-1] {
		lines[i] += " \\"
	}
	return lines
}

// fill sets words in lines that leave room for a blank and a backslash. The
// first line of a command begins at the margin, others are set in, and those
// that go on within a part of a pipe once more.
func fill(words []string, columns int, first bool) []string {
	const inset = "    "
	line := ""
	if !first {
		line = inset
	}
	line += words[0]
	var lines []string
	for i, w := range words[1:] {
		// The prompt is no word that a line ends behind, nor is a pipe.
		alone := i == 0 && (words[0] == "$" || words[0] == "|" || words[0] == "&&")
		if alone || width(line)+1+width(w) <= columns-2 {
			line += " " + w
			continue
		}
		lines = append(lines, line)
		line = inset + w
		if !first {
			line = inset + line
		}
	}
	return append(lines, line)
}

// shellWords splits a command line at blanks outside of quotes. An option
// stays with the value behind it.
func shellWords(line string) []string {
	var words []string
	var quote byte
	start := 0
	for i := range len(line) {
		switch c := line[i]; {
		case quote != 0:
			if c == quote && (quote == '\'' || line[i-1] != '\\') {
				quote = 0
			}
		case c == '\'' || c == '"':
			if i == 0 || line[i-1] != '\\' {
				quote = c
			}
		case c == ' ' && (i == 0 || line[i-1] != '\\'):
			words = append(words, line[start:i])
			start = i + 1
		}
	}
	return valued(append(words, line[start:]))
}

// valued joins options with the words behind them that may be their values.
func valued(words []string) []string {
	var out []string
	for i, w := range words {
		if i > 0 && strings.HasPrefix(words[i-1], "-") && len(words[i-1]) > 1 && !strings.HasPrefix(w, "-") && w != "|" && w != "&&" && w != "" {
			out[len(out)-1] += " " + w
			continue
		}
		out = append(out, w)
	}
	return out
}
