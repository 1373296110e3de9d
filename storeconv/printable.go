package storeconv

import (
	"fmt"
	"strings"
)

// PrintableLog writes control bytes and bytes outside of ASCII in what it tells
// as \x and two hexadecimal digits: names of files may hold anything, line ends
// and terminal commands among it.
type PrintableLog struct{ Log Log }

// Problem implements Log.
func (p PrintableLog) Problem(kind, where, text string) {
	p.Log.Problem(kind, printable(where), printable(text))
}

// Warning implements Log.
func (p PrintableLog) Warning(kind, where, text string) {
	p.Log.Warning(kind, printable(where), printable(text))
}

func printable(s string) string {
	odd := func(c byte) bool { return c < 0x20 || c > 0x7e }
	i := 0
	for i < len(s) && !odd(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if odd(s[i]) {
			fmt.Fprintf(&b, `\x%02x`, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
