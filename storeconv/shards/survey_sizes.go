package shards

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// mostLine bounds a line of a list of sizes, in bytes.
const mostLine = 1 << 20

// AddSizes takes up a list of sizes: lines of a user, or of a name that begins
// with one and a slash, and a number of bytes, apart by a TAB or blanks. It is
// what storeconv list prints, as text or as JSON: there, of a size that is -,
// the name of the first copy is in the fifth column. Empty lines and such as
// begin with # are passed over. An error has name and the number of the line.
func (s *Survey) AddSizes(r io.Reader, name string) error {
	n := s.waiting()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, mostLine)
	for number := 1; lines.Scan(); number++ {
		line := lines.Bytes()
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		entry, err := parseSize(line)
		if err == nil {
			err = n.size(entry)
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// sizeEntry is a line of a list of sizes.
type sizeEntry struct {
	Name string `json:"name"`
	Size *int64 `json:"size"` // nil: of no message
	Link string `json:"link"` // name of the first copy; "": none
}

func parseSize(line []byte) (e sizeEntry, err error) {
	if line[0] == '{' {
		if err = json.Unmarshal(line, &e); err != nil || e.Name == "" || e.Size != nil && *e.Size < 0 {
			return e, fmt.Errorf("%.100q is no line of a list", line)
		}
		return e, nil
	}
	columns := bytes.Split(line, []byte{'\t'})
	if len(columns) == 1 {
		columns = bytes.Fields(line)
	}
	size := bytes.TrimSpace(columns[min(1, len(columns)-1)])
	switch number, err := strconv.ParseInt(string(size), 10, 63); {
	case len(columns) < 2 || len(columns[0]) == 0:
		return e, fmt.Errorf("%.100q is no user and number of bytes", line)
	case err == nil && number >= 0:
		e.Size = &number
	case string(size) != "-":
		return e, fmt.Errorf("%.100q is no user and number of bytes", line)
	case len(columns) > 4:
		e.Link = string(columns[4])
	}
	e.Name = string(columns[0])
	return e, nil
}

// size takes up a line.
func (n *memberNames) size(e sizeEntry) error {
	user := e.Name
	if at := bytes.IndexByte([]byte(e.Name), '/'); at >= 0 {
		user = e.Name[:at]
	}
	if user == "" {
		return fmt.Errorf("%.100q names no user", e.Name)
	}
	switch {
	case e.Link != "":
		return n.link(user, e.Link)
	case e.Size == nil:
		return n.there(user)
	}
	return n.counts(user, e.Name, *e.Size)
}
