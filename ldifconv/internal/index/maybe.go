package index

// Maybe tells keys that were not put before from those that may have been. Of
// ten million keys it is wrong about one new key in sixty, of the last of them
// about one in twenty. It takes 8.5 MiB at most. The zero value is ready; it is
// not safe for concurrent use.
type Maybe struct {
	// parts are a small one and a large one. Keys go to the last: what a full
	// one says about keys stays as good as it was.
	parts [][]line
	n     int // keys in the last part
}

// line is what the processor fetches at once: all bits of a key lie in one.
type line [8]uint64

const (
	fewLines  = 512 << 10 / 64
	manyLines = 8 << 20 / 64
	lineKeys  = 32 // keys for a line in a full part
	keyBits   = 4  // bits that are set for a key
)

// Put remembers a key, and reports whether it may have been put before.
func (m *Maybe) Put(key uint64) bool {
	if m.Has(key) {
		return true
	}
	switch {
	case len(m.parts) == 0:
		m.parts = append(m.parts, make([]line, fewLines))
	case len(m.parts) == 1 && m.n == fewLines*lineKeys:
		m.parts, m.n = append(m.parts, make([]line, manyLines)), 0
	}
	m.n++
	last := m.parts[len(m.parts)-1]
	l := &last[key%uint64(len(last))]
	for rest, i := key>>20, 0; i < keyBits; rest, i = rest>>9, i+1 {
		l[rest>>6&7] |= 1 << (rest & 63)
	}
	return false
}

// Has reports whether a key may have been put.
func (m *Maybe) Has(key uint64) bool {
	for _, part := range m.parts {
		if part[key%uint64(len(part))].has(key) {
			return true
		}
	}
	return false
}

func (l *line) has(key uint64) bool {
	for rest, i := key>>20, 0; i < keyBits; rest, i = rest>>9, i+1 {
		if l[rest>>6&7]&(1<<(rest&63)) == 0 {
			return false
		}
	}
	return true
}
