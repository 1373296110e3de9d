package shards

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"imsconv/dbconv/bdb"
)

// census are all users of a survey in byte order of their ids, by which they
// have numbers from 0. It keeps four bytes a user where users share messages,
// and four where several have one id, else nothing; the rest lies in temporary
// files.
type census struct {
	s     *Survey
	file  *os.File // of each user the length of the id, the id, and his sum
	users uint32
	one   groups   // users who have one id in the store
	tied  groups   // these, and users who share messages
	pairs *os.File // of each reference that two users share: the first, the second, its size; nil: none
}

// errTooMany bounds users, whose numbers have 32 bits.
var errTooMany = errors.New("more users than a plan can hold")

// mostUsers is how many users a plan has at most.
const mostUsers = 1 << 31

// tempBuffer is what is written to, or read from, a temporary file at once, in
// bytes.
const tempBuffer = 256 << 10

// count ends the taking up, and counts the users.
func (s *Survey) count() (*census, error) {
	if s.made != nil {
		return s.made, nil
	}
	if err := s.joinNames(); err != nil {
		return nil, err
	}
	if err := s.settleLast(); err != nil {
		return nil, err
	}
	c := &census{s: s}
	if err := c.number(); err != nil {
		return nil, err
	}
	if err := c.unify(); err != nil {
		return nil, err
	}
	if err := c.join(); err != nil {
		return nil, err
	}
	s.made = c
	return c, nil
}

// number writes the users in their order.
func (c *census) number() (err error) {
	if c.file, err = c.s.tempFile(); err != nil || c.s.sums == nil {
		return err
	}
	w := &userWriter{c: c, out: bufio.NewWriterSize(c.file, tempBuffer)}
	err = c.s.sums.Drain(w.record)
	c.s.sums = nil
	if err == nil {
		err = w.end()
	}
	if err == nil {
		err = w.out.Flush()
	}
	return err
}

// userWriter adds up what there is of each user.
type userWriter struct {
	c     *census
	out   *bufio.Writer
	run   userRun
	total int64 // bytes of all users
	buf   []byte
}

func (w *userWriter) record(id, value []byte) error {
	if string(id) != string(w.run.id) {
		if err := w.end(); err != nil {
			return err
		}
		w.run.id, w.run.userSum = append(w.run.id[:0], id...), userSum{}
	}
	messages, n := binary.Uvarint(value)
	bytes, _ := binary.Uvarint(value[max(n, 0):])
	w.run.plus(int64(messages), int64(bytes))
	return nil
}

// end writes the user who is complete.
func (w *userWriter) end() error {
	if len(w.run.id) == 0 {
		return nil
	}
	if w.c.users == mostUsers {
		return errTooMany
	}
	w.c.users++
	w.run.bytes = min(w.run.bytes, mostTotal-w.total)
	w.total += w.run.bytes
	w.buf = append(binary.AppendUvarint(w.buf[:0], uint64(len(w.run.id))), w.run.id...)
	w.buf = w.run.append(w.buf)
	w.run.id = w.run.id[:0]
	_, err := w.out.Write(w.buf)
	return err
}

// userReader goes through the users.
type userReader struct {
	r      *bufio.Reader
	number int64 // of the user in run; -1: none yet
	run    userRun
}

func (c *census) reader() *userReader {
	return &userReader{r: bufio.NewReaderSize(io.NewSectionReader(c.file, 0, 1<<62), tempBuffer), number: -1}
}

// next goes to the next user; io.EOF is behind the last.
func (r *userReader) next() error {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return err
	}
	if uint64(cap(r.run.id)) < n {
		r.run.id = make([]byte, 0, 2*n)
	}
	r.run.id = r.run.id[:n]
	_, err = io.ReadFull(r.r, r.run.id)
	messages, errMessages := binary.ReadUvarint(r.r)
	bytes, errBytes := binary.ReadUvarint(r.r)
	r.number++
	r.run.userSum = userSum{int64(messages), int64(bytes)}
	return errors.Join(err, errMessages, errBytes)
}

