package export

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// resultsHeader is the first line of the results.
const resultsHeader = "user\tfolder\tmessages\tbytes\twritten\tthere\tskipped\treason\tuidvalidity\tsha256\n"

// results are the lines of the mailboxes, user by user in the order of the
// source.
type results struct {
	mu      sync.Mutex
	w       io.Writer
	next    int
	waiting map[int][]byte
	err     error
}

func newResults(w io.Writer) *results { return &results{w: w, waiting: make(map[int][]byte)} }

// put takes the lines of a user.
func (s *results) put(serial int, lines []byte) {
	if s.w == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[serial] = lines
	for {
		lines, ok := s.waiting[s.next]
		if !ok {
			return
		}
		delete(s.waiting, s.next)
		s.write(lines)
	}
}

// pass passes over a user who has no lines.
func (s *results) pass(serial int) { s.put(serial, nil) }

func (s *results) write(lines []byte) {
	if s.next == 0 && s.err == nil {
		_, s.err = io.WriteString(s.w, resultsHeader)
	}
	s.next++
	if s.err == nil {
		_, s.err = s.w.Write(lines)
	}
}

// flush returns the first error.
func (s *results) flush() error {
	if s.w == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, serial := range slices.Sorted(maps.Keys(s.waiting)) {
		s.write(s.waiting[serial])
	}
	if s.next == 0 && s.err == nil {
		_, s.err = io.WriteString(s.w, resultsHeader)
	}
	return s.err
}

// resultLines are the lines of a user, by the names of the mailboxes.
func (u *user) resultLines() []byte {
	if u.r.opt.Results == nil {
		return nil
	}
	var out []byte
	boxes := slices.SortedFunc(slices.Values(u.boxes), func(a, b *box) int { return compareNames(a.name, b.name) })
	for _, b := range boxes {
		out = b.appendResult(out)
	}
	return out
}

func (b *box) appendResult(out []byte) []byte {
	var written, there, skipped int64
	sum := sha256.New()
	var line []byte
	note := func(uid uint32, body [32]byte) {
		line = fmt.Appendf(line[:0], "%d %x\n", uid, body)
		sum.Write(line)
	}
	l := listedBox{now: b, old: b.old}
	l.each(func(e *entry) error { // fn returns no error
		switch {
		case e.recent:
			written++
		case e.state == fresh:
			return nil // the source has it no more
		default:
			there++
		}
		note(e.uid, e.sum)
		return nil
	})
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(b.skips)) {
		skipped += b.skips[reason]
		reasons = append(reasons, fmt.Sprintf("%s %d", reason, b.skips[reason]))
	}
	why := cmp.Or(strings.Join(reasons, ", "), "-")
	return fmt.Appendf(out, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\t%s\n", b.u.id, b.name, b.all, b.bytes, written, there, skipped, why, b.validity, hex.EncodeToString(sum.Sum(nil)))
}
