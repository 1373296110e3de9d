package shards

import (
	"bytes"
	"cmp"
	"slices"
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
	Balance func(parts int) Balance // a new one
	// Listable reports what keeps an id from being a line of a list; such users
	// belong to the first part.
	Listable func(id string) error
}

// Uneven says what keeps the parts from being even.
type Uneven struct {
	Users  int64 // of the largest group of users who share messages
	Heavy  int64 // weight of the heaviest part; a weight is bytes and MessageCost a message
	Fair   int64 // weight of a part if all were even
	Copied Crossing
}

// Made is a plan that has been made, with its lists.
type Made struct {
	Plan     Plan
	Unlisted int64   // users of no list, in the first part
	Uneven   *Uneven // nil: no group is larger than a part

	s      *Survey
	sorted []uint32 // users in byte order of their ids, part by part
	starts []int    // of the parts in it
	hidden func(id string) error
}

// Make spreads the users of a survey over parts: the heaviest first, of equal
// ones the lower id. With LinksPlan, users who share messages go together.
func (s *Survey) Make(src Source, opt PlanOptions) (*Made, error) {
	if err := s.joinNames(); err != nil {
		return nil, err
	}
	s.table = nil // it is made again when more users come
	order := s.byID()
	m := &maker{s: s, opt: opt, order: order}
	part := m.assign(opt.Links == LinksPlan)
	crossing, err := s.crossing(part)
	if err != nil {
		return nil, err
	}
	made := &Made{s: s, hidden: opt.Listable}
	made.Plan = Plan{Version: PlanVersion, Source: src, Links: opt.Links, Shards: make([]Part, opt.Parts), Crossing: crossing}
	made.arrange(order, part)
	if opt.Links == LinksPlan {
		made.Uneven, err = m.uneven(&made.Plan)
	}
	return made, err
}

// byID lists the users in byte order of their ids.
func (s *Survey) byID() []uint32 {
	order := make([]uint32, len(s.users))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return bytes.Compare(s.id(a), s.id(b)) })
	return order
}

func (u *userSum) weight() int64 { return u.bytes + int64(u.messages)*MessageCost }

// maker spreads users.
type maker struct {
	s     *Survey
	opt   PlanOptions
	order []uint32

	largest group // of the last assign
}

// group are users who go together.
type group struct {
	root   uint32
	rank   uint32 // in the order of ids, of the first of them
	users  uint32
	pinned bool // to the first part
	weight int64
}

// assign returns the part of each user, counted from 0.
func (m *maker) assign(together bool) []uint16 {
	groups := m.groups(together)
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.rank, b.rank))
	})
	m.largest = group{}
	if len(groups) > 0 {
		m.largest = groups[0]
	}
	balance, of := m.opt.Balance(m.opt.Parts), make([]uint16, len(m.s.users))
	for i := range groups {
		if g := &groups[i]; g.pinned {
			balance.Put(0, g.weight, int64(g.users))
		}
	}
	for i := range groups {
		if g := &groups[i]; !g.pinned {
			of[g.root] = uint16(balance.PlaceGroup(g.weight, int64(g.users)))
		}
	}
	if together {
		for u := range of {
			of[u] = of[m.s.root(uint32(u))]
		}
	}
	return of
}

// groups are the users who share messages, or every user alone.
func (m *maker) groups(together bool) []group {
	groups := make([]group, 0, len(m.order))
	at := make([]uint32, len(m.order)) // of roots: 1 more than the group
	for rank, u := range m.order {
		root := u
		if together {
			root = m.s.root(u)
		}
		if at[root] == 0 {
			groups = append(groups, group{root: root, rank: uint32(rank)})
			at[root] = uint32(len(groups))
		}
		g := &groups[at[root]-1]
		g.users++
		g.weight += m.s.users[u].weight()
		g.pinned = g.pinned || m.opt.Listable(string(m.s.id(u))) != nil
	}
	return groups
}

// crossing counts the references whose first copy is in another part.
func (s *Survey) crossing(part []uint16) (c Crossing, err error) {
	err = s.pairs.each(func(first, u uint32, size int64) {
		if part[first] != part[u] {
			c.Links++
			c.Bytes = min(c.Bytes+size, mostTotal)
		}
	})
	return c, err
}

// uneven looks whether a group is larger than a part should be, and what it
// would cost to take it apart.
func (m *maker) uneven(p *Plan) (*Uneven, error) {
	total := p.Bytes + p.Messages*MessageCost
	u := &Uneven{Users: int64(m.largest.users), Fair: (total + int64(len(p.Shards)) - 1) / int64(len(p.Shards))}
	for _, part := range p.Shards {
		u.Heavy = max(u.Heavy, part.Bytes+part.Messages*MessageCost)
	}
	if u.Users < 2 || m.largest.weight <= u.Fair || len(p.Shards) < 2 {
		return nil, nil
	}
	var err error
	u.Copied, err = m.s.crossing(m.assign(false))
	return u, err
}

// arrange puts the users in the order of the lists, and adds them up.
func (d *Made) arrange(order []uint32, part []uint16) {
	p := &d.Plan
	counts := make([]int, len(p.Shards))
	for _, u := range order {
		counts[part[u]]++
		at, sum := &p.Shards[part[u]], &d.s.users[u]
		at.Messages, at.Bytes = at.Messages+int64(sum.messages), at.Bytes+sum.bytes
		p.Messages, p.Bytes = p.Messages+int64(sum.messages), p.Bytes+sum.bytes
		p.Users++
		if d.hidden(string(d.s.id(u))) != nil {
			d.Unlisted++
			continue
		}
		at.Users++
	}
	d.starts = make([]int, len(counts)+1)
	for i, n := range counts {
		d.starts[i+1] = d.starts[i] + n
	}
	next := slices.Clone(d.starts)
	d.sorted = make([]uint32, len(order))
	for _, u := range order {
		d.sorted[next[part[u]]] = u
		next[part[u]]++
	}
}

// eachUser gives the users of a list, counted from 0, in byte order.
func (d *Made) eachUser(list int, use func(id string) error) error {
	for _, u := range d.sorted[d.starts[list]:d.starts[list+1]] {
		id := string(d.s.id(u))
		if d.hidden(id) != nil {
			continue
		}
		if err := use(id); err != nil {
			return err
		}
	}
	return nil
}
