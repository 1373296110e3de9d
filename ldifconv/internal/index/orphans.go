package index

import (
	"bytes"

	"imsconv/ldifconv/ldif"
)

// orphans are the entries that came before their parents, or without them. Of
// the first mostOrphans the names are kept, of the others two numbers in files.
type orphans struct {
	list []*orphan
	by   map[uint64]*orphan
	rest Pairs // parent and position
}

const mostOrphans = 1000

type orphan struct {
	norm   []byte
	parent uint64
	pos    uint64
	above  []uint64 // hashes of the DNs above the parent
	child  bool     // an entry lies right below
}

func (l *orphans) add(m *Mark) error {
	if len(l.list) == mostOrphans {
		return l.rest.Add(m.Parent, m.Pos)
	}
	o := &orphan{norm: bytes.Clone(m.Norm), parent: m.Parent, pos: m.Pos}
	up, _ := ldif.ParentNormDN(o.norm)
	for up, ok := ldif.ParentNormDN(up); ok && len(up) > 0; up, ok = ldif.ParentNormDN(up) {
		o.above = append(o.above, Hash(up))
	}
	if l.by == nil {
		l.by = map[uint64]*orphan{}
	}
	l.list, l.by[m.DN] = append(l.list, o), o
	return nil
}

// children notes which orphans have entries below them.
func (l *orphans) children(marks []Mark) {
	if len(l.by) == 0 {
		return
	}
	last := uint64(0)
	for i := range marks {
		if parent := marks[i].Parent; parent != last {
			if o := l.by[parent]; o != nil {
				o.child = true
			}
			last = parent
		}
	}
}

// Orphans calls each for the entries whose parent was not among those put, the
// first thousand by name, and returns how many more there are. An entry of more
// than one RDN that nothing stands above and something below is a suffix and no
// orphan. It is called after Finish.
func (o *Order) Orphans(each func(norm []byte, pos uint64)) (more int64, err error) {
	for _, one := range o.orphans.list {
		lost, err := o.isLost(one)
		if err != nil {
			return 0, err
		}
		if lost {
			each(one.norm, one.pos)
		}
	}
	err = o.orphans.rest.Each(func(parent, _ uint64) error {
		_, ok, err := o.seen.Get(parent)
		if !ok {
			more++
		}
		return err
	})
	return more, err
}

func (o *Order) isLost(one *orphan) (bool, error) {
	if _, ok, err := o.seen.Get(one.parent); ok || err != nil {
		return false, err
	}
	for _, up := range one.above {
		if _, ok, err := o.seen.Get(up); ok || err != nil {
			return ok, err
		}
	}
	_, child, err := o.awaited.Get(Hash(one.norm))
	return !one.child && !child, err
}
