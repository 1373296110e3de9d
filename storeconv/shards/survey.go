package shards

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/selection"
)

// Survey is what a source holds, user by user, and who shares messages with
// whom. Its memory does not grow with the users: what they have is sorted by
// their ids in temporary files, and so is what they share. Once a plan was made
// of it, nothing more is taken up.
type Survey struct {
	TempDir string // of temporary files; "": os.TempDir
	// Names says who takes part and what users are called in the store; nil: all
	// of them, as in the source. Users who have one id there go together.
	Names *selection.Matcher

	sums  *bdb.Sorter  // what users have, by id; nil: nobody has come
	last  userRun      // of the user who came last, not in sums yet
	names *memberNames // of members read so far, until a plan is made; nil: none
	pairs *bdb.Sorter  // references that two users share, by the id of the second; nil: none
	made  *census      // nil: no plan was made yet
	temps []io.Closer
}

// userSum is what a user has.
type userSum struct{ messages, bytes int64 }

// userRun is what came of one user without another between.
type userRun struct {
	id []byte // empty: nothing
	userSum
}

// errSettled: something is taken up once a plan was made.
var errSettled = errors.New("internal error: the plan of this survey is made")

// sortMemory is what one sorter of a survey holds, in bytes.
const sortMemory = 2 * storeconv.SortMemory

// Close removes the temporary files.
func (s *Survey) Close() {
	s.closeNames()
	for _, sorter := range []*bdb.Sorter{s.sums, s.pairs} {
		if sorter != nil {
			sorter.Close()
		}
	}
	for _, t := range s.temps {
		t.Close() // nobody reads it any more
	}
	s.temps = nil
}

// What a user counts at most, and what all of them do: whatever sizes a list or
// a sparse file has, sums of bytes and of weights do not overflow.
const (
	mostMessages = math.MaxUint32
	mostBytes    = 1 << 50
	mostTotal    = 1 << 61
)

// plus adds to a sum, as far as a survey can hold it.
func (u *userSum) plus(messages, bytes int64) {
	u.messages = min(u.messages+min(messages, mostMessages), mostMessages)
	u.bytes = min(u.bytes+min(bytes, mostBytes), mostBytes)
}

// takes tells whether a user takes part.
func (s *Survey) takes(user string) bool { return s.Names == nil || s.Names.Takes(user) }

// meets is takes of a user whom the source has.
func (s *Survey) meets(user string) bool { return s.Names == nil || s.Names.Meet(user) }

// add adds to what a user has, who is there from now on.
func (s *Survey) add(id string, messages, bytes int64) error {
	if string(s.last.id) == id {
		s.last.plus(messages, bytes)
		return nil
	}
	if err := s.settleLast(); err != nil {
		return err
	}
	s.last.id, s.last.userSum = append(s.last.id[:0], id...), userSum{}
	s.last.plus(messages, bytes)
	return nil
}

// settleLast gives away the user who came last.
func (s *Survey) settleLast() error {
	if len(s.last.id) == 0 {
		return nil
	}
	err := s.put(s.last.id, s.last.userSum)
	s.last.id = s.last.id[:0]
	return err
}

// put adds to what a user has, who is not the one who came last.
func (s *Survey) put(id []byte, sum userSum) error {
	if s.made != nil {
		return errSettled
	}
	if s.sums == nil {
		s.sums = bdb.NewSorter(s.TempDir, sortMemory)
	}
	return s.sums.Add(id, sum.append(nil))
}

// append writes a sum as two numbers.
func (u userSum) append(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(u.messages)), uint64(u.bytes))
}

// share notes that a user has a reference to a message of size bytes of which
// first has the first one. Both are there; of nobody, nothing is noted.
func (s *Survey) share(first, user []byte, size int64) error {
	if string(first) == string(user) || len(first) == 0 {
		return nil
	}
	if s.pairs == nil {
		s.pairs = bdb.NewSorter(s.TempDir, sortMemory)
	}
	return s.pairs.Add(user, append(binary.BigEndian.AppendUint64(nil, uint64(min(size, mostBytes))), first...))
}

// tempFile makes a file that goes with the process.
func (s *Survey) tempFile() (*os.File, error) {
	f, err := os.CreateTemp(s.TempDir, "storeconv-plan-")
	if err != nil {
		return nil, err
	}
	s.temps = append(s.temps, f)
	return f, os.Remove(f.Name())
}
