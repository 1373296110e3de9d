package export

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
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

// mostNotes is how many notes wait for their turn, some 200 bytes each.
const mostNotes = 4096

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
	least turnNote // of those to tell once a run, the first; its turn is 0: none; it stays when it has gone out
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
	l.notes = nil
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

// keptNotes are what the run tells of a user because of what it makes of him: a
// later run finds that made and tells nothing. They lie in the run's folder
// from before the user is in his place until the run ends, so that the same
// command tells them again where the run is stopped, or killed with what it had
// to tell still waiting for its turn.
type keptNotes struct {
	was   []storeconv.Note        // of an earlier call, or an earlier stay in a stream
	know  map[storeconv.Note]bool // those of an earlier call, which is not told twice
	now   []storeconv.Note
	there int // of now are in the folder
}

// notesDir has the kept notes in the run's folder, a file for each user.
const notesDir = "notes"

// once is the severity in such a file of a warning that is told once a run.
const once storeconv.Severity = 0

// decides is the log of what the run makes of the user. Whoever has the user
// may use it: his feeder, then who puts him in place.
func (u *user) decides() decisions { return decisions{u} }

type decisions struct{ u *user }

func (d decisions) Problem(kind, where, text string) { d.tell(storeconv.Problem, kind, where, text) }
func (d decisions) Warning(kind, where, text string) { d.tell(storeconv.Warning, kind, where, text) }

func (d decisions) tell(severity storeconv.Severity, kind, where, text string) {
	n, k := storeconv.Note{Severity: severity, Kind: kind, Where: where, Text: text}, &d.u.kept
	if k.know[n] {
		return
	}
	k.now = append(k.now, n)
	n.Tell(d.u.log)
}

// notesFile is the file of the kept notes in the destination.
func (u *user) notesFile() string {
	return ims.WorkDir + "/" + u.r.folder.Name + "/" + notesDir + "/" + listName(u.place)
}

// loadNotes reads what was kept of the user: by a call that was stopped, or
// when he came before in the stream.
func (u *user) loadNotes() error {
	r := u.r
	_, met := r.retold.Load(hash64(u.place))
	if r.dry() || !met && !r.resumed() {
		return nil
	}
	f, err := r.out.Open(u.notesFile())
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // opened for reading
	for in := bufio.NewReader(f); ; {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return nil // what a power cut has left of a line was of a user who was not in place
		}
		if err != nil {
			return err
		}
		var n storeconv.Note
		if _, err := fmt.Sscanf(line, noteLine, &n.Severity, &n.Kind, &n.Where, &n.Text); err != nil {
			continue
		}
		u.kept.was = append(u.kept.was, n)
		if !met {
			if u.kept.know == nil {
				u.kept.know = make(map[storeconv.Note]bool)
			}
			u.kept.know[n] = true
		}
	}
}

// noteLine is a line of a file of kept notes.
const noteLine = "%d %q %q %q\n"

// tellKept tells what was kept of a user who is in his place, once a call.
func (u *user) tellKept() {
	if _, met := u.r.retold.LoadOrStore(hash64(u.place), true); met {
		return
	}
	for _, n := range u.kept.was {
		if n.Severity == once {
			u.lane.at(u.lane.turn()).warnOnce(n.Kind, n.Where, n.Text)
			continue
		}
		n.Tell(u.log)
	}
}

// keepNotes keeps what was told of a user who is about to be put in his place,
// or whose work is about to be done. Whoever makes that durable makes them so.
func (u *user) keepNotes() error {
	k := &u.kept
	if u.r.whole == nil {
		if n, ok := u.lane.toldOnce(); ok && !k.know[n] && !slices.Contains(k.now, n) {
			k.now = append(k.now, n)
		}
	}
	if len(k.now) == k.there {
		return nil
	}
	u.r.retold.Store(hash64(u.place), true)
	if err := u.r.folder.Dir.MkdirAll(notesDir); err != nil {
		return err
	}
	var text []byte
	for _, n := range slices.Concat(k.was, k.now) {
		text = fmt.Appendf(text, noteLine, n.Severity, n.Kind, n.Where, n.Text)
	}
	write := func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}
	again := len(k.was)+k.there > 0
	k.there = len(k.now)
	if again {
		return u.r.writeBeside(u.notesFile(), durable.FileMode, write)
	}
	f, err := u.r.out.Recreate(u.notesFile()) // nothing of what it tells has been done yet
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// toldOnce is the warning of a lane that is told once a run.
func (l *lane) toldOnce() (storeconv.Note, bool) {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	n := l.least.Note
	n.Severity = once
	return n, l.least.turn > 0
}
