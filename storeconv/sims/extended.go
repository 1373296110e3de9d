package sims

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// member reads the header in b. It returns nil, nil when that was only the
// first part of a member's headers.
func (r *Reader) member(b []byte) (*Member, error) {
	if r.ext.active {
		if p := r.leftBehind(b[offType]); p != nil {
			return nil, p
		}
	} else {
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
		return nil, r.label(b)
	}
	return r.build(b)
}

// label passes over the label of a volume. It has no body, and the profile has
// none: another one is a member whose type is damaged.
func (r *Reader) label(b []byte) error {
	at, name := r.pos, headerName(b)
	size, ok := parseNumeric(b[offSize : offSize+12])
	r.advance(blockSize)
	if ok && size > 0 && size <= maxBody {
		r.skip(roundUp(size))
	}
	if r.header.Profile == "" && ok && size == 0 {
		return nil
	}
	return &Error{Offset: at, Name: name, Class: BadType, Text: "the label of a volume, of which there is none here: it was a member, it seems, and its type is damaged"}
}

// leftBehind says that the member to which the extended headers so far belong
// is missing, where a header of type typ follows them that cannot: another of
// their kind, or one that stands between members. Next forgets what they said
// and goes on with that header.
func (r *Reader) leftBehind(typ byte) *Error {
	e := &r.ext
	switch typ {
	case 'x', 'X':
		if !e.pax {
			return nil
		}
	case 'L':
		if !e.long {
			return nil
		}
	case 'K':
		if !e.longLink {
			return nil
		}
	case 'g', 'V':
	default:
		return nil
	}
	r.damage = true
	return &Error{Offset: r.extStart, Class: Lost, Text: fmt.Sprintf(
		"the member that this extended header belongs to is missing: a header of type %q follows, at offset %d", typ, r.pos)}
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
	e := &r.ext
	switch kind {
	case 'L':
		e.long = true
		e.path, e.hasPath = e.gnuName(body)
	case 'K':
		e.longLink = true
		e.link, e.hasLink = e.gnuName(body)
	default:
		e.pax = true
		e.took(parsePax(body, e.record))
	}
	return nil
}

// gnuName is the name that the body of a GNU header holds: all of it, but for a
// NUL at its end. has is false for a body of zeros. Zeros elsewhere have taken
// the place of a part of the name.
func (e *extended) gnuName(body []byte) (name string, has bool) {
	if isZero(body) {
		e.blank = true
		return "", false
	}
	text, rest, _ := bytes.Cut(body, []byte{0})
	e.bad = e.bad || len(rest) > 0
	return string(text), true
}

// took notes how far a pax header could be read.
func (e *extended) took(how paxResult) {
	e.bad = e.bad || how == paxBroken
	e.blank = e.blank || how == paxBlank
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
	how := parsePax(body, e.record)
	stray := e.ofMembers()
	fault := r.header.apply(e.attrs)
	if v := r.header.Profile; v != "" && v != "1" {
		return nil, fmt.Errorf("%w %q", ErrProfile, v)
	}
	switch how {
	case paxBroken:
		return &Error{Offset: at, Class: BadExtended, Text: "the global header cannot be read to its end"}, nil
	case paxBlank:
		r.shared.take(&e)
		return &Error{Offset: at, Class: BadExtended, Text: "the global header holds zeros, or nothing, where it should say something, or control bytes in a key: what it said is lost"}, nil
	}
	if stray != "" {
		r.shared.take(&e)
		r.damage = true // the member behind it may have only a part of its name
		return &Error{Offset: at, Class: BadExtended, Text: "the global header has " + stray + ", as a member does: it is passed over, and the member behind it comes without it"}, nil
	}
	if fault != "" {
		r.shared.take(&e)
		return &Error{Offset: at, Class: BadValue, Text: fault}, nil
	}
	if text := r.shared.take(&e); text != "" {
		r.damage = true // the name behind it may have been meant
		return &Error{Offset: at, Class: BadExtended, Tolerated: true, Text: text}, nil
	}
	return nil, nil
}

