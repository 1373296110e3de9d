package diff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// The phases of a turn, in order. Deletions come before anything else, or, when
// entries move, behind everything.
const (
	phaseDelete = iota
	phaseAdd1   // additions of a turn with moves
	phaseRename
	phaseModify
	phaseAdd
	phaseDelete1 // deletions of a turn with moves
)

// turn writes what turns the export from into the other one.
func (c *comparer) turn(dst io.Writer, from side, format Format, rep *Report) error {
	t := &turn{c: c, from: from, to: 1 - from, report: rep, out: newOutput(dst, format)}
	for _, step := range []func() error{t.join, c.store.Flush, t.match, c.store.Flush, t.write, t.out.flush} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// turn is one direction of the comparison.
type turn struct {
	c        *comparer
	from, to side
	report   *Report
	out      *output
}

// scan is Store.Scan that ends when the run is cancelled.
func (t *turn) scan(prefix []byte, use func(key, value []byte) error) error {
	n := 0
	return t.c.store.Scan(prefix, func(key, value []byte) error {
		if n++; n%1024 == 0 {
			if err := t.c.ctx.Err(); err != nil {
				return err
			}
		}
		return use(key, value)
	})
}

// pairOf is the two entries of one name.
type pairOf struct {
	name  [hashSize]byte
	has   [2]bool
	place [2]place
}

// join walks over all names and notes the work that each asks for.
func (t *turn) join() error {
	var p pairOf
	err := t.scan([]byte{keyName}, func(key, value []byte) error {
		if name := [hashSize]byte(key[1:]); name != p.name {
			if err := t.note(&p); err != nil {
				return err
			}
			p = pairOf{name: name}
		}
		s := side(key[1+hashSize])
		if p.has[s] {
			return t.again(s, placeAt(value))
		}
		p.has[s], p.place[s] = true, placeAt(value)
		return nil
	})
	err = errors.Join(err, t.note(&p))
	t.tellHeld()
	return err
}

// again reports, once, an entry whose name another one has: the first is
// compared.
func (t *turn) again(s side, p place) error {
	if t.from != 0 {
		return nil
	}
	rec, err := t.c.load(s, &p)
	if err == nil {
		t.c.problem("dup-dn", t.c.names[s], p.line, string(rec.DN), "an entry before it has the same name: the first is compared")
	}
	return err
}

func (t *turn) note(p *pairOf) error {
	if held, err := t.withheld(p); held || err != nil {
		return err
	}
	from, to := &p.place[t.from], &p.place[t.to]
	switch {
	case p.has[0] && p.has[1]:
		if from.sum == to.sum {
			return nil
		}
		return t.work(phaseModify, to.position, to.position, from, to)
	case p.has[t.from]:
		return t.lone(t.from, p.name[:], from)
	case p.has[t.to]:
		return t.lone(t.to, p.name[:], to)
	}
	return nil
}

// work notes one thing to do. from or to is nil for an addition or deletion.
func (t *turn) work(phase int, order, position uint64, from, to *place) error {
	key := append(t.c.key[:0], keyWork, byte(t.from), byte(phase))
	key = binary.BigEndian.AppendUint64(key, order)
	key = binary.BigEndian.AppendUint64(key, position)
	t.c.key = key
	value := t.c.val[:0]
	if from == nil {
		from = &place{}
	}
	if to == nil {
		to = &place{}
	}
	t.c.val = to.append(from.append(value))
	return t.c.store.Put(key, t.c.val)
}

func (t *turn) addition(p *place) error {
	phase := phaseAdd
	if t.c.o.Match != "" {
		phase = phaseAdd1
	}
	return t.work(phase, p.depth, p.position, nil, p)
}

func (t *turn) deletion(p *place) error {
	phase := phaseDelete
	if t.c.o.Match != "" {
		phase = phaseDelete1
	}
	return t.work(phase, math.MaxUint64-p.depth, p.position, p, nil)
}

// lone notes an entry that only one side has: a deletion or addition, unless it
// may match one of the other side.
func (t *turn) lone(s side, name []byte, p *place) error {
	settle := t.deletion
	if s == t.to {
		settle = t.addition
	}
	if t.c.o.Match == "" || p.depth == 0 { // the root of a server keeps its name
		return settle(p)
	}
	_, parent, err := t.c.store.Get(nil, append(append([]byte{keyParent}, name...), byte(s)))
	if err != nil {
		return err
	}
	if parent {
		return settle(p)
	}
	rec, err := t.c.load(s, p)
	if err != nil {
		return err
	}
	values := t.c.valuesOf(&rec.Entry, t.c.canonical([]byte(t.c.o.Match)))
	if len(values) == 0 {
		return settle(p)
	}
	key := append([]byte{keyMatch, byte(t.from)}, hash(bytes.ToLower(values[0]))...)
	gone := byte(0)
	if s == t.to {
		gone = 1
	}
	key = binary.BigEndian.AppendUint64(append(key, gone), p.position)
	t.c.val = p.append(t.c.val[:0])
	return t.c.store.Put(key, t.c.val)
}

// match pairs entries that are gone with new ones: where one value of Match has
// one of each, it is a rename, unless no record can say it.
func (t *turn) match() error {
	if t.c.o.Match == "" {
		return nil
	}
	const valueEnd = 2 + hashSize
	var value []byte
	var held [2]*place // the only one so far of each, nil once settled
	var count [2]int
	settle := func() error {
		if count[0] == 1 && count[1] == 1 && canMove(held[0], held[1]) {
			return t.work(phaseRename, held[1].depth, held[1].position, held[0], held[1])
		}
		for i, p := range held {
			if p == nil {
				continue
			}
			if err := t.settle(i, p); err != nil {
				return err
			}
		}
		return nil
	}
	err := t.scan([]byte{keyMatch, byte(t.from)}, func(key, v []byte) error {
		if !bytes.Equal(key[:valueEnd], value) {
			if err := settle(); err != nil {
				return err
			}
			value, held, count = append(value[:0], key[:valueEnd]...), [2]*place{}, [2]int{}
		}
		i := int(key[valueEnd])
		p := placeAt(v)
		if count[i]++; count[i] == 1 {
			held[i] = &p
			return nil
		}
		return t.settle(i, &p)
	})
	return errors.Join(err, settle())
}

// canMove tells whether a modrdn record can give an entry its new place: it has
// no word for the top of the tree as the new superior.
func canMove(from, to *place) bool { return (from.depth == 1) == (to.depth == 1) }

func (t *turn) settle(gone int, p *place) error {
	if gone == 0 {
		return t.deletion(p)
	}
	return t.addition(p)
}

// write does the work in its order.
func (t *turn) write() error {
	return t.scan([]byte{keyWork, byte(t.from)}, func(key, value []byte) error {
		from, to := placeAt(value), placeAt(value[placeSize:])
		switch key[2] {
		case phaseDelete, phaseDelete1:
			rec, err := t.c.load(t.from, &from)
			if err != nil {
				return err
			}
			t.report.Deleted++
			return t.out.delete(rec)
		case phaseAdd, phaseAdd1:
			rec, err := t.c.load(t.to, &to)
			if err != nil {
				return err
			}
			t.report.Added++
			return t.out.add(t.c.added(rec))
		}
		return t.change(key[2], &from, &to)
	})
}

// change writes a modification, and a rename before it.
func (t *turn) change(phase byte, from, to *place) error {
	old, err := t.c.load(t.from, from)
	if err != nil {
		return err
	}
	now, err := t.c.load(t.to, to)
	if err != nil {
		return err
	}
	was, is := t.c.groups(&old.Entry), t.c.groups(&now.Entry)
	if phase == phaseRename {
		t.report.Renamed++
		rename := t.c.rename(old, now, is)
		if err := t.out.rename(rename, now); err != nil {
			return err
		}
		was = t.c.afterRename(was, &old.Entry, &now.Entry, rename.DeleteOldRDN)
	}
	changed := t.c.changes(was, is)
	if len(changed) == 0 {
		return nil
	}
	if phase == phaseModify {
		t.report.Modified++
	}
	return t.out.modify(now.DN, changed, t.c.deletable)
}
