package manual

import (
	"regexp"
	"strings"
)

// Prose reads what a verb's documentation is written in:
//
//   - lines without blanks in front are paragraphs, apart by empty lines;
//   - a line in capitals below an empty line, with text below it, is a heading;
//   - lines that are set in are a list where the first has a term, two blanks
//     or more, and text; bullets where it begins with "- "; else literal. Lines
//     that are set in deeper go on with an item.
//
// Every text is prose.
func Prose(text string) []Block {
	var blocks []Block
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for len(lines) > 0 {
		var b Block
		n := 1
		switch first := lines[0]; {
		case strings.TrimSpace(first) == "":
		case inset(first) > 0:
			n = insetLines(lines)
			b = insetBlock(lines[:n])
		case isHeading(lines):
			b = Heading{Plain(first)}
		default:
			for n < len(lines) && strings.TrimSpace(lines[n]) != "" && inset(lines[n]) == 0 {
				n++
			}
			b = Paragraph{inline(strings.Join(lines[:n], " "))}
		}
		if b != nil {
			blocks = append(blocks, b)
		}
		lines = lines[n:]
	}
	return blocks
}

// inset is the number of blanks in front of a line.
func inset(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// capitals are a heading.
var capitals = regexp.MustCompile(`^[A-Z][A-Z ]+$`)

func isHeading(lines []string) bool {
	return capitals.MatchString(lines[0]) && len(lines) > 1 && strings.TrimSpace(lines[1]) != ""
}

// insetLines counts the lines of a block that is set in. Empty lines belong to
// it where more of it comes: anything that is set in where it is literal, else
// what is of its kind.
func insetLines(lines []string) int {
	kind := kindOf(lines[0])
	n := 0
	for i, l := range lines {
		switch {
		case strings.TrimSpace(l) == "":
		case inset(l) == 0:
			return n
		case n < i && kind != 0 && inset(l) <= inset(lines[0]) && kindOf(l) != kind:
			return n
		default:
			n = i + 1
		}
	}
	return n
}

// kindOf tells a bullet ('-') and the first line of an item of a list ('t')
// from what is literal (0).
func kindOf(line string) byte {
	switch line = strings.TrimLeft(line, " "); {
	case strings.HasPrefix(line, "- "):
		return '-'
	case termed.MatchString(line):
		return 't'
	}
	return 0
}

// termed is the first line of an item: term, two blanks, text.
var termed = regexp.MustCompile(`^(\S+(?: \S+)*) {2,}(\S.*)$`)

func insetBlock(lines []string) Block {
	lines = cutInset(lines)
	kind := kindOf(lines[0])
	switch {
	case inset(lines[0]) > 0:
	case kind == '-':
		var items [][]Block
		for _, item := range itemLines(lines) {
			items = append(items, []Block{Paragraph{inline(joined(strings.TrimPrefix(item[0], "- "), item[1:]))}})
		}
		return Bullets{items}
	case kind == 't':
		var items []Item
		for _, item := range itemLines(lines) {
			m := termed.FindStringSubmatch(item[0])
			if m == nil {
				m = []string{"", item[0], ""}
			}
			it := Item{Term: Text{{Bold, m[1]}}}
			if text := joined(m[2], item[1:]); text != "" {
				it.Body = []Block{Paragraph{inline(text)}}
			}
			items = append(items, it)
		}
		return List{items}
	}
	for i, l := range lines {
		lines[i] = expand(l)
	}
	return Literal{lines}
}

// cutInset takes away the blanks that all lines have in front.
func cutInset(lines []string) []string {
	least := inset(lines[0])
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			least = min(least, inset(l))
		}
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		if len(l) >= least {
			out[i] = l[least:]
		}
	}
	return out
}

// itemLines splits the lines of a list into those of its items.
func itemLines(lines []string) [][]string {
	var items [][]string
	for _, l := range lines {
		if inset(l) == 0 && l != "" {
			items = append(items, nil)
		}
		items[len(items)-1] = append(items[len(items)-1], l)
	}
	return items
}

func joined(first string, rest []string) string {
	return strings.Join(strings.Fields(first+" "+strings.Join(rest, " ")), " ")
}

// option is an option within a text.
var option = regexp.MustCompile(`(^|[\s("])(--?[A-Za-z][A-Za-z0-9-]*)`)

// inline sets the options of a text in bold.
func inline(text string) Text {
	var out Text
	at := 0
	for _, m := range option.FindAllStringSubmatchIndex(text, -1) {
		if m[4] > at {
			out = append(out, Span{Text: text[at:m[4]]})
		}
		out = append(out, Span{Bold, text[m[4]:m[5]]})
		at = m[5]
	}
	if at < len(text) {
		out = append(out, Span{Text: text[at:]})
	}
	return out
}
