package runbook

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"imsconv/cmd/internal/page"
)

// WriteMarkdown writes the plan as Markdown with boxes to tick. Whatever a site
// is called, it is text there and neither markup nor HTML.
func (p *Plan) WriteMarkdown(w io.Writer) error {
	m := &markdown{w: bufio.NewWriter(w), plan: p}
	m.line("# ", escape(p.Title))
	m.line("")
	m.line(escape(p.Subtitle))
	m.front()
	for _, ph := range p.Phases {
		m.heading(m.text(ph.Title))
		for _, t := range ph.Intro {
			m.paragraph("", m.text(t))
		}
		for _, s := range ph.Steps {
			m.step(s)
		}
	}
	m.tells()
	return m.w.Flush()
}

type markdown struct {
	w    *bufio.Writer
	plan *Plan
}

func (m *markdown) line(parts ...string) {
	for _, s := range parts {
		m.w.WriteString(s)
	}
	m.w.WriteByte('\n')
}

func (m *markdown) heading(title string) { m.line("\n## ", title) }

func (m *markdown) paragraph(indent, text string) { m.line("\n", indent, text) }

func (m *markdown) front() {
	p, word := m.plan, m.plan.Words
	m.heading(escape(word["how"]))
	for _, t := range p.Intro {
		m.paragraph("", m.text(t))
	}
	m.heading(escape(word["values"]))
	m.rows(p.Values)
	m.heading(escape(word["conditions"]))
	m.list(p.Notes)
	m.heading(escape(word["space"]))
	m.rows(p.Numbers)
	m.largest()
	m.space()
	m.heading(escape(word["hours"]))
	m.rows(p.Hours)
	for _, t := range p.HoursOf {
		m.paragraph("", m.text(t))
	}
}

func (m *markdown) rows(rows []Row) {
	if len(rows) == 0 {
		return
	}
	m.line("\n| | |\n|---|---|")
	for _, r := range rows {
		m.line("| ", escape(r.Label), " | ", m.cell(r.Value), " |")
	}
}

// list is a list with boxes.
func (m *markdown) list(items []Text) {
	m.line("")
	for _, t := range items {
		m.line("- [ ] ", m.text(t))
	}
}

func (m *markdown) largest() {
	if len(m.plan.Largest) == 0 {
		return
	}
	word := m.plan.Words
	m.line("\n| ", escape(word["largest"]), " | ", escape(word["number-messages"]), " | ", escape(word["bytes"]), " |\n|---|--:|--:|")
	for _, f := range m.plan.Largest {
		m.line("| ", m.cell(Text{{Kind: Code, Text: f.User + "/" + f.Name}}), " | ", page.Int(f.Messages), " | ", page.Size(f.Bytes, string(m.plan.Lang)), " |")
	}
}

func (m *markdown) space() {
	word := m.plan.Words
	m.line("\n| ", escape(word["where"]), " | ", escape(word["bytes"]), " | ", escape(word["files"]), " | ", escape(word["what"]), " |\n|---|--:|--:|---|")
	for _, r := range m.plan.Space {
		m.line("| ", m.cell(r.Where), " | ", m.plan.size(r.Bytes), " | ", count(r.Files), " | ", m.cell(r.Why), " |")
	}
}

// step is an item with a box, and all that belongs to it below.
func (m *markdown) step(s Step) {
	word := m.plan.Words
	m.line("\n- [ ] **", fmt.Sprintf(word["step-number"], s.Number), " – ", m.text(s.Title), "** (", escape(s.Where), ")")
	m.texts(word["why"], s.Why)
	if s.Like > 0 {
		m.paragraph("  ", escape(fmt.Sprintf(word["like"], fmt.Sprintf(word["step-number"], s.Like))))
	}
	m.texts(word["stop"], s.Stop)
	for _, a := range s.Answers {
		m.paragraph("  ", code(a.Question)+" → "+code(a.Reply))
	}
	for _, c := range s.Commands {
		if s.Places() {
			m.paragraph("  ", escape(c.Where)+":")
		}
		m.block(c.Lines)
	}
	m.texts(word["expect"], s.Expect)
	m.texts(word["back"], s.Back)
	m.texts(word["differs"], s.Differs)
	for _, g := range s.Guide {
		m.paragraph("  ", escape(word["guide"])+" "+code(g))
	}
}

func (m *markdown) texts(label string, texts []Text) {
	for i, t := range texts {
		text := m.text(t)
		if i == 0 {
			text = "*" + escape(label) + "* " + text
		}
		m.paragraph("  ", text)
	}
}

// block is a block of command lines, in a fence that none of them holds.
func (m *markdown) block(lines []string) {
	fence := strings.Repeat("`", max(3, longestRun(strings.Join(lines, "\n"))+1))
	m.line("\n  ", fence, "sh")
	for _, l := range lines {
		m.line("  ", l)
	}
	m.line("  ", fence)
}

func (m *markdown) tells() {
	word := m.plan.Words
	m.heading(escape(word["tells"]))
	for _, t := range m.plan.Tells {
		m.line("\n- [ ] **", m.text(t.Subject), "**")
		m.paragraph("  ", escape(word["audience"])+" "+m.text(t.Audience)+"  \n  "+escape(word["when"])+" "+m.text(t.When))
		for _, body := range t.Body {
			m.paragraph("  ", "> "+m.text(body))
		}
	}
}

// text is a line of Markdown.
func (m *markdown) text(t Text) string {
	var b strings.Builder
	for _, s := range t {
		if s.Kind == Code {
			b.WriteString(code(s.Text))
		} else {
			b.WriteString(escape(s.Text))
		}
	}
	return b.String()
}

// cell is a line of Markdown in a table, where a bar ends a cell even in code.
func (m *markdown) cell(t Text) string {
	var b strings.Builder
	for _, s := range t {
		if s.Kind == Code && strings.Contains(s.Text, "|") {
			b.WriteString(escape(s.Text))
		} else {
			b.WriteString(m.text(Text{s}))
		}
	}
	return b.String()
}

// code is a code span, in backquotes of which the text holds no such row.
func code(text string) string {
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// longestRun is how many backquotes stand in a row.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// escape puts a backslash before whatever Markdown could take for more than
// itself.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < unicode.MaxASCII && strings.ContainsRune("\\`*_{}[]<>#|!&~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// size is a number of bytes, or a dash for what is not known.
func (p *Plan) size(n int64) string {
	if n == 0 {
		return "–"
	}
	return page.Size(n, string(p.Lang))
}

func count(n int64) string {
	if n == 0 {
		return "–"
	}
	return page.Int(n)
}
