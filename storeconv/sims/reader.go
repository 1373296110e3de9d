package sims

import (
	"errors"
	"fmt"
	"io"
)

// Limits of what a header may claim, in bytes.
const (
	maxBody     = 1 << 40   // of a message: more is damage
	maxExtended = MaxInline // of a pax or GNU header
)

// ErrProfile is returned for a stream of a profile that this package does not
// know.
var ErrProfile = errors.New("unknown stream profile")

// defaultBlocks is the number of read buffers when the caller does not say.
const defaultBlocks = 4

// Reader reads a stream member by member, in memory bounded by its read
// buffers. It belongs to one goroutine; blocks may be released by any.
type Reader struct {
	src  io.Reader
	seek io.Seeker // nil: the source cannot seek
	end  int64     // size of a source that can

	pool   *pool
	cur    *Block
	lo, hi int   // the unread window of cur.buf
	pos    int64 // stream offset of cur.buf[lo]
	srcErr error // what ended the source

	m        Member
	refused  []*Error // values of it, told before it comes
	ready    bool     // it comes when they are told
	ext      extended
	extStart int64
	shared   shared
	size     int64 // of the current body, that of a link too
	left     int64 // unread bytes of it
	pad      int64 // bytes after the body up to the next block

	header  Header
	early   *Error // met before the first call of Next
	damage  bool   // the last thing met was damage
	started bool
	sawEnd  bool  // an end marker, and only zero bytes since
	zeros   int64 // where the zero blocks began that are being passed over
	base    int64 // where the stream at hand began, of several
	any     bool  // a header has been read
	done    bool
	warned  bool // about data after the end marker
}

// NewReader reads from src, which is read in pieces of up to 1 MiB. Bodies that
// nobody reads are skipped with Seek when src is an io.Seeker that can.
func NewReader(src io.Reader) *Reader { return NewReaderBlocks(src, defaultBlocks) }

// NewReaderBlocks is NewReader with n read buffers of 1 MiB, for callers that
// hold blocks. n is at least 2.
func NewReaderBlocks(src io.Reader, n int) *Reader { return newReader(src, n, bufSize) }

func newReader(src io.Reader, n, size int) *Reader {
	r := &Reader{src: src, pool: newPool(max(n, 2), size)}
	r.cur = r.pool.get()
	if s, ok := src.(io.Seeker); ok {
		r.useSeeker(s)
	}
	return r
}

func (r *Reader) useSeeker(s io.Seeker) {
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil || at != 0 {
		return
	}
	end, err := s.Seek(0, io.SeekEnd)
	if _, back := s.Seek(at, io.SeekStart); back != nil || err != nil || end <= 0 {
		return // a tape or another device says 0
	}
	r.seek, r.end = s, end
}

// Header returns what the global header at the start says; for a plain tar it
// is zero.
func (r *Reader) Header() (Header, error) {
	err := r.start()
	return r.header, err
}

// start reads the global header.
func (r *Reader) start() error {
	if r.started {
		return nil
	}
	r.started = true
	b := r.fill(blockSize)
	if len(b) < blockSize || !isHeader(b) || b[offType] != 'g' {
		return nil
	}
	p, err := r.global(b)
	r.early = p
	return err
}

// fill makes the window hold n bytes if the source has them, and returns the
// first n of it, or all there is. n is at most minBuf.
func (r *Reader) fill(n int) []byte {
	if r.hi-r.lo < n {
		r.refill(n)
	}
	return r.cur.buf[r.lo:min(r.lo+n, r.hi)]
}

// minRead is the least room that a read is given, in bytes.
const minRead = 64 << 10

func (r *Reader) refill(n int) {
	empty := r.lo == r.hi && (r.cur.refs.Load() == 1 || len(r.cur.buf)-r.hi < minRead)
	if len(r.cur.buf)-r.lo < n || empty {
		r.makeRoom()
	}
	for idle := 0; r.hi-r.lo < n && r.srcErr == nil; {
		k, err := r.src.Read(r.cur.buf[r.hi:])
		r.hi += k
		r.srcErr = err
		if idle++; k > 0 {
			idle = 0
		} else if idle > 100 && err == nil {
			r.srcErr = io.ErrNoProgress
		}
	}
}

