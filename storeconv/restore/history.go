package restore

import (
	"encoding/binary"
	"errors"
	"sort"
	"strings"
)

// history is what the planner remembers of a user who has come before in this
// run: how often, in which stream the last time, and which UIDs of which
// mailboxes that stream has shown.
type history struct {
	n, stream  int
	messages   int64  // in the streams
	date       int64  // of the latest backup
	user       string // as the stream has it, the last time
	uids       map[string]uidRanges
	validities map[string]uint32 // UIDVALIDITY of the mailboxes in the stream
	sources    map[string]string // names in the stream, where they are others
}

// A dry run remembers so many bytes about users and then no more: a user who
// comes back is taken for a new one then.
const visitsKept = 32 << 20

// lastVisit tells what is known of a user.
func (p *planner) lastVisit(id string) (history, error) {
	if p.r.dry() {
		return parseHistory([]byte(p.visits[id]))
	}
	b, ok, err := p.r.jr.Get(keyVisit + id)
	if err != nil || !ok {
		return history{}, err
	}
	return parseHistory(b)
}

// noteVisit remembers the visit that ends.
func (p *planner) noteVisit(v *visit) error {
	known := v.before
	known.n = v.n + 1
	known.messages += v.messages
	known.date = v.date
	if v.again {
		return p.keepHistory(v.id, &known)
	}
	if known.stream != v.stream || known.user != v.user || known.uids == nil {
		known.stream, known.uids = v.stream, make(map[string]uidRanges)
	}
	known.user = v.user
	if known.validities == nil {
		known.validities, known.sources = make(map[string]uint32), make(map[string]string)
	}
	for name, b := range v.boxes {
		known.uids[name] = b.plan.shown
		known.validities[name] = b.plan.validity
		if b.plan.source != name {
			known.sources[name] = b.plan.source
		}
	}
	return p.keepHistory(v.id, &known)
}

func (p *planner) keepHistory(id string, h *history) error {
	text := h.append(nil)
	if !p.r.dry() {
		return p.r.jr.Put(keyVisit+id, text)
	}
	if p.visitBytes += len(id) + len(text) + 100; p.visitBytes < visitsKept {
		p.visits[strings.Clone(id)] = string(text)
	}
	return nil
}

func (h *history) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(h.n))
	dst = binary.AppendUvarint(dst, uint64(h.stream))
	dst = binary.AppendUvarint(dst, uint64(h.messages))
	dst = binary.AppendUvarint(dst, uint64(h.date))
	dst = binary.AppendUvarint(dst, uint64(len(h.user)))
	dst = append(dst, h.user...)
	for name, validity := range h.validities {
		ranges := h.uids[name]
		dst = binary.AppendUvarint(dst, uint64(len(name)))
		dst = append(dst, name...)
		dst = binary.AppendUvarint(dst, uint64(len(h.sources[name])))
		dst = append(dst, h.sources[name]...)
		dst = binary.AppendUvarint(dst, uint64(validity))
		dst = binary.AppendUvarint(dst, uint64(len(ranges)))
		last := uint32(0)
		for _, r := range ranges {
			dst = binary.AppendUvarint(dst, uint64(r.lo-last))
			dst = binary.AppendUvarint(dst, uint64(r.hi-r.lo))
			last = r.hi
		}
	}
	return dst
}

var errHistory = errors.New("journal: what it has of a visit cannot be read")

func parseHistory(b []byte) (h history, err error) {
	bad := false
	next := func() uint64 {
		n, k := binary.Uvarint(b)
		if k <= 0 {
			bad, b = true, nil
			return 0
		}
		b = b[k:]
		return n
	}
	if len(b) == 0 {
		return h, nil
	}
	h.n, h.stream = int(next()), int(next())
	h.messages, h.date = int64(next()), int64(next())
	n := next()
	if uint64(len(b)) < n {
		return h, errHistory
	}
	h.user, b = string(b[:n]), b[n:]
	h.uids, h.validities, h.sources = make(map[string]uidRanges), make(map[string]uint32), make(map[string]string)
	for len(b) > 0 {
		n := next()
		if uint64(len(b)) < n {
			return h, errHistory
		}
		name := string(b[:n])
		b = b[n:]
		if n = next(); uint64(len(b)) < n {
			return h, errHistory
		} else if n > 0 {
			h.sources[name] = string(b[:n])
			b = b[n:]
		}
		h.validities[name] = uint32(next())
		ranges := make(uidRanges, 0, min(next(), uint64(len(b))))
		for last := uint32(0); len(ranges) < cap(ranges); {
			lo := last + uint32(next())
			last = lo + uint32(next())
			ranges = append(ranges, uidRange{lo, last})
		}
		h.uids[name] = ranges
	}
	if bad {
		return h, errHistory
	}
	return h, nil
}

// uidRanges is a set of UIDs as ascending ranges.
type uidRanges []uidRange

type uidRange struct{ lo, hi uint32 }

// add adds a UID and tells whether it was new.
func (u *uidRanges) add(uid uint32) bool {
	s := *u
	n := len(s)
	if n > 0 && uid == s[n-1].hi+1 && uid != 0 {
		s[n-1].hi = uid
		return true
	}
	if n == 0 || uid > s[n-1].hi {
		*u = append(s, uidRange{uid, uid})
		return true
	}
	i := u.find(uid)
	if s[i].lo <= uid {
		return false
	}
	left := i > 0 && s[i-1].hi+1 == uid
	right := s[i].lo == uid+1
	switch {
	case left && right:
		s[i-1].hi = s[i].hi
		*u = append(s[:i], s[i+1:]...)
	case left:
		s[i-1].hi = uid
	case right:
		s[i].lo = uid
	default:
		s = append(s, uidRange{})
		copy(s[i+1:], s[i:])
		s[i] = uidRange{uid, uid}
		*u = s
	}
	return true
}

// find returns the first range that does not end before uid.
func (u uidRanges) find(uid uint32) int {
	return sort.Search(len(u), func(i int) bool { return u[i].hi >= uid })
}

func (u uidRanges) has(uid uint32) bool {
	i := u.find(uid)
	return i < len(u) && u[i].lo <= uid
}

// max returns the highest UID, 0 when there is none.
func (u uidRanges) max() uint32 {
	if len(u) == 0 {
		return 0
	}
	return u[len(u)-1].hi
}
