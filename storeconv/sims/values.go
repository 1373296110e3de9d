package sims

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"imsconv/storeconv/ims"
)

// maxRefused bounds the values of one member that are told one by one.
const maxRefused = 20

// values collects what is wrong with the values of one member. The member goes
// on without them.
type values struct {
	refused []*Error
	more    int // refused beyond maxRefused
}

// refuse notes a value that is left out.
func (v *values) refuse(m *Member, class, text string) {
	if len(v.refused) >= maxRefused {
		v.more++
		return
	}
	v.refused = append(v.refused, &Error{Offset: m.Offset, Name: m.Name, Class: class, Text: text})
}

// take returns what has been refused, and forgets it.
func (v *values) take(m *Member) []*Error {
	list := v.refused
	if v.more > 0 {
		list = append(list, &Error{Offset: m.Offset, Name: m.Name, Class: BadValue, Text: fmt.Sprintf("%d more values of it are left out", v.more)})
	}
	*v = values{}
	return list
}

// apply sets the typed fields of m from the records. Values that cannot be read
// are refused, keys that are not known go to the caller.
func (m *Member) apply(attrs []Attr, v *values) {
	m.Subscribed = -1
	for _, a := range attrs {
		known, ok := m.set(a, v)
		switch {
		case !known:
			m.Unknown = append(m.Unknown, a)
		case !ok:
			v.refuse(m, BadValue, fmt.Sprintf("%s=%s cannot be read and is left out", a.Key, DisplayName(a.Value)))
		}
	}
}

// set sets the field that a record is meant for: known says whether there is
// one, ok whether the value can be read.
func (m *Member) set(a Attr, v *values) (known, ok bool) {
	switch a.Key {
	case "SIMS.flags":
		m.Flags = v.words(m, a, func(word string) bool { return word[0] != '\\' || ims.ParseFlag(word) != 0 })
	case "SIMS.sha256":
		if b, err := hex.DecodeString(a.Value); err != nil || len(b) != sha256.Size {
			return true, false
		}
		m.SHA256 = strings.ToLower(a.Value)
	case "SIMS.quota":
		n, err := strconv.ParseInt(a.Value, 10, 64)
		if err != nil || n < -2 {
			return true, false
		}
		m.Quota, m.HasQuota = n, true
	case "SIMS.uidvalidity":
		return true, setUID(&m.UIDValidity, a.Value)
	case "SIMS.uidnext":
		return true, setUID(&m.UIDNext, a.Value)
	case "SIMS.madeuids":
		return true, setUID(&m.MadeUIDs, a.Value)
	case "SIMS.subscribed":
		if a.Value != "0" && a.Value != "1" {
			return true, false
		}
		m.Subscribed = int8(a.Value[0] - '0')
	case "SIMS.keywords":
		m.Keywords = v.words(m, a, func(word string) bool { return word[0] != '\\' })
	case "SIMS.acl":
		m.ACL = v.lines(m, a.Value)
	default:
		return false, false
	}
	return true, true
}

func setUID(to *uint32, value string) bool {
	n, ok := ims.ParseUID(value)
	if ok {
		*to = n
	}
	return ok
}

// words returns the words of a value that are separated by blanks, without
// those that are none: a TAB in a word would make two of it in an index, where
// the place of a keyword is its number.
func (v *values) words(m *Member, a Attr, valid func(word string) bool) string {
	fault := func(word string) string {
		switch {
		case strings.ContainsFunc(word, unprintable):
			return "holds a control byte or another space than the blank"
		case word != "" && !valid(word):
			return "is no flag that a server knows"
		}
		return ""
	}
	bad := false
	for word := range strings.SplitSeq(a.Value, " ") {
		if text := fault(word); text != "" {
			bad = true
			v.refuse(m, BadFlag, fmt.Sprintf("%s: %q %s and is left out", a.Key, shortened(word), text))
		}
	}
	if !bad {
		return a.Value
	}
	var good []string
	for word := range strings.SplitSeq(a.Value, " ") {
		if fault(word) == "" {
			good = append(good, word)
		}
	}
	return strings.Join(good, " ")
}

// unprintable says what cannot stand in a word: control characters, and the
// spaces that would end it.
func unprintable(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }

// lines returns the lines of a list of rights, without those that are none.
func (v *values) lines(m *Member, list string) string {
	var good []string
	for line := range strings.SplitSeq(list, "\n") {
		line = strings.TrimRight(line, "\r")
		switch fault := aclFault(line); {
		case line == "":
		case fault != "":
			v.refuse(m, BadACL, fmt.Sprintf("SIMS.acl: the line %q %s and is left out", shortened(line), fault))
		default:
			good = append(good, line)
		}
	}
	if len(good) == strings.Count(list, "\n")+1 && !strings.Contains(list, "\r") {
		return list
	}
	return strings.Join(good, "\n")
}

// rights are the rights of RFC 2086; the digits are those that it leaves to
// each server.
const rights = "lrswipcda0123456789"

// aclFault says what is wrong with a line of a list of rights; "" when nothing
// is.
func aclFault(line string) string {
	who, what, ok := strings.Cut(line, "\t")
	switch {
	case !ok:
		return "has no TAB between identifier and rights"
	case strings.Contains(what, "\t"):
		return "has more than one TAB"
	case who == "" || who == "-":
		return "has no identifier"
	case strings.ContainsFunc(who+what, unicode.IsControl):
		return "holds a control byte"
	case strings.Trim(what, rights) != "":
		return "has rights that RFC 2086 does not know"
	}
	return ""
}

// shortened is a value for a message.
func shortened(s string) string {
	if len(s) > maxDisplay {
		return s[:maxDisplay] + "..."
	}
	return s
}

// date takes the modification time of a member: the receive date of a message.
// One that no calendar has becomes 0. That of a directory means nothing.
func (v *values) date(m *Member, seconds int64, ok bool) {
	text := ""
	switch {
	case !ok:
		text = "its date cannot be read, 1970 takes its place"
	case seconds < ims.MinTime || seconds > ims.MaxTime:
		text = fmt.Sprintf("its date of %d seconds is outside the years 1 to 9999, 1970 takes its place", seconds)
	default:
		return
	}
	m.Time = 0
	v.refuse(m, BadDate, text)
	v.refused[0].Tolerated = m.Kind == Mailbox
}
