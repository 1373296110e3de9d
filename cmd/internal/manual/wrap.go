package manual

import "strings"

// wrap sets the words of a text in lines of at most columns. A word that is
// longer is cut.
func wrap(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && width(line)+1+width(word) <= columns {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for width(word) > columns {
			head := cut(word, columns)
			lines, word = append(lines, head), word[len(head):]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// cut returns the longest beginning of a word that fits.
func cut(word string, columns int) string {
	n := 0
	for i := range word {
		if n == columns {
			return word[:i]
		}
		n++
	}
	return word
}

// Hang wraps a text into lines of at most columns, for tables whose last column
// is text: the first line begins with first, the others with rest.
func Hang(text string, columns int, first, rest string) []string {
	lines := wrap(text, columns-max(width(first), width(rest)))
	for i := range lines {
		if i == 0 {
			lines[i] = first + lines[i]
		} else {
			lines[i] = rest + lines[i]
		}
	}
	return lines
}

// hang wraps a text whose lines behind the first are set in. A group in
// brackets stays on one line where it fits one.
func hang(text string, columns, inset int) []string {
	const space = "\x00" // within a group
	var b strings.Builder
	depth := 0
	for i, r := range text {
		switch r {
		case '[':
			if end := groupEnd(text[i:]); depth > 0 || end > 0 && end <= columns-inset {
				depth++
			}
		case ']':
			depth = max(depth-1, 0)
		}
		if r == ' ' && depth > 0 {
			b.WriteString(space)
			continue
		}
		b.WriteRune(r)
	}
	lines := wrap(b.String(), columns-inset)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], space, " ")
		if i > 0 {
			lines[i] = strings.Repeat(" ", inset) + lines[i]
		}
	}
	return lines
}

// groupEnd is the length of the group in brackets that text begins with; 0
// where it has no end.
func groupEnd(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// expand replaces tabs by blanks up to the next column that eight divides.
func expand(line string) string {
	if !strings.Contains(line, "\t") {
		return line
	}
	var b strings.Builder
	column := 0
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			column++
			continue
		}
		n := 8 - column%8
		b.WriteString(strings.Repeat(" ", n))
		column += n
	}
	return b.String()
}
