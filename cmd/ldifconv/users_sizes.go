package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
)

// mostBytes is what a user counts at most: sums of it do not overflow.
const mostBytes = 1 << 50

// readSizes adds up the bytes of users: lines of a user, or of a name that
// begins with one and a slash, and a number, separated by blanks or TABs; what
// follows is passed over, a number that is - counts nothing.
func readSizes(job *cli.Job, path string, to *ldifconv.Sums) error {
	in, err := flags.OpenText(job, path, "no list of sizes")
	if err != nil {
		return err
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	read := false
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		read = true
		user, size, err := sizeLine(line)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if err := to.Add(user, size); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !read {
		job.Warning("empty-file", path, "the file holds nothing")
	}
	return nil
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

// sizeOf is the bytes of a user, and whether they are known.
func (l *userLister) sizeOf(id string) (int64, bool, error) {
	size, ok, err := l.sizes.Get([]byte(id))
	return int64(min(size, mostBytes)), ok, err
}

// close removes temporary files and closes the others.
func (l *userLister) close() {
	l.files.close()
	l.ids.Close() // what these hold is not to be kept
	l.sizes.Close()
}
