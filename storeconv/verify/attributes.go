package verify

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// The modes of what a restore makes (docs/formats.md, section 3). A directory
// may have the bit that hands its group down to what is made in it.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// owner is who everything must belong to; -1 is any.
type owner struct{ uid, gid int }

// check says what is wrong with the owner of a file, or "".
func (o owner) check(st *unix.Stat_t) string {
	if (o.uid < 0 || int(st.Uid) == o.uid) && (o.gid < 0 || int(st.Gid) == o.gid) {
		return ""
	}
	shown := func(id int) string {
		if id < 0 {
			return "any"
		}
		return strconv.Itoa(id)
	}
	return fmt.Sprintf("owner %d:%d instead of %s:%s", st.Uid, st.Gid, shown(o.uid), shown(o.gid))
}

// attributes are the notes about mode and owner of one file or directory.
func (o owner) attributes(path string, st *unix.Stat_t) []storeconv.Note {
	want, mode := uint32(fileMode), st.Mode&0o7777
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		want, mode = dirMode, mode&^unix.S_ISGID
	}
	var notes []storeconv.Note
	if mode != want {
		notes = append(notes, problem("mode", path, "mode %04o instead of %04o", mode, want))
	}
	if text := o.check(st); text != "" {
		notes = append(notes, problem("owner", path, "%s", text))
	}
	return notes
}

// sharedDir is a directory above those of the users. Its notes are told where a
// restore made a mailbox below it: elsewhere its mode is not ours.
type sharedDir struct {
	above *sharedDir
	notes []storeconv.Note
}

// take returns the notes of the directory and of those above it, the highest
// first, once.
func (d *sharedDir) take() []storeconv.Note {
	if d == nil {
		return nil
	}
	notes := append(d.above.take(), d.notes...)
	d.above, d.notes = nil, nil
	return notes
}

// tellShared tells what there is to say of shared directories. Where mailboxes
// of another server lie in the store too, as a relocation brings them, it may
// have made them: a restore that adds mail leaves them as they are.
func (v *verifier) tellShared() {
	for _, n := range v.shared {
		if !v.pure() && (n.Kind == "mode" || v.opts.Owner == nil) {
			n.Severity = storeconv.Warning
		}
		v.tell(n)
	}
	v.shared = nil
}

// sameFileDate compares the modification time of a file with a date that was
// given to it, which is one of whole seconds.
func sameFileDate(st *unix.Stat_t, date int64) bool {
	return st.Mtim.Nsec == 0 && (st.Mtim.Sec == date || CutDate(date, st.Mtim.Sec))
}

// lastDates are the latest times that file systems keep, in seconds since 1970:
// of 32 bits, signed and not, of ext4 and of XFS with large times. The kernel
// makes the last of them of any later one.
var lastDates = []int64{math.MaxInt32, math.MaxUint32, 1<<34 - 1<<31 - 1, 16299260424}

// CutDate tells whether a file may have the time has since its file system
// cannot keep date: then it has the nearest that it can.
func CutDate(date, has int64) bool {
	if date < math.MinInt32 {
		return has == math.MinInt32
	}
	return has < date && slices.Contains(lastDates, has)
}

// fileDateText shows the time of a file, with its part of a second if there is
// one.
func fileDateText(st *unix.Stat_t) string {
	text := dateText(st.Mtim.Sec)
	if st.Mtim.Nsec != 0 {
		text += fmt.Sprintf(" and %d ns", st.Mtim.Nsec)
	}
	return text
}

// problem and warning make notes.
func problem(kind, where, format string, args ...any) storeconv.Note {
	return note(storeconv.Problem, kind, where, format, args)
}

func warning(kind, where, format string, args ...any) storeconv.Note {
	return note(storeconv.Warning, kind, where, format, args)
}

// note makes a note. What is wrong with the machine, and not with what is
// verified, it keeps for whoever takes the note, who ends the run with it.
func note(severity storeconv.Severity, kind, where, format string, args []any) storeconv.Note {
	n := storeconv.Note{Severity: severity, Kind: kind, Where: where, Text: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		if err, ok := arg.(error); ok && ims.OfMachine(err) {
			n.Machine = fmt.Errorf("%s: %w", where, err)
		}
	}
	return n
}

// A message file has the receive date of its first copy. Without a stream
// nobody knows which of the references that is, or whether it is in the store
// at all: it may have been expired or not selected. So files whose date is
// that of none of their references are counted, and told in one line.

// strangeDates are files of such a date.
type strangeDates struct {
	count int64
	path  string // of the first
}

