package ledger

import (
	_ "embed"
	"fmt"
	"strings"
)

// Lines "key TAB English TAB Japanese". A text may have places for values as
// fmt has them.
//
//go:embed texts.tsv
var textsText string

var texts = readTexts(textsText)

// readTexts reads the table: by language, then by key.
func readTexts(s string) map[string]map[string]string {
	table := map[string]map[string]string{"en": {}, "ja": {}}
	for line := range strings.Lines(s) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			panic(fmt.Sprintf("internal error: the table of texts has the line %q", line))
		}
		table["en"][f[0]], table["ja"][f[0]] = f[1], f[2]
	}
	return table
}

// Langs are the languages of reports.
var Langs = []string{"en", "ja"}

// words are the texts of one language.
type words struct {
	lang  string
	texts map[string]string
}

// say is a text of the table with values in it.
func (w words) say(key string, values ...any) string {
	text, ok := w.texts[key]
	if !ok {
		panic("internal error: no text for " + key)
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// name is the text for a name that the run has chosen, such as that of a step;
// a name that the table does not have is its own text.
func (w words) name(class, name string) string {
	if text, ok := w.texts[class+"."+name]; ok {
		return text
	}
	return name
}
