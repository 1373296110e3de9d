package restore

import (
	"strings"

	"imsconv/storeconv/ims"
)

// markSet are words of SIMS.flags that are no flags of a store.
type markSet uint8

const (
	markExpired markSet = 1 << iota
	markPending
	markUnknown // a flag with a backslash that no server has
)

// parseFlags takes SIMS.flags apart.
func parseFlags(raw string) (flags ims.Flags, keywords []string, marks markSet) {
	for word := range strings.SplitSeq(raw, " ") {
		switch {
		case word == "":
		case word[0] == '\\':
			f := ims.ParseFlag(word)
			if f == 0 {
				marks |= markUnknown
			}
			flags |= f
		case word == "expired":
			marks |= markExpired
		case word == "pending":
			marks |= markPending
		default:
			keywords = append(keywords, word)
		}
	}
	return flags, keywords, marks
}

// marksOf are the marks among the flags of a member.
func marksOf(raw string) markSet {
	_, _, marks := parseFlags(raw)
	return marks
}
