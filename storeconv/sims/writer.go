package sims

import (
	"fmt"
	"io"
	"strconv"
)

// DefaultBlocking is the number of 512-byte blocks in a record.
const DefaultBlocking = 20

// Writer writes a stream. After WriteMember of a message, exactly its Size
// bytes must be given to Write. Errors of the destination are sticky.
type Writer struct {
	w      io.Writer
	record int64
	date   int64
	buf    []byte
	attrs  []Attr // of the last member
	pos    int64
	left   int64
	pad    int
	err    error
}

// NewWriter starts a stream with its global header. blocking is the number of
// 512-byte blocks in a record, 0 for DefaultBlocking.
func NewWriter(w io.Writer, h Header, blocking int) (*Writer, error) {
	if blocking < 0 {
		return nil, fmt.Errorf("blocking factor %d", blocking)
	}
	if blocking == 0 {
		blocking = DefaultBlocking
	}
	sw := &Writer{w: w, record: int64(blocking) * blockSize, date: h.Date}
	attrs := []Attr{{"SIMS.profile", "1"}}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, Attr{key, value})
		}
	}
	add("SIMS.product", h.Product)
	add("SIMS.host", h.Host)
	if h.HasDate || h.Date > 0 {
		add("SIMS.date", strconv.FormatInt(h.Date, 10))
	}
	attrs = append(attrs, h.Unknown...)
	sw.pax('g', attrs)
	return sw, sw.flush()
}

// Offset returns how many bytes have been written.
func (w *Writer) Offset() int64 { return w.pos + int64(len(w.buf)) }

// WriteMember writes the headers of a member. Directories take the date of the
// backup when their Time is 0.
func (w *Writer) WriteMember(m *Member) error {
	if w.err != nil {
		return w.err
	}
	if w.left > 0 {
		return fmt.Errorf("%s: %d bytes of the body before it are missing", m.Name, w.left)
	}
	name, size, mtime := m.Name, int64(0), m.Time
	typ, mode := byte('0'), int64(0o600)
	switch m.Kind {
	case User, Mailbox:
		typ, mode, name = '5', 0o700, name+"/"
		if mtime == 0 {
			mtime = w.date
		}
	case Message:
		size = m.Size
	case Link:
		typ = '1'
	default:
		return fmt.Errorf("%s: member of kind %d", m.Name, m.Kind)
	}
	attrs := m.appendAttrs(w.attrs[:0])
	if len(name) > 100 {
		attrs = append(attrs, Attr{"path", name})
	}
	if len(m.Link) > 100 {
		attrs = append(attrs, Attr{"linkpath", m.Link})
	}
	if size >= 1<<33 {
		attrs = append(attrs, Attr{"size", strconv.FormatInt(size, 10)})
	}
	if mtime < 0 || mtime >= 1<<33 {
		attrs = append(attrs, Attr{"mtime", strconv.FormatInt(mtime, 10)})
	}
	if len(attrs) > 0 {
		w.pax('x', attrs)
	}
	w.attrs = attrs
	w.header(name, mode, size, mtime, typ, m.Link)
	w.left, w.pad = size, int(roundUp(size)-size)
	return w.flush()
}

// appendAttrs appends the SIMS records of a member in the order of the package
// comment.
func (m *Member) appendAttrs(out []Attr) []Attr {
	text := func(key, value string) {
		if value != "" {
			out = append(out, Attr{key, value})
		}
	}
	number := func(key string, n int64) { out = append(out, Attr{key, strconv.FormatInt(n, 10)}) }
	switch m.Kind {
	case User:
		if m.HasQuota {
			number("SIMS.quota", m.Quota)
		}
	case Mailbox:
		if m.UIDValidity != 0 {
			number("SIMS.uidvalidity", int64(m.UIDValidity))
		}
		if m.UIDNext != 0 {
			number("SIMS.uidnext", int64(m.UIDNext))
		}
		if m.MadeUIDs != 0 {
			number("SIMS.madeuids", int64(m.MadeUIDs))
		}
		if m.Subscribed >= 0 {
			number("SIMS.subscribed", int64(m.Subscribed))
		}
		text("SIMS.keywords", m.Keywords)
		text("SIMS.acl", m.ACL)
	default:
		text("SIMS.flags", m.Flags)
		if m.Kind == Message {
			text("SIMS.sha256", m.SHA256)
		}
	}
	return append(out, m.Unknown...)
}