// makeRoom moves the window to the start of a buffer: its own when nobody else
// holds it, else a free one.
func (r *Reader) makeRoom() {
	if r.cur.refs.Load() == 1 {
		r.hi = copy(r.cur.buf, r.cur.buf[r.lo:r.hi])
		r.lo = 0
		return
	}
	next := r.pool.get()
	r.hi = copy(next.buf, r.cur.buf[r.lo:r.hi])
	r.lo = 0
	r.cur.Release()
	r.cur = next
}

// advance drops n bytes of the window.
func (r *Reader) advance(n int) {
	r.lo += n
	r.pos += int64(n)
}

// skip drops n bytes of the stream and returns how many were not there.
func (r *Reader) skip(n int64) int64 {
	if have := int64(r.hi - r.lo); have >= n {
		r.advance(int(n))
		return 0
	} else {
		r.advance(int(have))
		n -= have
	}
	if r.seek != nil && n > bufSize/4 && r.srcErr == nil {
		there := min(n, max(r.end-r.pos, 0))
		if _, err := r.seek.Seek(r.pos+there, io.SeekStart); err == nil {
			r.pos += there
			if there < n {
				r.srcErr = io.EOF
			}
			return n - there
		}
		r.seek = nil
	}
	for n > 0 {
		b := r.fill(1)
		if len(b) == 0 {
			break
		}
		k := min(int64(r.hi-r.lo), n)
		r.advance(int(k))
		n -= k
	}
	return n
}

// Next returns the next member, which is valid until the following call. At the
// end it returns io.EOF. An error that is a *Error concerns one member or one
// damaged place: Next may be called again. Any other error is final.
func (r *Reader) Next() (*Member, error) {
	if err := r.start(); err != nil {
		return nil, err
	}
	if p := r.early; p != nil {
		r.early = nil
		return nil, p
	}
	if len(r.refused) > 0 || r.ready {
		return r.deliver()
	}
	if r.done {
		return nil, io.EOF
	}
	if p := r.finishBody(); p != nil {
		return nil, p
	}
	r.ext.reset()
	return r.next()
}

// deliver returns what is to be told about the current member, then itself.
func (r *Reader) deliver() (*Member, error) {
	if len(r.refused) > 0 {
		p := r.refused[0]
		r.refused = r.refused[1:]
		return nil, p
	}
	r.ready = false
	return &r.m, nil
}

// next looks for the next member.
func (r *Reader) next() (*Member, error) {
	for {
		b := r.fill(blockSize)
		if len(b) < blockSize {
			return nil, r.atEnd(b)
		}
		if isZero(b) {
			if p := r.zeroBlock(); p != nil {
				return nil, p
			}
			continue
		}
		if !isHeader(b) {
			return nil, r.notHeader()
		}
		if r.sawEnd {
			r.sawEnd = false
			if p := r.behindEnd(b); p != nil {
				return nil, p
			}
		}
		r.any = true
		m, err := r.member(b)
		if m != nil || err != nil {
			return m, err
		}
	}
}

// finishBody skips what is left of the last body.
func (r *Reader) finishBody() *Error {
	left, pad := r.left, r.pad
	r.left, r.pad = 0, 0
	if left+pad == 0 {
		return nil
	}
	missing := r.skip(left + pad)
	switch {
	case missing > pad:
		return r.truncated()
	case missing > 0:
		r.done = true
		return r.becauseOf(r.cutBlock())
	}
	return nil
}

// cutBlock says that the stream ends inside a block: archives are made of whole
// ones, so that a part of this one is missing.
func (r *Reader) cutBlock() *Error {
	return &Error{Offset: r.pos, Class: Truncated, Text: fmt.Sprintf("the stream ends inside a block of %d bytes: it has been cut", blockSize)}
}

