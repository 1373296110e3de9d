package ims

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// The functions that read fields put copies of them into their errors: so the
// text of a good one, which is of bytes in a buffer, is not allocated.

// ParseTime is the inverse of AppendTime. The empty string is NoTime.
func ParseTime(s string) (int64, error) {
	if s == "" {
		return NoTime, nil
	}
	if len(s) != 14 {
		return 0, fmt.Errorf("date %q has not 14 digits", strings.Clone(s))
	}
	var n [7]int // the year's two halves, month, day, hour, minute, second
	for i := range n {
		tens, ones := s[2*i]-'0', s[2*i+1]-'0'
		if tens > 9 || ones > 9 {
			return 0, fmt.Errorf("date %q cannot be read", strings.Clone(s))
		}
		n[i] = int(10*tens + ones)
	}
	year := 100*n[0] + n[1]
	t := time.Date(year, time.Month(n[2]), n[3], n[4], n[5], n[6], 0, time.UTC)
	// A date that there is not, such as 30 February, becomes another.
	if year < 1 || t.Month() != time.Month(n[2]) || t.Day() != n[3] || n[4] > 23 || n[5] > 59 || n[6] > 59 {
		return 0, fmt.Errorf("date %q cannot be read", strings.Clone(s))
	}
	return t.Unix(), nil
}

// IndexReader reads an index record by record. What is wrong with the index is
// an [*Error] of the class BadIndex, which names the line. An error of what it
// is read from is given as it is; see [IsBadIndex].
type IndexReader struct {
	Header Header
	br     *bufio.Reader
	own    *bufio.Reader // of Reset; nil: not used yet
	line   int
	rec    Record
	last   uint32
	long   []byte
	failed error // of what it is read from, which says no more; nil: it reads on
}

// indexBuffer is the size of a read buffer, in bytes: most indexes are smaller,
// and a store has as many as mailboxes.
const indexBuffer = 16 << 10

// NewIndexReader reads the header of an index. A *bufio.Reader of 16 KiB or
// more is read through as it is, and stands behind the header then.
func NewIndexReader(r io.Reader) (*IndexReader, error) {
	ir := &IndexReader{br: bufio.NewReaderSize(r, indexBuffer)}
	if err := ir.begin(); err != nil {
		return nil, err
	}
	return ir, nil
}

// Reset makes ir, which may be the zero value, the reader of another index: it
// reads its header. The memory of the last Reset is used again, which counts
// where a store has very many mailboxes. Of the last index a copied Header
// stays valid, and no record. After an error only another Reset may follow.
func (ir *IndexReader) Reset(r io.Reader) error {
	if ir.own == nil {
		ir.own = bufio.NewReaderSize(nil, indexBuffer)
	}
	ir.own.Reset(r)
	ir.br = ir.own
	return ir.begin()
}

