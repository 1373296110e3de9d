package manual

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Page is one page of the manual.
type Page struct {
	Name    string   // of the file, "storeconv-restore"
	Also    []string // other names of the same page
	Title   string   // as typed, "storeconv restore"; what heads the plain text
	Section int      // of the manual: 1 commands, 5 formats
	Summary string   // one line, behind the name
	Version string   // of the product, "imsconv 1.2"
	Date    string   // of the version, YYYY-MM-DD
	Parts   []Part   // what follows NAME
}

// File is the name of the page's file, "storeconv-restore.1".
func (p *Page) File() string { return fmt.Sprintf("%s.%d", p.Name, p.Section) }

// Add adds a part; one without blocks is none.
func (p *Page) Add(title string, blocks ...Block) {
	if len(blocks) > 0 {
		p.Parts = append(p.Parts, Part{title, blocks})
	}
}

// Part is a part of a page below a heading in capitals, such as SYNOPSIS.
type Part struct {
	Title  string
	Blocks []Block
}

// Block is one of Paragraph, Synopsis, Heading, List, Bullets, Literal and
// Table.
type Block interface{ block() }

type (
	// Paragraph is running text.
	Paragraph struct{ Text Text }

	// Synopsis is command lines in which words in capitals stand for others.
	Synopsis struct{ Lines []string }

	// Heading heads the blocks behind it, within a part.
	Heading struct{ Text Text }

	// List is terms with what is said of each.
	List struct{ Items []Item }

	// Bullets are items without terms.
	Bullets struct{ Items [][]Block }

	// Literal is lines that stay as they are, without tabs.
	Literal struct{ Lines []string }

	// Table has a head and rows of as many cells.
	Table struct {
		Head []Text
		Rows [][]Text
	}
)

// Item is one item of a list.
type Item struct {
	Term  Text
	Inset int // columns by which plain text sets the term in
	Body  []Block
}

func (Paragraph) block() {}
func (Synopsis) block()  {}
func (Heading) block()   {}
func (List) block()      {}
func (Bullets) block()   {}
func (Literal) block()   {}
func (Table) block()     {}

// Style is how a span is shown where the medium can.
type Style byte

// The styles: bold is what is typed as it stands, italic what is put in the
// place of a word.
const (
	Roman Style = iota
	Bold
	Italic
)

// Span is text of one style.
type Span struct {
	Style Style
	Text  string
}

// Text is a line of spans.
type Text []Span

// Plain makes a text of one style.
func Plain(text string) Text { return Text{{Text: text}} }

// String is the text without its styles.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// References makes a text of the pages to see, "storeconv(1)", in the order of
// their sections and names, each once.
func References(pages []string) Paragraph {
	pages = slices.Clone(pages)
	slices.SortFunc(pages, func(a, b string) int {
		nameA, secA, _ := strings.Cut(a, "(")
		nameB, secB, _ := strings.Cut(b, "(")
		return cmp.Or(strings.Compare(secA, secB), strings.Compare(nameA, nameB))
	})
	var t Text
	for i, page := range slices.Compact(pages) {
		if i > 0 {
			t = append(t, Span{Text: ", "})
		}
		name, section, _ := strings.Cut(page, "(")
		t = append(t, Span{Bold, name}, Span{Text: "(" + section})
	}
	return Paragraph{t}
}

// width is the number of columns of a text in which no character takes two.
func width(text string) int { return utf8.RuneCountInString(text) }
