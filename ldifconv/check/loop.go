package check

import (
	"fmt"

	"imsconv/ldifconv/internal/index"
)

// walker looks for loops in the graph of lists: a walk in depth that holds its
// path in memory, and what it has seen in a table.
type walker struct {
	c      *checker
	colors index.Table
	path   []step
}

// step is one list on the path, and the member looked at last.
type step struct{ list, member uint64 }

const (
	onPath = 1
	done   = 2
)

// deepest is the longest path that is followed: one of lists that people keep
// has a handful of steps.
const deepest = 100_000

// visit walks everything that can be reached from a list.
func (w *walker) visit(list uint64) error {
	if _, seen, err := w.colors.Get(list); seen || err != nil {
		return err
	}
	if err := w.push(list); err != nil {
		return err
	}
	for len(w.path) > 0 {
		top := &w.path[len(w.path)-1]
		member, ok, err := w.next(top)
		if err != nil {
			return err
		}
		if !ok {
			if err := w.colors.Put(top.list, done); err != nil {
				return err
			}
			w.path = w.path[:len(w.path)-1]
			continue
		}
		top.member = member
		color, _, err := w.colors.Get(member)
		if err != nil {
			return err
		}
		switch {
		case color == onPath:
			err = w.report(top.list, member)
		case color == done:
		case len(w.path) >= deepest:
			w.c.findAt(member, "group-loop", "uniqueMember", 0, 0, fmt.Sprintf("lists within lists, %d deep: not followed further", deepest))
			err = w.colors.Put(member, done)
		default:
			err = w.push(member)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) push(list uint64) error {
	w.path = append(w.path, step{list: list})
	return w.colors.Put(list, onPath)
}

// next is the member of the list behind the one looked at last.
func (w *walker) next(s *step) (member uint64, ok bool, err error) {
	prefix := appendNumber([]byte{keyEdge}, s.list)
	key, ok, err := w.c.store.Next(prefix, appendNumber(prefix, s.member+1))
	if !ok || err != nil {
		return 0, false, err
	}
	return numberAt(key[9:]), true, nil
}

// report tells that last, on the path from list, has list as a member.
func (w *walker) report(last, list uint64) error {
	text := "the list is a member of itself"
	if last != list {
		p, err := w.c.place(last)
		if err != nil {
			return err
		}
		text = fmt.Sprintf("the list is a member of itself by way of %s, %s", p, p.dn)
	}
	w.c.findAt(list, "group-loop", "uniqueMember", 0, int(last), text)
	return nil
}