// truncated ends the reading inside the current member.
func (r *Reader) truncated() *Error {
	r.done = true
	r.left, r.pad = 0, 0
	p := &Error{Offset: r.m.Offset, Name: r.m.Name, Class: Truncated,
		Text: fmt.Sprintf("the stream ends at offset %d, inside a body of %d bytes", r.pos, r.size)}
	return r.becauseOf(p)
}

// becauseOf turns the end of the stream into a failure of the source, if that
// is what it was.
func (r *Reader) becauseOf(p *Error) *Error {
	if r.srcErr != nil && r.srcErr != io.EOF {
		p.Class, p.Text = ReadError, fmt.Sprintf("the stream cannot be read beyond offset %d: %v", r.pos, r.srcErr)
	}
	return p
}

// atEnd handles the end of the source, where b is what remains.
func (r *Reader) atEnd(b []byte) error {
	r.done = true
	switch {
	case r.srcErr != nil && r.srcErr != io.EOF:
		return r.becauseOf(&Error{Offset: r.pos})
	case r.ext.active:
		return &Error{Offset: r.extStart, Class: Truncated, Text: fmt.Sprintf("the stream ends at offset %d, between the headers of a member", r.pos+int64(len(b)))}
	case !isZero(b) && !r.any:
		return &Error{Offset: r.pos, Class: Truncated, Text: "the stream does not start with a tar header, and ends at once"}
	case !isZero(b):
		return &Error{Offset: r.pos, Class: Truncated, Text: "the stream ends inside a header"}
	case r.pos == 0 && len(b) == 0:
		return &Error{Class: Truncated, Text: "the stream is empty"}
	case r.sawEnd:
		return io.EOF
	case (r.pos+int64(len(b)))%blockSize != 0:
		return r.cutBlock()
	}
	return &Error{Offset: r.pos, Class: NoEnd, Tolerated: true, Text: "the stream has no end marker"}
}

// damaged passes over blocks up to the next header or end marker and says in p
// how much that was.
func (r *Reader) damaged(p *Error) *Error {
	start := r.pos
	r.any, r.damage = true, true
	for {
		r.advance(len(r.fill(blockSize)))
		b := r.fill(blockSize)
		if len(b) < blockSize || isHeader(b) && !isZero(b) {
			if len(b) < blockSize {
				r.skip(int64(len(b)))
				r.sawEnd = true // the damage has been told
			}
			break
		}
		if two := r.fill(2 * blockSize); isZero(two) && len(two) == 2*blockSize {
			break
		}
	}
	p.Text += fmt.Sprintf("; %d bytes passed over", r.pos-start)
	return p
}

// member reads the header in b. It returns nil, nil when that was only the
// first part of a member's headers.
func (r *Reader) member(b []byte) (*Member, error) {
	if !r.ext.active {
		r.extStart = r.pos
	}
	switch b[offType] {
	case 'g':
		p, err := r.global(b)
		if p != nil {
			err = p
		}
		return nil, err
	case 'x', 'X', 'L', 'K':
		if p := r.extend(b); p != nil {
			return nil, p
		}
		return nil, nil
	case 'V':
		size, ok := parseNumeric(b[offSize : offSize+12])
		r.advance(blockSize)
		if ok && size > 0 && size <= maxExtended {
			r.skip(roundUp(size))
		}
		return nil, nil
	}
	return r.build(b)
}

func roundUp(n int64) int64 { return (n + blockSize - 1) &^ (blockSize - 1) }

// readExtended returns the body of a pax or GNU header, valid until the next
// fill.
func (r *Reader) readExtended(b []byte) ([]byte, *Error) {
	at := r.pos
	size, ok := parseNumeric(b[offSize : offSize+12])
	if !ok || size < 0 || size > maxExtended {
		return nil, r.damaged(&Error{Offset: at, Class: BadExtended, Text: "the size of an extended header cannot be"})
	}
	r.advance(blockSize)
	body := r.fill(int(roundUp(size)))
	if int64(len(body)) < size {
		r.skip(int64(len(body)))
		r.done = true
		return nil, r.becauseOf(&Error{Offset: at, Class: Truncated, Text: "the stream ends inside an extended header"})
	}
	r.advance(len(body))
	return body[:size], nil
}