func (s *strangeDates) add(path string) {
	if s.count == 0 {
		s.path = path
	}
	s.count++
}

func (s *strangeDates) merge(other strangeDates) {
	if s.count == 0 {
		s.path = other.path
	}
	s.count += other.count
}

// fileDate compares the date of a file with that of one reference. Of files
// with several names all references are collected first.
func (c *boxChecker) fileDate(path string, date int64, st *unix.Stat_t) {
	same := sameFileDate(st, date)
	if st.Nlink == 1 {
		if !same {
			c.res.strange.add(path)
		}
		return
	}
	key := appendFile(make([]byte, 0, 17+len(path)), st)
	if same {
		key = append(key, 0) // comes first
	} else {
		key = append(append(key, 1), path...)
	}
	c.v.dateLock.Lock()
	defer c.v.dateLock.Unlock()
	if err := c.v.dates.Add(key, nil); err != nil && c.res.err == nil {
		c.res.err = err
	}
}

// appendFile appends what one file is known by, whatever its names: 16 bytes.
func appendFile(dst []byte, st *unix.Stat_t) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(st.Dev))
	return binary.BigEndian.AppendUint64(dst, st.Ino)
}

// countLinks takes one name of each file off the count of links: that is the
// message which the others are links to. The names of a file may be with
// several users, and some of them outside of the store.
func (v *verifier) countLinks(ctx context.Context) error {
	var file []byte
	return v.named.Drain(func(key, _ []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !bytes.Equal(file, key) {
			file = append(file[:0], key...)
			v.report.Links--
		}
		return nil
	})
}

// tellDates tells of the files whose date none of their references has.
func (v *verifier) tellDates(ctx context.Context) error {
	var file []byte
	err := v.dates.Drain(func(key, _ []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if bytes.Equal(file, key[:16]) {
			return nil
		}
		file = append(file[:0], key[:16]...)
		if key[16] != 0 && v.chosen.part.whole() { // else the first copy may be in another part
			v.strange.add(string(key[17:]))
		}
		return nil
	})
	if v.strange.count > 0 {
		v.tell(warning("file-date", v.strange.path, "the date of this file is the receive date of none of its messages, and so with %d files in all; a stream (-f) tells whether it is that of a first copy", v.strange.count))
	}
	return err
}

// misdated is a file of several names that has another date than its first copy
// in a stream. A backup of the store, the more so of some users or since some
// day, begins with another copy than the stream that the file was dated by.
type misdated struct {
	file fileKey
	date int64
	note storeconv.Note
}

// tellMisdated tells of such files, as a warning where a message of the store
// that is the same file has the date, or one of another part may have it. That
// takes another look at the indexes, and at the files of those dates.
func (v *verifier) tellMisdated(ctx context.Context) error {
	if len(v.misdated) == 0 {
		return nil
	}
	dates := make(map[int64]map[fileKey]bool)
	for _, m := range v.misdated {
		if dates[m.date] == nil {
			dates[m.date] = make(map[fileKey]bool)
		}
		dates[m.date][m.file] = false
	}
	w := &treeWalk{v: v, out: func(t *task) error {
		if t.box == nil {
			return nil
		}
		defer unix.Close(t.box.fd)
		return v.copiesOf(ctx, t.box, dates)
	}}
	if err := w.run(); err != nil {
		return err
	}
	for _, m := range v.misdated {
		switch {
		case dates[m.date][m.file]:
			m.note.Severity = storeconv.Warning
			m.note.Text += "; another copy of it has that date, and came first in another stream"
		case !v.chosen.part.whole():
			m.note.Severity = storeconv.Warning
			m.note.Text += "; another part may have the copy of that date"
		}
		v.tell(m.note)
	}
	v.misdated = nil
	return nil
}

// copiesOf marks the files of some dates that messages of a mailbox are which
// have the date. What cannot be read has been told.
func (v *verifier) copiesOf(ctx context.Context, box *mailbox, dates map[int64]map[fileKey]bool) error {
	fd, err := openFile(box.fd, indexName)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	ir, err := ims.NewIndexReader(fdReader(fd))
	if err != nil {
		return nil
	}
	return ir.EachRecord(func(error) {}, func(rec *ims.Record) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		files := dates[rec.InternalDate]
		var st unix.Stat_t
		if files == nil || stat(box.fd, messageFile(rec.UID), &st) != nil {
			return nil
		}
		if _, ok := files[keyOf(&st)]; ok {
			files[keyOf(&st)] = true
		}
		return nil
	})
}
