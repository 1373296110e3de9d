package manual

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// product is what the pages are the manual of.
const product = "imsconv manual"

// pageInset is where man(7) sets text, in columns.
const pageInset = 7

// WriteMan writes a page in the macros of man(7), which mandoc and groff read.
// Words are not hyphenated and lines not stretched, so that what is copied from
// the page is what was meant.
func WriteMan(w io.Writer, p *Page) error {
	r := roff{inset: pageInset}
	r.line(".nr HY 0") // groff's paragraphs would hyphenate again
	r.line(`.TH %s %d "%s" %s %s`, quoted(strings.ToUpper(p.Name)), p.Section, p.Date, quoted(p.Version), quoted(product))
	r.line(".nh")
	r.line(".ad l")
	r.line(".SH NAME")
	r.text(Plain(strings.Join(append([]string{p.Name}, p.Also...), ", ") + " - " + p.Summary))
	for _, part := range p.Parts {
		r.line(".SH %s", quoted(part.Title))
		r.headed = true
		r.blocks(part.Blocks)
	}
	_, err := io.WriteString(w, r.String())
	return err
}

// Link is a page that is another one under an old name; both lie in the folder
// man1 of a manual.
func Link(to *Page) string { return fmt.Sprintf(".so man%d/%s\n", to.Section, to.File()) }

// roff is a page being set.
type roff struct {
	strings.Builder
	inset  int  // column of the text
	headed bool // nothing stands below the heading yet: no space in front
}

func (r *roff) line(format string, args ...any) { fmt.Fprintf(r, format+"\n", args...) }

// space begins a new paragraph.
func (r *roff) space() {
	if !r.headed {
		r.line(".PP")
	}
	r.headed = false
}

func (r *roff) blocks(blocks []Block) {
	for _, b := range blocks {
		r.block(b)
	}
}

func (r *roff) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		r.space()
		r.text(b.Text)
	case Heading:
		r.line(".SS %s", quoted(b.Text.String()))
		r.headed = true
	case Synopsis:
		for _, line := range b.Lines {
			r.space()
			r.text(synopsis(line))
		}
	case Literal:
		r.literal(b.Lines)
	case Table:
		r.literal(layout(b, Columns-1-r.inset))
	case Bullets:
		for _, body := range b.Items {
			r.line(`.IP \(bu 2`)
			r.body(body, 2)
		}
		r.headed = false
	case List:
		by := termIndent(b.Items)
		for _, it := range b.Items {
			r.line(".TP %d", by)
			r.text(it.Term)
			r.body(it.Body, by)
		}
		r.headed = false
	}
}

// body is what stands in an item: its first text on the item's own lines,
// anything else set in as far.
func (r *roff) body(blocks []Block, by int) {
	if len(blocks) == 0 {
		r.line(`\&`)
		return
	}
	if p, ok := blocks[0].(Paragraph); ok {
		r.text(p.Text)
		blocks = blocks[1:]
	}
	if len(blocks) == 0 {
		return
	}
	r.line(".RS %d", by)
	r.inset += by
	r.headed = false
	r.blocks(blocks)
	r.inset -= by
	r.line(".RE")
}

// literal sets lines as they are, and in where there is room for that.
func (r *roff) literal(lines []string) {
	r.space()
	in := Literal{lines}.inset(Columns - 1 - r.inset)
	if in > 0 {
		r.line(".RS %d", in)
	}
	r.line(".EX")
	for _, l := range lines {
		for _, part := range literal(l, Columns-1-r.inset) {
			r.line("%s", guarded(escape(part)))
		}
	}
	r.line(".EE")
	if in > 0 {
		r.line(".RE")
	}
}

// sourceWidth is where lines of the source end that may end.
const sourceWidth = 78

// sentenceEnd is the end of a line of the source that ends a sentence.
var sentenceEnd = regexp.MustCompile(`[.?!](?:\\f[BIR]|\\\(aq|[")*\]])*$`)

// text sets words in source lines. A line never ends a sentence in the eyes of
// roff, which would widen the blank behind it.
func (r *roff) text(t Text) {
	line := ""
	flush := func() {
		if sentenceEnd.MatchString(line) {
			line += `\&`
		}
		r.line("%s", guarded(line))
		line = ""
	}
	for _, word := range words(t) {
		if line != "" && len(line)+1+len(word) > sourceWidth {
			flush()
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		flush()
	}
}

// words are the escaped words of a text, each with the fonts that it needs.
func words(t Text) []string {
	var out []string
	glued := false // the next piece belongs to the last word
	for _, s := range t {
		pieces := strings.Split(s.Text, " ")
		for i, piece := range pieces {
			if i > 0 {
				glued = false
			}
			if piece == "" {
				continue
			}
			word := styled(s.Style, piece)
			if glued {
				out[len(out)-1] += word
			} else {
				out = append(out, word)
			}
			glued = true
		}
	}
	return out
}

func styled(style Style, piece string) string {
	switch style {
	case Bold:
		return `\fB` + escape(piece) + `\fR`
	case Italic:
		return `\fI` + escape(piece) + `\fR`
	}
	return escape(piece)
}

// specials are characters that roff gives a meaning or another shape.
var specials = map[rune]string{
	'\\': `\e`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`,
}

// escape writes text so that it is shown as it stands, on any terminal.
func escape(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch s, special := specials[c]; {
		case special:
			b.WriteString(s)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// guarded keeps a line from being a macro.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// quoted is the argument of a macro.
func quoted(text string) string { return `"` + strings.ReplaceAll(escape(text), `"`, `\(dq`) + `"` }

// placeholder is a word in a synopsis that stands for another.
var placeholder = regexp.MustCompile(`[A-Z][A-Z0-9.]*\b`)

// synopsis sets a command line: what stands for something else in italic, what
// is typed in bold, brackets and dots as they are.
func synopsis(line string) Text {
	var t Text
	for i, word := range strings.Split(line, " ") {
		if i > 0 {
			t = append(t, Span{Text: " "})
		}
		front := len(word) - len(strings.TrimLeft(word, "["))
		back := len(strings.TrimRight(word, "]."))
		if back <= front || word == "|" {
			t = append(t, Span{Text: word})
			continue
		}
		t = append(t, Span{Text: word[:front]})
		t = append(t, synopsisWord(word[front:back])...)
		t = append(t, Span{Text: word[back:]})
	}
	return t
}

func synopsisWord(word string) Text {
	if strings.HasPrefix(word, "-") {
		return Text{{Bold, word}}
	}
	var t Text
	at := 0
	for _, m := range placeholder.FindAllStringIndex(word, -1) {
		t = append(t, Span{Bold, word[at:m[0]]}, Span{Italic, word[m[0]:m[1]]})
		at = m[1]
	}
	return append(t, Span{Bold, word[at:]})
}

// termIndent is how far the texts of a list are set in: behind the terms where
// these are short, else as man(7) has it.
func termIndent(items []Item) int {
	const usual, short = 7, 14
	col := termColumn(items, 2*short)
	for _, it := range items {
		if width(it.Term.String())+2 > col {
			return usual
		}
	}
	if col > short {
		return usual
	}
	return max(col, 4)
}
