package ldifconv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// state holds what a file written by Save says, for Restore: for each entry the
// values that some attributes had. The file is a file of modify records with
// replace (the values) and delete (there were none), so that ldapmodify could
// apply it as well. It is copied to a temporary file and found there by the
// hash of the DN, so memory does not grow with it. It is safe for concurrent
// use.
type state struct {
	mu    sync.Mutex // guards the table
	table index.Table
	f     *os.File
	w     *bufio.Writer
	files []string // the names of the files
	at    uint64   // the size of the file
	empty []string // names of files without a record
}

// ErrNoState: what was given as a state file is something else.
var ErrNoState = errors.New("no state file")

// readState reads state files. Of an entry that two of them have, the record of
// the first file counts, which is the older. tell hears of records that are
// left out because they are damaged, or because their file has another of the
// same entry with other values, with the name of the file and the line; its
// error ends the reading.
func readState(inputs []Input, dir string, tell func(file string, e *ldif.Error) error) (*state, error) {
	f, err := index.TempFile(dir)
	if err != nil {
		return nil, err
	}
	s := &state{f: f, table: index.Table{Dir: dir}, w: bufio.NewWriterSize(f, 64<<10)}
	for _, in := range inputs {
		if err := s.read(in, tell); err != nil {
			s.close()
			return nil, fmt.Errorf("%s: %w", in.Name, err)
		}
	}
	if err := s.w.Flush(); err != nil {
		s.close()
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	return s, nil
}

// read reads one file. The last record of a file that does not end as a run
// ends it was cut off: half of what an entry had is not given back.
func (s *state) read(in Input, tell func(string, *ldif.Error) error) error {
	last, from := tailReader{r: in.Reader}, s.at
	s.files = append(s.files, in.Name)
	r := ldif.NewReader(&last, ldif.Options{})
	records := 0
	var waiting *stateRecord
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		next, damage := s.record(rec, err)
		if damage == nil && err != nil {
			return err
		}
		if damage != nil {
			if records == 0 {
				return fmt.Errorf("%w: %w", ErrNoState, damage)
			}
			if err := tell(in.Name, damage); err != nil {
				return err
			}
			continue
		}
		records++
		if err := s.enter(waiting, from, in.Name, tell); err != nil {
			return err
		}
		waiting = next
	}
	if records == 0 {
		s.empty = append(s.empty, in.Name)
	}
	if waiting != nil && !last.ended() {
		return tell(in.Name, &ldif.Error{Class: "cut-off", Line: waiting.line, DN: waiting.dn, Text: "the file ends in the middle of this record: it was cut off"})
	}
	return s.enter(waiting, from, in.Name, tell)
}

// enter keeps a record of the file whose records begin at from, and tells of
// one that contradicts another of that file.
func (s *state) enter(rec *stateRecord, from uint64, file string, tell func(string, *ldif.Error) error) error {
	if rec == nil {
		return nil
	}
	differs, err := s.put(rec, from)
	if err != nil || !differs {
		return err
	}
	return tell(file, &ldif.Error{Class: "state-twice", Line: rec.line, DN: rec.dn, Text: "a second record of the entry, with other values than the first, which counts"})
}

// stateRecord is one record, packed.
type stateRecord struct {
	line int
	dn   string
	key  uint64
	data []byte
}

// record packs one record, or says why it is none of a state file.
func (s *state) record(rec *ldif.Record, err error) (*stateRecord, *ldif.Error) {
	var damage *ldif.Error
	if errors.As(err, &damage) || err != nil {
		return nil, damage
	}
	norm, err := ldif.AppendNormDN(nil, rec.DN)
	if err != nil {
		return nil, &ldif.Error{Class: "bad-dn", Line: rec.Line, DN: string(rec.DN), Text: err.Error()}
	}
	data, damage := packState(nil, norm, rec)
	if damage != nil {
		damage.DN = string(rec.DN)
		return nil, damage
	}
	return &stateRecord{rec.Line, string(rec.DN), index.Hash(norm), data}, nil
}

// put keeps a record unless there is one of its entry. differs says that there
// is, behind from, and that it has other values.
func (s *state) put(rec *stateRecord, from uint64) (differs bool, err error) {
	at, ok, err := s.table.Get(rec.key)
	if err != nil {
		return false, err
	}
	if ok {
		if at < from {
			return false, nil
		}
		if err := s.w.Flush(); err != nil {
			return false, fmt.Errorf("temporary file: %w", err)
		}
		have, err := s.readAt(at)
		return !bytes.Equal(have, rec.data), err
	}
	if err := s.table.Put(rec.key, s.at); err != nil {
		return false, err
	}
	var head [stateHead]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(rec.data)))
	binary.BigEndian.PutUint32(head[stateFile:], uint32(len(s.files)-1))
	binary.BigEndian.PutUint64(head[stateLine:], uint64(rec.line))
	s.w.Write(head[:])
	s.w.Write(rec.data) // an error stays until Flush
	s.at += stateHead + uint64(len(rec.data))
	return false, nil
}

// What stands before a record in the temporary file: its size, whether an entry
// of the input had it (1), and the number of its file and its line there.
const (
	stateUsed = 4
	stateFile = 5
	stateLine = 9
	stateHead = 17 // bytes
)

