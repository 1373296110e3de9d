package manual

import (
	"fmt"
	"regexp"
	"strings"
)

// MarkdownError is a line that the reader does not know how to take.
type MarkdownError struct {
	Line int // from 1
	Text string
}

func (e *MarkdownError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Title is a heading of a Markdown text with the blocks below it, up to the
// next one of any level.
type Title struct {
	Line   int // from 1
	Level  int // 1 to 3
	Text   string
	Blocks []Block
}

// ReadMarkdown reads the small part of Markdown that the project's own pages
// are written in: headings of levels 1 to 3 with "#", paragraphs, bullets with
// "* " or "- " whose further lines are set in by two blanks, tables whose rows
// begin and end with "|", fenced blocks without a language; in texts `code`,
// *em* and **strong**, none within another, and a backslash in front of a
// character that means itself. Anything else is a [MarkdownError]: nothing is
// left out, and nothing shown in another way than a browser would.
func ReadMarkdown(text string) ([]Title, error) {
	m := &markdown{lines: strings.Split(strings.TrimRight(text, "\n"), "\n")}
	for m.at < len(m.lines) {
		if err := m.next(); err != nil {
			return nil, err
		}
	}
	return m.titles, nil
}

// markdown is a text being read.
type markdown struct {
	lines  []string
	at     int // the next line
	titles []Title
}

func (m *markdown) fail(format string, args ...any) error {
	return &MarkdownError{m.at + 1, fmt.Sprintf(format, args...)}
}

var (
	title = regexp.MustCompile(`^(#{1,3}) (\S.*)$`)

	// foreign begins a line that Markdown takes for something the reader does
	// not know.
	foreign = regexp.MustCompile(`^(#|>|[+] |0*1[.)] |[-=_*]{3,} *$|~~~|<| |\t|\[[^\]]*\]:)`)

	// bullet begins an item.
	bullet = regexp.MustCompile(`^[-*] `)

	// counted begins a numbered list, but not within a paragraph.
	counted = regexp.MustCompile(`^\d+[.)] `)
)

// next reads one block.
func (m *markdown) next() error {
	line := m.lines[m.at]
	if line == "" {
		m.at++
		return nil
	}
	if h := title.FindStringSubmatch(line); h != nil {
		text, err := m.inline(h[2])
		if err != nil {
			return err
		}
		m.titles = append(m.titles, Title{Line: m.at + 1, Level: len(h[1]), Text: text.String()})
		m.at++
		return nil
	}
	if len(m.titles) == 0 {
		return m.fail("text in front of the first heading")
	}
	b, err := m.block(line)
	if err != nil {
		return err
	}
	t := &m.titles[len(m.titles)-1]
	t.Blocks = append(t.Blocks, b)
	return nil
}

func (m *markdown) block(line string) (Block, error) {
	switch {
	case strings.HasPrefix(line, "```"):
		return m.fence(line)
	case strings.HasPrefix(line, "|"):
		return m.table()
	case bullet.MatchString(line):
		return m.bullets(line[:2])
	}
	text, err := m.paragraph()
	return Paragraph{text}, err
}

// paragraph reads lines up to an empty one, or one that begins another block.
func (m *markdown) paragraph() (Text, error) {
	var lines []string
	start := m.at
	for ; m.at < len(m.lines) && m.lines[m.at] != ""; m.at++ {
		line := m.lines[m.at]
		if m.at > start && (bullet.MatchString(line) || strings.HasPrefix(line, "```")) {
			break
		}
		if foreign.MatchString(line) || strings.HasPrefix(line, "|") || m.at == start && counted.MatchString(line) {
			return nil, m.fail("a line that begins with %q", line[:1])
		}
		if err := m.ends(line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	end := m.at
	m.at = start // where a fault is told
	text, err := m.inline(strings.Join(lines, " "))
	m.at = end
	return text, err
}

// ends refuses the two ends of a line that mean a break.
func (m *markdown) ends(line string) error {
	if strings.HasSuffix(line, " ") || strings.HasSuffix(line, `\`) {
		return m.fail("a line that ends with a blank or a backslash")
	}
	return nil
}

// bullets reads the items of a list, which all have one mark.
func (m *markdown) bullets(mark string) (Block, error) {
	var b Bullets
	for m.at < len(m.lines) && strings.HasPrefix(m.lines[m.at], mark) {
		start := m.at
		lines := []string{m.lines[m.at][2:]}
		for m.at++; m.at < len(m.lines) && strings.HasPrefix(m.lines[m.at], "  "); m.at++ {
			lines = append(lines, m.lines[m.at][2:])
		}
		end := m.at
		for m.at = start; m.at < end; m.at++ {
			if line := lines[m.at-start]; foreign.MatchString(line) || bullet.MatchString(line) || m.ends(line) != nil {
				return nil, m.fail("an item of more than plain text")
			}
		}
		m.at = start
		text, err := m.inline(strings.Join(lines, " "))
		if err != nil {
			return nil, err
		}
		m.at = end
		b.Items = append(b.Items, []Block{Paragraph{text}})
	}
	if m.at < len(m.lines) && m.lines[m.at] != "" {
		return nil, m.fail("a line that belongs to no item")
	}
	return b, nil
}

func (m *markdown) fence(line string) (Block, error) {
	if line != "```" {
		return nil, m.fail("a fence with a language")
	}
	start := m.at
	var l Literal
	for m.at++; m.at < len(m.lines); m.at++ {
		if m.lines[m.at] == "```" {
			m.at++
			return l, nil
		}
		l.Lines = append(l.Lines, expand(m.lines[m.at]))
	}
	m.at = start
	return nil, m.fail("a fence without an end")
}

// dashes is the line below the head of a table.
var dashes = regexp.MustCompile(`^\|( *-+ *\|)+$`)

func (m *markdown) table() (Block, error) {
	var t Table
	for start := m.at; m.at < len(m.lines) && m.lines[m.at] != ""; m.at++ {
		line := m.lines[m.at]
		if m.at == start+1 {
			if !dashes.MatchString(line) || strings.Count(line, "|") != len(t.Head)+1 {
				return nil, m.fail("no line of dashes for %d columns below the head", len(t.Head))
			}
			continue
		}
		cells, err := m.cells(line)
		if err != nil {
			return nil, err
		}
		switch {
		case m.at == start:
			t.Head = cells
		case len(cells) != len(t.Head):
			return nil, m.fail("a row of %d cells in a table of %d columns", len(cells), len(t.Head))
		default:
			t.Rows = append(t.Rows, cells)
		}
	}
	if len(t.Rows) == 0 {
		return nil, m.fail("a table without rows")
	}
	return t, nil
}

// cells splits a row at bars without a backslash in front.
func (m *markdown) cells(line string) ([]Text, error) {
	if len(line) < 2 || !strings.HasSuffix(line, "|") || strings.HasSuffix(line, `\|`) {
		return nil, m.fail("a row that does not end with a bar")
	}
	const bar = "\x00"
	var cells []Text
	for cell := range strings.SplitSeq(strings.ReplaceAll(line[1:len(line)-1], `\|`, bar), "|") {
		text, err := m.inline(strings.TrimSpace(strings.ReplaceAll(cell, bar, "|")))
		if err != nil {
			return nil, err
		}
		cells = append(cells, text)
	}
	return cells, nil
}
