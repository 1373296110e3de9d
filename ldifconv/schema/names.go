package schema

// nameTable maps names in lower case. It is built once and then only read.
type nameTable map[string]uint16

// longestName is the size in bytes above which nothing is a name of the table.
const longestName = 64

// newNameTable collects the names that fill adds. A name added twice keeps its
// first meaning.
func newNameTable(fill func(add func(name string, id uint16))) nameTable {
	t := nameTable{}
	fill(func(name string, id uint16) {
		if len(name) > longestName {
			panic("internal error: the name " + name + " is too long for the table")
		}
		var room [longestName]byte
		key := string(lowerInto(&room, []byte(name)))
		if _, ok := t[key]; !ok {
			t[key] = id
		}
	})
	return t
}

// lookup ignores ASCII case. It does not allocate.
func (t nameTable) lookup(name []byte) (uint16, bool) {
	if len(name) == 0 || len(name) > longestName {
		return 0, false
	}
	var room [longestName]byte
	id, ok := t[string(lowerInto(&room, name))]
	return id, ok
}

func lowerInto(room *[longestName]byte, name []byte) []byte {
	for i, c := range name {
		room[i] = lowerASCII(c)
	}
	return room[:len(name)]
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
