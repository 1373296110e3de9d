package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainText returns s with everything that a terminal may obey as \xNN: control
// characters of ASCII and Latin-1, as bytes and in UTF-8.
func plainText(s string) string {
	return escapeControls(s, func(piece string, _ rune) string {
		var b strings.Builder
		for i := range len(piece) {
			fmt.Fprintf(&b, "\\x%02x", piece[i])
		}
		return b.String()
	})
}

// plainJSON does the same to a JSON text, whose strings have \u escapes. Line
// ends stay.
func plainJSON(s string) string {
	return escapeControls(s, func(piece string, c rune) string {
		if c == '\n' {
			return piece
		}
		return fmt.Sprintf("\\u%04x", c)
	})
}

// escapeControls returns s with its control characters as escape writes them.
func escapeControls(s string, escape func(piece string, c rune) string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+n]
		i += n
		lone := c == utf8.RuneError && n == 1
		if unicode.IsControl(c) || lone && piece[0] < 0xa0 {
			piece = escape(piece, c)
		}
		b.WriteString(piece)
	}
	return b.String()
}
