package flags

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
)

// Choice is one word of several.
type Choice struct {
	Value   string
	words   []string
	aliases map[string]string // words by others that mean them
	anyCase bool
}

// NewChoice makes a choice of words, whose first value is the default; "" as a
// default stands for none of them.
func NewChoice(value string, words ...string) Choice { return Choice{Value: value, words: words} }

// Add declares a flag, with a letter or "": a choice of words with a default,
// which may be none of them.
func (c *Choice) Add(fs *pflag.FlagSet, name, letter, usage, value string, words ...string) {
	c.Value, c.words = value, words
	fs.VarP(c, name, letter, usage)
}

// AnyCase makes the choice take words in capitals too. Value is always the word
// as it was declared.
func (c *Choice) AnyCase() *Choice {
	c.anyCase = true
	return c
}

// Also makes the choice take another word for one of its own.
func (c *Choice) Also(other, word string) *Choice {
	c.aliases = maps.Clone(c.aliases)
	if c.aliases == nil {
		c.aliases = map[string]string{}
	}
	c.aliases[other] = word
	return c
}

// String returns the word.
func (c *Choice) String() string { return c.Value }

// Values are the words, for completion.
func (c *Choice) Values() []string { return slices.Clone(c.words) }

// Set takes a word.
func (c *Choice) Set(text string) error {
	word := text
	if c.anyCase {
		word = strings.ToLower(text)
	}
	if w, ok := c.aliases[word]; ok {
		word = w
	}
	i := slices.IndexFunc(c.words, func(w string) bool { return w == word || c.anyCase && strings.EqualFold(w, word) })
	if i >= 0 {
		c.Value = c.words[i]
		return nil
	}
	if near := cli.Nearest(word, c.words); near != "" && len(c.words) > 3 {
		return fmt.Errorf("not %s; is it %s?", list(c.words), near)
	}
	return fmt.Errorf("not %s", list(c.words))
}

// Type names the value in help texts.
func (c *Choice) Type() string { return "WORD" }

// list writes words as "a, b or c".
func list(words []string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
}

// Newline is --newline: what becomes of the line ends of messages.
type Newline struct{ Choice }

// Add declares the flag; where says which line ends are meant.
func (n *Newline) Add(fs *pflag.FlagSet, where string) {
	n.Choice.Add(fs, "newline", "", "line ends of messages "+where+", `HOW`: keep or crlf", "keep", "keep", "crlf")
}

// CRLF says whether every line end is written as CR LF.
func (n *Newline) CRLF() bool { return n.Value == "crlf" }