// find goes on to the user with an id, and returns his number. Ids are asked
// for in their order, and are those of users.
func (r *userReader) find(id []byte) (uint32, error) {
	for r.number < 0 || string(r.run.id) < string(id) {
		if err := r.next(); err != nil {
			return 0, fmt.Errorf("internal error: user %q of a link: %w", id, err)
		}
	}
	return uint32(r.number), nil
}

// each gives all users in their order. The run stays as it is until the
// following call.
func (c *census) each(use func(number uint32, run *userRun) error) error {
	r := c.reader()
	for {
		if err := r.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := use(uint32(r.number), &r.run); err != nil {
			return err
		}
	}
}

// pairSize is the length of a reference in the file of pairs.
const pairSize = 16

// unify makes groups of the users who have one id in the store: conversions of
// two parts would each make a tree for it.
func (c *census) unify() error {
	if c.s.Names == nil {
		return nil
	}
	byID := bdb.NewSorter(c.s.TempDir, sortMemory)
	defer byID.Close()
	err := c.each(func(u uint32, run *userRun) error {
		id, err := c.s.Names.StoreID(string(run.id))
		if err != nil {
			return nil // a conversion refuses him
		}
		return byID.Add([]byte(id), binary.BigEndian.AppendUint32(nil, u))
	})
	if err != nil {
		return err
	}
	var last []byte
	var first uint32
	return byID.Drain(func(id, value []byte) error {
		u := binary.BigEndian.Uint32(value)
		if len(last) == 0 || string(last) != string(id) {
			last, first = append(last[:0], id...), u
			return nil
		}
		if c.one == nil {
			c.one = everyone(c.users)
		}
		c.one.unite(first, u)
		return nil
	})
}

// join turns the ids of those who share messages into numbers, and notes whose
// groups they make one.
func (c *census) join() (err error) {
	c.tied = c.one
	if c.s.pairs == nil {
		return nil
	}
	byFirst := bdb.NewSorter(c.s.TempDir, sortMemory)
	defer byFirst.Close()
	users := c.reader()
	err = c.s.pairs.Drain(func(id, value []byte) error {
		u, err := users.find(id)
		if err != nil {
			return err
		}
		return byFirst.Add(value[8:], append(binary.BigEndian.AppendUint32(nil, u), value[:8]...))
	})
	c.s.pairs = nil
	if err != nil {
		return err
	}
	if c.pairs, err = c.s.tempFile(); err != nil {
		return err
	}
	if c.tied = slices.Clone(c.one); c.tied == nil {
		c.tied = everyone(c.users)
	}
	out := bufio.NewWriterSize(c.pairs, tempBuffer)
	users = c.reader()
	err = byFirst.Drain(func(id, value []byte) error {
		first, err := users.find(id)
		if err != nil {
			return err
		}
		c.tied.unite(first, binary.BigEndian.Uint32(value))
		_, err = out.Write(append(binary.BigEndian.AppendUint32(nil, first), value...))
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// groups are users who go together: of each user another of his group, nearer
// to its root. nil: everybody goes alone.
type groups []uint32

// everyone are users who go alone, to be united.
func everyone(users uint32) groups {
	g := make(groups, users)
	for u := range g {
		g[u] = uint32(u)
	}
	return g
}

// unite makes the groups of two users one, whose root is its first user.
func (g groups) unite(u, v uint32) {
	a, b := g.root(u), g.root(v)
	g[max(a, b)] = min(a, b)
}

// root is the user who stands for the group of one: its first.
func (g groups) root(u uint32) uint32 {
	if g == nil {
		return u
	}
	for g[u] != u {
		up := g[u]
		g[u] = g[up]
		u = up
	}
	return u
}

// eachPair gives all references that two users share.
func (c *census) eachPair(use func(first, u uint32, size int64)) error {
	if c.pairs == nil {
		return nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(c.pairs, 0, 1<<62), tempBuffer)
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