// pax appends an extended header with its records.
func (w *Writer) pax(typ byte, attrs []Attr) {
	start := len(w.buf)
	w.zeros(blockSize)
	for _, a := range attrs {
		w.buf = appendRecord(w.buf, a)
	}
	size := len(w.buf) - start - blockSize
	fillHeader(w.buf[start:start+blockSize], "././@PaxHeader", 0, int64(size), 0, typ, "")
	w.zeros(int(roundUp(int64(size))) - size)
}

// appendRecord appends "length key=value LF", where the length counts its own
// digits.
func appendRecord(dst []byte, a Attr) []byte {
	n := len(a.Key) + len(a.Value) + 3
	total := n + digits(n+digits(n))
	dst = strconv.AppendInt(dst, int64(total), 10)
	dst = append(append(append(dst, ' '), a.Key...), '=')
	return append(append(dst, a.Value...), '\n')
}

// digits is the number of decimal digits of n, which is above 0.
func digits(n int) int {
	count := 0
	for ; n > 0; n /= 10 {
		count++
	}
	return count
}

var zeroBlock [blockSize]byte

func (w *Writer) zeros(n int) {
	for ; n > 0; n -= blockSize {
		w.buf = append(w.buf, zeroBlock[:min(n, blockSize)]...)
	}
}

// header appends one ustar header.
func (w *Writer) header(name string, mode, size, mtime int64, typ byte, link string) {
	start := len(w.buf)
	w.zeros(blockSize)
	fillHeader(w.buf[start:], name, mode, size, mtime, typ, link)
}

// fillHeader makes a block of zeros a ustar header. Values that do not fit are
// in a pax record before it; here they are cut.
func fillHeader(b []byte, name string, mode, size, mtime int64, typ byte, link string) {
	copy(b[offName:offName+100], name)
	octal(b[100:108], mode)
	octal(b[108:116], 0)
	octal(b[116:124], 0)
	octal(b[offSize:offSize+12], min(size, 1<<33-1))
	octal(b[offMtime:offMtime+12], min(max(mtime, 0), 1<<33-1))
	copy(b[offChecksum:offChecksum+8], "        ")
	b[offType] = typ
	copy(b[offLink:offLink+100], link)
	copy(b[offMagic:], "ustar\x0000")
	octal(b[329:337], 0)
	octal(b[337:345], 0)
	octal(b[offChecksum:offChecksum+7], byteSum(b))
}

// octal fills a field with a number that fits, leading zeros and a final NUL.
func octal(b []byte, n int64) {
	last := len(b) - 1
	b[last] = 0
	for i := last - 1; i >= 0; i-- {
		b[i] = '0' + byte(n&7)
		n >>= 3
	}
}

func (w *Writer) flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.w.Write(w.buf)
		w.pos += int64(len(w.buf))
	}
	w.buf = w.buf[:0]
	return w.err
}

// Write writes a part of the body of the current message.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if int64(len(p)) > w.left {
		return 0, fmt.Errorf("body longer than announced by %d bytes", int64(len(p))-w.left)
	}
	n, err := w.w.Write(p)
	w.pos += int64(n)
	w.left -= int64(n)
	if err != nil {
		w.err = err
		return n, err
	}
	if w.left == 0 && w.pad > 0 {
		w.zeros(w.pad)
		w.pad = 0
		return n, w.flush()
	}
	return n, nil
}

// Close writes the end marker and fills the last record. It does not close the
// destination.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.left > 0 {
		return fmt.Errorf("%d bytes of the last body are missing", w.left)
	}
	w.zeros(2 * blockSize)
	if rest := w.Offset() % w.record; rest != 0 {
		w.zeros(int(w.record - rest))
	}
	return w.flush()
}
