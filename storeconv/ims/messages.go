package ims

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// Found takes what is found in a mailbox that has an index of ours.
type Found struct {
	// Record takes what a line of the index says of a message. It is valid until
	// the function returns.
	Record func(*Record) error

	// Missing takes what a line says of a message whose file does not lie where
	// it belongs, in place of Record; nil: Record takes these too.
	Missing func(*Record) error

	// Unnamed takes the UID of a message file of which no line tells. lost says
	// that the index is damaged, so that it may have had one; the file of another
	// index was never a message of the mailbox.
	Unnamed func(uid uint32, lost bool) error

	// Damage takes the first fault of the index, before what it has lost.
	Damage func(error)

	Stray Stray
}

// EachMessage gives every message of a mailbox by ascending UID: those that the
// index names, of which ir has read the header and no more, and the files that
// a damaged index has lost. What an index in order does not name, and what
// there is of message files that are none, comes last. An error is one of a
// function of to, or of the machine.
func (m *Mailbox) EachMessage(ir *IndexReader, to Found) error {
	var strays []*Error
	files, err := m.UIDs(func(e *Error) { strays = append(strays, e) })
	if err != nil {
		return err
	}
	var left []uint32
	damaged, asked := false, false
	damage := func(err error) {
		if !damaged {
			to.Damage(err)
		}
		damaged = true
	}
	below := func(uid uint64) error {
		for len(files) > 0 && uint64(files[0]) < uid {
			// Only what follows may tell whether the index has lost this one.
			if !damaged && !asked {
				if err := m.checkIndex(damage); err != nil {
					return err
				}
				asked = true
			}
			if !damaged {
				left = append(left, files[0])
			} else if err := to.Unnamed(files[0], true); err != nil {
				return err
			}
			files = files[1:]
		}
		return nil
	}
	err = ir.EachRecord(damage, func(rec *Record) error {
		if err := below(uint64(rec.UID)); err != nil {
			return err
		}
		if len(files) > 0 && files[0] == rec.UID {
			files = files[1:]
		} else if to.Missing != nil {
			return to.Missing(rec)
		}
		return to.Record(rec)
	})
	if err == nil {
		err = below(math.MaxUint64)
	}
	if err != nil {
		return err
	}
	for _, e := range strays {
		to.Stray(e)
	}
	for _, uid := range left {
		if err := to.Unnamed(uid, false); err != nil {
			return err
		}
	}
	return nil
}

// EachInAnyOrder is EachMessage for a caller that needs no order: what a
// damaged index has lost comes last. The files are not looked for else.
func (m *Mailbox) EachInAnyOrder(ir *IndexReader, to Found) error {
	var named []uint32 // ascending
	damaged := false
	damage := func(err error) {
		damaged = true
		to.Damage(err)
	}
	err := ir.EachRecord(damage, func(rec *Record) error {
		named = append(named, rec.UID)
		return to.Record(rec)
	})
	if err != nil || !damaged {
		return err
	}
	files, err := m.UIDs(to.Stray)
	if err != nil {
		return err
	}
	for _, uid := range files {
		if _, ok := slices.BinarySearch(named, uid); !ok {
			if err := to.Unnamed(uid, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// UIDs lists the message files of a mailbox by ascending UID. An error is of
// the machine.
func (m *Mailbox) UIDs(stray Stray) (uids []uint32, err error) {
	err = m.Messages(stray, func(uid uint32) error {
		uids = append(uids, uid)
		return nil
	})
	slices.Sort(uids)
	return uids, err
}

// checkIndex reads the index of a mailbox for its faults alone. An error is of
// the machine.
func (m *Mailbox) checkIndex(damage func(error)) error {
	f, err := m.Index()
	if err == nil {
		defer f.Close() // opened for reading
		var ir *IndexReader
		if ir, err = NewIndexReader(f); err == nil {
			return ir.EachRecord(damage, func(*Record) error { return nil })
		}
	}
	if OfMachine(err) {
		return err
	}
	damage(err)
	return nil
}

// EachRecord gives the records of an index of which the header alone has been
// read, by ascending UID, and goes on behind lines that cannot be read. damage
// takes the first fault: such a line, an error of what the index is read from,
// which ends it, or that there are not as many records as the header says. The
// error is one of fn, or of the machine.
func (ir *IndexReader) EachRecord(damage func(error), fn func(*Record) error) error {
	n, bad := int64(0), false
	for {
		rec, err := ir.Next()
		switch {
		case err == io.EOF:
			if !bad && n != ir.Header.Exists {
				damage(&Error{Class: BadIndex, Text: fmt.Sprintf("it has lines of %d messages, and says %d", n, ir.Header.Exists)})
			}
			return nil
		case OfMachine(err):
			return err
		case err != nil:
			if !bad {
				damage(err)
			}
			if bad = true; !IsBadIndex(err) {
				return nil
			}
			continue
		}
		n++
		if err := fn(rec); err != nil {
			return err
		}
	}
}
