package manual

import (
	"errors"
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

// refer names other sections as a page can, and refuses lines that no page has
// room for.
func (f *format) refer(p *Page) error {
	var errs []error
	for i, part := range p.Parts {
		p.Parts[i].Blocks = changed(part.Blocks, func(s string) string {
			text, err := f.referText(s)
			errs = append(errs, err)
			return text
		})
		for _, b := range p.Parts[i].Blocks {
			l, _ := b.(Literal)
			for _, line := range l.Lines {
				if width(line) > Columns-1-pageInset {
					errs = append(errs, fmt.Errorf("%q is too long for a page", line))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// changed returns blocks in which every span, and every literal line, is what
// change makes of it.
func changed(blocks []Block, change func(string) string) []Block {
	text := func(t Text) Text {
		out := make(Text, len(t))
		for i, s := range t {
			out[i] = Span{s.Style, change(s.Text)}
		}
		return out
	}
	out := make([]Block, len(blocks))
	for i, b := range blocks {
		switch b := b.(type) {
		case Paragraph:
			out[i] = Paragraph{text(b.Text)}
		case Heading:
			out[i] = Heading{text(b.Text)}
		case Synopsis:
			out[i] = Synopsis{each(b.Lines, change)}
		case Literal:
			out[i] = Literal{each(b.Lines, change)}
		case Bullets:
			out[i] = Bullets{each(b.Items, func(item []Block) []Block { return changed(item, change) })}
		case List:
			out[i] = List{each(b.Items, func(it Item) Item {
				return Item{Term: text(it.Term), Inset: it.Inset, Body: changed(it.Body, change)}
			})}
		case Table:
			row := func(cells []Text) []Text { return each(cells, text) }
			out[i] = Table{Head: row(b.Head), Rows: each(b.Rows, row)}
		}
	}
	return out
}

func each[T any](list []T, change func(T) T) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = change(v)
	}
	return out
}

// reference is the number of a section, or of several, with the word in front.
// Each section is a page here.
var reference = regexp.MustCompile(`\b[Ss]ections? \d+(?:\.\d+)?\b|\bEach section\b`)

func (f *format) referText(text string) (string, error) {
	var err error
	text = reference.ReplaceAllStringFunc(text, func(found string) string {
		word, number, _ := strings.Cut(found, " ")
		n, bad := strconv.Atoi(number)
		switch {
		case word == "Each":
			return "Each page"
		case strings.HasSuffix(word, "s"):
			err = fmt.Errorf("%q names more than one section", text)
		case bad != nil:
			err = fmt.Errorf("%q names a part of a section", text)
		default:
			return f.where(n)
		}
		return found
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
