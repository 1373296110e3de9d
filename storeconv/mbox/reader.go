package mbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"imsconv/storeconv/ims"
)

// Quoting is what writers do with lines of a body that begin like a From line.
type Quoting uint8

// The kinds of mailbox files, by their quoting.
const (
	Auto    Quoting = iota // a message with a right Content-Length as MboxCL2 (mutt's may be MboxRD), any other as MboxRD
	MboxO                  // "From " is written ">From "
	MboxRD                 // that, and one ">" more where there are some
	MboxCL                 // as MboxO, and Content-Length tells the end
	MboxCL2                // Content-Length tells the end, nothing is quoted
)

var quotings = [...]string{"auto", "mboxo", "mboxrd", "mboxcl", "mboxcl2"}

// String returns the name: "auto", "mboxo", "mboxrd", "mboxcl" or "mboxcl2".
func (q Quoting) String() string {
	if int(q) >= len(quotings) {
		return fmt.Sprintf("quoting %d", uint8(q))
	}
	return quotings[q]
}

// ParseQuoting is the inverse of String.
func ParseQuoting(name string) (Quoting, error) {
	for i, n := range quotings {
		if n == name {
			return Quoting(i), nil
		}
	}
	return 0, fmt.Errorf("no kind of mailbox file: %q", name)
}

// Options say how to read a file. The zero value looks.
type Options struct {
	Quoting Quoting
}

// Message is one message of a file. It stays valid, and can be read at any
// time by Reader.Open.
type Message struct {
	Offset   int64     // of its From line
	Sender   string    // of the From line
	Date     int64     // receive date of the From line, seconds since 1970; ims.NoTime: none
	Size     int64     // of the message's own bytes
	UID      uint32    // X-UID; 0: not said
	Flags    ims.Flags //
	HasFlags bool      // a field says something of the flags
	Keywords []string  // as they stand there, perhaps twice
	Foreign  string    // a field with another program's flags or labels, which are not read; "": none

	begin, end int64 // offsets of what is behind the From line, and of its end
	length     int64 // offset of the Content-Length line that goes; -1
	body       int64 // offset of the body, where that is right
	quoting    Quoting
}

// Reader reads a mailbox file. One goroutine uses it; what Open returns may be
// read by others.
type Reader struct {
	Base Base // what the messages so far, or the pseudo message, said of the mailbox

	file    io.ReaderAt
	size    int64
	opt     Options
	scan    *scanner
	pos     int64  // of the next From line,
	from    []byte // which is this if the scanner is behind it; nil: it is not
	begun   bool
	undated bool // the first From line has no date,
	words   int  // and so many words for a sender
	isMMDF  bool
	looked  bool // for quoting behind lengths:
	plain   bool // there is none
	unsure  int  // lines of the message at hand that may begin one
	faults  []*Error
	ready   *Message
	body    io.Reader
	seen    int // messages
}

// NewReader reads a file of size bytes, from its start.
func NewReader(file io.ReaderAt, size int64, opt Options) *Reader {
	return &Reader{file: file, size: size, opt: opt, scan: newScanner(file, 0, size)}
}

// Next returns the next message, and io.EOF at the end. An *Error does not end
// the reading: what it concerns comes behind it, as far as it can be read.
func (r *Reader) Next() (*Message, error) {
	r.body = nil
	for len(r.faults) == 0 && r.ready == nil {
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	if len(r.faults) > 0 {
		e := r.faults[0]
		r.faults = r.faults[1:]
		return nil, e
	}
	m := r.ready
	r.ready = nil
	r.body = r.Open(m)
	return m, nil
}

// Read reads from the message that Next has returned: its own Size bytes, then
// io.EOF.
func (r *Reader) Read(p []byte) (int, error) {
	if r.body == nil {
		return 0, io.EOF
	}
	return r.body.Read(p)
}

// All gives what Next gives, until the end or the error of the file.
func (r *Reader) All() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		for {
			m, err := r.Next()
			if err == io.EOF {
				return
			}
			var fault *Error
			if !yield(m, err) || err != nil && !errors.As(err, &fault) {
				return
			}
		}
	}
}

