package lists

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"imsconv/dbconv/bdb"
)

// ErrOrder is returned for a database in place whose keys are not in byte
// order: it is no mailbox list.
var ErrOrder = errors.New("keys out of order")

// merger writes the records of a database in place and fresh ones together.
type merger struct {
	old    *oldDatabase
	cursor *bdb.Cursor // nil: no record is left
	merge  func(old, fresh []byte) []byte
	is     *Recognizer // of the database in place

	have       bool // key and value are the next record in place
	key, value []byte
	below      []byte // the key before it
}

// run writes everything to db.
func (m *merger) run(db *bdb.Writer, records Records) error {
	if m.old.reader != nil {
		m.cursor = m.old.reader.Cursor()
	}
	if err := m.advance(); err != nil {
		return err
	}
	if records != nil {
		err := records(func(key, value []byte) error { return m.put(db, key, value) })
		if err != nil {
			return err
		}
	}
	if err := m.copyWhile(db, func() bool { return true }); err != nil {
		return err
	}
	return m.is.Err()
}

// put writes what is in place below key, and then the record of key.
func (m *merger) put(db *bdb.Writer, key, value []byte) error {
	if err := m.copyWhile(db, func() bool { return bytes.Compare(m.key, key) < 0 }); err != nil {
		return err
	}
	var old []byte
	if m.have && bytes.Equal(m.key, key) {
		old = bytes.Clone(m.value)
		if err := m.advance(); err != nil {
			return err
		}
	}
	if m.merge != nil {
		if value = m.merge(old, value); value == nil {
			return nil
		}
	}
	return db.Put(key, value)
}

// copyWhile copies records in place as long as more says so.
func (m *merger) copyWhile(db *bdb.Writer, more func() bool) error {
	for m.have && more() {
		if err := db.Put(m.key, m.value); err != nil {
			return err
		}
		if err := m.advance(); err != nil {
			return err
		}
	}
	return nil
}

// advance moves to the next record in place.
func (m *merger) advance() error {
	m.have = false
	if m.cursor == nil {
		return nil
	}
	key, value, err := m.cursor.Next()
	if err == io.EOF {
		m.cursor = nil
		return nil
	}
	if err != nil {
		return err
	}
	if bytes.Compare(key, m.below) < 0 {
		return fmt.Errorf("%w: %.80q after %.80q", ErrOrder, key, m.below)
	}
	m.is.Record(key, value)
	m.below = append(m.below[:0], key...)
	m.have, m.key, m.value = true, key, value
	return nil
}
