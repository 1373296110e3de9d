package verify

import (
	"fmt"
	"strings"

	"imsconv/storeconv"
)

// printable is a log that gets control bytes and bytes outside of ASCII as \x and
// two hexadecimal digits: names of files may hold anything.
type printable struct{ log storeconv.Log }

func (p printable) Problem(kind, where, text string) { p.log.Problem(kind, shown(where), shown(text)) }
func (p printable) Warning(kind, where, text string) { p.log.Warning(kind, shown(where), shown(text)) }

func shown(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
