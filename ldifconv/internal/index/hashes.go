package index

import (
	"fmt"
	"os"
)

const (
	partBits   = 9 // of a key say in which part it lies
	hashParts  = 1 << partBits
	partShift  = 64 - partBits         // of a key to its part
	hashesFull = 1 << 16               // pairs in memory: 1 MiB
	pieceSize  = hashesFull * pairSize // of the file
)

// Hashes are pairs of a key, which is a hash, and a value, which is not below
// that of the pair before. They are read in the order of keys, and of values
// for equal keys. Since hashes lie evenly they are laid by their first bits and
// each part is sorted by itself, which takes a third of the time of Pairs.
// 65,536 of them are in memory, which are 1 MiB, the others in one temporary
// file in Dir. That takes another MiB, two while they are read, and 2 KiB for
// each MiB of the file. It is not safe for concurrent use.
type Hashes struct {
	// Dir is where the file is made; empty means os.TempDir.
	Dir string

	mem    []pair
	buf    []byte
	file   *os.File
	pieces []*[hashParts]uint32 // of the file: where the parts end, in pairs
}

// Add adds a pair.
func (h *Hashes) Add(key, val uint64) error {
	if h.mem = append(h.mem, pair{key, val}); len(h.mem) < hashesFull {
		return nil
	}
	return h.spill()
}

// spill moves the pairs in memory to the file, part by part.
func (h *Hashes) spill() error {
	if h.file == nil {
		var err error
		if h.file, err = TempFile(h.Dir); err != nil {
			return err
		}
		h.buf = make([]byte, pieceSize)
	}
	ends := new([hashParts]uint32)
	for _, p := range h.mem {
		ends[p.key>>partShift]++
	}
	sum := uint32(0)
	for part, n := range ends {
		ends[part] = sum
		sum += n
	}
	for _, p := range h.mem {
		at := &ends[p.key>>partShift]
		p.put(h.buf[*at*pairSize:])
		*at++
	}
	if _, err := h.file.WriteAt(h.buf[:sum*pairSize], int64(len(h.pieces))*pieceSize); err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	h.pieces, h.mem = append(h.pieces, ends), h.mem[:0]
	return nil
}

// Each calls use for every pair, in order. Nothing is added after it.
func (h *Hashes) Each(use func(key, val uint64) error) error {
	if h.file == nil {
		sortHashes(h.mem, make([]pair, len(h.mem)), 0)
		return useAll(h.mem, use)
	}
	if err := h.spill(); err != nil {
		return err
	}
	room := make([]pair, hashesFull)
	for part := range hashParts {
		if err := h.eachOf(part, room, use); err != nil {
			return err
		}
	}
	return nil
}

// eachOf is Each for one part. Pairs sort one that is too large for the memory:
// there are 33 million pairs, or some keys come very often.
func (h *Hashes) eachOf(part int, room []pair, use func(key, val uint64) error) error {
	count := 0
	for _, ends := range h.pieces {
		from, to := partOf(ends, part)
		count += int(to - from)
	}
	if count > hashesFull {
		pairs := Pairs{Dir: h.Dir}
		defer pairs.Close()
		if err := h.read(part, pairs.Add); err != nil {
			return err
		}
		return pairs.Each(use)
	}
	h.mem = h.mem[:0]
	err := h.read(part, func(key, val uint64) error {
		h.mem = append(h.mem, pair{key, val})
		return nil
	})
	if err != nil {
		return err
	}
	sortHashes(h.mem, room, partBits)
	return useAll(h.mem, use)
}

// partOf says where a part lies in a piece.
func partOf(ends *[hashParts]uint32, part int) (from, to uint32) {
	if part > 0 {
		from = ends[part-1]
	}
	return from, ends[part]
}

// read calls use for the pairs of a part as they were added.
func (h *Hashes) read(part int, use func(key, val uint64) error) error {
	for i, ends := range h.pieces {
		from, to := partOf(ends, part)
		buf := h.buf[:(to-from)*pairSize]
		if _, err := h.file.ReadAt(buf, int64(i)*pieceSize+int64(from)*pairSize); err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		for ; len(buf) > 0; buf = buf[pairSize:] {
			p := pairAt(buf)
			if err := use(p.key, p.val); err != nil {
				return err
			}
		}
	}
	return nil
}

func useAll(pairs []pair, use func(key, val uint64) error) error {
	for _, p := range pairs {
		if err := use(p.key, p.val); err != nil {
			return err
		}
	}
	return nil
}

// digitBits is what sortHashes looks at in one go.
const digitBits = 11

// sortHashes sorts pairs whose keys are hashes that begin with the same bits;
// equal keys stay as they are. Two digits put nearly all of them in order, and
// the last step finds little to move. room is as large as pairs at least.
func sortHashes(pairs, room []pair, same int) {
	from, to := pairs, room[:len(pairs)]
	for shift := 64 - same - 2*digitBits; shift < 64-same; shift += digitBits {
		var at [1 << digitBits]uint32
		for _, p := range from {
			at[p.key>>shift&(1<<digitBits-1)]++
		}
		sum := uint32(0)
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, p := range from {
			n := &at[p.key>>shift&(1<<digitBits-1)]
			to[*n] = p
			*n++
		}
		from, to = to, from
	}
	for i, p := range pairs {
		for ; i > 0 && pairs[i-1].key > p.key; i-- {
			pairs[i] = pairs[i-1]
		}
		pairs[i] = p
	}
}

// Close removes the file.
func (h *Hashes) Close() error {
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file, h.pieces = nil, nil
	return err
}
