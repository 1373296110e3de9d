package trees

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"imsconv/storeconv/maildir"
)

// named gives the directories of mailboxes their names. One that no server
// makes, or no store has, comes after all others: "%", "*", "?" and control
// bytes become "_", an empty level or one of dots gets it; and so does the
// whole when it is taken, or INBOX in other letters.
func (u *maildirUser) named(dirs []string) []box {
	var found []box
	var odd []string
	taken, ends := map[string]bool{"INBOX": true}, map[string]string{}
	plain := u.plainText(dirs)
	u.other = map[string]string{}
	evolution := u.evolution()
	for _, dir := range dirs {
		if evolution {
			name := u.evolutionName(dir)
			if taken[name] || storable(name) != name || inbox(name) == "INBOX" {
				odd = append(odd, dir)
			} else {
				taken[name] = true
				found = append(found, box{dir, name})
			}
			continue
		}
		if name, ok := u.naming.Mailbox(dir); ok && storable(name) == name && u.inFolders(dir) == dir {
			taken[name] = true
			found = append(found, box{dir, name})
		} else {
			odd = append(odd, dir)
		}
	}
	for _, dir := range odd {
		disk := u.oddName(u.inFolders(dir))
		name := storable(disk)
		switch {
		case evolution:
			disk = u.evolutionName(dir)
			name = storable(disk)
		case plain:
			name = utf7(name)
		}
		u.other[disk] = free(name, taken, ends)
		found = append(found, box{dir, u.other[disk]})
	}
	slices.SortFunc(found, func(a, b box) int { return strings.Compare(a.name, b.name) })
	return found
}

// evolution tells a Maildir whose file "..maildir++" says that "." and "_" in
// names are "_2E" and "_5F", and that names are text.
func (u *maildirUser) evolution() (is bool) {
	u.readLines(u.root, "..maildir++", func(r io.Reader, _ func(*maildir.Error)) error {
		text, err := io.ReadAll(io.LimitReader(r, 64))
		is = strings.TrimRight(string(text), "\r\n \t") == "maildir++ 1"
		return err
	})
	return is && u.naming.Layout == maildir.PlusPlus
}

// evolutionName reads the name of a directory in such a Maildir.
func (u *maildirUser) evolutionName(dir string) string {
	levels := strings.Split(strings.TrimPrefix(dir, "."), ".")
	for i := range levels {
		levels[i] = unescaped(levels[i], "_")
		if utf8.ValidString(levels[i]) && !isUTF7(levels[i]) {
			levels[i] = utf7(levels[i])
		}
	}
	if levels[0] == "" {
		levels[0] = "INBOX"
	}
	return strings.Join(levels, "/")
}

// isUTF7 tells a name of ASCII in which each "&" is one of modified UTF-7.
func isUTF7(name string) bool {
	return !beyondASCII(name) && !strings.Contains(shifted.ReplaceAllString(name, ""), "&")
}

// inFolders is a directory with its upper levels called as the mailboxes whose
// folders they are; where a server keeps mail, they are what they are called.
func (u *maildirUser) inFolders(dir string) string {
	if at := strings.LastIndexByte(dir, '/'); at >= 0 && u.naming.Layout == maildir.FS && !isMailbox(u.root) {
		var upper []string
		for _, level := range strings.Split(dir[:at], "/") {
			upper = append(upper, parent(level))
		}
		return strings.Join(upper, "/") + dir[at:]
	}
	return dir
}

// free is a name that nobody has, which is taken with that. ends has what the
// last one of a name got behind it: with less of that, all are taken.
func free(name string, taken map[string]bool, ends map[string]string) string {
	end := ends[name]
	for got := name + end; got == "" || taken[got] || strings.EqualFold(got, "INBOX"); got = name + end {
		end += "_"
	}
	ends[name] = end
	taken[name+end] = true
	return name + end
}

// beyondASCII tells a name with bytes that modified UTF-7 has not.
func beyondASCII(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f })
}

// plainText tells whether names on disk are text in UTF-8: some are beyond
// ASCII, and all of these are UTF-8. Not where whoever reads the names knows
// what they are in.
func (w *writer) plainText(disk []string) bool {
	odd := slices.DeleteFunc(slices.Clone(disk), func(name string) bool { return !beyondASCII(name) })
	return !w.opt.Encoded && len(odd) > 0 && utf8.ValidString(strings.Join(odd, "\n"))
}

// shifted is a run of modified UTF-7, of any length.
var shifted = regexp.MustCompile(`&([A-Za-z0-9+,]*)-`)

// utf7 writes a name in UTF-8 in modified UTF-7. One that has a run of that
// already stays: it is written so, or its "&" may mean either.
func utf7(name string) string {
	for _, run := range shifted.FindAllStringSubmatch(name, -1) {
		raw, err := base64.RawStdEncoding.Strict().DecodeString(strings.ReplaceAll(run[1], ",", "/"))
		if err == nil && isUTF16(raw) {
			return name
		}
	}
	var out strings.Builder
	var units []byte
	flush := func() {
		if len(units) > 0 {
			out.WriteString("&" + strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(units), "/", ",") + "-")
		}
		units = units[:0]
	}
	for _, r := range name {
		if r < ' ' || r > '~' {
			for _, u := range utf16.Encode([]rune{r}) {
				units = append(units, byte(u>>8), byte(u))
			}
			continue
		}
		flush()
		out.WriteRune(r)
		if r == '&' {
			out.WriteByte('-')
		}
	}
	flush()
	return out.String()
}

// isUTF16 tells big-endian UTF-16 of characters that cannot stand plainly.
func isUTF16(raw []byte) bool {
	if len(raw)%2 != 0 {
		return false
	}
	var units []uint16
	for i := 0; i < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return !slices.ContainsFunc(utf16.Decode(units), func(r rune) bool { return r == utf8.RuneError || r <= '~' })
}

// subscription is the mailbox that a name in a list of subscriptions means.
func (w *writer) subscription(name string, other map[string]string) string {
	if to, ok := other[name]; ok {
		return to
	}
	if w.plainText([]string{name}) {
		return utf7(name)
	}
	return name
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
			levels[i] = unescaped(levels[i], `\`)
		}
	}
	return strings.Join(levels, "/")
}

// unescaped reads every mark with two hexadecimal digits, but for that of "/".
func unescaped(level, mark string) string {
	parts := strings.Split(level, mark)
	out := parts[0]
	for _, part := range parts[1:] {
		var c []byte
		if len(part) >= 2 {
			c, _ = hex.DecodeString(part[:2])
		}
		if len(c) == 1 && c[0] != '/' {
			out += string(c) + part[2:]
		} else {
			out += mark + part
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
