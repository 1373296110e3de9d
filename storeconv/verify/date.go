package verify

import (
	"strconv"
	"strings"
	"time"

	"imsconv/storeconv/ims"
)

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
	words := strings.Fields(strings.ReplaceAll(withoutComments(value), ",", " , "))
	words = joinColons(words)
	if len(words) >= 2 && words[1] == "," {
		if !isDayName(words[0]) {
			return noDate, false
		}
		words = words[2:]
	}
	if len(words) != 5 || len(words[0]) > 2 {
		return noDate, false
	}
	day, err := strconv.Atoi(words[0])
	month := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(words[1]))
	year, ok := readYear(words[2])
	clock, clockOK := readClock(words[3])
	zone, zoneOK := readZone(words[4])
	if err != nil || len(words[1]) != 3 || month < 0 || month%3 != 0 || !ok || !clockOK || !zoneOK {
		return noDate, false
	}
	t := time.Date(year, time.Month(month/3+1), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day {
		return noDate, false
	}
	return t.Unix() + clock - zone, true
}

// withoutComments leaves out what stands in parentheses, which may be nested.
func withoutComments(s string) string {
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

func isDayName(s string) bool {
	i := strings.Index("montuewedthufrisatsun", strings.ToLower(s))
	return len(s) == 3 && i >= 0 && i%3 == 0
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
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	total := int64(0)
	for i := range 3 {
		n := uint64(0)
		if i < len(parts) {
			var err error
			if n, err = strconv.ParseUint(parts[i], 10, 8); err != nil || len(parts[i]) != 2 {
				return 0, false
			}
		}
		if n > [...]uint64{23, 59, 60}[i] {
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
	if hours, ok := namedZones[strings.ToUpper(s)]; ok {
		return hours * 3600, true
	}
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
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
