package mbox

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"imsconv/storeconv/ims"
)

var fromWord = []byte("From ")

// maxFrom bounds a From line, in bytes.
const maxFrom = 2048

// mostDateWords is how many words a date has behind the day of the week: those
// of "21 Jun 2000 09:32:14 PM MET DST". What is in front of them is not looked
// at: a line of days of the week would be read once for each of them.
const mostDateWords = 7

// fromLine is a line that may begin a message.
type fromLine struct {
	sender string
	dated  bool  // it has a date,
	date   int64 // which is this, or ims.NoTime when no calendar has it
	sure   bool  // with a day of the week, behind a sender that looks like one
}

// bare tells a line without sender and date, as Thunderbird writes it.
func (f *fromLine) bare() bool { return !f.dated && (f.sender == "" || f.sender == "-") }

// parseFrom takes a line apart, which may have its end. ok is false when it
// does not begin with "From ".
func parseFrom(line []byte) (f fromLine, ok bool) {
	if !bytes.HasPrefix(line, fromWord) || len(line) > maxFrom {
		return f, false
	}
	text := strings.TrimRight(string(line[len(fromWord):]), "\r\n")
	if strings.Contains(text, "\r") {
		return f, false // a whole file with CR as line end, perhaps
	}
	words := withoutEnd(strings.Fields(text))
	for i := len(words) - 1; i >= max(0, len(words)-1-mostDateWords); i-- {
		if !isDay(words[i]) {
			continue
		}
		if date, ok := parseDate(words[i+1:]); ok {
			return fromLine{strings.Join(words[:i], " "), true, date, isSender(words[:i])}, true
		}
	}
	for i := len(words) - 1; i >= max(0, len(words)-6); i-- {
		if date, ok := parseDate(words[i:]); ok {
			return fromLine{strings.Join(words[:i], " "), true, date, false}, true
		}
	}
	return fromLine{sender: strings.Join(words, " "), date: ims.NoTime}, true
}

// withoutEnd cuts what may follow a date: "remote from siroe" of UUCP, and the
// long name of a zone, "(Central European Time)".
func withoutEnd(words []string) []string {
	n := len(words)
	if n > 3 && words[n-3] == "remote" && words[n-2] == "from" {
		return words[:n-3]
	}
	if n > 3 && strings.HasSuffix(words[n-1], ")") && words[n-1][0] != '(' {
		for i := n - 2; i > 0 && i > n-6; i-- {
			if words[i][0] == '(' {
				return words[:i]
			}
		}
	}
	return words
}

// isSender tells words that programs write as a sender: one, "joe at siroe.com"
// as the archives of Mailman do, or an address with blanks in quotes.
func isSender(words []string) bool {
	all := strings.Join(words, " ")
	return len(words) < 2 || len(words) == 3 && words[1] == "at" || strings.Contains(all, "@") && strings.Contains(all, `"`)
}

func isDay(word string) bool {
	word = strings.TrimSuffix(word, ",")
	return len(word) >= 3 && index("Sun Mon Tue Wed Thu Fri Sat", word[:3]) >= 0
}

