package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/schema"
)

// walker looks for loops in the graph of entries whose mail goes on to others:
// a walk in depth that holds its path in memory, and what it has seen in a
// table.
type walker struct {
	c *checker
	// colors are done, or firstOnPath and the place on the path.
	colors index.Table
	path   []step
}

// step is one entry on the path, and the one looked at last that its mail goes
// on to.
type step struct {
	entry, next uint64
	// lists is how many entries of the path up to this one are lists, once the
	// first that its mail goes on to is found: whether a loop has a list is told
	// without going round it, which for each of many loops of one path would take
	// the square of its length.
	lists int
}

const (
	done        = 1
	firstOnPath = 2
)

// deepest is the longest path that is followed: one of lists that people keep
// has a handful of steps.
const deepest = 100_000

// loops reports entries whose mail comes back to them.
func (c *checker) loops() error {
	w := walker{c: c, colors: index.Table{Dir: c.o.TempDir}}
	defer w.colors.Close() // files that are gone already
	last := uint64(0)
	return c.scan(keyEdge, func(key, _ []byte) error {
		from := numberAt(key[1:])
		if from == last {
			return nil
		}
		last = from
		return w.visit(from)
	})
}

// visit walks everything that can be reached from an entry.
func (w *walker) visit(entry uint64) error {
	if _, seen, err := w.colors.Get(entry); seen || err != nil {
		return err
	}
	if err := w.push(entry); err != nil {
		return err
	}
	for n := 1; len(w.path) > 0; n++ {
		if n%4096 == 0 && w.c.ctx.Err() != nil {
			return w.c.ctx.Err()
		}
		top := &w.path[len(w.path)-1]
		next, ok, err := w.next(len(w.path) - 1)
		if err != nil {
			return err
		}
		if !ok {
			if err := w.colors.Put(top.entry, done); err != nil {
				return err
			}
			w.path = w.path[:len(w.path)-1]
			continue
		}
		color, _, err := w.colors.Get(next)
		if err != nil {
			return err
		}
		switch {
		case color >= firstOnPath:
			err = w.report(int(color - firstOnPath))
		case color == done:
		case len(w.path) >= deepest:
			w.c.findAt(next, "group-loop", "uniqueMember", 0, 0, fmt.Sprintf("mail goes on from entry to entry, %d deep: not followed further", deepest))
			err = w.colors.Put(next, done)
		default:
			err = w.push(next)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) push(entry uint64) error {
	w.path = append(w.path, step{entry: entry})
	return w.colors.Put(entry, firstOnPath+uint64(len(w.path)-1))
}

// next goes on to the next entry that mail of step i goes on to.
func (w *walker) next(i int) (next uint64, ok bool, err error) {
	s := &w.path[i]
	prefix := appendNumber([]byte{keyEdge}, s.entry)
	key, value, ok, err := w.c.store.Next(prefix, appendNumber(prefix, s.next+1))
	if !ok || err != nil {
		return 0, false, err
	}
	if s.next == 0 {
		s.lists = w.listsBefore(i)
		if value[0]&flagGroup != 0 {
			s.lists++
		}
	}
	s.next = numberAt(key[9:])
	return s.next, true, nil
}

// listsBefore is how many of the entries before step i of the path are lists.
func (w *walker) listsBefore(i int) int {
	if i == 0 {
		return 0
	}
	return w.path[i-1].lists
}

// mostHops bounds the steps of a loop that a message names.
const mostHops = 8

// report tells of the loop from step first to the end of the path: mail goes
// from each entry to the next, and from the last to the first.
func (w *walker) report(first int) error {
	loop := w.path[first:]
	last := len(loop) - 1
	code, byName := "forward-loop", true
	if loop[last].lists > w.listsBefore(first) {
		code = "group-loop"
	}
	shown := loop
	if len(loop) > mostHops {
		shown = append(slices.Clone(loop[:mostHops-1]), loop[last])
	}
	hops := make([]hop, 0, mostHops)
	for _, s := range shown {
		h, err := w.hop(s)
		if err != nil {
			return err
		}
		hops = append(hops, h)
		byName = byName && h.address == "" && h.member
	}
	text := comesBack(hops, len(loop))
	if byName {
		text = withinItself(hops, len(loop))
	}
	w.c.findAt(loop[0].entry, code, hops[0].attr, 0, int(loop[last].entry), text)
	return nil
}

// hop is one step of a loop.
type hop struct {
	attr, address string // of the entry it leaves; no address: by its name
	member        bool   // it is by an attribute of members
	to            place
}

func (w *walker) hop(s step) (h hop, err error) {
	value, ok, err := w.c.store.Get(nil, appendNumber(appendNumber([]byte{keyEdge}, s.entry), s.next))
	if err != nil || !ok {
		return h, errors.Join(err, errLost(ok))
	}
	h.attr, h.address = cutZero(value[1:])
	name, _, _ := strings.Cut(h.attr, ";")
	if id := w.c.o.Schema.Attribute([]byte(name)); id < schema.Count {
		k, known := refAttributes[schema.ID(id)]
		h.member = known && k == refMember
	}
	h.to, err = w.c.place(s.next)
	return h, err
}

// withinItself says what a loop of members that are lists is.
func withinItself(hops []hop, length int) string {
	if length == 1 {
		return "the list is a member of itself"
	}
	var way []string
	for _, h := range hops[:len(hops)-1] {
		way = append(way, fmt.Sprintf("%s, %s", h.to, h.to.dn))
	}
	if length > mostHops {
		way = append(way, fmt.Sprintf("%d more", length-mostHops))
	}
	return "the list is a member of itself by way of " + strings.Join(way, "; ")
}

// comesBack says how mail comes back to the entry that it went out from.
func comesBack(hops []hop, length int) string {
	var b strings.Builder
	b.WriteString("mail comes back: ")
	for i, h := range hops {
		if i == mostHops-1 && length > mostHops {
			fmt.Fprintf(&b, ", and so on over %d more", length-mostHops)
		}
		if i > 0 {
			b.WriteString(", whose ")
		}
		b.WriteString(h.attr)
		if h.address != "" {
			b.WriteString(" " + h.address)
		}
		if i == len(hops)-1 {
			b.WriteString(" is this entry")
		} else {
			fmt.Fprintf(&b, " is %s, %s", h.to, h.to.dn)
		}
	}
	return b.String()
}
