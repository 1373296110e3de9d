package index

import "math/bits"

const (
	leastSlots = 1 << 9
	slotGrowth = 1 << 2             // memory is touched for the first time seldom
	tableSlots = 1 << 17            // 2 MiB, a number that growth comes to
	tableFull  = tableSlots * 3 / 4 // then they go to a file
)

// Table maps keys, which are hashes, to values. Up to 98,304 pairs are held in
// memory, the others in sorted temporary files, which are some ten of ten
// million pairs. The zero value holds its files
// in os.TempDir; it is not safe for concurrent use. Close removes the files.
type Table struct {
	// Dir is where the files are made; empty means os.TempDir.
	Dir string

	slots []pair // open addressing by the high bits; key 0 is kept in zero
	shift int    // of a key to its slot
	used  int
	zero  *uint64
	files tiers
	block [fenceEvery * pairSize]byte
}

// Put sets the value of key.
func (t *Table) Put(key, val uint64) error {
	if key == 0 {
		t.zero = &val
		return nil
	}
	if err := t.room(); err != nil {
		return err
	}
	t.set(t.slot(key), key, val)
	return nil
}

// room makes room for one more pair.
func (t *Table) room() error {
	switch {
	case t.slots == nil:
		t.grow(leastSlots)
	case t.used < len(t.slots)*3/4:
	case len(t.slots) < tableSlots:
		t.grow(len(t.slots) * slotGrowth)
	default:
		return t.spill()
	}
	return nil
}

// slot returns the slot of a key, empty when the key is not in memory.
func (t *Table) slot(key uint64) *pair {
	for at := key >> t.shift; ; at++ {
		s := &t.slots[at&uint64(len(t.slots)-1)]
		if s.key == key || s.key == 0 {
			return s
		}
	}
}

func (t *Table) set(s *pair, key, val uint64) {
	if s.key == 0 {
		t.used++
	}
	*s = pair{key, val}
}

func (t *Table) grow(size int) {
	old := t.slots
	t.slots, t.shift, t.used = make([]pair, size), 64-bits.Len(uint(size-1)), 0
	clear(t.slots) // a page that is read before it is written is fetched twice
	for _, p := range old {
		if p.key != 0 {
			t.set(t.slot(p.key), p.key, p.val)
		}
	}
}

// Get returns the value of key.
func (t *Table) Get(key uint64) (val uint64, ok bool, err error) {
	if key == 0 {
		if t.zero == nil {
			return 0, false, nil
		}
		return *t.zero, true, nil
	}
	if t.slots == nil {
		return 0, false, nil
	}
	if s := t.slot(key); s.key == key {
		return s.val, true, nil
	}
	return t.inFiles(key)
}

// inFiles is Get for a key that is not in memory.
func (t *Table) inFiles(key uint64) (val uint64, ok bool, err error) {
	for i := len(t.files) - 1; i >= 0; i-- {
		if val, ok, err = t.files[i].get(key, t.block[:]); ok || err != nil {
			return val, ok, err
		}
	}
	return 0, false, nil
}

// Close removes the files.
func (t *Table) Close() error {
	err := t.files.close()
	*t = Table{Dir: t.Dir}
	return err
}

// spill moves the pairs in memory to a file.
func (t *Table) spill() error {
	s, err := writeSorted(t.Dir, each(t.inOrder()))
	if err != nil {
		return err
	}
	clear(t.slots)
	t.used = 0
	return t.files.add(s, t.merged)
}

// merged makes one file of several; of equal keys the newest pair stays.
func (t *Table) merged(files tiers) (*sorted, error) {
	all, err := newMerger(files, newestFirst)
	if err != nil {
		return nil, err
	}
	last := uint64(0) // which is in no file
	return writeSorted(t.Dir, func() (p pair, ok bool, err error) {
		for p, ok, err = all.next(); ok && p.key == last; {
			p, ok, err = all.next()
		}
		last = p.key
		return p, ok, err
	})
}

// inOrder moves the pairs to the beginning of the slots, sorted. They are
// almost so: each near to where its high bits say, but for large keys that
// found no room at the end and went on at the beginning.
func (t *Table) inOrder() []pair {
	n, around := 0, []pair(nil)
	first := true
	for _, p := range t.slots {
		switch {
		case p.key == 0:
			first = false
		case first && p.key>>63 != 0:
			around = append(around, p)
		default:
			t.slots[n] = p
			n++
		}
	}
	pairs := append(t.slots[:n], around...)
	for i, p := range pairs {
		for ; i > 0 && pairs[i-1].key > p.key; i-- {
			pairs[i] = pairs[i-1]
		}
		pairs[i] = p
	}
	return pairs
}
