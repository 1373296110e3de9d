package shards

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/sims"
)

// Members is a source that is read member by member, such as a *sims.Reader.
type Members interface {
	// Next returns the next member, which stays as it is until the following
	// call, and io.EOF at the end. A *sims.Error concerns one member.
	Next() (*sims.Member, error)
}

// memberNames finds out what later copies are copies of, which may be far away
// in the stream, or in another: names wait, as hashes, to be sorted.
type memberNames struct {
	s      *Survey
	sorted *bdb.Sorter
	seed   maphash.Seed
}

// The kinds of what waits under a name.
const (
	nameOfMessage = 0 // a message; the value is its size
	nameInLink    = 1 // a later copy; the value are the length of its user, he, and that of the first, if he takes part
)

// waiting are the names that wait.
func (s *Survey) waiting() *memberNames {
	if s.names == nil {
		s.names = &memberNames{s: s, sorted: bdb.NewSorter(s.TempDir, sortMemory), seed: maphash.MakeSeed()}
	}
	return s.names
}

// joinNames ends the wait.
func (s *Survey) joinNames() error {
	if s.names == nil {
		return nil
	}
	defer s.closeNames()
	return s.names.join()
}

func (s *Survey) closeNames() {
	if s.names != nil {
		s.names.sorted.Close()
		s.names = nil
	}
}

// lost is the severity of damage by which something is lost.
const lost = 2

// AddMembers takes up what a source has, in one pass. A later copy may be one
// of a message of another source, before it or behind, as restore takes it.
// Damage by which something is lost goes to tell, and all damage is passed
// over. The error is of the context, of temporary files, or of a stream that
// cannot be read to its end: of what is behind, a plan would say that it is not
// there.
func (s *Survey) AddMembers(ctx context.Context, src Members, tell func(*sims.Error), progress storeconv.Progress) error {
	n := s.waiting()
	for count := 0; ; count++ {
		if count%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m, err := src.Next()
		if err == io.EOF {
			return nil
		}
		if p := new(sims.Error); errors.As(err, &p) {
			if p.Class == sims.ReadError {
				return err
			}
			if p.Severity() >= lost {
				tell(p)
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := n.member(m); err != nil {
			return err
		}
		progress.Add(1, m.Size)
	}
}

// member takes up one member.
func (n *memberNames) member(m *sims.Member) error {
	if m.User == "" {
		return nil
	}
	switch m.Kind {
	case sims.Message:
		return n.counts(m.User, m.Name, m.Size)
	case sims.Link:
		return n.link(m.User, m.Link)
	}
	return n.there(m.User)
}

// counts takes up a message. Later copies of it may be those of users who take
// part where its own does not.
func (n *memberNames) counts(user, name string, size int64) error {
	if !n.s.meets(user) {
		return n.message(name, size)
	}
	return errors.Join(n.s.add(user, 1, size), n.message(name, size))
}

// there takes up a user.
func (n *memberNames) there(user string) error {
	if !n.s.meets(user) {
		return nil
	}
	return n.s.add(user, 0, 0)
}

func (n *memberNames) key(name string, kind byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, maphash.String(n.seed, name)), kind)
}

func (n *memberNames) message(name string, size int64) error {
	return n.sorted.Add(n.key(name, nameOfMessage), binary.BigEndian.AppendUint64(nil, uint64(size)))
}

// link notes a later copy. Its size is that of the first one, so it counts
// when that is known.
func (n *memberNames) link(user, name string) error {
	if !n.s.meets(user) {
		return nil
	}
	if err := n.s.add(user, 1, 0); err != nil {
		return err
	}
	first, _, _, ok := sims.SplitName(name)
	if !ok {
		return nil
	}
	switch {
	case !n.s.takes(first):
		first = "" // nobody who could be in the same part
	case first != user:
		if err := n.s.put([]byte(first), userSum{}); err != nil {
			return err
		}
	}
	return n.sorted.Add(n.key(name, nameInLink), append(append(binary.AppendUvarint(nil, uint64(len(user))), user...), first...))
}

// join finds the sizes of later copies, and notes who shares what. A copy of
// nothing that the source has is one of no bytes: it shares nothing.
func (n *memberNames) join() error {
	var name uint64
	var size int64
	known := false
	return n.sorted.Drain(func(key, value []byte) error {
		hash := binary.BigEndian.Uint64(key)
		if hash != name {
			name, known, size = hash, false, 0
		}
		if key[8] == nameOfMessage {
			known, size = true, max(size, int64(binary.BigEndian.Uint64(value)))
			return nil
		}
		if !known {
			return nil
		}
		length, at := binary.Uvarint(value)
		user, first := value[at:at+int(length)], value[at+int(length):]
		return errors.Join(n.s.put(user, userSum{bytes: min(size, mostBytes)}), n.s.share(first, user, size))
	})
}
