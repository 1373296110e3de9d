package message

import (
	"strings"
	"time"

	"imsconv/storeconv/ims"
)

// parseDate reads the value of a Date: field: RFC 5322 with its obsolete forms
// (two-digit years, named zones, comments, no seconds, no day name, no zone,
// which is read as UTC). It returns seconds since 1970, or ims.NoTime for
// anything else.
func parseDate(v []byte) int64 {
	s := dateScanner{b: v}
	s.word() // day name
	s.punct(',')
	day, ok := s.number(2)
	if !ok {
		return ims.NoTime
	}
	s.punct('-')
	month := monthOf(s.word())
	s.punct('-')
	year, ok2 := s.number(4)
	if month == 0 || !ok2 || day < 1 || day > 31 {
		return ims.NoTime
	}
	switch digits := s.digits; {
	case digits == 2 && year < 50:
		year += 2000
	case digits < 4 && year < 1000:
		year += 1900
	}
	hour, ok := s.number(2)
	if !ok || !s.punct(':') {
		return ims.NoTime
	}
	minute, ok := s.number(2)
	second := 0
	if ok && s.punct(':') {
		second, ok = s.number(2)
	}
	if !ok || hour > 23 || minute > 59 || second > 60 || year < 1 {
		return ims.NoTime
	}
	zone, ok := s.zone()
	if !ok {
		return ims.NoTime
	}
	t := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	if t.Day() != day {
		return ims.NoTime
	}
	return t.Unix() - int64(zone)
}

// dateScanner takes a date apart. Blanks and comments between its parts are
// passed over.
type dateScanner struct {
	b      []byte
	last   string // the last word
	digits int    // of the last number
}

func (s *dateScanner) skip() {
	for depth := 0; len(s.b) > 0; s.b = s.b[1:] {
		switch c := s.b[0]; {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0 || c == ' ' || c == '\t' || c == '\r' || c == '\n':
		default:
			return
		}
	}
}

func (s *dateScanner) word() string {
	s.skip()
	n := 0
	for n < len(s.b) && (s.b[n]|0x20 >= 'a' && s.b[n]|0x20 <= 'z') {
		n++
	}
	s.last = string(s.b[:n])
	s.b = s.b[n:]
	return s.last
}

func (s *dateScanner) punct(c byte) bool {
	s.skip()
	if len(s.b) == 0 || s.b[0] != c {
		return false
	}
	s.b = s.b[1:]
	return true
}

func (s *dateScanner) number(most int) (int, bool) {
	s.skip()
	n, i := 0, 0
	for i < len(s.b) && i <= most && s.b[i] >= '0' && s.b[i] <= '9' {
		n = n*10 + int(s.b[i]-'0')
		i++
	}
	if i == 0 || i > most {
		return 0, false
	}
	s.b, s.digits = s.b[i:], i
	return n, true
}

// zone reads a numeric or named zone as seconds east of UTC. A name that says
// nothing (RFC 5322 section 4.3) and no zone at all are UTC.
func (s *dateScanner) zone() (int, bool) {
	s.skip()
	if len(s.b) == 0 {
		return 0, true
	}
	sign := 1
	switch s.b[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return zones[strings.ToUpper(s.word())] * 3600, true
	}
	s.b = s.b[1:]
	n, ok := s.number(4)
	if !ok || n%100 > 59 {
		return 0, false
	}
	return sign * (n/100*3600 + n%100*60), true
}

var zones = map[string]int{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}

var months = map[string]time.Month{
	"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}

// monthOf is the month that the first three letters name; 0: none.
func monthOf(name string) time.Month { return months[strings.ToUpper(name[:min(3, len(name))])] }
