package source

import (
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/maildir"
)

// oddName names a directory that no server makes, level by level.
func oddName(n maildir.Naming, dir string) string {
	separator := "/"
	if n.Layout == maildir.PlusPlus {
		dir, separator = strings.TrimPrefix(dir, "."), "."
	}
	levels := strings.Split(dir, separator)
	if n.Escape {
		for i, level := range levels {
			levels[i] = unescape(level)
		}
	}
	return strings.Join(levels, "/")
}

// unescape undoes whatever listescape could have written; "/" it cannot be.
func unescape(level string) string {
	var b strings.Builder
	for i := 0; i < len(level); i++ {
		if level[i] == '\\' && i+2 < len(level) {
			if c, err := strconv.ParseUint(level[i+1:i+3], 16, 8); err == nil && c != '/' {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(level[i])
	}
	return b.String()
}

// keepable returns a name that differs from name only where a store could not
// have it. Names that are not in modified UTF-7 stay: whoever reads them knows
// their encoding.
func keepable(name string) string {
	levels := strings.Split(name, "/")
	for i, level := range levels {
		b := []byte(level)
		for k, c := range b {
			if c < 0x20 || c == 0x7f || strings.IndexByte("%*?", c) >= 0 {
				b[k] = '_'
			}
		}
		level = string(b)
		if level == "" || level == "." || level == ".." {
			level += "_"
		}
		levels[i] = level
	}
	if len(levels) > 1 && strings.EqualFold(levels[0], ims.Inbox) {
		levels[0] = ims.Inbox
	}
	return strings.Join(levels, "/")
}
