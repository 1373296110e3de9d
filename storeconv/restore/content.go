package restore

import (
	"bytes"
	"cmp"
	"slices"
)

// Messages without a UID of their own are known by content and date. Of a
// source that has none each has the UID of its place, which is another one as
// soon as a message in front of it is gone.

// isUnnamed tells a message that does not say where it came from.
func (m *storedMessage) isUnnamed() bool { return m.validity == 0 || m.origUID == 0 }

// at returns message i: those of the index come before those that only their
// files tell of, of which nothing but UID, size and content is known.
func (o *existingBox) at(i int32) storedMessage {
	if int(i) < len(o.stored) {
		return o.stored[i]
	}
	f := &o.files[int(i)-len(o.stored)]
	return storedMessage{uid: f.UID, before: -1, date: f.InternalDate, size: f.Size, sum: f.SHA256}
}

// sumAt is the content of message i.
func (o *existingBox) sumAt(i int32) *[32]byte {
	if int(i) < len(o.stored) {
		return &o.stored[i].sum
	}
	return &o.files[int(i)-len(o.stored)].SHA256
}

// sorted are the numbers of all messages in the order of their contents, and
// of their UIDs where these are equal.
func (o *existingBox) sorted() []int32 {
	if o.order == nil {
		o.order = make([]int32, len(o.stored)+len(o.files))
		for i := range o.order {
			o.order[i] = int32(i)
		}
		slices.SortFunc(o.order, func(a, b int32) int {
			return cmp.Or(bytes.Compare(o.sumAt(a)[:], o.sumAt(b)[:]), cmp.Compare(a, b))
		})
	}
	return o.order
}

// lookFor looks for the message of the store that e is: one for which has is
// true, which follows from sum where that is not nil.
type lookFor func(o *existingBox, e *entry, sum *[32]byte, has func(m *storedMessage) bool) (storedMessage, bool)

// byOrigin looks among those of the origin of e.
func byOrigin(o *existingBox, e *entry, _ *[32]byte, has func(m *storedMessage) bool) (storedMessage, bool) {
	for last := o.originOf(e); last >= 0; last = o.stored[last].before {
		if m := o.stored[last]; has(&m) {
			return m, true
		}
	}
	return storedMessage{}, false
}

// byContent looks among those that are known by their content, and takes the
// one that it finds.
func byContent(o *existingBox, e *entry, sum *[32]byte, has func(m *storedMessage) bool) (storedMessage, bool) {
	switch {
	case !o.unnamed && !e.nameless:
		return storedMessage{}, false
	case sum != nil:
		return o.takeContent(e, *sum)
	}
	return o.takeFirst(e, o.sorted(), has)
}

// takeContent takes a message that has this content and may be e.
func (o *existingBox) takeContent(e *entry, sum [32]byte) (storedMessage, bool) {
	if !o.unnamed && !e.nameless {
		return storedMessage{}, false
	}
	all := o.sorted()
	i, _ := slices.BinarySearchFunc(all, sum, func(i int32, sum [32]byte) int { return bytes.Compare(o.sumAt(i)[:], sum[:]) })
	n := i
	for n < len(all) && *o.sumAt(all[n]) == sum {
		n++
	}
	return o.takeFirst(e, all[i:n], func(*storedMessage) bool { return true })
}

// takeFirst takes the first of some messages that may be e: one of its date
// where there is one.
func (o *existingBox) takeFirst(e *entry, some []int32, has func(m *storedMessage) bool) (storedMessage, bool) {
	for _, dated := range [...]bool{true, false} {
		for _, i := range some {
			m := o.at(i)
			if (m.date == e.date) == dated && o.mayBe(e, &m, dated) && has(&m) {
				if o.taken == nil {
					o.taken = make(map[uint32]bool)
				}
				o.taken[m.uid] = true
				return m, true
			}
		}
	}
	return storedMessage{}, false
}

// mayBe tells whether e may be the message m, if the content is the same. Two
// that are named by the source are told apart by that. One of another date is
// another copy of the message, unless its date is not known.
func (o *existingBox) mayBe(e *entry, m *storedMessage, dated bool) bool {
	switch {
	case o.taken[m.uid]:
		return false
	case !e.nameless:
		return m.isUnnamed()
	case m.validity == e.validity && e.made && m.origUID < e.box.plan.made:
		return false // a message that the source names
	}
	return dated || e.anyDate || !o.indexed
}
