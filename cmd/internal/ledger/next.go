package ledger

import (
	_ "embed"
	"regexp"
	"strings"
)

// Lines "English TAB Japanese" of what is left to do: {1} and so on stand for
// anything. What is a command line is in no language. The first line that fits
// counts.
//
//go:embed next.tsv
var nextText string

// phrase is a line of the table.
type phrase struct {
	en *regexp.Regexp
	ja string // with ${1} and so on
}

var phrases = readPhrases(nextText)

func readPhrases(s string) []phrase {
	var list []phrase
	for line := range strings.Lines(s) {
		en, ja, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			panic("internal error: the table of what is left to do has the line " + line)
		}
		pattern := regexp.MustCompile(`\\\{\d\\\}`).ReplaceAllString(regexp.QuoteMeta(en), "(.+?)")
		list = append(list, phrase{
			en: regexp.MustCompile("^" + pattern + "$"),
			ja: regexp.MustCompile(`\{(\d)\}`).ReplaceAllString(strings.ReplaceAll(ja, "$", "$$"), "$${$1}"),
		})
	}
	return list
}

// NextStep is something left to do in the words of a language; known is false
// for what the table does not have, such as a command line, which stays as it
// is. A mark of comments in front of it goes.
func NextStep(text, lang string) (words string, known bool) {
	for _, p := range phrases {
		if m := p.en.FindStringSubmatchIndex(text); m != nil {
			if lang == "ja" {
				return string(p.en.ExpandString(nil, p.ja, text, m)), true
			}
			return strings.TrimPrefix(text, "# "), true
		}
	}
	return strings.TrimPrefix(text, "# "), false
}