// ofMembers takes the records out that belong to one member, not to a stream: a
// global header has them whose type was damaged. It returns their keys.
func (e *extended) ofMembers() string {
	var keys []string
	e.attrs = slices.DeleteFunc(e.attrs, func(a Attr) bool {
		switch a.Key {
		case "SIMS.flags", "SIMS.sha256", "SIMS.quota", "SIMS.uidvalidity", "SIMS.uidnext", "SIMS.madeuids", "SIMS.subscribed", "SIMS.keywords", "SIMS.acl":
			keys = append(keys, a.Key)
			return true
		}
		return false
	})
	return strings.Join(keys, ", ")
}

// extended is what pax and GNU headers say about the member that follows.
type extended struct {
	active              bool
	pax, long, longLink bool // the kinds of headers that came: x, L, K
	bad                 bool // could not be read
	blank               bool // zeros, or nothing, where one should say something, or control bytes in a key
	path                string
	link                string
	size                int64
	mtime               int64
	hasPath, hasLink, hasSize, hasMtime,
	badSize, badMtime bool
	attrs []Attr

	change   string // what it makes of the body, in words; "": nothing
	realName string // of a sparse file
	realSize string // as star has it
}

func (e *extended) reset() { *e = extended{attrs: e.attrs[:0]} }

// paxResult says how far a pax header could be read.
type paxResult uint8

const (
	paxWhole  paxResult = iota // to its end
	paxBlank                   // it is empty, or zeros or control bytes stand where records or keys should
	paxBroken                  // something in it is no record
)

// parsePax reads the records of a pax header: "length key=value LF", the length
// counting all of it. They fill it; no writer makes one without any.
func parsePax(b []byte, record func(key, value []byte)) paxResult {
	if len(b) == 0 {
		return paxBlank
	}
	how := paxWhole
	for len(b) > 0 {
		i := 0
		n := 0
		for ; i < len(b) && i < 9 && b[i] >= '0' && b[i] <= '9'; i++ {
			n = n*10 + int(b[i]-'0')
		}
		if i == 0 || i >= len(b) || b[i] != ' ' || n > len(b) || n < i+3 || b[n-1] != '\n' {
			if isZero(b) {
				return paxBlank
			}
			return paxBroken
		}
		key, value, ok := bytes.Cut(b[i+1:n-1], []byte("="))
		if !ok || len(key) == 0 {
			return paxBroken
		}
		if bytes.ContainsFunc(key, isControl) {
			how = paxBlank // the key that it was is not known
		} else {
			record(key, value)
		}
		b = b[n:]
	}
	return how
}

// isControl tells the bytes that stand in no key and in no name.
func isControl(c rune) bool { return c < 0x20 || c == 0x7f }

func (e *extended) record(key, value []byte) {
	switch string(key) {
	case "path":
		e.path, e.hasPath = string(value), true
	case "linkpath":
		e.link, e.hasLink = string(value), true
	case "size":
		n, err := strconv.ParseInt(string(value), 10, 64)
		e.size, e.hasSize, e.badSize = n, true, err != nil
	case "mtime":
		n, ok := parseSeconds(string(value))
		e.mtime, e.hasMtime, e.badMtime = n, ok, !ok
	default:
		if bytes.HasPrefix(key, simsPrefix) {
			e.attrs = append(e.attrs, Attr{string(key), string(value)})
			return
		}
		e.body(string(key), string(value))
	}
}

var simsPrefix = []byte("SIMS.")

// parseSeconds parses a decimal number of seconds and rounds it down.
func parseSeconds(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, false
	}
	if whole == "" {
		whole = "0"
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		if n = -n; strings.Trim(frac, "0") != "" {
			n--
		}
	}
	return n, true
}
