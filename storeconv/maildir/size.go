package maildir

import (
	"fmt"
	"io"
	"strings"
)

// SizeName is the file of a user's quota and of what he uses.
const SizeName = "maildirsize"

// Size is what a maildirsize says. A limit of 0 is none; one of -1 is not said,
// as in a file without a line, which a server has not filled yet.
type Size struct {
	MaxBytes, MaxCount int64 // limits
	Bytes, Count       int64 // in use, messages of all mailboxes
}

// WriteSize writes a maildirsize.
func WriteSize(w io.Writer, s Size) error {
	var limits []string
	if s.MaxBytes > 0 || s.MaxCount <= 0 {
		limits = append(limits, fmt.Sprintf("%dS", max(s.MaxBytes, 0)))
	}
	if s.MaxCount > 0 {
		limits = append(limits, fmt.Sprintf("%dC", s.MaxCount))
	}
	_, err := fmt.Fprintf(w, "%s\n%d %d\n", strings.Join(limits, ","), s.Bytes, s.Count)
	return err
}

// ReadSize reads a maildirsize. An *Error says that its limits cannot be read,
// any other error is that of the file.
func ReadSize(r io.Reader) (Size, error) {
	var s Size
	lines := newLineReader(r, BadSize)
	first, err := lines.next()
	if err == io.EOF {
		return Size{MaxBytes: -1, MaxCount: -1}, nil
	}
	if err != nil {
		return s, err
	}
	if !s.parseLimits(first) {
		return s, lines.fault(fmt.Sprintf("no limits: %q", shortened(first)))
	}
	// The sums are for whoever serves the mail, who counts anew when a line is
	// broken.
	err = lines.each(func(*Error) {}, func(line string) *Error {
		var bytes, count int64
		if n, _ := fmt.Sscanf(line, "%d %d", &bytes, &count); n == 2 {
			s.Bytes, s.Count = s.Bytes+bytes, s.Count+count
		}
		return nil
	})
	return s, err
}

func (s *Size) parseLimits(line string) bool {
	line = strings.TrimSpace(line)
	if line == "" {
		s.MaxBytes, s.MaxCount = -1, -1
		return true
	}
	for limit := range strings.SplitSeq(line, ",") {
		if limit == "" {
			return false
		}
		n := number(limit[:len(limit)-1])
		switch unit := limit[len(limit)-1]; {
		case n < 0:
			return false
		case unit == 'S':
			s.MaxBytes = n
		case unit == 'C':
			s.MaxCount = n
		default:
			return false
		}
	}
	return true
}
