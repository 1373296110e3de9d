package mbox

import (
	"bytes"
	"strconv"
	"strings"

	"imsconv/storeconv/ims"
)

// field is a header field that belongs to the mailbox, not to the message.
type field uint8

const (
	noField field = iota
	fieldBase
	fieldPseudo
	fieldUID
	fieldStatus
	fieldXStatus
	fieldKeywords
	fieldLength
	fieldMozilla
	fieldMozilla2
	fieldMozillaKeys
	fieldEnd
)

var fieldNames = map[string]field{
	"x-imapbase": fieldBase, "x-imap": fieldPseudo, "x-uid": fieldUID, "status": fieldStatus, "x-status": fieldXStatus,
	"x-keywords": fieldKeywords, "content-length": fieldLength, "x-mozilla-status": fieldMozilla,
	"x-mozilla-status2": fieldMozilla2, "x-mozilla-keys": fieldMozillaKeys, "x-imsconv-end": fieldEnd,
}

// foreignFields are those in which other programs keep flags and labels that
// are not read: they stay in the message.
var foreignFields = [...]string{"X-Gmail-Labels", "X-Evolution"}

// foreignField is the name of such a field of a header line; "": it is none.
func foreignField(line []byte) string {
	if line[0]|0x20 == 'x' {
		for _, name := range foreignFields {
			if len(line) > len(name) && line[len(name)] == ':' && strings.EqualFold(string(line[:len(name)]), name) {
				return name
			}
		}
	}
	return ""
}

// ownPrefix stands in front of a message's own lines that look like the
// mailbox's.
const ownPrefix = "X-Imsconv-"

// fieldOf tells which field a header line is, and its value.
func fieldOf(line []byte) (field, string) {
	colon := bytes.IndexByte(line[:min(len(line), 32)], ':')
	if colon < 0 {
		return noField, ""
	}
	f := fieldNames[strings.ToLower(string(line[:colon]))]
	if f == noField {
		return noField, ""
	}
	return f, strings.TrimSpace(string(line[colon+1:]))
}

// cutOwn cuts the prefix of a header line that the Writer has marked as the
// message's own.
func cutOwn(line []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(ownPrefix))
	return rest, ok && looksOurs(rest)
}

// looksOurs tells a header line that must be marked: after any number of marks
// it is a field of the mailbox's or a From line.
func looksOurs(line []byte) bool {
	if f, _ := fieldOf(line); f != noField || bytes.HasPrefix(trimJunk(line), fromWord) {
		return true
	}
	rest, ok := bytes.CutPrefix(line, []byte(ownPrefix))
	return ok && looksOurs(rest)
}

// Base is what a file says of the mailbox as a whole. Zero is not said.
type Base struct {
	Validity uint32
	LastUID  uint32
	Keywords []string
}

// marks is what the fields of one message say.
type marks struct {
	uid        uint32
	flags      ims.Flags
	said       bool // a field has said something of the flags
	keywords   []string
	length     int64 // of the body, -1: not said
	lengthLine int64 // offset of the line that says it,
	lengthSize int64 // and its length, with its end
	openEnd    bool
	base       *Base
	pseudo     bool // has X-IMAP, as the pseudo message of c-client
	foreign    string
}

// take reads a field at an offset of the file. ok is false when its value has
// not the form of the mailbox's: it is the message's own.
func (m *marks) take(f field, value string, at int64) (ok bool) {
	switch f {
	case fieldBase, fieldPseudo:
		b, ok := parseBase(value)
		if ok {
			m.base, m.pseudo = b, m.pseudo || f == fieldPseudo
		}
		return ok
	case fieldUID:
		uid, ok := ims.ParseUID(strings.TrimLeft(value, "0"))
		if ok {
			m.uid = uid
		}
		return ok
	case fieldLength:
		n, err := strconv.ParseInt(value, 10, 64)
		if err == nil && n >= 0 && value[0] != '+' {
			m.length, m.lengthLine = n, at
		}
		return false // only the one that is right goes
	case fieldStatus, fieldXStatus:
		return m.takeStatus(f, value)
	case fieldKeywords, fieldMozillaKeys:
		m.keywords = appendWords(m.keywords, value)
		return true
	case fieldMozilla, fieldMozilla2:
		return m.takeMozilla(f, value)
	case fieldEnd:
		m.openEnd = m.openEnd || value == "open"
		return value == "open"
	}
	return false
}

// takeFold reads a line that continues a field with keywords. ok is false when
// the field has none: such a line is the message's own.
func (m *marks) takeFold(f field, value string) (ok bool) {
	switch f {
	case fieldBase, fieldPseudo:
		m.base.Keywords = appendWords(m.base.Keywords, value)
	case fieldKeywords, fieldMozillaKeys:
		m.keywords = appendWords(m.keywords, value)
	default:
		return false
	}
	return true
}

// maxWords bounds the keywords of a message or mailbox.
const maxWords = 4096

// appendWords appends the keywords of a value. One with a control character is
// none.
func appendWords(list []string, value string) []string {
	for w := range strings.FieldsSeq(value) {
		if len(list) < maxWords && !strings.ContainsFunc(w, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			list = append(list, w)
		}
	}
	return list
}

func parseBase(value string) (*Base, bool) {
	w := strings.Fields(value)
	if len(w) < 2 {
		return nil, false
	}
	validity, err := strconv.ParseUint(w[0], 10, 32)
	last, err2 := strconv.ParseUint(w[1], 10, 32)
	if err != nil || err2 != nil {
		return nil, false
	}
	return &Base{uint32(validity), uint32(last), appendWords(nil, strings.Join(w[2:], " "))}, true
}

// takeStatus reads the letters of Status and X-Status.
func (m *marks) takeStatus(f field, value string) bool {
	known := "RONUD"
	if f == fieldXStatus {
		known = "AFTDR"
	}
	if strings.Trim(value, known) != "" {
		return false
	}
	m.said = true
	for _, c := range value {
		switch c {
		case 'R':
			m.flags |= ims.Seen
		case 'A':
			m.flags |= ims.Answered
		case 'F':
			m.flags |= ims.Flagged
		case 'T':
			m.flags |= ims.Draft
		case 'D':
			m.flags |= ims.Deleted
		}
	}
	if f == fieldStatus && !strings.Contains(value, "O") {
		m.flags |= ims.Recent
	}
	return true
}

// mozillaBits are the bits of both fields: that of X-Mozilla-Status in the low
// half, of X-Mozilla-Status2 in the high one.
var mozillaBits = []struct {
	bit     uint32
	flag    ims.Flags
	keyword string
}{
	{0x1, ims.Seen, ""}, {0x2, ims.Answered, ""}, {0x4, ims.Flagged, ""}, {0x8, ims.Deleted, ""}, {0x1000, 0, "$Forwarded"},
	{0x10000, ims.Recent, ""}, {0x200000, ims.Deleted, ""},
}

func (m *marks) takeMozilla(f field, value string) bool {
	n, err := strconv.ParseUint(value, 16, 32)
	if err != nil {
		return false
	}
	mask := uint32(0xffff)
	if f == fieldMozilla2 {
		mask <<= 16
	}
	m.said = true
	for _, b := range mozillaBits {
		if uint32(n)&mask&b.bit != 0 {
			m.flags |= b.flag
			if b.keyword != "" {
				m.keywords = append(m.keywords, b.keyword)
			}
		}
	}
	if label := uint32(n) & mask >> 25 & 7; label > 0 && label < 6 {
		m.keywords = append(m.keywords, "$Label"+strconv.Itoa(int(label)))
	}
	return true
}
