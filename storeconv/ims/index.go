package ims

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	indexMagic   = "imsconv-store.idx 1"
	indexVersion = "imsconv-1"

	// MaxIndexLine bounds a line of store.idx, in bytes.
	MaxIndexLine = 1 << 20
)

// ErrForeignIndex is returned by NewIndexReader for a store.idx that this
// project did not write, such as the vendor's. It is never one of ours that is
// damaged: that is an [Error], at its beginning one with [ErrNoBeginning].
var ErrForeignIndex = errors.New("not an index of this project")

// NoTime stands for a date that is not known.
const NoTime = -1 << 63

// Flags are the system flags of a message.
type Flags uint8

// The flags in the order of SFlags.
const (
	Recent Flags = 1 << iota
	Deleted
	Seen
	Answered
	Flagged
	Draft
	Archived
)

var flagNames = [...]string{`\Recent`, `\Deleted`, `\Seen`, `\Answered`, `\Flagged`, `\Draft`, `\Archived`}

// ParseFlag returns the flag of an IMAP system flag's name, whatever its case,
// or 0.
func ParseFlag(name string) Flags {
	for i, n := range flagNames {
		if strings.EqualFold(name, n) {
			return 1 << i
		}
	}
	return 0
}

// Names returns the IMAP names of the flags.
func (f Flags) Names() []string {
	var out []string
	for i, n := range flagNames {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// Field is a header field that this version does not know.
type Field struct{ Name, Value string }

// Header is the head of a mailbox index. Times are seconds since 1970 or
// NoTime, sizes bytes.
type Header struct {
	Name        string // full mailbox name, user/<id>[/<folder>]
	Version     string
	Exists      int64
	LargestMsg  int64
	LastAppend  int64
	LastUID     uint32
	OldestMsg   int64
	OldestUID   uint32 // 0: none
	QuotaUsed   int64
	UIDValidity uint32
	ACL         string // identifier TAB rights [TAB identifier TAB rights ...]
	Userflags   []string
	Subscribed  bool
	Partition   string
	Bare        BareLF
	Other       []Field // kept in their order, after the known ones
}

// Add counts a message into the header.
func (h *Header) Add(r *Record) {
	h.Exists++
	h.LargestMsg = max(h.LargestMsg, r.Size)
	h.QuotaUsed += r.Size
	h.LastUID = max(h.LastUID, r.UID)
	if h.Exists == 1 {
		h.LastAppend, h.OldestMsg, h.OldestUID = r.InternalDate, r.InternalDate, r.UID
		return
	}
	h.LastAppend = max(h.LastAppend, r.InternalDate)
	h.OldestMsg = min(h.OldestMsg, r.InternalDate)
	h.OldestUID = min(h.OldestUID, r.UID)
}

// Reset clears what Add counts, save LastUID.
func (h *Header) Reset() {
	h.Exists, h.LargestMsg, h.QuotaUsed, h.OldestUID = 0, 0, 0, 0
	h.LastAppend, h.OldestMsg = NoTime, NoTime
}

// Record is one message of an index.
type Record struct {
	UID          uint32
	InternalDate int64 // receive date, seconds since 1970
	SentDate     int64 // the Date: field, or NoTime
	Size         int64 // bytes
	HSize        int64 // bytes of the header with its empty line
	Flags        Flags
	Keywords     []byte   // bit n of byte n/8 is Userflags[n]; no zero bytes at the end
	OrigValidity uint32   // UIDVALIDITY and UID in the mailbox it came from; 0, 0: unknown
	OrigUID      uint32   // where OrigValidity is 0, its place in a source without UIDs
	SHA256       [32]byte // zero: unknown
	MessageID    string
}

// Clone returns a copy of the record that stays valid.
func (r *Record) Clone() *Record {
	c := *r
	c.Keywords = bytes.Clone(r.Keywords)
	return &c
}

// HasSum tells whether the SHA-256 is known.
func (r *Record) HasSum() bool { return r.SHA256 != [32]byte{} }

// SetKeyword sets keyword bit n.
func (r *Record) SetKeyword(n int) {
	for len(r.Keywords) <= n/8 {
		r.Keywords = append(r.Keywords, 0)
	}
	r.Keywords[n/8] |= 1 << (n % 8)
}

// IsKeyword tells whether a name of Userflags can be a keyword: it has neither
// control characters nor spaces. Damage of an index makes others.
func IsKeyword(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) })
}

// HasKeyword tells whether keyword bit n is set.
func (r *Record) HasKeyword(n int) bool {
	return n/8 < len(r.Keywords) && r.Keywords[n/8]&(1<<(n%8)) != 0
}

// Index is a whole mailbox index in memory.
type Index struct {
	Header
	Messages []Record // ascending UIDs
}

