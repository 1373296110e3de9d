package manual

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// format is a page of section 5: the sections of docs/formats.md that it is
// made of, by number, and the titles of its parts that they become.
type format struct {
	name, summary string
	sections      []int
	titles        []string
	see           []string
}

// formats are the pages of section 5.
var formats = []format{
	{
		name: "sims-tar", summary: "backup stream of a Sun Internet Mail Server, profile sims-tar/1",
		sections: []int{2}, titles: []string{"DESCRIPTION"},
		see: []string{"storeconv-backup(1)", "storeconv-list(1)", "storeconv-restore(1)", "tar(1)", "ims-store(5)"},
	},
	{
		name: "ims-store", summary: "message store of an iPlanet Messaging Server 5.x",
		sections: []int{3, 7}, titles: []string{"DESCRIPTION", "DATABASES"},
		see: []string{"dbconv-mboxlist(1)", "storeconv-hashdir(1)", "storeconv-relocate(1)", "storeconv-restore(1)", "storeconv-verify(1)", "sims-tar(5)", "store.idx(5)"},
	},
	{
		name: "store.idx", summary: "index of a mailbox in an iMS message store",
		sections: []int{4}, titles: []string{"DESCRIPTION"},
		see: []string{"storeconv-inspect(1)", "storeconv-verify(1)", "ims-store(5)"},
	},
}

// source is what the pages are made of, as they name it.
const source = "docs/formats.md"

// Formats makes the pages of section 5 of the text of docs/formats.md, all of
// which [ReadMarkdown] must know. Version and date stand on the pages, see
// [Page]. Where a section refers to another by its number, the page names the
// page that this one is on, or the text it comes from.
func Formats(text, version, date string) ([]*Page, error) {
	titles, err := ReadMarkdown(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	var pages []*Page
	for i := range formats {
		f := &formats[i]
		p := &Page{Name: f.name, Title: f.name, Section: 5, Summary: f.summary, Version: version, Date: date}
		for n, section := range f.sections {
			blocks := sectionBlocks(titles, section)
			if len(blocks) == 0 {
				return nil, fmt.Errorf("%s: no section %d", source, section)
			}
			p.Add(f.titles[n], blocks...)
		}
		p.Add("NOTES", titles[0].Blocks...)
		if err := f.refer(p); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", source, p.File(), err)
		}
		p.Add("SEE ALSO", References(f.see))
		pages = append(pages, p)
	}
	return pages, nil
}

// sectionBlocks are the blocks of a section, with those of the headings below
// it.
func sectionBlocks(titles []Title, number int) []Block {
	var blocks []Block
	within := false
	for _, t := range titles {
		if t.Level <= 2 {
			within = strings.HasPrefix(t.Text, strconv.Itoa(number)+". ")
		} else if within {
			blocks = append(blocks, Heading{Plain(t.Text)})
		}
		if !within {
			continue
		}
		for _, b := range t.Blocks {
			blocks = append(blocks, narrow(b))
		}
	}
	return blocks
}

// narrow makes a list of a table of two columns, whose first item is the head.
func narrow(b Block) Block {
	t, ok := b.(Table)
	if !ok || len(t.Head) != 2 {
		return b
	}
	l := List{Items: []Item{{Term: italic(t.Head[0]), Body: []Block{Paragraph{italic(t.Head[1])}}}}}
	for _, row := range t.Rows {
		l.Items = append(l.Items, Item{Term: row[0], Body: []Block{Paragraph{row[1]}}})
	}
	return l
}

func italic(t Text) Text { return Text{{Italic, t.String()}} }

// refer names other sections as a page can.
func (f *format) refer(p *Page) error {
	for i := range p.Parts {
		for n, b := range p.Parts[i].Blocks {
			changed, err := f.referBlock(b)
			if err != nil {
				return err
			}
			p.Parts[i].Blocks[n] = changed
		}
	}
	return nil
}

// referBlock returns a block of Markdown with its references changed.
func (f *format) referBlock(b Block) (Block, error) {
	var first error
	text := func(t Text) Text {
		out := make(Text, len(t))
		for i, s := range t {
			changed, err := f.referText(s.Text)
			if err != nil && first == nil {
				first = err
			}
			out[i] = Span{s.Style, changed}
		}
		return out
	}
	paragraphs := func(blocks []Block) []Block {
		var out []Block
		for _, b := range blocks {
			out = append(out, Paragraph{text(b.(Paragraph).Text)})
		}
		return out
	}
	switch old := b.(type) {
	case Paragraph:
		b = Paragraph{text(old.Text)}
	case Heading:
		b = Heading{text(old.Text)}
	case Literal:
		var l Literal
		for _, line := range old.Lines {
			line = text(Plain(line)).String()
			if width(line) > Columns-1-pageInset && first == nil {
				first = fmt.Errorf("%q is too long for a page", line)
			}
			l.Lines = append(l.Lines, line)
		}
		b = l
	case Bullets:
		var l Bullets
		for _, item := range old.Items {
			l.Items = append(l.Items, paragraphs(item))
		}
		b = l
	case List:
		var l List
		for _, item := range old.Items {
			l.Items = append(l.Items, Item{Term: text(item.Term), Body: paragraphs(item.Body)})
		}
		b = l
	case Table:
		t := Table{}
		for _, cell := range old.Head {
			t.Head = append(t.Head, text(cell))
		}
		for _, row := range old.Rows {
			var cells []Text
			for _, cell := range row {
				cells = append(cells, text(cell))
			}
			t.Rows = append(t.Rows, cells)
		}
		b = t
	}
	return b, first
}

// reference is a section's number with the word in front.
var reference = regexp.MustCompile(`\b[Ss]ections?( \d+(?:\.\d+)?)?\b`)

func (f *format) referText(text string) (string, error) {
	var err error
	text = reference.ReplaceAllStringFunc(text, func(found string) string {
		word, number, _ := strings.Cut(found, " ")
		if strings.HasSuffix(word, "s") {
			err = fmt.Errorf("%q names more than one section", text)
			return found
		}
		if number == "" {
			return "page" // "each section says", of all
		}
		n, bad := strconv.Atoi(number)
		if bad != nil {
			err = fmt.Errorf("%q names a part of a section", text)
			return found
		}
		return f.where(n)
	})
	return text, err
}

// where says where a reader of the page finds a section.
func (f *format) where(section int) string {
	for i, n := range f.sections {
		if n == section {
			return f.titles[i]
		}
	}
	for i := range formats {
		for _, n := range formats[i].sections {
			if n == section {
				return formats[i].name + "(5)"
			}
		}
	}
	return fmt.Sprintf("section %d of %s", section, source)
}
