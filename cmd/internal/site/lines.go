package site

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// place is where a key, or a table, stands.
type place struct {
	path  string // "hosts.old"
	line  int
	table bool // the head of a table, whose keys follow
	array bool // of an array of tables
}

// places lists keys and tables of a file, in their order, up to one more than
// maxKeys, or to where it is no TOML. Of a table in braces its keys are listed.
func places(data []byte) []place {
	w := walker{line: 1}
	w.p.Reset(data)
	table := ""
	for len(w.found) <= maxKeys && w.p.NextExpression() {
		e := w.p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			path, line := w.key("", e.Key())
			table = path
			w.found = append(w.found, place{path: path, line: line, table: true, array: e.Kind == unstable.ArrayTable})
		case unstable.KeyValue:
			w.pair(table, e)
		}
	}
	return w.found
}

// walker goes through a file once, counting its lines.
type walker struct {
	p        unstable.Parser
	at, line int // the line of the byte at
	found    []place
}

// pair adds a key, and where its value is a table, the keys of that.
func (w *walker) pair(table string, e *unstable.Node) {
	path, line := w.key(table, e.Key())
	inline := e.Value().Kind == unstable.InlineTable
	w.found = append(w.found, place{path: path, line: line, table: inline})
	if inline {
		for it := e.Value().Children(); len(w.found) <= maxKeys && it.Next(); {
			w.pair(path, it.Node())
		}
	}
}

// key is the path of a key below a table, and its line.
func (w *walker) key(table string, it unstable.Iterator) (path string, line int) {
	var parts []string
	if table != "" {
		parts = append(parts, table)
	}
	for it.Next() {
		n := it.Node()
		if line == 0 {
			line = w.lineOf(int(n.Raw.Offset))
		}
		parts = append(parts, part(string(n.Data)))
	}
	return strings.Join(parts, "."), line
}

// lineOf is the line of a byte; keys come in their order.
func (w *walker) lineOf(at int) int {
	if at > w.at {
		w.line += bytes.Count(w.p.Data()[w.at:at], []byte("\n"))
		w.at = at
	}
	return w.line
}

// part is one name of a path; one that could be taken for several stays quoted,
// and is no name that is known.
func part(name string) string {
	if name == "" || strings.Contains(name, ".") {
		return strconv.Quote(name)
	}
	return name
}
