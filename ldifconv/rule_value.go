package ldifconv

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// maxQuota is the largest number of bytes that iMS 5.x counts in mailQuota.
const maxQuota = 4294966272

// quota is a parsed SIMS or NMS quota.
type quota struct {
	n      int64 // the number as written
	suffix byte  // K, M, G, T, or 0
}

// parseQuota reads digits with an optional suffix (K, M, G, T, either case), or
// -1 or -2.
func parseQuota(v []byte) (q quota, ok bool) {
	digits := v
	if len(v) > 0 {
		switch c := v[len(v)-1] &^ 0x20; c {
		case 'K', 'M', 'G', 'T':
			q.suffix, digits = c, bytes.TrimRight(v[:len(v)-1], " \t")
		}
	}
	if string(v) == "-1" || string(v) == "-2" {
		return quota{n: -int64(v[1] - '0')}, true
	}
	if len(digits) == 0 || len(digits) > 18 {
		return q, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return q, false
		}
		q.n = q.n*10 + int64(c-'0')
	}
	return q, true
}

// bytes returns the quota in bytes, units of 1024.
func (q quota) bytes() (int64, bool) {
	shift := 0
	switch q.suffix {
	case 'K':
		shift = 10
	case 'M':
		shift = 20
	case 'G':
		shift = 30
	case 'T':
		shift = 40
	}
	if q.n > math.MaxInt64>>shift {
		return 0, false
	}
	return q.n << shift, true
}

// isZeroQuota reports whether v is a quota of nothing: 0, 0M.
func isZeroQuota(v []byte) bool {
	q, ok := parseQuota(trimBlanks(v))
	return ok && q.n == 0
}

// appendGigabytes writes a quota in terabytes with the suffix G.
func (q quota) appendGigabytes(b []byte) []byte {
	return append(strconv.AppendInt(b, q.n*1024, 10), 'G')
}

// vacationTime is the form of vacationStartDate: YYYYMMDDHHMMSSZ, GMT.
const vacationTime = "20060102150405Z"

// parseTime reads a generalizedTime (RFC 4517 3.3.13: hours at least, fraction,
// zone), a UTCTime with two digits for the year (50 to 99 are 1950 to 1999), or
// a bare date. zoned is false when the value names no time zone; it is read as
// GMT then.
func parseTime(v []byte) (t time.Time, zoned, ok bool) {
	digits := 0
	for digits < len(v) && v[digits] >= '0' && v[digits] <= '9' {
		digits++
	}
	var p clock
	switch {
	case digits == 8 || digits == 10 || digits == 12 || digits == 14:
		p, ok = parseClock(number(v[:4]), v[4:digits])
		ok = ok && p.year >= 1900 && p.year <= 2199
	}
	if !ok && (digits == 10 || digits == 12) {
		year := 1900 + number(v[:2])
		if year < 1950 {
			year += 100
		}
		p, ok = parseClock(year, v[2:digits])
	}
	if !ok {
		return t, false, false
	}
	offset, zoned, ok := parseZone(p.skipFraction(v[digits:]))
	if !ok {
		return t, false, false
	}
	t = time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, 0, time.UTC)
	t = t.Add(time.Duration(p.extra)*time.Second - time.Duration(offset)*time.Minute)
	return t, zoned, t.Year() > 0 && t.Year() <= 9999
}

// clock is a point in time as written.
type clock struct {
	year, month, day, hour, minute, second int

	unit  int // seconds in the smallest unit written
	extra int // whole seconds of the fraction of that unit
}

