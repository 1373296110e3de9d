package manual

import (
	"io"
	"slices"
	"strings"
)

// Columns is the width of plain text and of a page on a terminal.
const Columns = 80

const (
	partInset    = 4 // of what stands in a part
	headingInset = 2 // of a heading in it
)

// WritePlain writes a page as plain text without a line of more than columns,
// which must be 40 at least.
func WritePlain(w io.Writer, p *Page, columns int) error {
	var out plain
	out.add(0, "NAME")
	out.add(partInset, hang(p.Title+" - "+p.Summary, columns-partInset, 4)...)
	for _, part := range p.Parts {
		out.add(0, "", part.Title)
		out.blocks(part.Blocks, partInset, columns)
	}
	_, err := io.WriteString(w, strings.Join(out.lines, "\n")+"\n")
	return err
}

// plain is text being set.
type plain struct{ lines []string }

func (p *plain) add(inset int, lines ...string) {
	for _, l := range lines {
		if l != "" {
			l = strings.Repeat(" ", inset) + l
		}
		p.lines = append(p.lines, strings.TrimRight(l, " "))
	}
}

// blocks sets blocks at a column, an empty line between two.
func (p *plain) blocks(blocks []Block, inset, columns int) {
	for i, b := range blocks {
		if i > 0 {
			if _, headed := blocks[i-1].(Heading); !headed {
				p.add(0, "")
			}
		}
		if l, ok := b.(Literal); ok && i > 0 {
			p.block(b, inset+l.inset(columns-inset), columns)
			continue
		}
		p.block(b, inset, columns)
	}
}

func (p *plain) block(b Block, inset, columns int) {
	room := columns - inset
	switch b := b.(type) {
	case Paragraph:
		p.add(inset, wrap(b.Text.String(), room)...)
	case Heading:
		p.add(inset-headingInset, wrap(b.Text.String(), room+headingInset)...)
	case Synopsis:
		for _, line := range b.Lines {
			p.add(inset, hang(line, room, 4)...)
		}
	case Literal:
		for _, l := range b.Lines {
			p.add(inset, literal(l, room)...)
		}
	case Table:
		p.add(inset, layout(b, room)...)
	case Bullets:
		for _, item := range b.Items {
			p.item(Item{Term: Plain("-"), Body: item}, inset, 2, 1, columns)
		}
	case List:
		col := termColumn(b.Items, room)
		for _, it := range b.Items {
			p.item(it, inset, col, 2, columns)
		}
	}
}

// literal keeps a line that fits, and breaks one that does not at blanks.
func literal(line string, columns int) []string {
	if width(line) <= columns {
		return []string{line}
	}
	front := inset(line)
	lines := hang(line, columns-front, min(4, columns/4))
	for i := range lines {
		lines[i] = strings.Repeat(" ", front) + lines[i]
	}
	return lines
}

// inset is how far lines are set in below a text, by the room that they leave.
func (l Literal) inset(room int) int {
	in := 4
	for _, line := range l.Lines {
		in = min(in, room-width(line))
	}
	return max(in, 0)
}

// item sets an item: its body at inset+col, behind the term where that leaves
// a gap of so many blanks, else below it.
func (p *plain) item(it Item, inset, col, gap, columns int) {
	term := it.Term.String()
	var set plain
	set.blocks(it.Body, inset+col, columns)
	inset += it.Inset
	col -= it.Inset
	switch {
	case width(term)+gap > col:
		p.add(inset, hang(term, columns-inset, 4)...)
	case len(set.lines) == 0:
		p.add(inset, term)
	default:
		first := strings.TrimLeft(set.lines[0], " ")
		p.add(inset, term+strings.Repeat(" ", col-width(term))+first)
		set.lines = set.lines[1:]
	}
	p.lines = append(p.lines, set.lines...)
}

// termColumn is where the texts of a list begin: behind the terms, but for the
// few that are much longer than the others.
func termColumn(items []Item, room int) int {
	widths := make([]int, len(items))
	for i, it := range items {
		widths[i] = it.Inset + width(it.Term.String())
	}
	slices.Sort(widths)
	if len(widths) == 0 {
		return 0
	}
	longest, most := widths[len(widths)-1], widths[(len(widths)-1)*4/5]
	if longest > most+8 {
		longest = most
	}
	return min(longest+2, room/2)
}
