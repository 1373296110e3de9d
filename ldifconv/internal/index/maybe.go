package index

// Maybe tells keys that were not put before from those that may have been. Up
// to two million keys it is wrong about one new key in a hundred at most, about
// ten million one in four. It takes 4 MiB. The zero value is ready; it is not
// safe for concurrent use.
type Maybe struct{ lines []line }

// line is what the processor fetches at once: all bits of a key lie in one.
type line [8]uint64

const maybeLines = 4 << 20 / 64

// Put remembers a key, and reports whether it may have been put before.
func (m *Maybe) Put(key uint64) bool {
	if m.lines == nil {
		m.lines = make([]line, maybeLines)
	}
	l := &m.lines[key%maybeLines]
	met := true
	for rest, i := key>>16, 0; i < 3; rest, i = rest>>9, i+1 {
		word, bit := &l[rest>>6&7], uint64(1)<<(rest&63)
		met = met && *word&bit != 0
		*word |= bit
	}
	return met
}
