package ldif

import (
	"io"
	"iter"
)

// Options choose the limits of a Reader. The zero value is usable.
type Options struct {
	// MaxEntry is the size in bytes over which a record is skipped and
	// reported; 0 means DefaultMaxEntry.
	MaxEntry int
	// ChunkSize is the amount read at once, in bytes; 0 means DefaultChunk.
	ChunkSize int
}

// DefaultMaxEntry is the largest record read unless Options say otherwise: 8
// MiB.
const DefaultMaxEntry = 8 << 20

// DefaultChunk is the amount a Chunker reads at once: 1 MiB.
const DefaultChunk = 1 << 20

// Reader reads records one by one. It is not safe for concurrent use.
type Reader struct {
	chunks *Chunker
	scan   Scanner
	chunk  Chunk
	open   bool
	cut    int // number of an unterminated last line
	err    error
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader, opts Options) *Reader {
	return &Reader{chunks: NewChunker(r, opts), scan: Scanner{MaxEntry: opts.MaxEntry}}
}

// Next returns the next record, valid until the following call; Record.Clone
// makes it stay. It returns
// io.EOF at the end, an *Error for a record it had to skip (call Next again for
// the one after it), and any other error when the input fails.
func (r *Reader) Next() (*Record, error) {
	for r.err == nil {
		if !r.open {
			if err := r.chunks.Next(&r.chunk); err != nil {
				r.err = err
				break
			}
			if r.chunk.Unterminated {
				r.cut = r.chunk.LastLine()
			}
			r.scan.Reset(&r.chunk)
			r.open = true
		}
		rec, err := r.scan.Next()
		if err == io.EOF {
			r.open = false
			continue
		}
		return rec, err
	}
	return nil, r.err
}

// All iterates over the records that are left, each valid until the next step.
// For damage in one record it gives an *Error without a record and goes on; any
// other error, one of the input, is the last thing it gives.
func (r *Reader) All() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		for {
			rec, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(rec, err) || err != nil && !IsDamage(err) {
				return
			}
		}
	}
}

// CutOff is what is to be said of an input for which Unterminated gives a line.
const CutOff = "the input ends in the middle of a line: was it cut off"

// Unterminated is the number of the last line when the input ended without a
// line end, 0 when it ended with one or has not ended yet. The last value may
// then be half of one.
func (r *Reader) Unterminated() int {
	if r.err != io.EOF {
		return 0
	}
	return r.cut
}

// Line is the number of the line behind the records that were read, once Next
// has given an error of the input.
func (r *Reader) Line() int { return r.chunk.Line }

// RestLost is what is to be said of an input that failed with err, when what
// was read of it until then is used.
func RestLost(err error) string { return err.Error() + ": the rest of the input is lost" }