// begin reads the header.
func (ir *IndexReader) begin() error {
	ir.Header, ir.line, ir.last, ir.failed = Header{}, 0, 0, nil
	magic, err := ir.br.Peek(len(indexMagic) + 1)
	if err != nil && err != io.EOF {
		return err
	}
	if string(magic) != indexMagic+"\n" {
		return begunLike(ir.br)
	}
	if _, err := ir.readLine(); err != nil {
		return err
	}
	ir.Header.Reset()
	var seen uint32 // bits of indexFields
	for {
		line, err := ir.readLine()
		if err == io.EOF {
			return ir.fail(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		if len(line) == 0 {
			if lost := missingField(seen); lost != "" {
				return ir.fail(fmt.Errorf("the header has no line %q", lost))
			}
			return nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return ir.fail(fmt.Errorf("header line %q has no colon", clip(line)))
		}
		value = bytes.TrimPrefix(value, []byte(" "))
		if err := ir.Header.set(string(name), string(value)); err != nil {
			return ir.fail(err)
		}
		if i := indexField(name); i >= 0 {
			seen |= 1 << i
		}
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 60)] }

func (ir *IndexReader) fail(err error) error {
	return &Error{Line: ir.line, Class: BadIndex, Text: err.Error(), Err: err}
}

// readLine returns a line without its LF, io.EOF behind the last one. A last
// line without LF is damage: the file was cut. A line that is too long is
// damage too, and passed over.
func (ir *IndexReader) readLine() ([]byte, error) {
	if ir.failed != nil {
		return nil, ir.failed
	}
	ir.line++
	line, err := ir.br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		ir.long = append(ir.long[:0], line...)
		for err == bufio.ErrBufferFull {
			line, err = ir.br.ReadSlice('\n')
			if len(ir.long) <= MaxIndexLine { // of a longer one nothing is used
				ir.long = append(ir.long, line...)
			}
		}
		line = ir.long
	}
	switch {
	case err != nil && err != io.EOF:
		ir.failed = err
		return nil, err
	case len(line) > MaxIndexLine:
		return nil, ir.fail(fmt.Errorf("line longer than %d bytes", MaxIndexLine))
	case err == io.EOF && len(line) > 0:
		return nil, ir.fail(io.ErrUnexpectedEOF)
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}

func (h *Header) set(name, value string) (err error) {
	switch name {
	case "Name":
		h.Name = value
	case "Version":
		h.Version = value
	case "Exists":
		h.Exists, err = parseNumber(value)
	case "Largest Msg":
		h.LargestMsg, err = parseNumber(value)
	case "Last Append":
		h.LastAppend, err = ParseTime(value)
	case "Last UID":
		h.LastUID, err = parse32(value)
	case "Oldest Msg":
		h.OldestMsg, err = ParseTime(value)
	case "Oldest Uid":
		h.OldestUID, err = parse32(value)
	case "Quota Used":
		h.QuotaUsed, err = parseNumber(value)
	case "UID Validity":
		h.UIDValidity, err = parse32(value)
	case "ACL":
		h.ACL = value
	case "Userflags":
		h.Userflags = strings.Fields(value)
	case "Subscribed":
		h.Subscribed = value == "1"
	case "Partition":
		h.Partition = value
	case "Bare LF":
		h.Bare, err = parseBareLF(value)
	default:
		h.Other = append(h.Other, Field{name, value})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func parseNumber(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("number %q cannot be read", strings.Clone(s))
	}
	return int64(n), nil
}

func parse32(s string) (uint32, error) {
	n, err := parseNumber(s)
	if err != nil || n > 1<<32-1 {
		return 0, fmt.Errorf("number %q is not within 32 bits", strings.Clone(s))
	}
	return uint32(n), nil
}

// Next returns the next record, valid until the following call, or io.EOF. UIDs
// that do not ascend are damage. After damage of a line the next line follows;
// after an error of what the index is read from, the same error.
func (ir *IndexReader) Next() (*Record, error) {
	line, err := ir.readLine()
	if err != nil {
		return nil, err
	}
	err = ir.rec.Parse(line)
	if err == nil && ir.rec.UID <= ir.last {
		err = fmt.Errorf("UID %d after UID %d", ir.rec.UID, ir.last)
	}
	if err != nil {
		return nil, ir.fail(err)
	}
	ir.last = ir.rec.UID
	return &ir.rec, nil
}

// All goes through the records that are left, in ascending order of UIDs. A
// record is valid until the next one comes. An error is the last that comes.
func (ir *IndexReader) All() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			rec, err := ir.Next()
			if err == io.EOF || !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

const recordFields = 10

// Parse reads a line of an index without its LF. The record keeps nothing of
// line. The error says what is wrong, without a position.
func (r *Record) Parse(line []byte) error {
	var f [recordFields][]byte
	rest := line
	for i := range recordFields - 1 {
		at := bytes.IndexByte(rest, '\t')
		if at < 0 {
			return fmt.Errorf("%d fields, %d expected", i+1, recordFields)
		}
		f[i], rest = rest[:at], rest[at+1:]
	}
	if bytes.IndexByte(rest, '\t') >= 0 {
		return fmt.Errorf("more than %d fields", recordFields)
	}
	uid, ok := ParseUID(string(f[0]))
	if !ok {
		return fmt.Errorf("UID %q", f[0])
	}
	*r = Record{UID: uid, Keywords: r.Keywords[:0], MessageID: string(rest)}
	var errs [6]error
	r.InternalDate, errs[0] = ParseTime(string(f[1]))
	r.SentDate, errs[1] = ParseTime(string(f[2]))
	r.Size, errs[2] = parseNumber(string(f[3]))
	r.HSize, errs[3] = parseNumber(string(f[4]))
	r.Flags, errs[4] = parseSFlags(string(f[5]))
	errs[5] = r.parseTail(f[6], f[7], f[8])
	for _, err := range errs {
		if err != nil {
			return errors.Join(errs[:]...)
		}
	}
	return nil
}

func parseSFlags(s string) (Flags, error) {
	if len(s) != len(flagNames) {
		return 0, fmt.Errorf("SFlags %q is not %d digits", strings.Clone(s), len(flagNames))
	}
	var f Flags
	for i := range flagNames {
		switch s[i] {
		case '1':
			f |= 1 << i
		case '0':
		default:
			return 0, fmt.Errorf("SFlags %q is not made of 0 and 1", strings.Clone(s))
		}
	}
	return f, nil
}

func (r *Record) parseTail(uflags, orig, sum []byte) error {
	kw, err := hex.AppendDecode(r.Keywords, uflags)
	if err != nil {
		return fmt.Errorf("UFlags %q: %w", uflags, err)
	}
	for len(kw) > 0 && kw[len(kw)-1] == 0 {
		kw = kw[:len(kw)-1]
	}
	r.Keywords = kw
	if len(orig) > 0 {
		validity, uid, _ := bytes.Cut(orig, []byte("-"))
		v, err := parse32(string(validity))
		u, ok := ParseUID(string(uid))
		if err != nil || !ok {
			return fmt.Errorf("Original-Uid %q", orig)
		}
		r.OrigValidity, r.OrigUID = v, u
	}
	if len(sum) == 0 {
		return nil
	}
	if len(sum) != 64 {
		return fmt.Errorf("SHA-256 of %d digits", len(sum))
	}
	if _, err := hex.Decode(r.SHA256[:], sum); err != nil {
		return fmt.Errorf("SHA-256: %w", err)
	}
	return nil
}
