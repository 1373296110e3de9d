// Package edits makes damaged copies of samples for fuzz targets. What a target
// gets of the fuzzer is a few edits of a long sample and not the sample itself:
// to make an input of some kilobytes smaller, byte by byte and by all pairs of
// them, takes the fuzzer a minute for each that it finds, in which it looks for
// nothing else.
package edits

import (
	"fmt"
	"slices"
)

// Block is what is removed, repeated or exchanged, in bytes: a block of a tar
// archive, and the half of a small page.
const Block = 512

// Most is how many edits are made at most; what follows is passed over.
const Most = 16

// size is how many bytes an edit takes: what it does, where, two bytes of it
// with the high one first, and a value.
const size = 4

// Apply returns a copy of the sample with the edits made. Where an edit lies
// behind the end of what the ones before it have left, it is counted from the
// beginning again.
func Apply(sample, edits []byte) []byte {
	b := slices.Clone(sample)
	for n := 0; n < Most && len(edits) >= size && len(b) > 0; n++ {
		at := (int(edits[1])<<8 | int(edits[2])) % len(b)
		b = apply(b, edits[0], at, edits[3])
		edits = edits[size:]
	}
	return b
}

func apply(b []byte, what byte, at int, value byte) []byte {
	start := at / Block * Block
	end := min(start+Block, len(b))
	switch what % 8 {
	case 0:
		b[at] = value
	case 1: // a number of few bytes becomes another
		b[at] += value
	case 2:
		clear(b[start:end])
	case 3:
		return slices.Delete(b, start, end)
	case 4: // a block comes again elsewhere
		to := int(value) * Block % len(b)
		return slices.Insert(b, to/Block*Block, slices.Clone(b[start:end])...)
	case 5: // in the place of another
		to := int(value) * Block % len(b) / Block * Block
		copy(b[to:], slices.Clone(b[start:end]))
	case 6:
		return b[:at]
	case 7: // a text becomes longer, and all behind it lies elsewhere
		return slices.Insert(b, at, value)
	}
	return b
}

// MendTar gives every header block of a tar archive, which it knows by its
// magic, the sum of its bytes, and returns the archive: without that sum an
// edit of a header makes it none.
func MendTar(b []byte) []byte {
	for h := range slices.Chunk(b, 512) {
		if len(h) < 512 || string(h[257:262]) != "ustar" {
			continue
		}
		copy(h[148:156], "        ") // as which the sum counts its own field
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	}
	return b
}
