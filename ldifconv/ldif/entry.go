package ldif

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Value is one attribute value.
type Value struct {
	// Data is the decoded value, byte for byte. It is owned by the record
	// it came in and valid until the next call that fills the record.
	Data []byte
	// Line is the 1-based number of the value's first line, 0 when the
	// value was not read from a file.
	Line int
}

// Attr is a run of neighbouring values with the same description. An attribute
// that an entry mentions in two places is two Attrs: nothing is merged or
// sorted by the reader.
type Attr struct {
	// Desc is the attribute description as written, options included
	// ("cn;lang-ja"), without the blanks some files have before the colon.
	Desc []byte
	// Values are in the order of the file, duplicates kept.
	Values []Value
	// Num is the number that the Scanner gave the description: in its
	// records attributes with the same Num have the same Desc, in the same
	// memory. 0 is none.
	Num uint16
}

// Name is the description without its options.
func (a *Attr) Name() []byte {
	if i := bytes.IndexByte(a.Desc, ';'); i >= 0 {
		return a.Desc[:i]
	}
	return a.Desc
}

// Entry is one entry: a DN and its attributes in the order of the file.
type Entry struct {
	// DN is the decoded distinguished name, its spelling untouched.
	DN []byte
	// RawDN is the text after "dn:" with folding undone and nothing else
	// changed: base64 text where the file had "dn::".
	RawDN []byte
	// Line is the 1-based number of the dn line.
	Line int
	// Attrs are the runs of values in the order of the file.
	Attrs []Attr
}

// Clone returns a copy of the entry that shares no memory with it.
func (e *Entry) Clone() *Entry {
	c := *e
	c.DN, c.RawDN = bytes.Clone(e.DN), bytes.Clone(e.RawDN)
	c.Attrs = make([]Attr, len(e.Attrs))
	for i := range e.Attrs {
		c.Attrs[i] = e.Attrs[i].clone()
	}
	return &c
}

func (a *Attr) clone() Attr {
	c := Attr{Desc: bytes.Clone(a.Desc), Values: slices.Clone(a.Values)}
	for i := range c.Values {
		c.Values[i].Data = bytes.Clone(c.Values[i].Data)
	}
	return c
}

// Get returns the values of every run whose description equals desc, ignoring
// case. It allocates; the conversions have their own index.
func (e *Entry) Get(desc string) [][]byte {
	var out [][]byte
	for i := range e.Attrs {
		if !bytes.EqualFold(e.Attrs[i].Desc, []byte(desc)) {
			continue
		}
		for _, v := range e.Attrs[i].Values {
			out = append(out, v.Data)
		}
	}
	return out
}

// Add appends a value to e, in the last run when the description is the same.
// The entry keeps desc and value, it does not copy them.
func (e *Entry) Add(desc, value []byte) {
	if n := len(e.Attrs); n > 0 && bytes.Equal(e.Attrs[n-1].Desc, desc) {
		e.Attrs[n-1].Values = append(e.Attrs[n-1].Values, Value{Data: value})
		return
	}
	e.Attrs = append(e.Attrs, Attr{Desc: desc, Values: []Value{{Data: value}}})
}

// ChangeType says what a record asks for.
type ChangeType uint8

// The change types of RFC 2849. Content is a record without a changetype line.
const (
	Content ChangeType = iota
	Add
	Delete
	Modify
	ModRDN
	ModDN
)

var changeTypes = [...]string{Content: "", Add: "add", Delete: "delete", Modify: "modify", ModRDN: "modrdn", ModDN: "moddn"}

// String is the word of a changetype line, or "content".
func (t ChangeType) String() string {
	if t == Content {
		return "content"
	}
	return changeTypes[t]
}

// ModOp is the operation of one modification.
type ModOp uint8

// The operations of RFC 2849, and the increment of RFC 4525.
const (
	ModAdd ModOp = iota + 1
	ModDelete
	ModReplace
	ModIncrement
)

var modOps = [...]string{ModAdd: "add", ModDelete: "delete", ModReplace: "replace", ModIncrement: "increment"}

// String is the word that begins the modification.
func (o ModOp) String() string { return modOps[o] }