// readAt reads the record at a place of the temporary file.
func (s *state) readAt(at uint64) ([]byte, error) {
	var head [stateHead]byte
	if _, err := s.f.ReadAt(head[:], int64(at)); err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	buf := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := s.f.ReadAt(buf, int64(at)+stateHead); err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	return buf, nil
}

// tailReader remembers the last bytes that went through it.
type tailReader struct {
	r    io.Reader
	tail []byte
}

// Read implements io.Reader.
func (t *tailReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.tail = append(t.tail, p[max(0, n-64):n]...)
	t.tail = append(t.tail[:0], t.tail[max(0, len(t.tail)-64):]...)
	return n, err
}

// ended reports whether the text ends with the line "-" and its line end, and
// blank lines perhaps, as every file of records that a run wrote does.
func (t *tailReader) ended() bool {
	body := bytes.TrimRight(t.tail, "\r\n")
	return len(body) < len(t.tail) && (bytes.HasSuffix(body, []byte("\n-")) || string(body) == "-")
}

// packState appends the DN, and for each attribute its description, the number
// of its values and the values.
func packState(buf, norm []byte, rec *ldif.Record) ([]byte, *ldif.Error) {
	if rec.Type != ldif.Modify {
		return nil, &ldif.Error{Class: "bad-state", Line: rec.Line, Text: fmt.Sprintf("a %s record, but a state file has modify records only", rec.Type)}
	}
	buf = packBytes(buf, norm)
	for i := range rec.Mods {
		m := &rec.Mods[i]
		if m.Op != ldif.ModReplace && !(m.Op == ldif.ModDelete && len(m.Values) == 0) {
			return nil, &ldif.Error{Class: "bad-state", Line: m.Line, Text: fmt.Sprintf("%s, but a state file has replace and delete of a whole attribute only", m.Op)}
		}
		buf = packBytes(buf, m.Desc)
		buf = binary.AppendUvarint(buf, uint64(len(m.Values)))
		for _, v := range m.Values {
			buf = packBytes(buf, v.Data)
		}
	}
	return buf, nil
}

func packBytes(buf, b []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(b))), b...)
}

// find returns what the state holds for a normalised DN, or nil, and where.
func (s *state) find(norm []byte) (buf []byte, at uint64, err error) {
	s.mu.Lock()
	at, ok, err := s.table.Get(index.Hash(norm))
	s.mu.Unlock()
	if err != nil || !ok {
		return nil, 0, err
	}
	buf, err = s.readAt(at)
	return buf, at, err
}

var errPacked = errors.New("temporary file: unexpected content")

// restore gives the entry back what the state holds for it, and reports
// whether it holds anything.
func (s *state) restore(d *draft, norm []byte) (bool, error) {
	buf, at, err := s.find(norm)
	if buf == nil || err != nil {
		return false, err
	}
	u := unpacker{buf: buf}
	if !bytes.Equal(u.bytes(), norm) {
		return false, nil
	}
	var values [][]byte
	for len(u.buf) > 0 && !u.bad {
		desc := u.bytes()
		values = values[:0]
		for n := u.number(); n > 0 && !u.bad; n-- {
			values = append(values, u.bytes())
		}
		if !u.bad {
			d.setDesc(desc, values)
		}
	}
	if u.bad {
		return false, errPacked
	}
	if _, err := s.f.WriteAt([]byte{1}, int64(at)+stateUsed); err != nil {
		return false, fmt.Errorf("temporary file: %w", err)
	}
	return true, nil
}

// setDesc sets the attribute with this description.
func (d *draft) setDesc(desc []byte, values [][]byte) {
	if bytes.IndexByte(desc, ';') < 0 {
		if id, ok := schema.Lookup(desc); ok {
			d.setBytes(id, values...)
			if id == schema.ObjectClass {
				d.readClasses()
			}
			return
		}
	}
	at := d.findOther(desc)
	if at < 0 {
		if len(values) == 0 {
			return
		}
		at = d.other(append([]byte(nil), desc...))
	}
	f := &d.fields[at]
	f.now, f.same = nil, false
	for _, v := range values {
		f.now = append(f.now, d.keep(v))
	}
}

type unpacker struct {
	buf []byte
	bad bool
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.buf)
	if size <= 0 {
		u.bad = true
		return 0
	}
	u.buf = u.buf[size:]
	return n
}

func (u *unpacker) bytes() []byte {
	n := u.number()
	if n > uint64(len(u.buf)) {
		u.bad = true
		return nil
	}
	b := u.buf[:n]
	u.buf = u.buf[n:]
	return b
}

// report names the entries of the state files that were not met, in their
// order, with the file and the line of each.
func (s *state) report(r *run) error {
	in := bufio.NewReaderSize(io.NewSectionReader(s.f, 0, int64(s.at)), 64<<10)
	var head [stateHead]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		buf := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(in, buf); err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		if head[stateUsed] != 0 {
			continue
		}
		u := unpacker{buf: buf}
		dn, file := u.bytes(), s.files[binary.BigEndian.Uint32(head[stateFile:])]
		n := note{kind: "not-restored", line: int(binary.BigEndian.Uint64(head[stateLine:])), where: string(dn), text: "the entry is not among those of the input that are selected: it is not given back"}
		if err := r.say(file, n); err != nil {
			return err
		}
	}
}

func (s *state) close() error {
	return errors.Join(s.table.Close(), s.f.Close())
}
