package maildir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// Names of the files of UIDs.
const (
	UidlistName = "dovecot-uidlist"
	CourierName = "courierimapuiddb"
)

// MaxUID is the largest UID that a uidlist can hold.
const MaxUID = 1<<32 - 2

// UidlistHeader is the first line of a uidlist.
type UidlistHeader struct {
	Validity uint32 // UIDVALIDITY, not 0
	Next     uint32 // UIDNEXT, not 0
	GUID     string // of the mailbox, 32 hexadecimal digits; "": not said
}

// Field is a letter and a value of a line, such as P and the POP3 UIDL.
type Field struct {
	Key   byte // A to Z
	Value string
}

// UidlistEntry is a line of a uidlist.
type UidlistEntry struct {
	UID    uint32
	Fields []Field // none in version 1
	Name   string  // of the file, with or without its flags
}

// Field returns the value of a field.
func (e *UidlistEntry) Field(key byte) (value string, ok bool) {
	for _, f := range e.Fields {
		if f.Key == key {
			return f.Value, true
		}
	}
	return "", false
}

// UidlistReader reads a dovecot-uidlist of version 1 or 3, or a
// courierimapuiddb, which is of version 1.
type UidlistReader struct {
	Header  UidlistHeader
	Version int

	lines *lineReader
	last  uint32
	entry UidlistEntry
}

// NewUidlistReader reads the first line. Where that is none, the error is an
// *Error: nothing of the file is of use then.
func NewUidlistReader(r io.Reader) (*UidlistReader, error) {
	u := &UidlistReader{lines: newLineReader(r, BadUidlist)}
	line, err := u.lines.next()
	switch {
	case err == io.EOF:
		u.lines.line = 1
		return nil, u.lines.fault("the file is empty")
	case err != nil:
		return nil, err
	case strings.HasPrefix(line, "3 "):
		u.Version, err = 3, u.Header.parse(line[2:])
	case strings.HasPrefix(line, "1 "):
		u.Version, err = 1, u.Header.parseOld(line[2:])
	default:
		err = errors.New("not of version 1 or 3")
	}
	if err != nil {
		return nil, u.lines.fault(fmt.Sprintf("the first line %q: %v", shortened(line), err))
	}
	return u, nil
}

// parse takes the header of version 3 apart. Keys that are not known are passed
// over.
func (h *UidlistHeader) parse(s string) (err error) {
	for field := range strings.FieldsSeq(s) {
		switch key, value := field[0], field[1:]; key {
		case 'V':
			h.Validity, err = headerNumber("UIDVALIDITY", value)
		case 'N':
			h.Next, err = headerNumber("UIDNEXT", value)
		case 'G':
			h.GUID = value
		}
		if err != nil {
			return err
		}
	}
	if h.Validity == 0 || h.Next == 0 {
		return errors.New("no UIDVALIDITY or no UIDNEXT")
	}
	return nil
}

func (h *UidlistHeader) parseOld(s string) (err error) {
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return errors.New("not two numbers behind the version")
	}
	if h.Validity, err = headerNumber("UIDVALIDITY", fields[0]); err != nil {
		return err
	}
	h.Next, err = headerNumber("UIDNEXT", fields[1])
	return err
}

func headerNumber(what, s string) (uint32, error) {
	n := number(s)
	if n <= 0 || n >= 1<<32 {
		return 0, fmt.Errorf("%s %q is not from 1 to 4294967295", what, shortened(s))
	}
	return uint32(n), nil
}

// Next returns the next line, which is valid until the following call, and
// io.EOF at the end. An *Error concerns one line, which is left out; the
// reading goes on.
func (u *UidlistReader) Next() (*UidlistEntry, error) {
	line, err := u.lines.next()
	if err != nil {
		return nil, err
	}
	if text := u.parse(line); text != "" {
		return nil, u.lines.fault(fmt.Sprintf("%s: %q", text, shortened(line)))
	}
	u.last = u.entry.UID
	return &u.entry, nil
}

