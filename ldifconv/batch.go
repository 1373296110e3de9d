package ldifconv

import (
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
)

// batch is the work on one chunk of the input: what it writes and what it has
// to say. A worker fills it; the collector takes the batches in order, so that
// nothing depends on the number of workers.
type batch struct {
	seq   int64
	name  string // of the input
	input int    // its number
	order *sequencer
	done  chan struct{} // the worker is done
	mute  *mutes        // nil: all is told
	chunk ldif.Chunk

	out, undo, save, rejects []byte
	marks                    []index.Mark // the entries of out, in full output
	norms                    []byte       // the normalised DNs of marks
	entries                  []entryMark  // what each entry gave
	people                   people       // names and addresses of entries
	fired                    []uint16     // the rules that changed entries, by number
	notes                    []note
	report                   Report
	err                      error // the destination failed, or the first problem of a strict run
}

// note is one message of a batch.
type note struct {
	problem           bool
	kind, where, text string
	line              int
	counted           bool // nobody reads the text
}

// The sizes at which a batch is written before its chunk is done: an input that
// is nothing but damage has a message for every few bytes.
const (
	mostNotes  = 2048
	mostOutput = 2 << 20
)

// full reports whether b should be written now.
func (b *batch) full() bool {
	return len(b.notes) >= mostNotes || len(b.out)+len(b.undo)+len(b.save)+len(b.rejects)+b.people.size()+len(b.norms) >= mostOutput
}

// reset makes b ready for the next chunk of the input named name.
func (b *batch) reset(seq int64, input int, name string) {
	b.seq, b.input, b.name, b.err = seq, input, name, nil
	b.empty()
}

// empty makes room for more work on the same chunk.
func (b *batch) empty() {
	b.out, b.undo, b.save, b.rejects = b.out[:0], b.undo[:0], b.save[:0], b.rejects[:0]
	b.marks, b.notes = b.marks[:0], b.notes[:0]
	b.norms, b.entries, b.fired = b.norms[:0], b.entries[:0], b.fired[:0]
	b.people.empty()
	b.report = Report{}
}

// rest gives up buffers that one large entry made large.
func (b *batch) rest() {
	for _, buf := range []*[]byte{&b.chunk.Data, &b.out, &b.undo, &b.save, &b.rejects, &b.people.records, &b.people.keys, &b.norms} {
		if cap(*buf) > keepBuffer {
			*buf = nil
		}
	}
}

// warn adds a note about an entry.
func (b *batch) warn(rec *ldif.Record, kind, text string) {
	if b.mute.has(false, kind) {
		b.notes = append(b.notes, note{kind: kind, counted: true})
		return
	}
	b.notes = append(b.notes, note{kind: kind, where: string(rec.DN), text: text, line: rec.Line})
}

// problem adds a problem at a line of the input.
func (b *batch) problem(kind string, line int, dn, text string) {
	b.notes = append(b.notes, note{problem: true, kind: kind, where: dn, text: text, line: line})
}

// inOrder waits until all batches before b are done.
func (b *batch) inOrder() {
	if b.order != nil {
		b.order.wait(b.seq)
	}
}

// position names a place in the input: "file:line: dn".
func position(file string, line int, dn string) string {
	where := file + ":" + strconv.Itoa(line)
	if dn == "" {
		return where
	}
	return where + ": " + shown(dn)
}

// shown is a DN for people: quoted when it holds bytes that a terminal would
// act on or that are no UTF-8.
func shown(dn string) string {
	for _, c := range dn {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return strconv.Quote(dn)
		}
	}
	return dn
}

// printableLog keeps what is told on one line: texts may hold values of
// entries, which may hold line ends and what terminals obey.
type printableLog struct{ log Log }

// Problem implements Log.
func (p printableLog) Problem(kind, where, text string) {
	p.log.Problem(kind, printable(where), printable(text))
}

// Warning implements Log.
func (p printableLog) Warning(kind, where, text string) {
	p.log.Warning(kind, printable(where), printable(text))
}

// printable writes what shown would quote as in a quoted string, a line end as
// \n, and leaves the rest as it is.
func printable(text string) string {
	odd := func(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }
	if strings.IndexFunc(text, odd) < 0 {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		c, n := utf8.DecodeRuneInString(text)
		if piece := text[:n]; odd(c) {
			b.WriteString(strings.Trim(strconv.Quote(piece), `"`))
		} else {
			b.WriteString(piece)
		}
		text = text[n:]
	}
	return b.String()
}

// sequencer tells which batches are done and which are taken, both counted from
// 0 without gaps.
type sequencer struct {
	mu      sync.Mutex
	cond    *sync.Cond
	next    int64 // every batch before it is done
	done    map[int64]bool
	taken   int64 // every batch before it was taken by the collector
	stopped bool  // the collector takes no more
}

func newSequencer() *sequencer {
	s := &sequencer{done: map[int64]bool{}}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// wait returns when every batch before seq is done.
func (s *sequencer) wait(seq int64) {
	s.mu.Lock()
	for s.next < seq {
		s.cond.Wait()
	}
	s.mu.Unlock()
}

// finish marks seq as done.
func (s *sequencer) finish(seq int64) {
	s.mu.Lock()
	s.done[seq] = true
	for s.done[s.next] {
		delete(s.done, s.next)
		s.next++
	}
	s.cond.Broadcast()
	s.mu.Unlock()
}

// waitTaken returns when every batch before seq was taken; false when that will
// not come.
func (s *sequencer) waitTaken(seq int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.taken < seq && !s.stopped {
		s.cond.Wait()
	}
	return !s.stopped
}

// take marks the next batch as taken.
func (s *sequencer) take() {
	s.mu.Lock()
	s.taken++
	s.cond.Broadcast()
	s.mu.Unlock()
}

// stop says that no more batches are taken.
func (s *sequencer) stop() {
	s.mu.Lock()
	s.stopped = true
	s.cond.Broadcast()
	s.mu.Unlock()
}
