package dbtext

import "io"

// writeBuffer is the number of bytes gathered before the destination is
// written.
const writeBuffer = 256 << 10

// A Writer writes databases as text. Errors are sticky: End and Flush return
// the first.
type Writer struct {
	w   io.Writer
	buf []byte
	h   Header
	err error
}

// NewWriter returns a Writer to w. Call Flush at the end.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, buf: make([]byte, 0, writeBuffer+4096)}
}

// Begin starts a database. Version is not looked at: the form of release 3.0
// and later is written.
func (w *Writer) Begin(h Header) error {
	w.h = h
	w.buf = h.append(w.buf)
	return w.spill()
}

// Record writes a record. Of a recno database the key is written when the
// header says Keys.
func (w *Writer) Record(key, value []byte) error {
	if w.h.paired() {
		w.item(key)
	}
	w.item(value)
	return w.spill()
}

func (w *Writer) item(b []byte) {
	w.buf = append(w.buf, ' ')
	for len(b) > writeBuffer/4 {
		w.part(b[:writeBuffer/4])
		b = b[writeBuffer/4:]
		w.spill()
	}
	w.part(b)
	w.buf = append(w.buf, '\n')
}

func (w *Writer) part(b []byte) {
	if w.h.Print {
		w.buf = appendPrint(w.buf, b)
	} else {
		w.buf = appendHex(w.buf, b)
	}
}

// End ends a database.
func (w *Writer) End() error {
	w.buf = append(w.buf, "DATA=END\n"...)
	return w.spill()
}

func (w *Writer) spill() error {
	if len(w.buf) < writeBuffer/2 {
		return w.err
	}
	return w.Flush()
}

// Flush writes what is gathered.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
	return w.err
}
