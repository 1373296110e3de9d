package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"imsconv/storeconv"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

// Written counts what WriteTree wrote.
type Written struct {
	Users, Mailboxes, Messages, Links int64
	Bytes                             int64 // of the messages written in full
	NotSelected, Refused              int64
}

// WriteTree writes a tree as a backup stream: what the selection names, under
// the names that the tree has. Damage is told to the log and left out. A body
// above 1 MiB goes through a file in os.TempDir.
func WriteTree(ctx context.Context, dst io.Writer, tree *source.Source, sel storeconv.Selection, log storeconv.Log, progress storeconv.Progress) (Written, error) {
	w := treeWriter{tree: tree, log: log, progress: progress, written: map[string]bool{}}
	var err error
	if w.sel, err = selection.Compile(sel); err != nil {
		return w.n, err
	}
	if w.out, err = sims.NewWriter(dst, sims.Header{Product: tree.Kind().String()}, 0); err != nil {
		return w.n, err
	}
	defer w.long.close()
	for {
		if err := ctx.Err(); err != nil {
			return w.n, err
		}
		m, err := tree.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = w.member(m)
		}
		if e := sims.ErrorOf(err); e != nil {
			w.tell(e)
		} else if err != nil {
			return w.n, err
		}
	}
	w.tellMissing()
	return w.n, w.out.Close()
}

type treeWriter struct {
	tree     *source.Source
	out      *sims.Writer
	sel      *selection.Matcher
	log      storeconv.Log
	progress storeconv.Progress
	written  map[string]bool // first copies that links may name: some 100 bytes each
	long     spool
	n        Written
}

func (w *treeWriter) tell(e *sims.Error) {
	n := storeconv.NoteOf(e)
	n.Where = w.tree.Where(e.Offset, e.Name)
	if n.Severity == storeconv.Problem {
		w.n.Refused++
	}
	n.Tell(w.log)
}

func (w *treeWriter) tellMissing() {
	for _, u := range w.sel.Missing() {
		w.log.Problem("user-missing", "user "+sims.DisplayName(u), "named in the selection, not in the source")
	}
	for _, p := range w.sel.MissingMailboxes() {
		w.log.Problem("mailbox-missing", sims.DisplayName(p), "named in the selection, not in the source")
	}
}

// takes tells whether the selection names a member. The error is of one that no
// restore would take.
func (w *treeWriter) takes(m *sims.Member) (bool, error) {
	if !w.sel.Meet(m.User) {
		return false, nil
	}
	refused := func(class string, err error) error {
		return &sims.Error{Offset: m.Offset, Name: m.Name, Class: class, Text: err.Error()}
	}
	if _, err := w.sel.StoreID(m.User); err != nil {
		return true, refused("bad-user", err)
	}
	if m.Kind == sims.User {
		return true, nil
	}
	name, err := w.sel.MailboxName(m.Mailbox)
	if err != nil {
		return true, refused("bad-mailbox", err)
	}
	return w.sel.TakesMailbox(m.User, name), nil
}

func (w *treeWriter) member(m *sims.Member) error {
	taken, err := w.takes(m)
	if err != nil {
		return err
	}
	if !taken {
		if m.Kind == sims.Message || m.Kind == sims.Link {
			w.n.NotSelected++
		}
		return nil
	}
	if text := sims.NameFault(m.Name); text != "" {
		return &sims.Error{Offset: m.Offset, Name: m.Name, Class: sims.BadName, Text: text}
	}
	switch m.Kind {
	case sims.User:
		w.n.Users++
		return w.out.WriteMember(m)
	case sims.Mailbox:
		w.n.Mailboxes++
		return w.out.WriteMember(m)
	case sims.Link:
		return w.link(m)
	}
	return w.message(m, w.tree)
}

// link writes a link, or the body where its first copy is not in the stream.
func (w *treeWriter) link(m *sims.Member) error {
	if w.written[m.Link] {
		w.n.Links++
		w.progress.Add(1, 0)
		return w.out.WriteMember(m)
	}
	offset, size, ok := w.tree.Shared()
	if !ok {
		return &sims.Error{Offset: m.Offset, Name: m.Name, Class: sims.Lost, Text: "the file that it is a name of cannot be read again"}
	}
	c := m.Clone()
	c.Kind, c.Link, c.Size = sims.Message, "", size
	return w.message(c, io.NewSectionReader(w.tree, offset, size))
}

// small bounds a body that is held in memory, in bytes.
const small = 1 << 20

// message writes a message. One that cannot be read as it was announced is left
// out: all of it is read before anything is written of it. A body that looks
// like one with other members in it says its SHA-256, as that of a backup does:
// else who reads the stream would take it for damaged.
func (w *treeWriter) message(m *sims.Member, body io.Reader) error {
	var text []byte
	var doubtful bool
	var err error
	if m.Size <= small {
		text = make([]byte, m.Size)
		_, err = io.ReadFull(body, text)
		doubtful = err == nil && sims.Doubtful(text)
	} else {
		doubtful, err = w.long.take(body, m.Size)
	}
	switch {
	case errors.As(err, new(spoolError)):
		return err
	case sims.ErrorOf(err) != nil:
		return err
	case err != nil:
		return &sims.Error{Offset: m.Offset, Name: m.Name, Class: sims.ReadError, Text: cause(err)}
	}
	from := func() io.Reader {
		if m.Size > small {
			return io.NewSectionReader(w.long.file, 0, m.Size)
		}
		return bytes.NewReader(text)
	}
	if doubtful {
		h := sha256.New()
		if _, err := io.Copy(h, from()); err != nil {
			return err
		}
		m = m.Clone()
		m.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	if err := w.out.WriteMember(m); err != nil {
		return err
	}
	if n, err := io.CopyN(w.out, from(), m.Size); err != nil {
		return fmt.Errorf("%s: %d of %d bytes: %w", m.Name, n, m.Size, err)
	}
	if _, _, shared := w.tree.Shared(); shared {
		w.written[m.Name] = true
	}
	w.n.Messages++
	w.n.Bytes += m.Size
	w.progress.Add(1, m.Size)
	return nil
}

// spool is a file that long bodies wait in; it goes with the process.
type spool struct{ file *os.File }

// spoolError is an error of writing to a spool.
type spoolError struct{ error }

func (e spoolError) Unwrap() error { return e.error }

// take puts a body of size bytes into the file, in place of the last one, and
// says whether it needs its SHA-256 beside it. An error of the file
// is a [spoolError], any other is of the body.
func (s *spool) take(body io.Reader, size int64) (doubtful bool, err error) {
	if err := s.reset(); err != nil {
		return false, spoolError{err}
	}
	buf := make([]byte, 128<<10) // whole blocks
	var doubt sims.Doubt
	for left := size; left > 0; {
		piece := buf[:min(left, int64(len(buf)))]
		if _, err := io.ReadFull(body, piece); err != nil {
			return false, err
		}
		doubt.Add(piece)
		if _, err := s.file.Write(piece); err != nil {
			return false, spoolError{err}
		}
		left -= int64(len(piece))
	}
	return doubt.Any(), nil
}

// reset makes the file empty, or makes it.
func (s *spool) reset() error {
	if s.file != nil {
		_, err := s.file.Seek(0, io.SeekStart)
		return errors.Join(err, s.file.Truncate(0))
	}
	f, err := os.CreateTemp("", "storeconv-body-")
	if err != nil {
		return err
	}
	s.file = f
	return os.Remove(f.Name())
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close() // nobody reads it any more
	}
}

func cause(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the file became shorter while it was read"
	}
	return err.Error()
}
