package index

// Maybe tells keys that were not put before from those that may have been. Up
// to two million keys it is wrong about one new key in a hundred at most, about
// ten million one in four. It takes 4 MiB at most. The zero value is ready; it
// is not safe for concurrent use.
type Maybe struct {
	lines []line
	n     int
}

// line is what the processor fetches at once: all bits of a key lie in one.
type line [8]uint64

const (
	leastLines = 64 << 10 / 64
	mostLines  = 4 << 20 / 64
	lineKeys   = 32 // keys for a line, above which there are more lines
)

// Put remembers a key, and reports whether it may have been put before.
func (m *Maybe) Put(key uint64) bool {
	if m.n >= len(m.lines)*lineKeys && len(m.lines) < mostLines {
		m.grow()
	}
	m.n++
	l := &m.lines[key%uint64(len(m.lines))]
	met := true
	for rest, i := key>>16, 0; i < 3; rest, i = rest>>9, i+1 {
		word, bit := &l[rest>>6&7], uint64(1)<<(rest&63)
		met = met && *word&bit != 0
		*word |= bit
	}
	return met
}

// grow makes four lines of each. Which of the four a key belongs to is not
// known any more: its bits go to all of them.
func (m *Maybe) grow() {
	if m.lines == nil {
		m.lines = make([]line, leastLines)
		return
	}
	old := m.lines
	m.lines = make([]line, 4*len(old))
	for at := range m.lines {
		m.lines[at] = old[at%len(old)]
	}
}