// parseClock reads month, day and, as far as they are there, hour, minute and
// second, two digits each.
func parseClock(year int, v []byte) (p clock, ok bool) {
	p = clock{year: year, unit: 86400}
	fields := [...]*int{&p.month, &p.day, &p.hour, &p.minute, &p.second}
	units := [...]int{0, 86400, 3600, 60, 1}
	for i := 0; i < len(fields) && len(v) >= 2; i++ {
		*fields[i], p.unit, v = number(v[:2]), units[i], v[2:]
	}
	if p.month < 1 || p.month > 12 || p.day < 1 || p.day > daysIn(p.year, p.month) {
		return p, false
	}
	return p, p.hour < 24 && p.minute < 60 && p.second <= 60
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func number(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

// skipFraction reads a fraction after the smallest unit, as . or , and digits,
// and returns what follows it.
func (p *clock) skipFraction(v []byte) []byte {
	if len(v) < 2 || v[0] != '.' && v[0] != ',' {
		return v
	}
	i, scale, part := 1, 1, 0
	for ; i < len(v) && v[i] >= '0' && v[i] <= '9'; i++ {
		if scale < 10000 {
			scale *= 10
			part = part*10 + int(v[i]-'0')
		}
	}
	if i == 1 {
		return v
	}
	p.extra = p.unit * part / scale
	return v[i:]
}

// parseZone reads Z, an offset of hours and perhaps minutes, or nothing; the
// offset is in minutes.
func parseZone(v []byte) (minutes int, zoned, ok bool) {
	switch {
	case len(v) == 0:
		return 0, false, true
	case len(v) == 1 && (v[0] == 'Z' || v[0] == 'z'):
		return 0, true, true
	case v[0] != '+' && v[0] != '-' || len(v) != 3 && len(v) != 5:
		return 0, false, false
	}
	for _, c := range v[1:] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
	}
	minutes = number(v[1:3]) * 60
	if minutes > 23*60 || number(v[3:]) > 59 {
		return 0, false, false
	}
	minutes += number(v[3:])
	if v[0] == '-' {
		minutes = -minutes
	}
	return minutes, true, true
}

// appendURL writes v as iMS wants it: an LDAP URL without a host has three
// slashes, mailto: no blank behind it. With bare, an address without a scheme
// becomes a mailto: URL. With encode, blanks of an LDAP URL become %20.
func appendURL(b, v []byte, bare, encode bool) []byte {
	switch {
	case hasPrefixFold(v, "ldap://"):
		return appendLDAPURL(b, v, encode)
	case hasPrefixFold(v, "mailto:"):
		b = append(b, v[:len("mailto:")]...)
		return append(b, bytes.TrimLeft(v[len("mailto:"):], " \t")...)
	case bare && isBareAddress(v):
		return append(append(b, "mailto:"...), bytes.TrimSpace(v)...)
	}
	return append(b, v...)
}

func appendLDAPURL(b, v []byte, encode bool) []byte {
	const scheme = len("ldap://")
	b = append(b, v[:scheme]...)
	rest := v[scheme:]
	if host := rest[:hostEnd(rest)]; bytes.IndexByte(host, '=') >= 0 {
		b = append(b, '/')
		rest = bytes.TrimLeft(rest, " \t")
	}
	if !encode {
		return append(b, rest...)
	}
	for _, c := range rest {
		if c == ' ' {
			b = append(b, "%20"...)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// hostEnd returns the length of the host part of what follows ldap://.
func hostEnd(rest []byte) int {
	if i := bytes.IndexAny(rest, "/?"); i >= 0 {
		return i
	}
	return len(rest)
}

// isBareAddress tells an RFC 822 address from a URL with a scheme and from a
// DN.
func isBareAddress(v []byte) bool {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return false
	}
	at := bytes.IndexByte(v, '@')
	if colon := bytes.IndexByte(v, ':'); colon >= 0 && (at < 0 || colon < at) {
		return false
	}
	return at >= 0 || bytes.IndexByte(v, '=') < 0
}

func hasPrefixFold(v []byte, prefix string) bool {
	return len(v) >= len(prefix) && equalFoldString(v[:len(prefix)], prefix)
}

// plainDN cuts the parameters behind the DN of mailEnhancedUniqueMember: from
// the first % on behind which no further part of a DN comes.
func plainDN(v []byte) []byte {
	for i, c := range v {
		if c == '%' && !namesMore(v[i:]) {
			return bytes.TrimRight(v[:i], " \t")
		}
	}
	return v
}

// namesMore reports whether v holds a "=" outside round brackets.
func namesMore(v []byte) bool {
	depth := 0
	for _, c := range v {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == '=' && depth == 0:
			return true
		}
	}
	return false
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// trimBlanks cuts the blanks around v.
func trimBlanks(v []byte) []byte {
	for len(v) > 0 && v[0] == ' ' {
		v = v[1:]
	}
	for len(v) > 0 && v[len(v)-1] == ' ' {
		v = v[:len(v)-1]
	}
	return v
}
