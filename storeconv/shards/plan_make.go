package shards

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"slices"

	"imsconv/dbconv/bdb"
)

// MessageCost is what a message counts in the balance beside its size, in
// bytes: to make a file of any size, with its line in an index, takes as long
// as to write so much of a large one.
const MessageCost = 8192

// Balance spreads users over lists, counted from 0. All programs that make
// lists of users have the same.
type Balance interface {
	// PlaceGroup returns the list with the least so far, and puts users of a
	// weight there.
	PlaceGroup(weight, users int64) int
	// Put puts users into a list that is settled.
	Put(list int, weight, users int64)
}

// PlanOptions say how a plan is made.
type PlanOptions struct {
	Parts   int // 1 to MostParts
	Links   Links
	Names   *Names                  // what the plan says of the names of the survey
	Balance func(parts int) Balance // a new one
	// Listable reports what keeps an id from being a line of a list; such users
	// belong to the first part.
	Listable func(id string) error
}

// Uneven says what keeps the parts from being even.
type Uneven struct {
	Users  int64 // of the largest group of users who go together
	Heavy  int64 // weight of the heaviest part; a weight is bytes and MessageCost a message
	Fair   int64 // weight of a part if all were even
	Copied Crossing
}

// Made is a plan that has been made, with its lists, which are there until the
// survey is closed.
type Made struct {
	Plan     Plan
	Unlisted int64   // users of no list, in the first part
	Uneven   *Uneven // nil: no group is larger than a part

	lists  *os.File // ids in the order of the lists: length and id
	starts []int64  // of the lists in it, in bytes, and its end
}

// Make spreads the users of a survey over parts: the heaviest first, of equal
// ones the lower id. Users who have one id in the store go together, and with
// LinksPlan those who share messages.
//
// Memory: two bytes a user, four more where users share messages and four where
// several have one id.
func (s *Survey) Make(src Source, opt PlanOptions) (*Made, error) {
	c, err := s.count()
	if err != nil {
		return nil, err
	}
	m := &maker{c: c, opt: opt}
	part, err := m.assign(opt.Links == LinksPlan)
	if err != nil {
		return nil, err
	}
	crossing, err := c.crossing(part)
	if err != nil {
		return nil, err
	}
	made := new(Made)
	made.Plan = Plan{Version: PlanVersion, Source: src, Names: opt.Names, Links: opt.Links, Shards: make([]Part, opt.Parts), Crossing: crossing}
	if err := made.arrange(c, part, opt.Listable); err != nil {
		return nil, err
	}
	if opt.Links == LinksPlan {
		made.Uneven, err = m.uneven(&made.Plan)
	}
	return made, err
}

func (u *userSum) weight() int64 { return u.bytes + u.messages*MessageCost }

// maker spreads users.
type maker struct {
	c   *census
	opt PlanOptions

	largest group // of the last assign
}

// group are users who go together.
type group struct {
	root   uint32 // the first of them
	users  int64
	pinned bool // to the first part
	weight int64
}

// assign returns the part of each user, counted from 0; linked tells that users
// who share messages go together.
func (m *maker) assign(linked bool) ([]uint16, error) {
	together := m.c.one
	if linked {
		together = m.c.tied
	}
	balance, of := m.opt.Balance(m.opt.Parts), make([]uint16, m.c.users)
	// The heaviest first: keys are weights, so turned round that they rise.
	byWeight := bdb.NewSorter(m.c.s.TempDir, sortMemory)
	defer byWeight.Close()
	err := m.groups(together, func(g *group) error {
		pinned := byte(0)
		if g.pinned {
			pinned = 1
			balance.Put(0, g.weight, g.users)
		}
		key := binary.BigEndian.AppendUint64(nil, math.MaxUint64-uint64(g.weight))
		return byWeight.Add(binary.BigEndian.AppendUint32(key, g.root), binary.AppendUvarint([]byte{pinned}, uint64(g.users)))
	})
	if err != nil {
		return nil, err
	}
	m.largest = group{}
	err = byWeight.Drain(func(key, value []byte) error {
		users, _ := binary.Uvarint(value[1:])
		g := group{root: binary.BigEndian.Uint32(key[8:]), users: int64(users), pinned: value[0] == 1, weight: int64(math.MaxUint64 - binary.BigEndian.Uint64(key))}
		if m.largest.users == 0 {
			m.largest = g
		}
		if !g.pinned {
			of[g.root] = uint16(balance.PlaceGroup(g.weight, g.users))
		}
		return nil
	})
	if together != nil {
		for u := range of {
			of[u] = of[together.root(uint32(u))]
		}
	}
	return of, err
}