// Count fills the header fields that follow from the messages.
func (x *Index) Count() {
	x.Reset()
	for i := range x.Messages {
		x.Header.Add(&x.Messages[i])
	}
}

// WriteIndex writes the index as it stands: the header is not recomputed (see
// Count).
func (x *Index) WriteIndex(w io.Writer) error {
	buf := x.Header.Append(nil)
	for i := range x.Messages {
		buf = x.Messages[i].Append(buf)
		if len(buf) >= 64<<10 {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err := w.Write(buf)
	return err
}

// ReadIndex reads a whole index. Use NewIndexReader for one of any size in
// bounded memory.
func ReadIndex(r io.Reader) (*Index, error) {
	ir, err := NewIndexReader(r)
	if err != nil {
		return nil, err
	}
	x := &Index{Header: ir.Header}
	for {
		rec, err := ir.Next()
		if err == io.EOF {
			return x, nil
		}
		if err != nil {
			return nil, err
		}
		one := *rec
		one.Keywords = slices.Clone(rec.Keywords)
		x.Messages = append(x.Messages, one)
	}
}

// Append appends the text of the header to dst.
func (h *Header) Append(dst []byte) []byte {
	dst = append(dst, indexMagic+"\n"...)
	field := func(name string, value ...string) {
		dst = append(append(dst, name...), ':')
		for _, v := range value {
			dst = append(append(dst, ' '), v...)
		}
		if len(value) == 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, '\n')
	}
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	oldest := ""
	if h.OldestUID != 0 {
		oldest = num(int64(h.OldestUID))
	}
	field("Name", h.Name)
	field("Version", indexVersion)
	field("Exists", num(h.Exists))
	field("Largest Msg", num(h.LargestMsg))
	field("Last Append", timeText(h.LastAppend))
	field("Last UID", num(int64(h.LastUID)))
	field("Oldest Msg", timeText(h.OldestMsg))
	field("Oldest Uid", oldest)
	field("Quota Used", num(h.QuotaUsed))
	field("UID Validity", num(int64(h.UIDValidity)))
	field("ACL", h.ACL)
	field("Userflags", h.Userflags...)
	field("Subscribed", map[bool]string{false: "0", true: "1"}[h.Subscribed])
	field("Partition", h.Partition)
	if h.Bare.Known {
		field("Bare LF", h.Bare.text()...)
	}
	for _, f := range h.Other {
		field(f.Name, f.Value)
	}
	return append(dst, '\n')
}

// Append appends the line of the record to dst.
func (r *Record) Append(dst []byte) []byte {
	dst = append(strconv.AppendUint(dst, uint64(r.UID), 10), '\t')
	dst = append(AppendTime(dst, r.InternalDate), '\t')
	dst = append(AppendTime(dst, r.SentDate), '\t')
	dst = append(strconv.AppendInt(dst, r.Size, 10), '\t')
	dst = append(strconv.AppendInt(dst, r.HSize, 10), '\t')
	for i := range flagNames {
		dst = append(dst, '0'+byte(r.Flags>>i&1))
	}
	dst = append(dst, '\t')
	dst = hex.AppendEncode(dst, r.Keywords)
	for i := len(r.Keywords); i < 3; i++ {
		dst = append(dst, '0', '0')
	}
	dst = append(dst, '\t')
	if r.OrigUID != 0 {
		dst = append(strconv.AppendUint(dst, uint64(r.OrigValidity), 10), '-')
		dst = strconv.AppendUint(dst, uint64(r.OrigUID), 10)
	}
	dst = append(dst, '\t')
	if r.HasSum() {
		dst = hex.AppendEncode(dst, r.SHA256[:])
	}
	dst = append(dst, '\t')
	dst = append(dst, r.MessageID...)
	return append(dst, '\n')
}

func timeText(seconds int64) string { return string(AppendTime(nil, seconds)) }

// The dates that fourteen digits can say.
const (
	MinTime = -62135596800 // year 1
	MaxTime = 253402300799 // end of year 9999
)

// AppendTime appends seconds as fourteen digits, YYYYMMDDhhmmss in UTC; nothing
// for NoTime and for dates outside the years 1 to 9999.
func AppendTime(dst []byte, seconds int64) []byte {
	if seconds < MinTime || seconds > MaxTime {
		return dst
	}
	t := time.Unix(seconds, 0).UTC()
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	dst = append(dst, '0'+byte(y/1000), '0'+byte(y/100%10), '0'+byte(y/10%10), '0'+byte(y%10))
	for _, n := range [...]int{int(mo), d, h, mi, s} {
		dst = append(dst, '0'+byte(n/10), '0'+byte(n%10))
	}
	return dst
}
