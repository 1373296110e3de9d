package ldif

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"slices"
)

// Width is the length in bytes of the longest line written.
const Width = 76

// Writer writes records: version line first, a blank line after each record,
// lines folded at Width, base64 where RFC 2849 asks. Call Flush at the end.
type Writer struct {
	w   *bufio.Writer
	buf []byte
	any bool
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriterSize(w, 64<<10)} }

// Write writes one record. Values of an attribute that stands in several
// places are written together, at the first place.
func (w *Writer) Write(r *Record) error {
	w.buf = w.buf[:0]
	if !w.any {
		w.any = true
		w.buf = append(w.buf, "version: 1\n\n"...)
	}
	w.buf = AppendRecord(w.buf, r)
	_, err := w.w.Write(w.buf)
	return err
}

// Flush writes what is buffered.
func (w *Writer) Flush() error { return w.w.Flush() }

// AppendRecord appends r and the blank line after it to dst.
func AppendRecord(dst []byte, r *Record) []byte {
	dst = AppendValue(dst, "dn", r.DN)
	for _, c := range r.Controls {
		dst = appendControl(dst, c)
	}
	if r.Type != Content {
		dst = AppendValue(dst, "changetype", changeTypes[r.Type])
	}
	switch r.Type {
	case Content, Add:
		dst = appendAttrs(dst, r.Attrs)
	case Modify:
		for i := range r.Mods {
			dst = appendMod(dst, &r.Mods[i])
		}
	case ModRDN, ModDN:
		dst = AppendValue(dst, "newrdn", r.NewRDN)
		old := "0"
		if r.DeleteOldRDN {
			old = "1"
		}
		dst = AppendValue(dst, "deleteoldrdn", old)
		if r.NewSuperior != nil {
			dst = AppendValue(dst, "newsuperior", r.NewSuperior)
		}
	}
	return append(dst, '\n')
}

// fewAttrs is the number of runs up to which comparing each with each is fast.
const fewAttrs = 64

// appendAttrs appends the values, those of one description together at the
// place of the first.
func appendAttrs(dst []byte, attrs []Attr) []byte {
	if len(attrs) > fewAttrs {
		return appendMany(dst, attrs)
	}
	for i := range attrs {
		if earlier(attrs, i) {
			continue
		}
		dst = appendRun(dst, &attrs[i])
		for j := i + 1; j < len(attrs); j++ {
			if equalDesc(attrs[i].Desc, attrs[j].Desc) {
				dst = appendRun(dst, &attrs[j])
			}
		}
	}
	return dst
}

func appendRun(dst []byte, a *Attr) []byte {
	for _, v := range a.Values {
		dst = AppendLine(dst, a.Desc, v.Data)
	}
	return dst
}

// appendMany is appendAttrs with an index: for each run the next one with the
// same description.
func appendMany(dst []byte, attrs []Attr) []byte {
	last := make(map[string]int, len(attrs))
	next := make([]int, len(attrs))
	follows := make([]bool, len(attrs))
	for i := range attrs {
		key := string(bytes.ToLower(attrs[i].Desc))
		if at, ok := last[key]; ok {
			next[at], follows[i] = i, true
		}
		last[key] = i
	}
	for i := range attrs {
		if follows[i] {
			continue
		}
		dst = appendRun(dst, &attrs[i])
		for j := next[i]; j != 0; j = next[j] {
			dst = appendRun(dst, &attrs[j])
		}
	}
	return dst
}

// earlier reports whether the description of attrs[i] was seen before i.
func earlier(attrs []Attr, i int) bool {
	for j := range attrs[:i] {
		if equalDesc(attrs[j].Desc, attrs[i].Desc) {
			return true
		}
	}
	return false
}

func equalDesc(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}

func appendMod(dst []byte, m *Mod) []byte {
	dst = AppendValue(dst, modOps[m.Op], m.Desc)
	for _, v := range m.Values {
		dst = AppendValue(dst, m.Desc, v.Data)
	}
	return append(dst, "-\n"...)
}

func appendControl(dst []byte, c Control) []byte {
	head := "control: " + string(c.OID)
	if c.Critical {
		head += " true"
	}
	if c.Value == nil {
		return append(append(dst, head...), '\n')
	}
	return AppendValue(dst, head, c.Value)
}

