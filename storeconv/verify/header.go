package verify

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"imsconv/storeconv/ims"
)

// maxHeader is how much of a message is searched for the end of its header, in
// bytes.
const maxHeader = 256 << 10

// maxMessageID bounds a Message-id in an index, in bytes.
const maxMessageID = 998

// maxField bounds the field value that is compared: beyond it the formats do
// not say what an index has.
const maxField = 4096

// headerFacts is what the header of a message tells of the fields of its
// record.
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

// SentDate is the date of the Date field of a message of which head is the
// beginning, in seconds since 1970; ok is false when there is none that can be
// read.
func SentDate(head []byte) (seconds int64, ok bool) {
	f := readHeader(head)
	return f.sent, f.sent != noDate
}

// fieldName compares the name of a field; blanks in front of the colon are
// obsolete and may or may not have been taken.
func fieldName(name []byte, want string) bool {
	n := len(want)
	return len(name) >= n && name[0]|0x20 == want[0] && strings.EqualFold(string(name[:n]), want) && len(bytes.TrimRight(name[n:], " \t")) == 0
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

// readID takes the <...> of a value, or else the whole value; what stands
// behind the > of a value that begins with < may have been kept.
func (f *headerFacts) readID(value []byte) {
	if len(value) > maxField {
		f.idKnown = false
		return
	}
	text := strings.TrimSpace(string(value))
	if strings.Contains(text, "\n") {
		text = strings.Join(strings.Fields(text), " ")
	}
	f.ids[0] = storedID(text)
	f.ids[1] = f.ids[0]
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
	control := func(c rune) bool { return c < 0x20 || c == 0x7f }
	if !strings.ContainsFunc(text, control) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		if text[i] >= 0x20 && text[i] != 0x7f {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// noDate stands for a date that is not known, in records and here.
const noDate = ims.NoTime

// dateText shows a date as an index has it.
func dateText(seconds int64) string {
	if text := string(ims.AppendTime(nil, seconds)); text != "" {
		return text
	}
	return "none"
}

// readDate reads the value of a Date field by the grammar of RFC 5322, sections
// 3.3 and 4.3. ok is false for what the grammar does not produce: what an index
// has of such a date, if anything, is not for us to say.
func readDate(value string) (seconds int64, ok bool) {
	value = withoutComments(value)
	if day, rest, ok := strings.Cut(value, ","); ok {
		if oneOfThree(dayNames, strings.TrimSpace(day)) < 0 {
			return noDate, false
		}
		value = rest
	}
	words := make([]string, 0, 16)
	for word := range strings.FieldsSeq(value) {
		words = append(words, word)
	}
	words = joinColons(words)
	if len(words) != 5 || len(words[0]) > 2 {
		return noDate, false
	}
	day, err := strconv.Atoi(words[0])
	month := oneOfThree(monthNames, words[1])
	year, ok := readYear(words[2])
	clock, clockOK := readClock(words[3])
	zone, zoneOK := readZone(words[4])
	if err != nil || month < 0 || !ok || !clockOK || !zoneOK {
		return noDate, false
	}
	t := time.Date(year, time.Month(month+1), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day {
		return noDate, false
	}
	return t.Unix() + clock - zone, true
}

// withoutComments leaves out what stands in parentheses, which may be nested.
func withoutComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var b strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && depth > 0:
			i++
		case c == '(':
			depth++
			b.WriteByte(' ')
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// joinColons takes the blanks around colons away, which are obsolete.
func joinColons(words []string) []string {
	if !slices.ContainsFunc(words, func(w string) bool { return w[0] == ':' || w[len(w)-1] == ':' }) {
		return words
	}
	var out []string
	for _, w := range words {
		if n := len(out); n > 0 && (strings.HasPrefix(w, ":") || strings.HasSuffix(out[n-1], ":")) {
			out[n-1] += w
			continue
		}
		out = append(out, w)
	}
	return out
}

// The names of days and of months, of three letters each.
const (
	dayNames   = "montuewedthufrisatsun"
	monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"
)

// oneOfThree is the number of s among names of three letters, in whatever case
// it is written; -1: it is none of them.
func oneOfThree(names, s string) int {
	for i := 0; i < len(names) && len(s) == 3; i += 3 {
		if strings.EqualFold(names[i:i+3], s) {
			return i / 3
		}
	}
	return -1
}

// readYear: four digits; two digits mean 1950 to 2049, three 1900 and on.
func readYear(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	switch {
	case err != nil || len(s) < 2 || len(s) > 4 || len(s) == 4 && n < 1900:
		return 0, false
	case len(s) == 2 && n < 50:
		n += 2000
	case len(s) < 4:
		n += 1900
	}
	return int(n), true
}

// readClock reads hh:mm or hh:mm:ss as seconds of the day.
func readClock(s string) (int64, bool) {
	hour, rest, ok := strings.Cut(s, ":")
	minute, second, seconds := strings.Cut(rest, ":")
	if !seconds {
		second = "00"
	}
	total := int64(0)
	for i, part := range [...]string{hour, minute, second} {
		n, err := strconv.ParseUint(part, 10, 8)
		if !ok || err != nil || len(part) != 2 || n > [...]uint64{23, 59, 60}[i] {
			return 0, false
		}
		total = 60*total + int64(n)
	}
	return total, true
}

// namedZones are those that RFC 5322 gives a meaning, in hours east of UTC.
var namedZones = map[string]int64{
	"UT": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// readZone reads +hhmm, -hhmm or a name as seconds east of UTC.
func readZone(s string) (int64, bool) {
	if s[0] != '+' && s[0] != '-' {
		hours, ok := namedZones[strings.ToUpper(s)]
		return hours * 3600, ok
	}
	if len(s) != 5 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 16)
	if err != nil || n%100 > 59 {
		return 0, false
	}
	east := int64(n/100*3600 + n%100*60)
	if s[0] == '-' {
		east = -east
	}
	return east, true
}
