package verify

import (
	"bytes"
	"strings"
)

// maxHeader is how much of a message is searched for the end of its header, in
// bytes.
const maxHeader = 256 << 10

// maxMessageID bounds a Message-id in an index, in bytes.
const maxMessageID = 998

// maxField bounds the field value that is compared: beyond it the formats do not
// say what an index has.
const maxField = 4096

// headerFacts is what the header of a message tells of the fields of its record.
type headerFacts struct {
	size int64 // with the empty line that ends it

	sent      int64 // of the Date field, or noDate
	sentKnown bool  // false: a Date that RFC 5322 does not tell how to read

	ids     [2]string // what Message-id may be
	idKnown bool
}

// readHeader reads the header of a message of which head is the beginning, all
// of it or maxHeader bytes.
func readHeader(head []byte) headerFacts {
	f := headerFacts{size: int64(len(head)), sent: noDate, sentKnown: true, idKnown: true}
	var date, id []byte // the values as they stand, nil: no such field
	for at := 0; at < len(head); {
		end := bytes.IndexByte(head[at:], '\n')
		if end < 0 {
			break
		}
		line := bytes.TrimSuffix(head[at:at+end], []byte{'\r'})
		next := at + end + 1
		if len(line) == 0 {
			f.size = int64(next)
			break
		}
		switch name, _, _ := bytes.Cut(line, []byte{':'}); {
		case date == nil && fieldName(name, "date"):
			date = fieldValue(head, at+len(name)+1)
			f.sentKnown = len(name) == len("date")
		case id == nil && fieldName(name, "message-id"):
			id = fieldValue(head, at+len(name)+1)
			f.idKnown = len(name) == len("message-id")
		}
		at = next
	}
	if date != nil {
		f.readDate(date)
	}
	if id != nil {
		f.readID(id)
	}
	return f
}

// fieldName compares the name of a field; blanks in front of the colon are
// obsolete and may or may not have been taken.
func fieldName(name []byte, want string) bool {
	return bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte(want))
}

// fieldValue is the value of a field from offset at on, with its continuation
// lines.
func fieldValue(head []byte, at int) []byte {
	at = min(at, len(head))
	end := at
	for {
		n := bytes.IndexByte(head[end:], '\n')
		if n < 0 {
			return head[at:]
		}
		end += n + 1
		if end == len(head) || head[end] != ' ' && head[end] != '\t' {
			return head[at:end]
		}
	}
}

func (f *headerFacts) readDate(value []byte) {
	if len(value) > maxField {
		f.sentKnown = false
		return
	}
	sent, ok := readDate(string(value))
	f.sent = sent
	f.sentKnown = f.sentKnown && ok
}

// readID takes the <...> of a value, or else the whole value; what stands behind
// the > of a value that begins with < may have been kept.
func (f *headerFacts) readID(value []byte) {
	if len(value) > maxField {
		f.idKnown = false
		return
	}
	text := strings.TrimSpace(string(value))
	if strings.Contains(text, "\n") {
		text = strings.Join(strings.Fields(text), " ")
	}
	f.ids[0], f.ids[1] = storedID(text), storedID(text)
	if open := strings.IndexByte(text, '<'); open >= 0 {
		if length := strings.IndexByte(text[open:], '>'); length > 0 {
			f.ids[0] = storedID(text[open : open+length+1])
			if open > 0 {
				f.ids[1] = f.ids[0]
			}
		}
	}
}

// storedID cuts a value to its limit and leaves control characters out.
func storedID(text string) string {
	text = text[:min(len(text), maxMessageID)]
	var b strings.Builder
	for i := range len(text) {
		if text[i] >= 0x20 && text[i] != 0x7f {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}