// AppendValue appends one "desc: value" line to dst, as base64 when needed,
// folded at Width.
func AppendValue[D, V string | []byte](dst []byte, desc D, value V) []byte {
	from := len(dst)
	dst = append(dst, desc...)
	switch {
	case len(value) == 0:
		return append(dst, ":\n"...)
	case NeedsBase64(value):
		dst = append(dst, ":: "...)
		dst = appendBase64(dst, value)
	default:
		dst = append(dst, ": "...)
		dst = append(dst, value...)
	}
	if len(dst)-from > Width {
		return fold(dst, from)
	}
	return append(dst, '\n')
}

// AppendLine is AppendValue for the most frequent case, and fastest there: a
// short printable value.
func AppendLine(dst, desc, value []byte) []byte {
	n, size := len(dst), len(desc)+len(value)+3
	if size > Width+1 || !plainEnds(value) {
		return AppendValue(dst, desc, value)
	}
	if cap(dst)-n < size {
		dst = slices.Grow(dst, size)
	}
	if !putLine(dst[n:n+size], desc, value) {
		return AppendValue(dst, desc, value)
	}
	return dst[:n+size]
}

// AppendLines is AppendLine for all values of one description.
func AppendLines(dst, desc []byte, values [][]byte) []byte {
	for _, v := range values {
		n, size := len(dst), len(desc)+len(v)+3
		if size > Width+1 || size > cap(dst)-n || !plainEnds(v) || !putLine(dst[n:n+size], desc, v) {
			dst = AppendLine(dst, desc, v)
			continue
		}
		dst = dst[:n+size]
	}
	return dst
}

// plainEnds reports whether a value needs no base64 for its first and its last
// byte.
func plainEnds(v []byte) bool {
	return len(v) > 0 && v[0] > ' ' && v[0] != ':' && v[0] != '<' && v[len(v)-1] != ' '
}

// putLine makes a line, and reports whether no byte of the value lies below a
// blank or beyond ASCII: else what it made is of no use.
func putLine(line, desc, value []byte) bool {
	copy(line, desc)
	line[len(desc)], line[len(desc)+1] = ':', ' '
	line[len(line)-1] = '\n'
	to, bad := line[len(desc)+2:], uint64(0)
	if len(value) < 8 {
		for i, c := range value {
			bad |= uint64(c) | (uint64(c) - ' ')
			to[i] = c
		}
		return bad&0x80 == 0
	}
	for i := 0; i+8 < len(value); i += 8 {
		x := binary.LittleEndian.Uint64(value[i:])
		bad |= x | (x - ones*' ')
		binary.LittleEndian.PutUint64(to[i:], x)
	}
	x := binary.LittleEndian.Uint64(value[len(value)-8:]) // in part once more
	bad |= x | (x - ones*' ')
	binary.LittleEndian.PutUint64(to[len(value)-8:], x)
	return bad&highs == 0
}

// appendBase64 appends the base64 text of value.
func appendBase64[V string | []byte](dst []byte, value V) []byte {
	var block [768]byte
	for len(value) > 0 {
		n := copy(block[:], value)
		dst = base64.StdEncoding.AppendEncode(dst, block[:n])
		value = value[n:]
	}
	return dst
}

// fold breaks dst[from:] into lines of Width bytes and ends the last one.
func fold(dst []byte, from int) []byte {
	size := len(dst) - from
	breaks := (size - Width + Width - 2) / (Width - 1)
	end := len(dst)
	dst = append(dst, make([]byte, 2*breaks+1)...)
	dst[len(dst)-1] = '\n'
	to := len(dst) - 1
	for b := breaks; b > 0; b-- {
		start := from + Width + (b-1)*(Width-1)
		to -= end - start
		copy(dst[to:], dst[start:end])
		to -= 2
		dst[to], dst[to+1] = '\n', ' '
		end = start
	}
	return dst
}

// NeedsBase64 reports whether a value has to be written as base64: RFC 2849's
// SAFE-STRING with a printable first byte and no blank at the end.
func NeedsBase64[V string | []byte](v V) bool {
	if len(v) == 0 {
		return false
	}
	if first := v[0]; first <= ' ' || first == ':' || first == '<' {
		return true
	}
	if v[len(v)-1] == ' ' {
		return true
	}
	for i := 0; i < len(v); i++ {
		if unsafeByte[v[i]] {
			return true
		}
	}
	return false
}

// unsafeByte holds the bytes that RFC 2849 does not allow in a plain value.
var unsafeByte = func() (t [256]bool) {
	for c := 128; c < 256; c++ {
		t[c] = true
	}
	t[0], t['\n'], t['\r'] = true, true, true
	return t
}()
