package dbtext

import (
	"bytes"
	"errors"
	"io"
	"sort"
)

// A Plan says which items of a text are no pairs of keys and values. The text
// of a database has no more structure than that its lines come in pairs: where
// a line is missing or there is one too many, every pair behind would be a
// value and a key. Both ends are sure, the beginning of the data and its end;
// so pairs are counted from the beginning up to the first line that is no item,
// and from the end back to the last. Where nothing but an odd number of items
// tells that something is wrong, the order of the keys says where; and where
// their number is even but the keys of a btree are out of order, too.
type Plan struct{ sections []*section }

// at is the plan of database number n, from 1; nil: all of it is sound.
func (p *Plan) at(n int) *section {
	if p == nil || n < 1 || n > len(p.sections) {
		return nil
	}
	return p.sections[n-1]
}

// A span is the items with numbers from up to to, not included.
type span struct{ from, to int64 }

// A section is what was found in one database.
type section struct {
	items  int64   // lines that are items
	ended  bool    // DATA=END, or the end of a text that has none
	strays []stray // lines that are none, up to maxStrays
	last   int64   // items before the last of those
	even   bool    // each of those stands between two records
	tail   bool    // one of those may belong to the item before it
	blanks bool    // no VERSION line, yet a blank before each item
	unsure bool    // an odd number of items, and no line to blame
	breaks int64   // keys of a btree that come before the one before them
	mixed  bool    // there are some, and nothing else to blame
	odd    bool    // and nothing says why
	out    []span  // to leave out, rising
}

// A stray is a line that is no item.
type stray struct {
	at   int64 // items before it
	tail bool  // it may be the end of the item before it
}

// maxStrays bounds the memory of a section. With more, all between the first
// and the last is left out.
const maxStrays = 10_000

// skip returns the number of the item to go on with, instead of item number n,
// and why.
func (s *section) skip(n int64) (to int64, why string) {
	i := sort.Search(len(s.out), func(i int) bool { return s.out[i].to > n })
	if i == len(s.out) || n < s.out[i].from {
		return n, ""
	}
	why = "lines are missing or there are too many: what is a key and what a value is not sure"
	if s.mixed {
		why += "; if no line is missing and the records were written in any order, read as a hash (-t hash) they are taken as they are"
	}
	return s.out[i].to, why
}

// Survey reads a whole text and returns what is to be left out of it. h is nil,
// or the header of lines without one (NewPlainReader). Text in which nothing
// has to be left out gives nil. Errors are those of reading r; what is wrong
// with the text the Reader tells. A text with an odd number of lines, or with
// keys of a btree out of order, is read a second time, for which it is asked
// for again.
func Survey(open func() (io.Reader, error), h *Header) (*Plan, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	s := &survey{plan: &Plan{}}
	if err := s.run(r, h); err != nil {
		return nil, err
	}
	found, again := false, false
	for _, sec := range s.plan.sections {
		sec.settle()
		again = again || sec.unsure || sec.mixed
		found = found || sec.unsure || sec.mixed || sec.blanks || len(sec.out) > 0
	}
	if again {
		if r, err = open(); err != nil {
			return nil, err
		}
		order := &survey{plan: &Plan{}, before: s.plan.sections}
		if err := order.run(r, h); err != nil {
			return nil, err
		}
	}
	if !found {
		return nil, nil
	}
	return s.plan, nil
}

// settle decides what to leave out because of lines that are no items.
func (s *section) settle() {
	if len(s.strays) == 0 {
		s.unsure = s.items%2 != 0 && s.ended
		s.mixed = s.items%2 == 0 && s.ended && s.breaks > 0
		return
	}
	if s.ended && s.items%2 == 0 && s.even && len(s.strays) < maxStrays {
		for _, line := range s.strays { // between records, which they may break
			if line.tail && line.at > 0 && (len(s.out) == 0 || s.out[len(s.out)-1].to < line.at) {
				s.out = append(s.out, span{line.at - 2, line.at})
			}
		}
		return
	}
	first := s.strays[0].at
	if s.tail {
		first = max(first-1, 0)
	}
	out := span{first &^ 1, s.last + (s.items-s.last)&1}
	if !s.ended {
		out.to = s.items + 2
	}
	if out.from < out.to {
		s.out = []span{out}
	}
}

// An itemOrder looks at the items of a database: *evenOrder in the first
// reading, *keyOrder or *keyPath in the second.
type itemOrder interface {
	// pass takes the next item without a look at it, false when it is wanted.
	pass() bool
	add(item []byte)
}

// A survey is one reading of a text.
type survey struct {
	plan   *Plan
	lines  *lines
	h      Header
	sec    *section
	before []*section // of an earlier reading: the order of keys is wanted
	order  itemOrder  // of this database; nil: not looked at
	reader Reader     // decodes items
	buf    []byte
}

