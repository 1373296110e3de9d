package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// UserLine is one line of a user file or map file.
type UserLine struct {
	Old string // the user as the source has it
	New string // the user as the destination gets it; equal to Old when the line has one name
}

// ReadUsers reads a user file or a map file: one user a line, as "name",
// "old new" or "old=new"; blank lines and lines that start with # are passed
// over. A user named twice is an error with its line.
func ReadUsers(r io.Reader, name string) ([]UserLine, error) {
	var lines []UserLine
	seen := make(map[string]bool)
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		text := strings.TrimSpace(sc.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		line, err := parseUser(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if seen[line.Old] {
			return nil, fmt.Errorf("%s:%d: user %q is named twice", name, n, line.Old)
		}
		seen[line.Old] = true
		lines = append(lines, line)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return lines, nil
}

func parseUser(text string) (UserLine, error) {
	if old, new, ok := strings.Cut(text, "="); ok {
		old, new = strings.TrimSpace(old), strings.TrimSpace(new)
		if old == "" || new == "" || strings.ContainsAny(old+new, " \t=") {
			return UserLine{}, fmt.Errorf("%q is not of the form old=new", text)
		}
		return UserLine{old, new}, nil
	}
	switch f := strings.Fields(text); len(f) {
	case 1:
		return UserLine{f[0], f[0]}, nil
	case 2:
		return UserLine{f[0], f[1]}, nil
	}
	return UserLine{}, fmt.Errorf("%q is neither a user nor a pair of users", text)
}