// parse takes a line apart and says what is wrong with it.
func (u *UidlistReader) parse(line string) string {
	uid, rest, _ := strings.Cut(line, " ")
	n := number(uid)
	switch {
	case n <= 0 || n > MaxUID:
		return "no UID"
	case uint32(n) <= u.last:
		return fmt.Sprintf("the UID is not above the last one, %d", u.last)
	}
	u.entry = UidlistEntry{UID: uint32(n), Fields: u.entry.Fields[:0], Name: rest}
	if u.Version == 3 {
		if text := u.entry.parseFields(rest); text != "" {
			return text
		}
	}
	switch name := u.entry.Name; {
	case name == "":
		return "no file name"
	case strings.ContainsAny(name, "/\x00"):
		return "a file name that cannot be"
	}
	return ""
}

func (e *UidlistEntry) parseFields(rest string) string {
	for {
		if name, ok := strings.CutPrefix(rest, ":"); ok {
			e.Name = name
			return ""
		}
		field, more, ok := strings.Cut(rest, " ")
		if !ok || field == "" || field[0] < 'A' || field[0] > 'Z' {
			return "no file name behind a colon"
		}
		e.Fields = append(e.Fields, Field{field[0], field[1:]})
		rest = more
	}
}

// All gives the lines that Next gives. Errors of lines come with a nil entry;
// the error of the file ends the sequence.
func (u *UidlistReader) All() iter.Seq2[*UidlistEntry, error] {
	return func(yield func(*UidlistEntry, error) bool) {
		for {
			e, err := u.Next()
			if err == io.EOF {
				return
			}
			var fault *Error
			if !yield(e, err) || err != nil && !errors.As(err, &fault) {
				return
			}
		}
	}
}

// UidlistWriter writes a dovecot-uidlist of version 3. Errors of the
// destination are sticky.
type UidlistWriter struct {
	w    *bufio.Writer
	last uint32
	err  error // of the header
}

// NewUidlistWriter begins a uidlist with its first line. An error comes with
// the first Write, or with Flush.
func NewUidlistWriter(w io.Writer, h UidlistHeader) *UidlistWriter {
	u := &UidlistWriter{w: bufio.NewWriterSize(w, 32<<10)}
	switch {
	case h.Validity == 0 || h.Next == 0:
		u.err = errors.New("a uidlist without UIDVALIDITY or UIDNEXT")
		return u
	case strings.ContainsAny(h.GUID, " \n"):
		u.err = fmt.Errorf("GUID %q", h.GUID)
		return u
	}
	fmt.Fprintf(u.w, "3 V%d N%d", h.Validity, h.Next)
	if h.GUID != "" {
		u.w.WriteString(" G" + h.GUID)
	}
	u.w.WriteByte('\n')
	return u
}

// Write writes a line. UIDs must ascend.
func (u *UidlistWriter) Write(e *UidlistEntry) error {
	switch {
	case u.err != nil:
		return u.err
	case e.UID <= u.last || e.UID > MaxUID:
		return fmt.Errorf("UID %d behind UID %d", e.UID, u.last)
	case e.Name == "" || strings.ContainsAny(e.Name, "/\n\x00"):
		return fmt.Errorf("file name %q", e.Name)
	}
	u.last = e.UID
	b := strconv.AppendUint(u.w.AvailableBuffer(), uint64(e.UID), 10)
	for _, f := range e.Fields {
		if f.Key < 'A' || f.Key > 'Z' || strings.ContainsAny(f.Value, " \n") {
			return fmt.Errorf("field %c%q", f.Key, f.Value)
		}
		b = append(append(b, ' ', f.Key), f.Value...)
	}
	b = append(append(b, " :"...), e.Name...)
	_, err := u.w.Write(append(b, '\n'))
	return err
}

// Flush writes out what is buffered. It must be called at the end.
func (u *UidlistWriter) Flush() error {
	if u.err != nil {
		return u.err
	}
	return u.w.Flush()
}
