package sims

import (
	"sync"
	"sync/atomic"
)

const (
	blockSize = 512                      // of the archive, bytes
	minBuf    = MaxInline + 64*blockSize // of the smallest read buffer that serves, bytes

	// bufSize is the size of a read buffer, in bytes: few calls, and what was read
	// is still in the processor's cache when it is hashed and written.
	bufSize = 320 << 10

	// MaxInline is the largest body that Bytes returns in one piece, in bytes.
	MaxInline = 256 << 10
)

// Block is a read buffer that bodies are slices of. Whoever keeps such a slice
// past the next call of the Reader holds the block and releases it when done:
// the Reader has a fixed number of blocks and waits for a free one.
type Block struct {
	buf  []byte
	refs atomic.Int32
	pool *pool
}

// Hold keeps the block from being reused.
func (b *Block) Hold() { b.refs.Add(1) }

// Release undoes one Hold.
func (b *Block) Release() {
	if b.refs.Add(-1) == 0 {
		b.pool.put(b)
	}
}

// pool hands out at most n blocks, the last used first: its memory is the
// likeliest to be in the processor's cache.
type pool struct {
	mu   sync.Mutex
	some sync.Cond // signalled when a block comes back
	free []*Block
	left int // blocks not made yet
	size int
}

func newPool(n, size int) *pool {
	p := &pool{left: n, size: size}
	p.some.L = &p.mu
	return p
}

func (p *pool) put(b *Block) {
	p.mu.Lock()
	p.free = append(p.free, b)
	p.mu.Unlock()
	p.some.Signal()
}

// get returns a block with one reference.
func (p *pool) get() *Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) == 0 && p.left == 0 {
		p.some.Wait()
	}
	var b *Block
	if n := len(p.free); n > 0 {
		b = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		p.left--
		b = &Block{buf: make([]byte, p.size), pool: p}
	}
	b.refs.Store(1)
	return b
}
