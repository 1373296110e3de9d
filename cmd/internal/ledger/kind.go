package ledger

import (
	_ "embed"
	"fmt"
	"strings"
)

// Advice is what an administrator wants to know of a kind of problem or
// warning.
type Advice struct {
	What string // what it is, a sentence in lower case without a full stop
	Do   string // what to do about it, in whole sentences

	group string // the key of Do, which kinds share
}

var (
	// Lines "kind TAB key of the advice TAB what it is, in English TAB in
	// Japanese".
	//
	//go:embed kinds.tsv
	kindsText string
	// Lines "key TAB what to do in English TAB in Japanese".
	//
	//go:embed advice.tsv
	adviceText string

	kinds = readKinds(kindsText, adviceText)
)

// readKinds reads both tables: by language, then by kind.
func readKinds(kinds, advice string) map[string]map[string]Advice {
	do := map[string][]string{}
	for line := range strings.Lines(advice) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		do[f[0]] = f[1:]
	}
	table := map[string]map[string]Advice{"en": {}, "ja": {}}
	for line := range strings.Lines(kinds) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 || len(do[f[1]]) != 2 {
			panic(fmt.Sprintf("internal error: the table of kinds has the line %q", line))
		}
		table["en"][f[0]] = Advice{f[2], do[f[1]][0], f[1]}
		table["ja"][f[0]] = Advice{f[3], do[f[1]][1], f[1]}
	}
	return table
}

// AdviceFor is the advice on a kind; ok is false for a kind that the table does
// not have.
func AdviceFor(kind, lang string) (a Advice, ok bool) {
	a, ok = kinds[lang][kind]
	return a, ok
}
