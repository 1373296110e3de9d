package shards

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"math"
	"os"
)

// Survey is what a source holds, user by user, and who shares messages with
// whom. It keeps some forty bytes a user and the id, and as much again while a
// plan is made; what is shared waits in a temporary file.
type Survey struct {
	TempDir string // of temporary files; "": os.TempDir

	ids   []byte    // of all users, one behind the other
	users []userSum // in the order in which they came
	table []uint32  // users by hash of the id, 1 more than their number; 0: free
	seed  maphash.Seed
	total int64        // bytes of all users
	names *memberNames // of members read so far, until a plan is made; nil: none
	pairs pairFile
}

// userSum is what a user has.
type userSum struct {
	end      int64 // of his id in ids
	bytes    int64
	messages uint32
	parent   uint32 // another user of the same group, nearer to its root
}

// errTooMany bounds users, whose numbers have 32 bits.
var errTooMany = errors.New("more users than a plan can hold")

// Users is how many users have come.
func (s *Survey) Users() int64 { return int64(len(s.users)) }

// Close removes the temporary files.
func (s *Survey) Close() {
	s.closeNames()
	s.pairs.close()
}

// id is the id of a user.
func (s *Survey) id(u uint32) []byte {
	start := int64(0)
	if u > 0 {
		start = s.users[u-1].end
	}
	return s.ids[start:s.users[u].end]
}

// user returns the number of a user, who gets one when he comes first.
func (s *Survey) user(id string) (uint32, error) {
	if 2*len(s.users) >= len(s.table) {
		if len(s.users) >= 1<<31 {
			return 0, errTooMany
		}
		s.grow()
	}
	at := s.slot(maphash.String(s.seed, id), id)
	if n := s.table[at]; n > 0 {
		return n - 1, nil
	}
	u := uint32(len(s.users))
	s.ids = append(s.ids, id...)
	s.users = append(s.users, userSum{end: int64(len(s.ids)), parent: u})
	s.table[at] = u + 1
	return u, nil
}

// slot is where in the table a user is, or would be.
func (s *Survey) slot(hash uint64, id string) uint64 {
	mask := uint64(len(s.table) - 1)
	at := hash & mask
	for s.table[at] > 0 && string(s.id(s.table[at]-1)) != id {
		at = (at + 1) & mask
	}
	return at
}

func (s *Survey) grow() {
	if len(s.users) == 0 {
		s.seed = maphash.MakeSeed()
	}
	size := 1024
	for size < 4*len(s.users) {
		size *= 2
	}
	s.table = make([]uint32, size)
	mask := uint64(len(s.table) - 1)
	for u := range s.users {
		at := maphash.Bytes(s.seed, s.id(uint32(u))) & mask
		for s.table[at] > 0 {
			at = (at + 1) & mask
		}
		s.table[at] = uint32(u) + 1
	}
}

// add adds to what a user has, as far as a survey can hold it.
func (s *Survey) add(u uint32, messages, bytes int64) {
	s.users[u].messages = uint32(min(int64(s.users[u].messages)+messages, math.MaxUint32))
	more := min(bytes, mostBytes-s.users[u].bytes, mostTotal-s.total)
	s.users[u].bytes += more
	s.total += more
}

// What a user counts at most, and what all of them do: whatever sizes a list or
// a sparse file has, sums of bytes and of weights do not overflow.
const (
	mostBytes = 1 << 50
	mostTotal = 1 << 61
)

// share notes that a user has a reference to a message of size bytes of which
// first has the first one.
func (s *Survey) share(first, u uint32, size int64) error {
	if first == u {
		return nil
	}
	a, b := s.root(first), s.root(u)
	s.users[max(a, b)].parent = min(a, b)
	return s.pairs.add(s.TempDir, first, u, min(size, mostBytes))
}

// root is the user who stands for the group of one.
func (s *Survey) root(u uint32) uint32 {
	for s.users[u].parent != u {
		up := s.users[u].parent
		s.users[u].parent = s.users[up].parent
		u = up
	}
	return u
}

// pairFile holds references that two users share: sixteen bytes each.
type pairFile struct {
	file *os.File
	w    *bufio.Writer
}

const pairSize = 16

func (p *pairFile) add(dir string, first, u uint32, size int64) error {
	if p.file == nil {
		f, err := os.CreateTemp(dir, "storeconv-links-")
		if err != nil {
			return err
		}
		if err := os.Remove(f.Name()); err != nil { // it goes with the process
			f.Close()
			return err
		}
		p.file, p.w = f, bufio.NewWriterSize(f, 64<<10)
	}
	var b [pairSize]byte
	binary.BigEndian.PutUint32(b[:], first)
	binary.BigEndian.PutUint32(b[4:], u)
	binary.BigEndian.PutUint64(b[8:], uint64(size))
	_, err := p.w.Write(b[:])
	return err
}

// each gives all of them, as often as it is called.
func (p *pairFile) each(use func(first, u uint32, size int64)) error {
	if p.file == nil {
		return nil
	}
	if err := p.w.Flush(); err != nil {
		return err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(p.file, 0, 1<<62), 64<<10)
	var b [pairSize]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		use(binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint32(b[4:]), int64(binary.BigEndian.Uint64(b[8:])))
	}
}

func (p *pairFile) close() {
	if p.file != nil {
		p.file.Close() // nobody reads it any more
		p.file = nil
	}
}
