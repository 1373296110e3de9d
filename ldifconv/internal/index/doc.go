// Package index keeps what a conversion has to know of entries that it has
// passed already, at any number of entries, in bounded memory: a part of it
// lies in temporary files.
//
// Order writes entries so that parents stand before children. Table maps 64-bit
// keys to 64-bit values. Keys are hashes of normalised DNs.
package index

// Hash is FNV-1a over a normalised DN, with a final mix.
func Hash(norm []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range norm {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}
