package index

import (
	"cmp"
	"slices"
)

const pairsFull = 1 << 16 // pairs in memory: 1 MiB

// Pairs are pairs of a key and a value that are read in the order of keys, and
// of values for equal keys. 65,536 of them are in memory, the others in
// temporary files in Dir. It is not safe for concurrent use.
type Pairs struct {
	// Dir is where the files are made; empty means os.TempDir.
	Dir string

	mem   []pair
	files tiers
}

// Add adds a pair.
func (p *Pairs) Add(key, val uint64) error {
	p.mem = append(p.mem, pair{key, val})
	if len(p.mem) < pairsFull {
		return nil
	}
	p.sort()
	s, err := writeSorted(p.Dir, each(p.mem))
	if err != nil {
		return err
	}
	p.mem = p.mem[:0]
	return p.files.add(s, p.merged)
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.val, b.val))
}

func (p *Pairs) sort() { slices.SortFunc(p.mem, comparePairs) }

// merged makes one file of several.
func (p *Pairs) merged(files tiers) (*sorted, error) {
	all, err := newMerger(files, byValue)
	if err != nil {
		return nil, err
	}
	return writeSorted(p.Dir, all.next)
}

// Each calls use for every pair, in order.
func (p *Pairs) Each(use func(key, val uint64) error) error {
	p.sort()
	all, err := newMerger(p.files, byValue)
	if err != nil {
		return err
	}
	at := 0
	next, more, err := all.next()
	for err == nil && (more || at < len(p.mem)) {
		if at < len(p.mem) && (!more || comparePairs(p.mem[at], next) < 0) {
			err = use(p.mem[at].key, p.mem[at].val)
			at++
			continue
		}
		if err = use(next.key, next.val); err == nil {
			next, more, err = all.next()
		}
	}
	return err
}

// Close removes the files.
func (p *Pairs) Close() error {
	err := p.files.close()
	p.files = nil
	return err
}