func (r *Reader) extend(b []byte) *Error {
	kind := b[offType]
	r.ext.active = true
	body, p := r.readExtended(b)
	if p != nil {
		r.ext.reset()
		return p
	}
	switch kind {
	case 'L':
		r.ext.path, r.ext.hasPath = string(cString(body)), true
	case 'K':
		r.ext.link, r.ext.hasLink = string(cString(body)), true
	default:
		if !parsePax(body, r.ext.record) {
			r.ext.bad = true
		}
	}
	return nil
}

// global reads a pax global header: the SIMS records, and what changes the
// members behind it.
func (r *Reader) global(b []byte) (*Error, error) {
	at := r.pos
	body, p := r.readExtended(b)
	if p != nil {
		return p, nil
	}
	r.any = true
	var e extended
	ok := parsePax(body, e.record)
	fault := r.header.apply(e.attrs)
	if v := r.header.Profile; v != "" && v != "1" {
		return nil, fmt.Errorf("%w %q", ErrProfile, v)
	}
	if !ok {
		return &Error{Offset: r.pos, Class: BadExtended, Text: "the global header cannot be read to its end"}, nil
	}
	if fault != "" {
		r.shared.take(&e)
		return &Error{Offset: at, Class: BadValue, Text: fault}, nil
	}
	if text := r.shared.take(&e); text != "" {
		return &Error{Offset: at, Class: BadExtended, Tolerated: true, Text: text}, nil
	}
	return nil, nil
}

// build makes the member of its last header b.
func (r *Reader) build(b []byte) (*Member, error) {
	e := &r.ext
	r.shared.apply(e)
	r.m = Member{Offset: r.extStart, Name: e.name(b)}
	m := &r.m
	typ := b[offType]
	size, ok := e.bodySize(b)
	switch {
	case typ == '1' && ok:
		size = r.linkBody(size)
		b = r.fill(blockSize) // the window may have moved
	case bodyless(typ):
		size, ok = 0, true
	}
	if !ok || size < 0 || size > maxBody {
		return nil, r.damaged(&Error{Offset: m.Offset, Name: m.Name, Class: BadSize, Text: "the size of its body cannot be"})
	}
	mtime, dated := e.time(b)
	if typ == '1' {
		if m.Link = e.link; !e.hasLink {
			m.Link = string(cString(b[offLink : offLink+100]))
		}
	}
	more := typ == 'S' && b[offMore] != 0
	r.advance(blockSize)
	r.sparseMap(more)
	m.Data, m.Time = r.pos, mtime
	r.size, r.left = size, size
	r.pad = roundUp(size) - size
	if typ != '1' { // what a link carries is what it links to
		m.Size = size
	}
	return r.check(typ, dated)
}

// name is the name that headers give a member; b is the last of them.
func (e *extended) name(b []byte) string {
	switch {
	case e.realName != "":
		return e.realName
	case e.hasPath:
		return e.path
	}
	return headerName(b)
}

// bodySize is the size field, and whether it can be read.
func (e *extended) bodySize(b []byte) (int64, bool) {
	if e.hasSize {
		return e.size, !e.badSize
	}
	return parseNumeric(b[offSize : offSize+12])
}

// time is the modification time, 0 when it cannot be read.
func (e *extended) time(b []byte) (int64, bool) {
	switch {
	case e.badMtime:
		return 0, false
	case e.hasMtime:
		return e.mtime, true
	}
	n, ok := parseNumeric(b[offMtime : offMtime+12])
	if !ok {
		return 0, false
	}
	return n, true
}

// bodyless tells the types whose size field means nothing.
func bodyless(typ byte) bool { return typ >= '1' && typ <= '6' }

