package mboxlist

import (
	"bytes"
	"strings"
)

// Names gives what users and partitions are called from now on; a nil function
// leaves the names as they are.
type Names struct {
	User      func(id string) string
	Partition func(name string) string
	Form      KeyForm // of the keys; the zero value: user/<id>[/folder]
}

// Rename puts new names into a record of folder.db: into its key and, of its
// value, into the partition and the identifiers of the access control list,
// where "-id" takes rights away from id. Everything else stays as it is, byte
// for byte; when nothing changes, key and value come back as they are. Where
// two identifiers become one, its rights are joined.
//
// A value that is not understood stays whole: the key that comes back is the
// new one, and the error an *Error that says why. NamesRenamed tells whether
// that matters.
func Rename(key string, value []byte, names Names) (newKey string, newValue []byte, err error) {
	newKey = key
	if id, mailbox, ok := names.Form.Split(key); ok && names.User != nil {
		if to := names.User(id); to != id {
			newKey = names.Form.Key(to, mailbox)
		}
	}
	if _, err := ParseFolder(value); err != nil {
		return newKey, value, err
	}
	fields := strings.Split(string(value), "\t")
	if names.User != nil && strings.Contains(fields[0], " ") {
		return newKey, value, bad("folder", strings.IndexByte(fields[0], ' '), "a blank in the partition: a value of another form")
	}
	changed := false
	for i, field := range fields {
		to := names.field(i, field)
		changed = changed || to != field
		fields[i] = to
	}
	if !changed {
		return newKey, value, nil
	}
	return newKey, []byte(strings.Join(joinRights(fields), "\t")), nil
}

// field is the new text of field i of a value.
func (n Names) field(i int, field string) string {
	switch {
	case i == 0 && n.Partition != nil:
		return n.Partition(field)
	case i%2 == 0 || n.User == nil: // rights, or what follows a final TAB
		return field
	}
	if id, negative := strings.CutPrefix(field, "-"); negative {
		return "-" + n.User(id)
	}
	return n.User(field)
}

// joinRights makes one entry of those of one identifier, at the place of the
// first.
func joinRights(fields []string) []string {
	joined := fields[:1]
	at := make(map[string]int)
	i := 1
	for ; i+1 < len(fields); i += 2 {
		identifier, rights := fields[i], fields[i+1]
		first, again := at[identifier]
		if !again {
			at[identifier] = len(joined)
			joined = append(joined, identifier, rights)
			continue
		}
		for _, r := range rights {
			if !strings.ContainsRune(joined[first+1], r) {
				joined[first+1] += string(r)
			}
		}
	}
	return append(joined, fields[i:]...) // a final TAB
}

// NamesRenamed looks in a value that is not understood for the ids of renamed
// users: words of the bytes that ids are made of. It returns the first, "" for
// none.
func NamesRenamed(value []byte, user func(id string) string) string {
	for word := range bytes.FieldsFuncSeq(value, func(r rune) bool { return !idByte(r) }) {
		for _, id := range []string{string(word), strings.Trim(string(word), "-.")} {
			if id != "" && user(id) != id {
				return id
			}
		}
	}
	return ""
}

// idByte tells whether a user id may have r in it.
func idByte(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@&~=+", r)
}
