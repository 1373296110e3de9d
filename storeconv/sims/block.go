package sims

import "sync/atomic"

const (
	blockSize = 512                      // of the archive, bytes
	bufSize   = 1 << 20                  // of a read buffer, bytes
	minBuf    = MaxInline + 64*blockSize // of the smallest read buffer that serves

	// MaxInline is the largest body that Bytes returns in one piece, in bytes.
	MaxInline = 256 << 10
)

// Block is a read buffer that bodies are slices of. Whoever keeps such a slice past the next call of the Reader holds the block and releases it when done: the
// Reader has a fixed number of blocks and waits for a free one.
type Block struct {
	buf  []byte
	refs atomic.Int32
	free chan *Block
}

// Hold keeps the block from being reused.
func (b *Block) Hold() { b.refs.Add(1) }

// Release undoes one Hold.
func (b *Block) Release() {
	if b.refs.Add(-1) == 0 {
		b.free <- b // never blocks: the channel has room for every block
	}
}

// pool hands out at most cap(free) blocks.
type pool struct {
	free chan *Block
	made int
	size int
}

func newPool(n, size int) *pool { return &pool{free: make(chan *Block, n), size: size} }

// get returns a block with one reference.
func (p *pool) get() *Block {
	var b *Block
	select {
	case b = <-p.free:
	default:
		if p.made < cap(p.free) {
			p.made++
			b = &Block{buf: make([]byte, p.size), free: p.free}
		} else {
			b = <-p.free
		}
	}
	b.refs.Store(1)
	return b
}
