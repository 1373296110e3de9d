// Package index keeps what a conversion has to know of entries that it has
// passed already, at any number of entries, in bounded memory: a part of it
// lies in temporary files.
//
// Order writes entries so that parents stand before children. Table maps 64-bit
// keys to 64-bit values, First tells the first value that came with a key, and
// Hashes and Pairs sort keys. Keys are hashes of normalised DNs or of values.
// Store is a sorted map on disk, for what is too much for a Table: this package
// alone knows the database (pebble) underneath.
package index

import "hash/maphash"

// seed makes the hashes of one process: an input cannot be made so that its
// keys collide.
var seed = maphash.MakeSeed()

// Hash is the key of a normalised DN or a value. It is another one in each
// process.
func Hash(norm []byte) uint64 { return maphash.Bytes(seed, norm) }
