package manual

import "strings"

// gap is the room between two columns of a table.
const gap = 2

// layout sets a table in lines of at most columns: columns that are as wide as
// their widest cell where that fits, else cells are wrapped in the widest.
func layout(t Table, columns int) []string {
	rows := append([][]Text{t.Head}, t.Rows...)
	widths := fit(rows, columns)
	var lines []string
	for i, row := range rows {
		lines = append(lines, layoutRow(row, widths)...)
		if i == 0 {
			lines = append(lines, rule(widths))
		}
	}
	return lines
}

func rule(widths []int) string {
	cells := make([]string, len(widths))
	for i, w := range widths {
		cells[i] = strings.Repeat("-", w)
	}
	return strings.Join(cells, strings.Repeat(" ", gap))
}

// fit returns the widths of the columns: what they need, and where that is too
// much the widest get less, but not less than their longest word while others
// can give.
func fit(rows [][]Text, columns int) []int {
	n := len(rows[0])
	need, word := make([]int, n), make([]int, n)
	for _, row := range rows {
		for i, cell := range row {
			text := cell.String()
			need[i] = max(need[i], width(text), 1)
			for w := range strings.FieldsSeq(text) {
				word[i] = max(word[i], width(w), 1)
			}
		}
	}
	over := gap*(n-1) - columns
	for _, w := range need {
		over += w
	}
	for ; over > 0; over-- {
		if i := widest(need, word); need[i] > 1 {
			need[i]--
		}
	}
	return need
}

// widest is the column that gives: the widest of those that are wider than
// their longest word, else the widest of all.
func widest(need, word []int) int {
	all, some := 0, -1
	for i, w := range need {
		if w > need[all] {
			all = i
		}
		if w > word[i] && (some < 0 || w > need[some]) {
			some = i
		}
	}
	if some >= 0 {
		return some
	}
	return all
}

func layoutRow(row []Text, widths []int) []string {
	cells := make([][]string, len(widths))
	tall := 1
	for i := range widths {
		cells[i] = wrap(row[i].String(), widths[i])
		tall = max(tall, len(cells[i]))
	}
	lines := make([]string, tall)
	for n := range lines {
		var b strings.Builder
		for i, w := range widths {
			cell := ""
			if n < len(cells[i]) {
				cell = cells[i][n]
			}
			b.WriteString(cell + strings.Repeat(" ", w-width(cell)+gap))
		}
		lines[n] = strings.TrimRight(b.String(), " ")
	}
	return lines
}
