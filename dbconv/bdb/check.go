package bdb

import (
	"errors"
	"fmt"
	"strconv"
)

// A fileCheck is what the cursors of a file have told of it. After the last
// record the file is held against its own structure by Verify's rules, so that
// a Cursor and Verify agree on whether records are missing.
type fileCheck struct {
	told   *pageSet // pages that a problem was told of
	plain  *pageSet // leaves whose items need no second look
	odd    bool     // something was told of a page
	logged bool     // a plain leaf has a log position, the metadata none
	done   bool
}

// whole remembers a plain leaf. A log position is told of where the metadata
// has none.
func (f *fileCheck) whole(in *input, nd *node) {
	if f == nil {
		return
	}
	f.plain.add(nd.no)
	if log := in.lay.u32(nd.buf); believedLog(log) && !believedLog(in.root().meta.LSN[0]) {
		f.logged = true
	}
}

// settled tells whether leaf no of a btree needs no second look at all: it is
// plain, and nothing was said of any page, so that the cursors went the way
// from the root that Verify goes, and each leaf leads to the next.
func (f *fileCheck) settled(no int64) bool {
	return f != nil && !f.odd && !f.logged && f.plain.has(no)
}

// note remembers the page of a problem.
func (f *fileCheck) note(e *Error) {
	if f == nil || e.Page < 0 {
		return
	}
	f.odd = true
	if !e.Tolerated {
		f.told.add(e.Page)
	}
}

// root is the Reader of the file's own database.
func (r *Reader) root() *Reader {
	if r.master != nil {
		return r.master
	}
	return r
}

// structure tells of what the structure of the file promises and in did not
// come to: once for a file, and in one with sub-databases once all of them have
// been read, or after the one that was opened without asking for their names.
func (in *input) structure() error {
	seen, alone := in.seen, in.master != nil
	if in.master != nil {
		all := in.master.reach
		switch {
		case all == nil:
		case !all.left[in.name]:
			return nil
		default:
			delete(all.left, in.name)
			all.seen.union(seen)
			if len(all.left) > 0 {
				return nil
			}
			seen, alone = all.seen, false
		}
	} else if in.meta.SubDBs {
		return nil
	}
	only := ""
	if alone {
		only = in.name
	}
	return in.Reader.hold(seen, alone, only)
}

// hold checks the structure of the file and tells of what was not told yet.
// seen are the pages that the cursors came to. With alone, what is wrong with
// databases other than only is not told.
func (r *Reader) hold(seen *pageSet, alone bool, only string) error {
	root := r.root()
	file := root.file
	if file == nil || file.done || r.opts.Problem == nil && !r.opts.Strict {
		return nil
	}
	file.done = true
	m, raw, err := readMeta(root.r, root.meta.Size, 0, 0)
	if err != nil {
		return err
	}
	stop := r.opts.Check
	if stop == nil {
		stop = func() error { return nil }
	}
	h := holding{in: input{Reader: r}, seen: seen, alone: alone, only: only}
	rd := &Reader{r: root.r, meta: m, lay: layoutOf(&m), opts: Options{MaxItem: DefaultMaxItem}}
	h.v = newVerifier(stop, rd, VerifyOptions{NoOrder: true, Fault: h.fault, Note: h.note})
	h.v.cursors = file
	if err := h.v.file(raw); err != nil {
		return err
	}
	return h.end()
}

// A holding is one run of hold.
type holding struct {
	in     input
	v      *verifier
	seen   *pageSet
	alone  bool
	only   string
	first  error // with Options.Strict
	ranges pageRanges
}

// fault takes a fault of the verifier.
func (h *holding) fault(e *Error) {
	switch {
	case e.Tolerated:
	case e.Err == errUnledPage:
		if !h.seen.has(e.Page) {
			h.ranges.add(e.Page)
		}
	case e.Page < 0: // what NewReader told
	case h.in.root().file.told.has(e.Page):
	case h.alone && h.v.rd.name != h.only && !e.unled:
	default:
		h.tell(e)
	}
}

// note takes what is odd: the log position of a page, unless NewReader told of
// the file's.
func (h *holding) note(e *Error) {
	if errors.Is(e, ErrLogged) && e.Page > 0 {
		_ = h.in.problem(e) // a tolerated Error never stops
	}
}

func (h *holding) tell(e *Error) {
	if err := h.in.problem(e); err != nil && h.first == nil {
		h.first = err
	}
}

// end tells of the pages that nothing leads to.
func (h *holding) end() error {
	if h.ranges.pages > 0 {
		e := h.in.damage(h.ranges.first, NoItem, "%s; the file was not closed cleanly or is damaged, salvage reads them", h.ranges)
		e.Err = ErrUnreached
		h.tell(e)
	}
	return h.first
}

// pageRanges are page numbers in rising order, for a message.
type pageRanges struct {
	pages             int64
	first, from, last int64 // from: where the range that ends with last begins
	text              string
	more              int64 // pages that text does not show
}

// maxRanges is how much of a list of pages is shown, in bytes.
const maxRanges = 200

func (p *pageRanges) add(no int64) {
	switch {
	case p.pages == 0:
		p.first, p.from = no, no
	case no != p.last+1:
		p.close()
		p.from = no
	}
	p.last = no
	p.pages++
}

// close puts the range that ends with last into the text.
func (p *pageRanges) close() {
	if len(p.text) > maxRanges {
		p.more += p.last - p.from + 1
		return
	}
	if p.text != "" {
		p.text += ", "
	}
	p.text += strconv.FormatInt(p.from, 10)
	if p.last > p.from {
		p.text += "-" + strconv.FormatInt(p.last, 10)
	}
}

// String lists the pages: "page 5", or "3 pages (5, 9-10)".
func (p pageRanges) String() string {
	p.close()
	switch {
	case p.pages == 1:
		return "page " + p.text
	case p.more > 0:
		return fmt.Sprintf("%d pages (%s and %d more)", p.pages, p.text, p.more)
	}
	return fmt.Sprintf("%d pages (%s)", p.pages, p.text)
}
