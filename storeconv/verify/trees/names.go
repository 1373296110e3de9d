package trees

import (
	"encoding/hex"
	"slices"
	"strings"

	"imsconv/storeconv/maildir"
)

// named gives the directories of mailboxes their names. One that no server
// makes, or no store has, comes after all others: "%", "*", "?" and control
// bytes become "_", an empty level or one of dots gets it; and so does the
// whole when it is taken, or INBOX in other letters.
func (u *maildirUser) named(dirs []string) []box {
	var found []box
	var odd []string
	taken := map[string]bool{"INBOX": true}
	for _, dir := range dirs {
		if name, ok := u.naming.Mailbox(dir); ok && storable(name) == name {
			taken[name] = true
			found = append(found, box{dir, name})
		} else {
			odd = append(odd, dir)
		}
	}
	for _, dir := range odd {
		name := storable(u.oddName(dir))
		for name == "" || taken[name] || strings.EqualFold(name, "INBOX") {
			name += "_"
		}
		taken[name] = true
		found = append(found, box{dir, name})
	}
	slices.SortFunc(found, func(a, b box) int { return strings.Compare(a.name, b.name) })
	return found
}

// oddName reads the name of a directory that no server makes, level by level.
func (u *maildirUser) oddName(dir string) string {
	var levels []string
	if u.naming.Layout == maildir.FS {
		levels = strings.Split(dir, "/")
	} else {
		levels = strings.Split(strings.TrimPrefix(dir, "."), ".")
	}
	if u.naming.Escape {
		for i := range levels {
			levels[i] = unescaped(levels[i])
		}
	}
	return strings.Join(levels, "/")
}

// unescaped reads every \ with two hexadecimal digits, but for that of "/".
func unescaped(level string) string {
	parts := strings.Split(level, `\`)
	out := parts[0]
	for _, part := range parts[1:] {
		var c []byte
		if len(part) >= 2 {
			c, _ = hex.DecodeString(part[:2])
		}
		if len(c) == 1 && c[0] != '/' {
			out += string(c) + part[2:]
		} else {
			out += `\` + part
		}
	}
	return out
}

// storable is the name with what a store cannot have as "_".
func storable(name string) string {
	levels := strings.Split(name, "/")
	for i, level := range levels {
		b := []byte(level)
		for k, c := range b {
			if c < ' ' || c == 0x7f || c == '%' || c == '*' || c == '?' {
				b[k] = '_'
			}
		}
		if levels[i] = string(b); slices.Contains([]string{"", ".", ".."}, levels[i]) {
			levels[i] += "_"
		}
	}
	if len(levels) > 1 {
		levels[0] = inbox(levels[0])
	}
	return strings.Join(levels, "/")
}
