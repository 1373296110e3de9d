package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// SizeValue is a flag's value in bytes: a number with an optional suffix K, M
// or G, with or without "iB" or "B", to the base of 1,024.
type SizeValue int64

func (s *SizeValue) String() string {
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
func (s *SizeValue) Set(text string) error {
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
		return fmt.Errorf("not a size such as 512, 64K or 8MiB")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return fmt.Errorf("not a size such as 512, 64K or 8MiB")
	}
	*s = SizeValue(n << shift)
	return nil
}

// Type names the value in help texts.
func (s *SizeValue) Type() string { return "SIZE" }
