package site

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// Write writes a file of the site, in which every key has a comment: those that
// have a value with it and how it is known, the others with an example behind
// a #. Evidence may be nil. What is written loads as the same site.
func Write(w io.Writer, s *Site, ev *Evidence) error {
	if ev == nil {
		ev = newEvidence()
	}
	b := writer{bufio.NewWriter(w), s, ev}
	b.comment(fileHead)
	table := ""
	for _, k := range keys {
		if name, _, ok := strings.Cut(k.Name, "."); ok && name != table {
			table = name
			fmt.Fprintf(b, "\n[%s]\n", table)
		}
		b.key(k)
	}
	for _, table := range Tables() {
		if verbs[table] != nil {
			b.table(table)
		}
	}
	return b.Flush()
}

const fileHead = `The site that siteconv converts. A line with a # in front of a key says what the key may hold; without the # it counts. Paths are relative to the folder of this file. A password is never in it. docs/site.md tells more of each key.`

// tableHeads say what the tables of verbs are for.
var tableHeads = map[string]string{
	"upgrade":  "Choices for the directory: the options of ldifconv upgrade.",
	"restore":  "Choices for a store made of a stream or of other mail: the options of storeconv restore.",
	"relocate": "Choices for a store made of one of NMS: the options of storeconv relocate.",
	"export":   "Choices for the destination maildir: the options of storeconv export.",
}

type writer struct {
	*bufio.Writer
	site *Site
	ev   *Evidence
}

// commentWidth is the column at which comments end.
const commentWidth = 80

// comment writes a text behind #, in lines.
func (b writer) comment(text string) {
	text = strings.Map(func(r rune) rune {
		if hidden(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
	column := 0
	for _, word := range strings.Fields(text) {
		switch n := len([]rune(word)); {
		case column == 0:
			b.WriteString("# " + word)
			column = 2 + n
		case column+1+n > commentWidth:
			b.WriteString("\n# " + word)
			column = 2 + n
		default:
			b.WriteString(" " + word)
			column += 1 + n
		}
	}
	b.WriteByte('\n')
}

// key writes one key outside of the tables of verbs.
func (b writer) key(k Key) {
	name := k.Name[strings.LastIndexByte(k.Name, '.')+1:]
	doc := sentence(k.Doc)
	if k.Usual != "" {
		doc += " Default: " + k.Usual + "."
	}
	b.WriteByte('\n')
	b.comment(doc)
	if how := b.ev.How[k.Name]; how != "" {
		b.comment("Found: " + how + ".")
	}
	value := b.site.value(k.Name)
	others := b.ev.Others[k.Name]
	switch {
	case value != "":
		fmt.Fprintf(b, "%s = %s\n", name, value)
	case len(others) == 0:
		fmt.Fprintf(b, "# %s = %s\n", name, k.Example)
	}
	for _, other := range others {
		fmt.Fprintf(b, "# %s = %s\n", name, quote(other))
	}
}

// Value is one key of a site and its value, as the file has it.
type Value struct{ Key, Text string }

// Values are the keys that have a value, in the order of the file, but for
// those of the tables of verbs.
func (s *Site) Values() []Value {
	var values []Value
	for _, k := range keys {
		if text := s.value(k.Name); text != "" {
			values = append(values, Value{k.Name, text})
		}
	}
	return values
}

// value is the value of a key as the file has it, "" without one.
func (s *Site) value(key string) string {
	switch field := s.field(key).(type) {
	case *string:
		if *field != "" {
			return quote(*field)
		}
	case *int:
		if *field != 0 {
			return strconv.Itoa(*field)
		}
	case *[]string:
		if len(*field) > 0 {
			return list(*field)
		}
	}
	return ""
}

// sentence begins a text with a capital letter and ends it with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// table writes the options of a verb.
func (b writer) table(table string) {
	options := *b.site.field(table).(*Options)
	_, fs := newFlags(table)
	b.WriteByte('\n')
	b.comment(tableHeads[table])
	fmt.Fprintf(b, "[%s]\n", table)
	fs.VisitAll(func(f *pflag.Flag) {
		b.WriteByte('\n')
		b.comment(sentence(optionText(f)))
		if value, ok := options[f.Name]; ok {
			fmt.Fprintf(b, "%s = %s\n", f.Name, literal(value))
			return
		}
		fmt.Fprintf(b, "# %s = %s\n", f.Name, examples[table][f.Name])
	})
}

// longOption is an option in the text of another; keys have no dashes.
var longOption = regexp.MustCompile(`--([a-z]+(?:-[a-z]+)*)`)

// asKeys are words of the help of verbs, and what they are in the file.
var asKeys = strings.NewReplacer("with -A:", "with add:", "; may be repeated", "; a list", "; may be given again", "; a list", " (- for standard input)", "")

// optionText is the text of an option, as the help of its verb has it, in the
// words of the file, with its default.
func optionText(f *pflag.Flag) string {
	_, text := pflag.UnquoteUsage(f)
	text = asKeys.Replace(longOption.ReplaceAllString(text, "$1"))
	switch f.DefValue {
	case "", "[]", "false":
		return text
	}
	return text + " (default " + f.DefValue + ")"
}

// literal writes the value of an option.
func literal(value any) string {
	switch v := value.(type) {
	case string:
		return quote(v)
	case []string:
		return list(v)
	}
	return textsOf(value)[0]
}

// list writes a list of texts, in one line where they fit.
func list(texts []string) string {
	var quoted []string
	width := 0
	for _, text := range texts {
		quoted = append(quoted, quote(text))
		width += len(text) + 4
	}
	if width < commentWidth-20 {
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return "[\n    " + strings.Join(quoted, ",\n    ") + ",\n]"
}

// quote writes a text as TOML's basic string.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
