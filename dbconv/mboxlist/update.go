package mboxlist

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"imsconv/dbconv/bdb"
)

// Cursor is where the records of an existing database come from: *bdb.Cursor.
type Cursor interface {
	// Next returns the next record in key order, io.EOF after the last.
	Next() (key, value []byte, err error)
}

// An Update is a set of changes to one database of a mailbox list. Changes come
// in any order and are sorted in bounded memory (bdb.DefaultSortMemory, then
// temporary files). Use it once:
//
//	u := mboxlist.NewUpdate(mboxlist.FolderDB, tempDir)
//	defer u.Close()
//	u.Put("user/anna", value)
//	u.Apply(w, old)                    // w: *bdb.Writer; old: *bdb.Cursor
//	w.Close()
type Update struct {
	kind Kind
	puts *bdb.Sorter
}

// NewUpdate returns an empty Update; temporary files go to tempDir ("":
// os.TempDir).
func NewUpdate(kind Kind, tempDir string) *Update {
	return &Update{kind: kind, puts: bdb.NewSorter(tempDir, 0)}
}

// Put adds a record, or replaces the one of the same key; the last Put of a key
// counts.
func (u *Update) Put(key string, value []byte) error { return u.puts.Add([]byte(key), value) }

// UpdateReport counts what Apply did.
type UpdateReport struct {
	Kept    int64 // records of the existing database that stayed
	Dropped int64 // those of keys put anew
	Put     int64 // records put
}

// Apply writes the records of old (nil, without a type: none) with the changes
// made to them to w, in key order. It neither closes w nor reads old twice. The
// Update is used up.
func (u *Update) Apply(w *bdb.Writer, old Cursor) (UpdateReport, error) {
	m := merge{w: w, old: old}
	if err := m.advance(); err != nil {
		return m.rep, err
	}
	err := u.puts.Drain(func(key, value []byte) error {
		if err := m.copyBelow(key, false); err != nil {
			return err
		}
		if m.have && bytes.Equal(m.key, key) {
			m.rep.Dropped++
			if err := m.advance(); err != nil {
				return err
			}
		}
		if m.putAny && bytes.Equal(m.lastPut, key) {
			m.rep.Put--
		}
		m.putAny, m.lastPut = true, append(m.lastPut[:0], key...)
		m.rep.Put++
		return w.Put(key, value)
	})
	if err != nil {
		return m.rep, err
	}
	return m.rep, m.copyBelow(nil, true)
}

// Close gives up the temporary files of an Update that was not applied.
func (u *Update) Close() { u.puts.Close() }

// ErrOrder: the keys of the existing database are not in byte order, so that it
// is no mailbox list.
var ErrOrder = errors.New("keys out of order")

// merge is the state of Apply.
type merge struct {
	w          *bdb.Writer
	old        Cursor
	have       bool // key and value are the next record of old
	key, value []byte
	below      []byte // key of old before
	putAny     bool
	lastPut    []byte
	rep        UpdateReport
}

// advance moves to the next record of old that does not belong to a replaced
// user.
func (m *merge) advance() error {
	m.have = false
	if m.old == nil {
		return nil
	}
	key, value, err := m.old.Next()
	if err == io.EOF {
		m.old = nil
		return nil
	}
	if err != nil {
		return err
	}
	if bytes.Compare(key, m.below) < 0 {
		return fmt.Errorf("%w: %.80q after %.80q", ErrOrder, key, m.below)
	}
	m.below = append(m.below[:0], key...)
	m.have, m.key, m.value = true, key, value
	return nil
}

// copyBelow copies the records of old whose key is less than limit, or all.
func (m *merge) copyBelow(limit []byte, all bool) error {
	for m.have && (all || bytes.Compare(m.key, limit) < 0) {
		m.rep.Kept++
		if err := m.w.Put(m.key, m.value); err != nil {
			return err
		}
		if err := m.advance(); err != nil {
			return err
		}
	}
	return nil
}
