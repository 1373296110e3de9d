package schema

// nameTable is a closed hash of lower-case names, built once and then only read.
type nameTable struct {
	slots []nameSlot
	mask  uint32
}

type nameSlot struct {
	name string // lower case
	id   uint16
}

// newNameTable collects the names that fill adds. A name added twice keeps its first meaning.
func newNameTable(fill func(add func(name string, id uint16))) *nameTable {
	t := &nameTable{slots: make([]nameSlot, 2048), mask: 2047}
	fill(func(name string, id uint16) {
		lower := make([]byte, len(name))
		for i := range len(name) {
			lower[i] = lowerASCII(name[i])
		}
		at := hashName(lower) & t.mask
		for t.slots[at].name != "" {
			if t.slots[at].name == string(lower) {
				return
			}
			at = (at + 1) & t.mask
		}
		t.slots[at] = nameSlot{name: string(lower), id: id}
	})
	return t
}

func (t *nameTable) lookup(name []byte) (uint16, bool) {
	if len(name) == 0 {
		return 0, false
	}
	for at := hashName(name) & t.mask; t.slots[at].name != ""; at = (at + 1) & t.mask {
		if equalFold(t.slots[at].name, name) {
			return t.slots[at].id, true
		}
	}
	return 0, false
}

// hashName is 32-bit FNV-1a over the lower-case name.
func hashName(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(lowerASCII(c))) * 16777619
	}
	return h ^ h>>15
}

// equalFold compares name with lower, which is in lower case already.
func equalFold(lower string, name []byte) bool {
	if len(lower) != len(name) {
		return false
	}
	for i, c := range name {
		if lowerASCII(c) != lower[i] {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
