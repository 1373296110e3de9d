package roster

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"

	"imsconv/ldifconv"
)

// ReadSizes adds up the bytes of users: lines of a user, or of a name that
// begins with one and a slash, and a number, separated by blanks or TABs; what
// follows is passed over, a number that is - counts nothing. read says whether
// there was any line. An error has name and the line.
func ReadSizes(r io.Reader, name string, to *ldifconv.Sums) (read bool, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		read = true
		user, size, err := sizeLine(line)
		if err != nil {
			return true, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if err := to.Add(user, size); err != nil {
			return true, err
		}
	}
	if err := lines.Err(); err != nil {
		return read, fmt.Errorf("%s: %w", name, err)
	}
	return read, nil
}

// sizeLine reads one line.
func sizeLine(line []byte) (user []byte, size uint64, err error) {
	name, rest, ok := bytes.Cut(line, []byte{'\t'})
	if !ok {
		name, rest, ok = bytes.Cut(line, []byte{' '})
	}
	number, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte{'\t'})
	number = bytes.TrimSpace(number)
	if string(number) != "-" {
		if size, err = strconv.ParseUint(string(number), 10, 63); err != nil || !ok {
			return nil, 0, fmt.Errorf("%.100q is no user and number of bytes", line)
		}
	}
	user, _, _ = bytes.Cut(name, []byte{'/'})
	return user, min(size, mostBytes), nil
}