// Mod is one modification of a modify record: the values of Attr under Op.
type Mod struct {
	// Op says what is done with the values.
	Op ModOp
	Attr
	// Line is the number of the add:, delete:, replace: or increment: line.
	Line int
}

// Control is one control line of a change record.
type Control struct {
	// OID is the control's number as written.
	OID []byte
	// Critical says that a server which does not know it refuses the record.
	Critical bool
	// Value is nil when the line carries none.
	Value []byte
}

// Record is one record of a file: an entry (Type Content), or a change.
// All its memory belongs to the reader and is reused by the next record: Clone
// makes one that stays.
type Record struct {
	// Entry holds the DN of every record, and the attributes of Content and
	// Add.
	Entry
	// Type is Content for an entry, else the changetype.
	Type ChangeType
	// Controls stand before the changetype line.
	Controls []Control
	// Mods are the modifications of a Modify record, in order.
	Mods []Mod
	// NewRDN, DeleteOldRDN and NewSuperior belong to ModRDN and ModDN.
	// NewSuperior is nil when the record has none.
	NewRDN       []byte
	DeleteOldRDN bool
	NewSuperior  []byte
	// Encoded says that a value or the DN was written as base64.
	Encoded bool
	// Raw is the record as it stands in the file, without the blank lines
	// around it. Of an entry over the size limit it is only the beginning.
	Raw []byte
}

// Clone returns a copy of the record that shares no memory with it.
func (r *Record) Clone() *Record {
	c := *r
	c.Entry = *r.Entry.Clone()
	c.Controls = slices.Clone(r.Controls)
	for i := range c.Controls {
		c.Controls[i].OID = bytes.Clone(c.Controls[i].OID)
		c.Controls[i].Value = bytes.Clone(c.Controls[i].Value)
	}
	c.Mods = slices.Clone(r.Mods)
	for i := range c.Mods {
		c.Mods[i].Attr = c.Mods[i].clone()
	}
	c.NewRDN, c.NewSuperior, c.Raw = bytes.Clone(r.NewRDN), bytes.Clone(r.NewSuperior), bytes.Clone(r.Raw)
	return &c
}

// Error is damage in one record. The reader has skipped that record and the
// next call reads the one after it.
type Error struct {
	// Class is a short word such as BadLine.
	Class string
	// Line is the 1-based number of the faulty line.
	Line int
	// DN is the record's DN as far as it is known.
	DN string
	// Text says what is wrong, in lower case.
	Text string
	// Raw is the damaged record as it stands in the file, valid until the
	// next call. Of an entry over the size limit it is only the beginning.
	Raw []byte
	// Err is the cause, or nil.
	Err error
}

// Error names the line, the DN as far as it is known, and what is wrong.
func (e *Error) Error() string {
	s := fmt.Sprintf("line %d: ", e.Line)
	if e.DN != "" {
		s += fmt.Sprintf("%q: ", e.DN)
	}
	return s + e.Reason()
}

// Reason says what is wrong and its cause, without a position.
func (e *Error) Reason() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Position is the faulty line, "line 12": the reader knows no file names.
func (e *Error) Position() string { return "line " + strconv.Itoa(e.Line) }

// Kind returns Class.
func (e *Error) Kind() string { return e.Class }

// Severity is 2, as of all damage by which something is lost.
func (e *Error) Severity() int { return 2 }

// IsDamage tells damage in one record, after which reading goes on, from a
// failure of the input.
func IsDamage(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// The classes of Error.
const (
	BadLine      = "bad-line"      // no colon, or no attribute description before it
	BadBase64    = "bad-base64"    // a "::" value that does not decode
	BadURL       = "url-value"     // a ":<" value: this reader opens no files
	BadRecord    = "bad-record"    // lines that do not make a record
	NoDN         = "no-dn"         // attributes before any dn line
	SecondDN     = "second-dn"     // two dn lines: two records without a blank line, or a doubled one
	BadChange    = "bad-change"    // a change record that RFC 2849 does not know
	BadVersion   = "bad-version"   // a version line that is not version 1
	SearchResult = "search-result" // no record: the result of an ldapsearch that failed
	EntryTooLong = "entry-too-big" // a record over the size limit
)