// index is the place of a word in a list of words of three letters, or -1.
func index(list, word string) int {
	if len(word) != 3 {
		return -1
	}
	for i := 0; i+3 <= len(list); i += 4 {
		if strings.EqualFold(list[i:i+3], word) {
			return i / 4
		}
	}
	return -1
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"

// monthOf is the number of a month, which may be written in full; 0: none.
func monthOf(word string) int {
	n := index(months, word[:min(3, len(word))]) + 1
	if n > 0 && len(word) > 3 && !strings.EqualFold(word, time.Month(n).String()) {
		return 0
	}
	return n
}

// parseDate reads what follows the day of the week, or all of a date: "Jun 21
// 09:32:14 2000" with the zone in front of or behind the year, "21 Jun 2000
// 09:32:14 +0200", "2000-06-21T09:32:14Z", years of two digits, no seconds. ok
// is false when it is no date.
func parseDate(words []string) (seconds int64, ok bool) {
	d := dateWords{year: -1, day: -1}
	for i, w := range spread(words) {
		if w = strings.TrimSuffix(w, ","); w == "" || !d.take(w, i) {
			return 0, false
		}
	}
	if d.month == 0 || d.day < 0 || !d.hasClock || d.year < 0 {
		return 0, false
	}
	return d.seconds(), true
}

var (
	isoDate   = regexp.MustCompile(`^(\d{4})-(0[1-9]|1[0-2])-(\d\d)(?:[Tt](\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)(Z|z|[+-]\d\d:?\d\d)?)?$`)
	shortDate = regexp.MustCompile(`^(\d{1,2})-([A-Za-z]{3})-(\d{4}|\d\d)$`)
	offset    = regexp.MustCompile(`^\(?(?:GMT|UTC)?([+-]\d\d):?(\d\d)\)?$`)
)

// spread makes several words of the dates that are one, "2000-06-21",
// "2000-06-21T09:32:14+02:00" and "21-Jun-2000", and writes offsets as "+0200".
func spread(words []string) (out []string) {
	for _, w := range words {
		first := w[0] | 0x20
		switch {
		case first >= 'a' && first <= 'z' && first != 'g' && first != 'u', strings.IndexByte(w, '-') < 0 && strings.IndexByte(w, '+') < 0:
			out = append(out, w)
			continue
		}
		if m := isoDate.FindStringSubmatch(w); m != nil {
			month, _ := strconv.Atoi(m[2])
			out = append(out, m[3], months[4*(month-1):][:3], m[1])
			for _, rest := range m[4:] {
				if rest != "" {
					out = append(out, offset.ReplaceAllString(rest, "$1$2"))
				}
			}
		} else if m := shortDate.FindStringSubmatch(strings.TrimSuffix(w, ",")); m != nil {
			out = append(out, m[1:]...)
		} else {
			out = append(out, offset.ReplaceAllString(w, "$1$2"))
		}
	}
	return out
}

type dateWords struct {
	month, day, year int
	clock            [3]int
	hasClock, half   bool
	zone             int  // seconds east of UTC
	zones            int  // words that were zones
	offset           bool // one of them was a number
}

// take takes the word at place i of a date.
func (d *dateWords) take(w string, i int) bool {
	if m := monthOf(w); m > 0 && d.month == 0 && i < 2 {
		d.month = m
		return true
	}
	switch {
	case strings.Contains(w, ":"):
		return !d.hasClock && d.takeClock(w)
	case i > 1 && (w[0] == '+' || w[0] == '-'):
		return d.takeZone(w)
	case isNumber(w):
		n, _ := strconv.Atoi(w)
		if d.day < 0 && len(w) <= 2 && i < 2 {
			d.day = n
			return true
		}
		if d.year >= 0 || len(w) != 2 && len(w) != 4 {
			return false
		}
		d.year = n
		if len(w) == 2 {
			d.year += 1900 + 100*b2i(n < 70)
		}
		return true
	}
	return i > 1 && d.takeZone(w)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNumber(w string) bool {
	return w != "" && len(w) <= 4 && strings.Trim(w, "0123456789") == ""
}

func (d *dateWords) takeClock(w string) bool {
	parts := strings.Split(w, ":")
	if len(parts) == 3 {
		parts[2], _, _ = strings.Cut(strings.ReplaceAll(parts[2], ",", "."), ".") // of a second
	}
	if len(parts) != 2 && len(parts) != 3 {
		return false
	}
	for i, p := range parts {
		if len(p) > 2 || !isNumber(p) {
			return false
		}
		d.clock[i], _ = strconv.Atoi(p)
	}
	d.hasClock = true
	return true
}

// zoneHours are the zones that old mail has, in hours east of UTC. A name that
// is not here counts as UTC.
var zoneHours = map[string]float64{
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"AKST": -9, "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5,
	"BST": 1, "IST": 5.5, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "MSD": 4,
	"JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "NZST": 12, "NZDT": 13, "AEST": 10, "AEDT": 11, "BRT": -3, "SAST": 2,
}

// takeZone takes "+0200", "EST", "GMT+1", or the DST of "MET DST".
func (d *dateWords) takeZone(w string) bool {
	if d.zones++; d.zones > 2 || len(w) > 8 {
		return false
	}
	upper := strings.ToUpper(strings.Trim(w, "()"))
	if upper == "" {
		return false
	}
	if w[0] == '+' || w[0] == '-' {
		if len(w) != 5 || !isNumber(w[1:]) {
			return false
		}
		n, _ := strconv.Atoi(w[1:])
		d.offset = true
		d.zone = (n/100*60 + n%100) * 60
		if w[0] == '-' {
			d.zone = -d.zone
		}
		return true
	}
	if strings.Trim(upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ()+-0123456789/") != "" || upper[0] >= '0' && upper[0] <= '9' {
		return false
	}
	switch upper {
	case "DST":
		d.zone += 3600
		return true
	case "AM", "PM":
		d.zones--
		return d.takeHalf(upper == "PM")
	}
	if h, ok := zoneHours[upper]; ok && !d.offset {
		d.zone = int(h * 3600)
	}
	return true
}

// takeHalf takes AM or PM.
func (d *dateWords) takeHalf(pm bool) bool {
	if !d.hasClock || d.half || d.clock[0] < 1 || d.clock[0] > 12 {
		return false
	}
	d.half = true
	d.clock[0] = d.clock[0]%12 + 12*b2i(pm)
	return true
}

// seconds is the date in seconds since 1970, or ims.NoTime when no calendar has
// it.
func (d *dateWords) seconds() int64 {
	second := min(d.clock[2], 59+b2i(d.clock[2] > 60)) // a leap second is no second of its own
	t := time.Date(d.year, time.Month(d.month), d.day, d.clock[0], d.clock[1], second, 0, time.UTC)
	if t.Day() != d.day || d.clock[0] > 23 || d.clock[1] > 59 || d.clock[2] > 60 || d.year < 1 {
		return ims.NoTime
	}
	return t.Unix() - int64(d.zone)
}
