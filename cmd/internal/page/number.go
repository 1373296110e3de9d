package page

import (
	"fmt"
	"math"
	"strconv"
)

// Int is a number with a comma between groups of three digits.
func Int(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Amount is a number and what there is of it, "1 user" or "2,000 users". Where
// lines are made for programs too, cli.Counted has no commas.
func Amount[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Int(int64(n)) + " " + many
}

// Size is a number of bytes in the decimal unit that suits it: "12 bytes",
// "1.2 kB", "34 MB".
func Size(n int64, lang string) string {
	if n > -1000 && n < 1000 {
		switch {
		case lang == "ja":
			return fmt.Sprintf("%d バイト", n)
		case n == 1:
			return "1 byte"
		}
		return fmt.Sprintf("%d bytes", n)
	}
	v := float64(n)
	for _, unit := range [...]string{"kB", "MB", "GB", "TB", "PB"} {
		if v /= 1000; math.Abs(v) < 999.5 {
			return short(v) + " " + unit
		}
	}
	return short(v/1000) + " EB"
}

// short is a number with three figures at most behind a point: 1.23, 12.3, 123.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// Seconds is a length of time in the units that suit it: "0.4 s", "3 min 20 s",
// "5 h 10 min".
func Seconds(s float64, lang string) string {
	h, m, sec := " h", " min", " s"
	if lang == "ja" {
		h, m, sec = " 時間", " 分", " 秒"
	}
	switch {
	case s < 0.095:
		return strconv.FormatFloat(max(s, 0), 'f', 2, 64) + sec
	case s < 9.95:
		return strconv.FormatFloat(s, 'f', 1, 64) + sec
	case s < 59.5:
		return strconv.FormatFloat(s, 'f', 0, 64) + sec
	}
	whole := int64(math.Round(s))
	if whole < 3600 {
		return pair(whole/60, m, whole%60, sec)
	}
	minutes := (whole + 30) / 60
	return pair(minutes/60, h, minutes%60, m)
}

func pair(a int64, unitA string, b int64, unitB string) string {
	if b == 0 {
		return Int(a) + unitA
	}
	return Int(a) + unitA + " " + strconv.FormatInt(b, 10) + unitB
}