func (s *survey) run(r io.Reader, plain *Header) error {
	s.lines = newLines(r)
	inData := plain != nil
	if inData {
		s.h = *plain
		s.h.Version, s.h.Print = 0, true
		s.begin()
	}
	for s.wanted() {
		line, more, err := s.lines.begin()
		if err == io.EOF {
			s.end(inData && !s.h.blanks() && !s.lines.cut)
			return nil
		}
		if err != nil {
			return err
		}
		if inData {
			if inData, err = s.data(line, more); err != nil {
				return err
			}
			continue
		}
		if inData = s.header(line); inData {
			s.begin()
		}
	}
	return nil
}

// wanted tells whether there is more to find out. A second reading ends where
// the order of the keys of its last database explains nothing.
func (s *survey) wanted() bool {
	o, ok := s.order.(*keyPath)
	if !ok || !o.lost() {
		return true
	}
	for _, later := range s.before[len(s.plan.sections):] {
		if later.unsure || later.mixed {
			return true
		}
	}
	s.end(true)
	return false
}

// header takes a line of a header. It is true at its end. What is wrong with a
// header the Reader tells.
func (s *survey) header(line []byte) (ended bool) {
	if string(line) == headerEnd {
		return true
	}
	if bytes.HasPrefix(line, []byte(versionLine)) {
		s.h = Header{}
	}
	name, value, _ := bytes.Cut(line, []byte{'='})
	_, _ = s.h.set(string(name), string(value))
	return false
}

func (s *survey) begin() {
	s.sec = &section{even: true, blanks: s.h.Version == 0 && s.h.paired()}
	s.plan.sections = append(s.plan.sections, s.sec)
	s.order = s.newOrder(len(s.plan.sections) - 1)
	s.reader = Reader{lines: s.lines, h: s.h, MaxItem: comparedBytes}
}

// newOrder is how the items of database i are looked at.
func (s *survey) newOrder(i int) itemOrder {
	switch {
	case s.before == nil && s.h.Type == "btree" && s.h.paired():
		return &evenOrder{}
	case i >= len(s.before):
	case s.before[i].unsure:
		return newKeyOrder(s.h)
	case s.before[i].mixed:
		return newKeyPath(s.before[i].items, s.before[i].breaks)
	}
	return nil
}

// end ends a database.
func (s *survey) end(ended bool) {
	if s.sec == nil {
		return
	}
	s.sec.ended = ended
	s.sec.blanks = s.sec.blanks && s.sec.items > 0 && ended
	if !s.h.paired() {
		s.sec.items, s.sec.strays = 0, nil
	}
	switch o := s.order.(type) {
	case *evenOrder:
		s.sec.breaks = o.breaks
	case *keyOrder:
		s.before[len(s.plan.sections)-1].out = o.doubtful(s.sec.items)
	case *keyPath:
		was := s.before[len(s.plan.sections)-1]
		out, known := o.doubtful()
		was.out, was.odd = out, !known
	}
	s.sec, s.order, s.h = nil, nil, Header{}
}

// data takes a line of data. It is false at the end of the database.
func (s *survey) data(line []byte, more bool) (inData bool, err error) {
	switch {
	case !more && s.h.endsData(line, s.lines):
		s.sec.blanks = s.sec.blanks && s.h.Version == 0
		s.end(true)
		return false, nil
	case s.h.blanks() && bytes.HasPrefix(line, []byte(versionLine)):
		s.end(false)
		s.header(line)
		return false, nil
	case s.h.blanks() && (len(line) == 0 || line[0] != ' '):
		s.stray(line)
		return true, nil
	}
	s.sec.blanks = s.sec.blanks && len(line) > 0 && line[0] == ' '
	if s.order != nil && !s.order.pass() {
		if err := s.item(line, more); err != nil {
			return true, err
		}
	}
	if s.lines.rest() != nil || s.lines.cut {
		return true, nil // cut off: no item
	}
	s.sec.items++
	return true, nil
}

// stray takes a line that is no item.
func (s *survey) stray(line []byte) {
	tail := len(line) > 0
	if !s.h.Print {
		for _, c := range line {
			tail = tail && nibble[c] != 0xff
		}
	}
	sec := s.sec
	if len(sec.strays) < maxStrays {
		sec.strays = append(sec.strays, stray{sec.items, tail})
	}
	sec.last = sec.items
	sec.even = sec.even && sec.items%2 == 0
	sec.tail = sec.tail || tail
}

// item gives an item to the order of the keys.
func (s *survey) item(line []byte, more bool) error {
	if s.h.blanks() {
		line = line[1:]
	}
	if s.h.Print && !more && bytes.IndexByte(line, '\\') < 0 {
		s.order.add(line) // as it is
		return nil
	}
	var err error
	s.buf, err = s.reader.decode(s.buf[:0], line, more)
	if err != nil && s.lines.open && !errors.Is(err, io.EOF) {
		err = s.lines.rest()
	} else {
		err = nil
	}
	s.order.add(s.buf)
	return err
}
