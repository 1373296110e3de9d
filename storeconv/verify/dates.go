package verify

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A message file has the receive date of its first copy. Without a stream nobody
// knows which of the references that is, or whether it is in the store at all:
// it may have been expired or not selected. So files whose date is that of none
// of their references are counted, and told in one line.

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

// fileDate compares the date of a file with that of one reference. Of files with
// several names all references are collected first.
func (c *boxChecker) fileDate(path string, date int64, st *unix.Stat_t) {
	same := sameFileDate(st, date)
	if st.Nlink == 1 {
		if !same {
			c.res.strange.add(path)
		}
		return
	}
	key := make([]byte, 0, 17+len(path))
	key = binary.BigEndian.AppendUint64(key, uint64(st.Dev))
	key = binary.BigEndian.AppendUint64(key, st.Ino)
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

// tellDates tells of the files whose date none of their references has.
func (v *verifier) tellDates() error {
	var file []byte
	err := v.dates.Drain(func(key, _ []byte) error {
		if bytes.Equal(file, key[:16]) {
			return nil
		}
		file = append(file[:0], key[:16]...)
		if key[16] != 0 {
			v.strange.add(string(key[17:]))
		}
		return nil
	})
	if v.strange.count > 0 {
		v.tell(warning("file-date", v.strange.path, "the date of this file is the receive date of none of its messages, and so with %d files in all; a stream (-f) tells whether it is that of a first copy", v.strange.count))
	}
	return err
}