// groups gives the users who go together, with what they have.
func (m *maker) groups(together groups, use func(*group) error) error {
	if together == nil {
		return m.c.each(func(u uint32, run *userRun) error {
			return use(&group{root: u, users: 1, weight: run.weight(), pinned: m.pinned(run)})
		})
	}
	byRoot := bdb.NewSorter(m.c.s.TempDir, sortMemory)
	defer byRoot.Close()
	err := m.c.each(func(u uint32, run *userRun) error {
		value := binary.AppendUvarint([]byte{0}, uint64(run.weight()))
		if m.pinned(run) {
			value[0] = 1
		}
		return byRoot.Add(binary.BigEndian.AppendUint32(nil, together.root(u)), value)
	})
	if err != nil {
		return err
	}
	var g group
	err = byRoot.Drain(func(key, value []byte) error {
		if root := binary.BigEndian.Uint32(key); g.users == 0 || root != g.root {
			if err := g.give(use); err != nil {
				return err
			}
			g = group{root: root}
		}
		weight, _ := binary.Uvarint(value[1:])
		g.users, g.weight, g.pinned = g.users+1, g.weight+int64(weight), g.pinned || value[0] == 1
		return nil
	})
	return errors.Join(err, g.give(use))
}

func (m *maker) pinned(run *userRun) bool { return m.opt.Listable(string(run.id)) != nil }

// give hands a group on that has anybody in it.
func (g *group) give(use func(*group) error) error {
	if g.users == 0 {
		return nil
	}
	return use(g)
}

// crossing counts the references whose first copy is in another part.
func (c *census) crossing(part []uint16) (crossing Crossing, err error) {
	err = c.eachPair(func(first, u uint32, size int64) {
		if part[first] != part[u] {
			crossing.Links++
			crossing.Bytes = min(crossing.Bytes+size, mostTotal)
		}
	})
	return crossing, err
}

// uneven looks whether a group is larger than a part should be, and what it
// would cost to take it apart.
func (m *maker) uneven(p *Plan) (*Uneven, error) {
	total := p.Bytes + p.Messages*MessageCost
	u := &Uneven{Users: m.largest.users, Fair: (total + int64(len(p.Shards)) - 1) / int64(len(p.Shards))}
	for _, part := range p.Shards {
		u.Heavy = max(u.Heavy, part.Bytes+part.Messages*MessageCost)
	}
	if u.Users < 2 || m.largest.weight <= u.Fair || len(p.Shards) < 2 {
		return nil, nil
	}
	apart, err := m.assign(false)
	if err == nil {
		u.Copied, err = m.c.crossing(apart)
	}
	return u, err
}

// arrange puts the users in the order of the lists, and adds them up.
func (d *Made) arrange(c *census, part []uint16, listable func(string) error) error {
	p := &d.Plan
	byList := bdb.NewSorter(c.s.TempDir, sortMemory)
	defer byList.Close()
	err := c.each(func(u uint32, run *userRun) error {
		at := &p.Shards[part[u]]
		at.Messages, at.Bytes = at.Messages+run.messages, at.Bytes+run.bytes
		p.Messages, p.Bytes = p.Messages+run.messages, p.Bytes+run.bytes
		p.Users++
		if listable(string(run.id)) != nil {
			d.Unlisted++
			return nil
		}
		at.Users++
		return byList.Add(append(binary.BigEndian.AppendUint16(nil, part[u]), run.id...), nil)
	})
	if err != nil {
		return err
	}
	if d.lists, err = c.s.tempFile(); err != nil {
		return err
	}
	return d.writeLists(byList)
}

// writeLists writes the ids that a sorter has, those of a list behind its
// number.
func (d *Made) writeLists(byList *bdb.Sorter) error {
	out, size := bufio.NewWriterSize(d.lists, tempBuffer), int64(0)
	ends := make([]int64, len(d.Plan.Shards))
	var buf []byte
	err := byList.Drain(func(key, _ []byte) error {
		id := key[2:]
		buf = append(binary.AppendUvarint(buf[:0], uint64(len(id))), id...)
		size += int64(len(buf))
		ends[binary.BigEndian.Uint16(key)] = size
		_, err := out.Write(buf)
		return err
	})
	d.starts = make([]int64, 1, len(ends)+1)
	for i, end := range ends {
		d.starts = append(d.starts, max(d.starts[i], end))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// eachUser gives the users of a list, counted from 0, in byte order.
func (d *Made) eachUser(list int, use func(id string) error) error {
	start := d.starts[list]
	r := bufio.NewReaderSize(io.NewSectionReader(d.lists, start, d.starts[list+1]-start), tempBuffer)
	var id []byte
	for {
		n, err := binary.ReadUvarint(r)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			id = slices.Grow(id[:0], int(n))[:n]
			_, err = io.ReadFull(r, id)
		}
		if err == nil {
			err = use(string(id))
		}
		if err != nil {
			return err
		}
	}
}
