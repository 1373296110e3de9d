package index

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"slices"
)

const (
	pairsFull = 1 << 16 // pairs in memory: 1 MiB
	mostRuns  = 32      // sorted files that are read at the same time
)

// Pairs are pairs of a key and a value that are read in the order of keys, and
// of values for equal keys. 65,536 of them are in memory, the others in
// temporary files in Dir. It is not safe for concurrent use.
type Pairs struct {
	// Dir is where the files are made; empty means os.TempDir.
	Dir string

	mem  []pair
	runs []*sorted
}

// Add adds a pair.
func (p *Pairs) Add(key, val uint64) error {
	p.mem = append(p.mem, pair{key, val})
	if len(p.mem) < pairsFull {
		return nil
	}
	p.sort()
	at := 0
	run, err := writeSorted(p.Dir, func() (pair, bool, error) {
		if at == len(p.mem) {
			return pair{}, false, nil
		}
		at++
		return p.mem[at-1], true, nil
	})
	if err != nil {
		return err
	}
	p.runs, p.mem = append(p.runs, run), p.mem[:0]
	if len(p.runs) == mostRuns {
		return p.merge()
	}
	return nil
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.val, b.val))
}

func (p *Pairs) sort() { slices.SortFunc(p.mem, comparePairs) }

// merge makes one file of all.
func (p *Pairs) merge() error {
	readers, err := p.readers()
	if err != nil {
		return err
	}
	all, err := writeSorted(p.Dir, func() (pair, bool, error) { return nextPair(readers) })
	if err != nil {
		return err
	}
	err = p.Close()
	p.runs = []*sorted{all}
	return err
}

func (p *Pairs) readers() ([]*pairReader, error) {
	var list []*pairReader
	for _, run := range p.runs {
		r := &pairReader{r: bufio.NewReaderSize(io.NewSectionReader(run.f, 0, run.n*pairSize), 16<<10)}
		if err := r.next(); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// nextPair takes the smallest pair.
func nextPair(readers []*pairReader) (pair, bool, error) {
	var least *pairReader
	for _, r := range readers {
		if !r.end && (least == nil || comparePairs(r.head, least.head) < 0) {
			least = r
		}
	}
	if least == nil {
		return pair{}, false, nil
	}
	p := least.head
	return p, true, least.next()
}

// Each calls use for every pair, in order.
func (p *Pairs) Each(use func(key, val uint64) error) error {
	p.sort()
	readers, err := p.readers()
	if err != nil {
		return err
	}
	at := 0
	next, more, err := nextPair(readers)
	for err == nil && (more || at < len(p.mem)) {
		if at < len(p.mem) && (!more || comparePairs(p.mem[at], next) < 0) {
			err = use(p.mem[at].key, p.mem[at].val)
			at++
			continue
		}
		if err = use(next.key, next.val); err == nil {
			next, more, err = nextPair(readers)
		}
	}
	return err
}

// Close removes the files.
func (p *Pairs) Close() error {
	var err error
	for _, run := range p.runs {
		err = errors.Join(err, run.f.Close())
	}
	p.runs = nil
	return err
}
