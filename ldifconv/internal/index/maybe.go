package index

// Maybe tells keys that were not put before from those that may have been. Up
// to two million keys it is wrong about one new key in a hundred at most, about
// ten million one in four. It takes 5.3 MiB at most. The zero value is ready;
// it is not safe for concurrent use.
type Maybe struct {
	// parts are each four times as large as the one before. Keys go to the
	// last one: what a full one says about keys stays as good as it was.
	parts [][]line
	n     int // keys in the last part
}

// line is what the processor fetches at once: all bits of a key lie in one.
type line [8]uint64

const (
	leastLines = 64 << 10 / 64
	mostLines  = 4 << 20 / 64
	lineKeys   = 32 // keys for a line in a full part
	keyBits    = 4  // bits that are set for a key
)

// Put remembers a key, and reports whether it may have been put before.
func (m *Maybe) Put(key uint64) bool {
	if m.Has(key) {
		return true
	}
	size := 0
	if n := len(m.parts); n > 0 {
		size = len(m.parts[n-1])
	}
	if m.n >= size*lineKeys && size < mostLines {
		size = max(4*size, leastLines)
		m.parts, m.n = append(m.parts, make([]line, size)), 0
	}
	m.n++
	l := &m.parts[len(m.parts)-1][key%uint64(size)]
	for rest, i := key>>16, 0; i < keyBits; rest, i = rest>>9, i+1 {
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
	for rest, i := key>>16, 0; i < keyBits; rest, i = rest>>9, i+1 {
		if l[rest>>6&7]&(1<<(rest&63)) == 0 {
			return false
		}
	}
	return true
}
