package flags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Choice is one word of several.
type Choice struct {
	Value string
	words []string
}

// NewChoice makes a choice of words, whose first value is the default; "" as a
// default stands for none of them.
func NewChoice(value string, words ...string) Choice { return Choice{value, words} }

// String returns the word.
func (c *Choice) String() string { return c.Value }

// Set takes a word.
func (c *Choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return fmt.Errorf("not %s", list(c.words))
	}
	c.Value = text
	return nil
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
	n.Choice = NewChoice("keep", "keep", "crlf")
	fs.Var(n, "newline", "line ends of messages "+where+", `HOW`: keep or crlf")
}

// CRLF says whether every line end is written as CR LF.
func (n *Newline) CRLF() bool { return n.Value == "crlf" }
