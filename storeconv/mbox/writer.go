package mbox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"imsconv/storeconv/ims"
)

// Entry is what a mailbox file says of a message beside its bytes.
type Entry struct {
	Sender   string // of the From line; "", or one with blanks: MAILER-DAEMON
	Date     int64  // receive date, seconds since 1970, years 1 to 9999; anything else is written as 0
	UID      uint32 // 0: not said
	Flags    ims.Flags
	Keywords []string // without blanks
}

// Writer writes a mailbox file. Errors of the destination are sticky.
type Writer struct {
	w       *bufio.Writer
	quoting Quoting
	base    Base
	n       int64
	err     error
}

// NewWriter begins a file of the kind MboxRD or MboxCL2. What base says stands
// in its first message: a file without messages cannot say it.
func NewWriter(w io.Writer, quoting Quoting, base Base) (*Writer, error) {
	if quoting != MboxRD && quoting != MboxCL2 {
		return nil, fmt.Errorf("mailbox files of the kind %v are not written", quoting)
	}
	return &Writer{w: bufio.NewWriterSize(w, window), quoting: quoting, base: base}, nil
}

// Write writes a message of size bytes. It is read twice.
func (w *Writer) Write(e *Entry, msg io.ReaderAt, size int64) error {
	if w.err != nil {
		return w.err
	}
	b, err := bodyOf(msg, size)
	if err != nil {
		return err
	}
	w.fields(e, b)
	if w.err = w.copy(msg, b); w.err != nil {
		return w.err
	}
	// Behind a body of a Content-Length Dovecot takes one line end and no more. A
	// CR at the end of it would become part of that, which it does not survive.
	if w.marksEnd(b) || b.cr {
		w.w.WriteByte('\n')
	}
	w.n++
	w.err = w.w.WriteByte('\n')
	return w.err
}

// Flush writes out what is buffered. It must be called at the end.
func (w *Writer) Flush() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

// parts says where the body of a message begins.
type parts struct {
	size int64
	body int64 // offset; size when the header does not end
	ends bool  // the header ends with a blank line
	open bool  // the last line has no end,
	cr   bool  // only a CR
}

func bodyOf(msg io.ReaderAt, size int64) (parts, error) {
	p := parts{size: size, body: size}
	s := newScanner(msg, 0, size)
	for !p.ends {
		err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return p, err
		}
		if s.start && isBlank(s.piece) {
			p.body, p.ends = s.off, true
		}
	}
	if size == 0 {
		return p, nil
	}
	var last [1]byte
	if _, err := msg.ReadAt(last[:], size-1); err != nil && err != io.EOF {
		return p, err
	}
	p.open, p.cr = last[0] != '\n', last[0] == '\r'
	return p, nil
}

// fields writes the From line and the mailbox's fields. Those with keywords
// come first: a line that continues them would be theirs.
func (w *Writer) fields(e *Entry, b parts) {
	sender := e.Sender
	if sender == "" || strings.ContainsFunc(sender, func(r rune) bool { return r <= ' ' || r == 0x7f }) || len(sender) > 1000 {
		sender = "MAILER-DAEMON"
	}
	date := e.Date
	if date < ims.MinTime || date > ims.MaxTime {
		date = 0
	}
	fmt.Fprintf(w.w, "From %s %s\n", sender, time.Unix(date, 0).UTC().Format("Mon Jan _2 15:04:05 2006"))
	if w.n == 0 && w.base.Validity != 0 {
		fmt.Fprintf(w.w, "X-IMAPbase: %d %010d%s\n", w.base.Validity, w.base.LastUID, listed(w.base.Keywords))
	}
	if len(e.Keywords) > 0 {
		fmt.Fprintf(w.w, "X-Keywords:%s\n", listed(e.Keywords))
	}
	fmt.Fprintf(w.w, "Status: %s\n", status(e.Flags))
	if x := xStatus(e.Flags); x != "" {
		fmt.Fprintf(w.w, "X-Status: %s\n", x)
	}
	if e.UID != 0 {
		fmt.Fprintf(w.w, "X-UID: %d\n", e.UID)
	}
	if w.quoting == MboxCL2 {
		fmt.Fprintf(w.w, "Content-Length: %d\n", b.size-b.body)
	}
	if w.marksEnd(b) {
		w.w.WriteString(ownPrefix + "End: open\n")
	}
}

// marksEnd tells that a line end must be written which is not the message's,
// and that nothing else says so.
func (w *Writer) marksEnd(b parts) bool { return b.open && (w.quoting == MboxRD || !b.ends) }

func listed(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteByte(' ')
		b.WriteString(w)
	}
	return b.String()
}

func status(f ims.Flags) string {
	s := ""
	if f&ims.Seen != 0 {
		s += "R"
	}
	if f&ims.Recent == 0 {
		s += "O"
	}
	if s == "" {
		return "N"
	}
	return s
}

func xStatus(f ims.Flags) (s string) {
	for _, l := range []struct {
		flag   ims.Flags
		letter string
	}{{ims.Answered, "A"}, {ims.Flagged, "F"}, {ims.Draft, "T"}, {ims.Deleted, "D"}} {
		if f&l.flag != 0 {
			s += l.letter
		}
	}
	return s
}

// copy writes the message with its marks and quoting.
func (w *Writer) copy(msg io.ReaderAt, b parts) error {
	s := newScanner(msg, 0, b.size)
	for s.off < b.size {
		if w.quoting == MboxCL2 && s.off >= b.body {
			n, err := io.Copy(w.w, io.NewSectionReader(msg, s.off, b.size-s.off))
			if err == nil && n < b.size-s.off {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := s.next(); err != nil {
			return notEOF(err)
		}
		switch header := s.at < b.body; {
		case !s.start:
		case header && looksOurs(s.piece):
			w.w.WriteString(ownPrefix)
		case !header && bytes.IndexByte([]byte(">F\x00\xef"), s.piece[0]) >= 0 && needsQuote(s.piece):
			w.w.WriteByte('>')
		}
		if _, err := w.w.Write(s.piece); err != nil {
			return err
		}
	}
	return nil
}
