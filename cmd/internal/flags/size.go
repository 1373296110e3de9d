package flags

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes: digits with an optional suffix K, M or G, with or
// without "iB" or "B", to the base of 1,024.
type Size int64

var errSize = errors.New("not a size such as 512, 64K or 8MiB")

// String returns the size in the largest unit that divides it.
func (s *Size) String() string {
	n := int64(*s)
	for _, u := range []struct {
		shift uint
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if n != 0 && n&(1<<u.shift-1) == 0 {
			return fmt.Sprintf("%d%s", n>>u.shift, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

// Set parses a size.
func (s *Size) Set(text string) error {
	digits := strings.TrimRight(text, "KMGiBkmgb")
	shift := uint(0)
	switch strings.ToLower(text[len(digits):]) {
	case "", "b":
	case "k", "kb", "kib":
		shift = 10
	case "m", "mb", "mib":
		shift = 20
	case "g", "gb", "gib":
		shift = 30
	default:
		return errSize
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return errSize
	}
	*s = Size(n << shift)
	return nil
}

// Type names the value in help texts.
func (s *Size) Type() string { return "SIZE" }
