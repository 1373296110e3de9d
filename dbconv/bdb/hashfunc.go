package bdb

// HashFunc names the hash function of a hash database.
type HashFunc uint8

// The hash functions that the libraries have had. Unknown means that the
// application brought its own: reading works, bucket placement cannot be
// checked.
const (
	HashUnknown HashFunc = iota
	Hash2
	Hash3
	Hash4 // default of 1.85 and of hash version 4
	Hash5 // default from hash version 5 on
)

// String gives the name used in the library's sources.
func (f HashFunc) String() string {
	return [...]string{"unknown", "func2", "func3", "func4", "func5"}[f]
}

// charKey is the probe whose hash a hash database stores in its metadata.
const charKey = "%$sniglet^&\x00"

// hashFuncOf tells which function made a file from its stored probe value.
func hashFuncOf(stored uint32) HashFunc {
	for f := Hash2; f <= Hash5; f++ {
		if f.Sum([]byte(charKey)) == stored {
			return f
		}
	}
	return HashUnknown
}

// Sum is the hash of key; 0 for HashUnknown.
func (f HashFunc) Sum(key []byte) uint32 {
	var h uint32
	switch f {
	case Hash2:
		for _, c := range key {
			h = 0x63c63cd9*h + 0x9c39c33d + uint32(c)
		}
	case Hash3:
		for _, c := range key {
			h = uint32(c) + 65599*h
		}
	case Hash4:
		for _, c := range key {
			h = 33*h + uint32(c)
		}
	case Hash5:
		for _, c := range key {
			h = h*16777619 ^ uint32(c)
		}
	}
	return h
}
