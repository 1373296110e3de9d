package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"imsconv/cmd/internal/cli"
)

// readSizes reads the bytes of users: lines of a user, or of a name that begins
// with one and a slash, and a number, separated by blanks or TABs; what follows
// is passed over, a number that is - counts nothing.
func readSizes(job *cli.Job, path string) (map[string]int64, error) {
	in, err := openText(job, path, "no list of sizes")
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sizes := map[string]int64{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if strings.TrimSpace(text) == "" || text[0] == '#' {
			continue
		}
		name, rest, ok := strings.Cut(text, "\t")
		if !ok {
			name, rest, ok = strings.Cut(text, " ")
		}
		number, _, _ := strings.Cut(strings.TrimLeft(rest, " \t"), "\t")
		number = strings.TrimSpace(number)
		size := int64(0)
		if number != "-" {
			if size, err = strconv.ParseInt(number, 10, 64); err != nil || size < 0 || !ok {
				return nil, fmt.Errorf("%s:%d: %.100q is no user and number of bytes", path, n, text)
			}
		}
		user, _, _ := strings.Cut(name, "/")
		sizes[user] += size
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sizes, nil
}
