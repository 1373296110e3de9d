package source

import (
	"io"
	"strings"

	"imsconv/storeconv/maildir"
)

// settings are what an export of ours says of the Maildirs that it has made, in
// .imsconv/export at the top of the tree. nil: nothing says it.
type settings struct {
	layout *maildir.Layout
	escape *bool
}

// settingsMagic is the first line of the file.
const settingsMagic = "imsconv-export 1\n"

// readSettings reads what an export says, where the tree is one. What is no
// such file says nothing.
func (s *Source) readSettings() {
	d, err := s.root.Open(".imsconv")
	if err != nil {
		return
	}
	defer d.Close()
	f, _, err := d.OpenFile("export")
	if err != nil {
		return
	}
	defer f.Close() // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	lines, ok := strings.CutPrefix(string(text), settingsMagic)
	if err != nil || !ok {
		return
	}
	values := make(map[string]string)
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		values[name] = value
	}
	if values["to"] != "maildir" {
		return
	}
	layout := map[string]maildir.Layout{"++": maildir.PlusPlus, "fs": maildir.FS}
	if l, known := layout[values["layout"]]; known {
		s.made.layout = &l
	}
	if names := values["names"]; names == "escaped" || names == "plain" {
		escape := names == "escaped"
		s.made.escape = &escape
	}
}