func (r *Reader) fault(at int64, class, text string, tolerated bool) {
	r.faults = append(r.faults, &Error{at, class, text, tolerated})
}

// advance makes the next message ready, or faults, or both.
func (r *Reader) advance() error {
	at := r.pos
	if !r.begun {
		r.begun = true
		err := r.skipGarbage()
		r.tellUnsure(at)
		return err
	}
	if r.pos >= r.size {
		return io.EOF
	}
	read := r.message
	if r.isMMDF {
		read = r.mmdf
	}
	m, err := read()
	r.tellUnsure(at)
	if err != nil {
		return err
	}
	if m != nil || !r.isMMDF {
		r.seen++
	}
	r.ready = m
	return nil
}

// skipGarbage goes to the first From line.
func (r *Reader) skipGarbage() error {
	if r.isMMDF = IsMMDF(r.scan.peek()); r.isMMDF {
		return nil
	}
	var from int64 = -1
	blank := true
	for {
		err := r.scan.next()
		switch {
		case err == io.EOF:
			r.pos = r.size
			if from >= 0 {
				r.fault(from, Garbage, fmt.Sprintf("no From line in %d bytes: no message", r.size-from), false)
			}
			return nil
		case err != nil:
			return err
		}
		line := r.scan.piece
		rest := trimJunk(line)
		if f, ok := parseFrom(rest); ok && r.scan.start && (from < 0 || r.separates(f, blank)) {
			r.undated, r.words = !f.dated, words(f.sender)
			r.pos, r.from = r.scan.off-int64(len(rest)), bytes.Clone(rest)
			break
		}
		if from < 0 && !isBlank(line) {
			from = r.scan.at
		}
		blank = isBlank(line)
	}
	if from >= 0 {
		r.fault(from, Garbage, fmt.Sprintf("%d bytes before the first From line belong to no message", r.pos-from), false)
	}
	return nil
}

// trimJunk cuts what may stand in front of a From line: zero bytes of a hole in
// the file, and a byte order mark.
func trimJunk(line []byte) []byte {
	line = bytes.TrimLeft(line, "\x00")
	return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
}

// separates tells whether the From line that the scanner has read begins a
// message. Where a program may have written it that nobody knows, it is text,
// and told.
func (r *Reader) separates(f fromLine, blankBefore bool) bool {
	if f.sure && blankBefore {
		return true
	}
	next := r.scan.peek()
	switch {
	case f.sure, blankBefore && f.dated, blankBefore && r.undated && words(f.sender) <= max(1, r.words):
		if isHeader(next) || !f.dated || f.sender == "" {
			return isHeader(next)
		}
	case !f.dated && !blankBefore, !(f.dated && f.sender != "") && !isMailHeader(next):
		return false
	case blankBefore && f.bare():
		return true
	}
	if r.unsure++; r.unsure <= mostUnsure {
		r.fault(r.scan.at, UnsureFrom, fmt.Sprintf("the line %q may begin a message: taken for text", clip(string(bytes.TrimSpace(r.scan.piece)))), true)
	}
	return false
}

// mostUnsure is how many lines of one message are told one by one. A message of
// any size may consist of them, and all are kept until its end is found.
const mostUnsure = 100

// tellUnsure tells how many more there were in the message at an offset.
func (r *Reader) tellUnsure(at int64) {
	if more := r.unsure - mostUnsure; more > 0 {
		r.fault(at, UnsureFrom, fmt.Sprintf("%d more lines here may begin a message: taken for text", more), true)
	}
	r.unsure = 0
}

func words(s string) int { return len(strings.Fields(s)) }

// clip is a part of a line for a message.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
