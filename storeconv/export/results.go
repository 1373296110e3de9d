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
	"sync/atomic"

	"imsconv/storeconv"
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

// notes are what is told of users, in the same order however many workers
// there are. Each user of a store has a lane, in the order of the users; all of
// a stream has one. Within a lane notes go out by their turns: whoever feeds
// messages to workers gives each message a turn, and takes one for whatever it
// tells itself.
//
// Nothing of a lane goes out before the lanes in front of it have ended.
// Whoever feeds waits when too much is kept because of that (user.room);
// workers and whoever puts users in place never do.
type notes struct {
	log  storeconv.Log
	most int64        // notes to keep before feeders wait
	kept atomic.Int64 // notes that have not gone out

	mu      sync.Mutex
	turns   *sync.Cond // a lane has ended, or the run
	lanes   []*lane    // that have not gone out, in their order
	stopped bool       // the run ends: nobody waits any more
	once    bool       // what is told once a run has gone out
}

// keptNotes is how many notes are kept, some 200 bytes each.
const keptNotes = 4096

func newNotes(log storeconv.Log, most int64) *notes {
	n := &notes{log: log, most: most}
	n.turns = sync.NewCond(&n.mu)
	return n
}

// lane is what is told in one place of the order. As a Log it is its feeder's,
// and each note takes a turn.
type lane struct {
	all   *notes
	last  int // turn that was given last; the feeder's alone
	notes []turnNote
	least turnNote // of those to tell once a run, the first; its turn is 0: none
	ended bool
}

// turnNote is a note with its turn.
type turnNote struct {
	storeconv.Note
	turn int
	once bool // told once a run
}

// open makes the next lane.
func (n *notes) open() *lane {
	l := &lane{all: n}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lanes = append(n.lanes, l)
	return l
}

// turn gives the next turn. Only the feeder may call it.
func (l *lane) turn() int {
	l.last++
	return l.last
}

func (l *lane) Problem(kind, where, text string) { l.at(l.turn()).Problem(kind, where, text) }
func (l *lane) Warning(kind, where, text string) { l.at(l.turn()).Warning(kind, where, text) }

// at is the log of what has a turn.
func (l *lane) at(turn int) turnLog { return turnLog{l, turn} }

// turnLog keeps what is told of one thing, such as a message.
type turnLog struct {
	l    *lane
	turn int
}

func (t turnLog) Problem(kind, where, text string) { t.keep(storeconv.Problem, kind, where, text) }
func (t turnLog) Warning(kind, where, text string) { t.keep(storeconv.Warning, kind, where, text) }

func (t turnLog) keep(severity storeconv.Severity, kind, where, text string) {
	n := t.l.all
	n.mu.Lock()
	defer n.mu.Unlock()
	t.l.notes = append(t.l.notes, turnNote{storeconv.Note{Severity: severity, Kind: kind, Where: where, Text: text}, t.turn, false})
	n.kept.Add(1)
}

// warnOnce keeps a warning that is told once a run, of what comes first in the
// order.
func (t turnLog) warnOnce(kind, where, text string) {
	n := t.l.all
	n.mu.Lock()
	defer n.mu.Unlock()
	if is := t.l.least.turn; n.once || is > 0 && is <= t.turn {
		return
	}
	t.l.least = turnNote{storeconv.Note{Severity: storeconv.Warning, Kind: kind, Where: where, Text: text}, t.turn, true}
}

// end ends a lane: nothing more comes. What may go out now does.
func (l *lane) end() {
	n := l.all
	n.mu.Lock()
	defer n.mu.Unlock()
	l.ended = true
	for len(n.lanes) > 0 && n.lanes[0].ended {
		n.lanes[0].tell()
		n.lanes[0] = nil
		n.lanes = n.lanes[1:]
	}
	n.turns.Broadcast()
}

// tell lets the notes of a lane out. The lock is held.
func (l *lane) tell() {
	l.all.kept.Add(-int64(len(l.notes)))
	if l.least.turn > 0 && !l.all.once {
		l.notes = append(l.notes, l.least)
		l.all.once = true
	}
	slices.SortStableFunc(l.notes, func(a, b turnNote) int { return cmp.Compare(a.turn, b.turn) })
	for _, note := range l.notes {
		note.Tell(l.all.log)
	}
	l.notes, l.least = nil, turnNote{}
}

// isFirst tells whether the notes of a lane may go out now. The lock is held.
func (l *lane) isFirst() bool { return len(l.all.lanes) > 0 && l.all.lanes[0] == l }

// full tells that more is kept than should be.
func (n *notes) full() bool { return n.kept.Load() > n.most }

// wait waits until less is kept, until a lane is the first, or for the end of
// the run. l is nil for whoever opens lanes.
func (n *notes) wait(l *lane) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.full() && (l == nil || !l.isFirst()) && !n.stopped {
		n.turns.Wait()
	}
}

// share tells whether a lane is the first, and whether it has so much itself
// that it should go out.
func (l *lane) share() (first, much bool) {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	return l.isFirst(), int64(len(l.notes)) > l.all.most/2
}

// tellSoFar lets out what a lane has, if it is the first. Whatever has a turn
// already has told all that it will.
func (l *lane) tellSoFar() {
	n := l.all
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.isFirst() {
		l.tell()
	}
	n.turns.Broadcast()
}

// stop ends all waiting.
func (n *notes) stop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = true
	n.turns.Broadcast()
}

// flush lets everything out: nothing more comes.
func (n *notes) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lanes {
		l.tell()
	}
	n.lanes = nil
}

// openLane is the lane of a user who begins, or of what is told in the place of
// one: that of the stream, or a new one.
func (r *run) openLane() *lane {
	if r.whole != nil {
		return r.whole
	}
	return r.notes.open()
}

// endLane ends what openLane has given.
func (r *run) endLane(l *lane) {
	if l != r.whole {
		l.end()
	}
}

// room waits while too much is kept of what is told of users. The feeder of a
// user of a store calls it, with nothing locked.
func (u *user) room() {
	n := u.r.notes
	if u.r.whole != nil || !n.full() {
		return
	}
	first, much := u.lane.share()
	if !first {
		u.r.waitPlaced() // the first may be among those who wait for their places
		n.wait(u.lane)
		return
	}
	if much {
		if u.packer != nil {
			u.packer.send()
		}
		u.wg.Wait()
		u.lane.tellSoFar()
	}
}

// roomToOpen is room for whoever opens lanes.
func (r *run) roomToOpen() {
	if r.notes.full() {
		r.waitPlaced()
		r.notes.wait(nil)
	}
}

// waitPlaced waits until all users that are finished are in their places.
func (r *run) waitPlaced() {
	asked := &user{ask: make(chan struct{})}
	r.done <- asked
	<-asked.ask
}