// check decides whether the member is one of the profile; dated says that its
// date can be read.
func (r *Reader) check(typ byte, dated bool) (*Member, error) {
	m := &r.m
	dir := typ == '5' || typ == 0 && len(m.Name) > 0 && m.Name[len(m.Name)-1] == '/'
	switch {
	case dir:
		m.Kind = Mailbox
	case typ == '0' || typ == 0 || typ == '7':
		m.Kind = Message
	case typ == '1':
		m.Kind = Link
	}
	refuse := func(kind, text string) (*Member, error) {
		p := &Error{Offset: m.Offset, Name: m.Name, Class: kind, Text: text}
		if m.Kind == Message {
			p.Member = m
		}
		return nil, p
	}
	damage := r.damage
	r.damage = false
	if r.ext.bad {
		return refuse(BadExtended, "its extended header cannot be read")
	}
	if damage && !r.ext.active && len(m.Name) >= 100 {
		return refuse(BadExtended, "its name may have been cut: the header before it is damaged")
	}
	if dir && len(m.Name) > 1 && m.Name[len(m.Name)-1] == '/' {
		m.Name = m.Name[:len(m.Name)-1]
	}
	var v values
	v.date(m, m.Time, dated)
	m.apply(r.ext.attrs, &v)
	if m.Kind == 0 {
		return refuse(BadType, typeText(typ))
	}
	if text := r.ext.changed(r.size); text != "" && m.Kind == Message {
		m.Kind = 0 // the body cannot stand for the message
		return refuse(BadType, text)
	}
	if text := checkName(m.Name); text != "" {
		return refuse(BadName, text)
	}
	if text := m.split(); text != "" {
		return refuse(BadName, text)
	}
	if m.Kind == Link {
		if text := checkName(m.Link); text != "" {
			return refuse(BadName, "link target: "+text)
		}
	}
	r.refused, r.ready = v.take(m), true
	return r.deliver()
}

func typeText(typ byte) string {
	switch typ {
	case 'S':
		return "a sparse file"
	case 'M':
		return "the rest of a file that another volume begins"
	case '2':
		return "a symbolic link"
	case '3':
		return "a character device"
	case '4':
		return "a block device"
	case '6':
		return "a named pipe"
	}
	return fmt.Sprintf("a member of type %q", typ)
}

// Bytes returns the whole body of the current member, if it is at most
// MaxInline bytes, as a slice of Block. The slice is valid until the next call
// of the Reader, or longer while the Block is held. An error is a *Error: the
// stream ends inside the body.
func (r *Reader) Bytes() ([]byte, error) {
	if r.left > MaxInline {
		return nil, fmt.Errorf("internal error: body of %d bytes asked for in one piece", r.left)
	}
	n := int(r.left)
	b := r.fill(n)
	if len(b) < n {
		r.advance(len(b))
		return nil, r.truncated()
	}
	r.advance(n)
	r.left = 0
	return b, nil
}

// Chunk returns the next piece of the body, at least one byte, as a slice of
// Block with the same life as that of Bytes. At the end of the body it returns
// io.EOF.
func (r *Reader) Chunk() ([]byte, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	b := r.fill(1)
	if len(b) == 0 {
		return nil, r.truncated()
	}
	n := int(min(int64(r.hi-r.lo), r.left))
	b = r.cur.buf[r.lo : r.lo+n]
	r.advance(n)
	r.left -= int64(n)
	return b, nil
}

// Block is the read buffer that the last Bytes or Chunk returned a slice of.
func (r *Reader) Block() *Block { return r.cur }

// Read reads from the body of the current member and returns io.EOF at its end.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	b := r.fill(1)
	if len(b) == 0 {
		return 0, r.truncated()
	}
	n := int(min(int64(r.hi-r.lo), r.left, int64(len(p))))
	copy(p, r.cur.buf[r.lo:r.lo+n])
	r.advance(n)
	r.left -= int64(n)
	return n, nil
}

// Offset returns how far the stream has been read, in bytes.
func (r *Reader) Offset() int64 { return r.pos }
