package ims

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// ErrNoBeginning is in the [Error] of an index of this project whose first line
// is not that of one: nothing of it is read. An index that is somebody else's
// is [ErrForeignIndex] instead.
var ErrNoBeginning = errors.New("it does not begin as an index does")

// begunLike says whose index it is that does not begin with the first line of
// ours: br stands at its beginning. It is damaged, and ours as far as anybody
// can tell, when nothing is left of it, or when what is left is of our form:
// the marker at another place, three header lines, or records for the most
// part. Servers write binary files, which have none of that.
func begunLike(br *bufio.Reader) error {
	head, err := br.Peek(indexBuffer)
	if err != nil && err != io.EOF {
		return err
	}
	if why := ownTraces(head, err == nil); why != "" {
		return &Error{Line: 1, Class: BadIndex, Text: ErrNoBeginning.Error() + ": " + why, Err: lostBeginning(why)}
	}
	return ErrForeignIndex
}

// lostBeginning is an ErrNoBeginning that says why the index is ours.
type lostBeginning string

func (e lostBeginning) Error() string { return ErrNoBeginning.Error() + ": " + string(e) }

func (e lostBeginning) Is(target error) bool { return target == ErrNoBeginning }

// indexFields are the names of the header lines of an index.
var indexFields = []string{
	"Name", "Version", "Exists", "Largest Msg", "Last Append", "Last UID", "Oldest Msg", "Oldest Uid",
	"Quota Used", "UID Validity", "ACL", "Userflags", "Subscribed", "Partition", bareField,
}

// bareField is the name of the one header line that not every index has.
const bareField = "Bare LF"

// missingField is the name of the first header line that every index has and
// this one has not; "": it has all. seen are bits of indexFields.
func missingField(seen uint32) string {
	for i, name := range indexFields {
		if seen&(1<<i) == 0 && name != bareField {
			return name
		}
	}
	return ""
}

// ownTraces says what shows that head, the first bytes of a file, is of an
// index of this project; "": nothing. cut says that the file goes on.
func ownTraces(head []byte, cut bool) string {
	name, _, _ := bytes.Cut([]byte(indexMagic), []byte(" "))
	switch {
	case len(head) == 0:
		return "it is empty"
	case len(bytes.Trim(head, "\x00")) == 0 && cut:
		return "its first 16 KiB are nothing but zeros"
	case len(bytes.Trim(head, "\x00")) == 0:
		return "it is nothing but zeros"
	case bytes.HasPrefix(head, append(name, ' ')):
		return "its version is not known"
	case !cut && bytes.HasPrefix([]byte(indexMagic+"\n"), head):
		return "it ends within the first line"
	case bytes.Contains(head, append(name, ' ')), bytes.Contains(head, []byte("Version: imsconv-")):
		return "the first line is lost, and others are there"
	}
	lines := bytes.FieldsFunc(head, func(c rune) bool { return c == '\n' || c == '\r' })
	if cut && len(lines) > 1 {
		lines = lines[:len(lines)-1]
	}
	fields, records := 0, 0
	var rec Record
	for _, line := range lines {
		if isIndexField(line) {
			fields++
		} else if rec.Parse(line) == nil {
			records++
		}
	}
	if fields >= 3 || 2*records > len(lines) {
		return "the first line is lost, and others are there"
	}
	return ""
}

// isIndexField tells a header line by its name.
func isIndexField(line []byte) bool {
	before, _, ok := bytes.Cut(line, []byte(":"))
	return ok && indexField(before) >= 0
}

// indexField is the place of a name in indexFields, or -1.
func indexField(name []byte) int {
	for i, n := range indexFields {
		if string(name) == n {
			return i
		}
	}
	return -1
}
