package ldifconv

import "imsconv/ldifconv/internal/index"

// FirstOf remembers where each of any number of names came first, such as the
// store ids of an export. It holds 12 MiB at most in memory, the rest in
// temporary files; names are known by 64 bits of a hash. The zero value is
// ready; it is not safe for concurrent use, and Close removes its files.
type FirstOf struct{ seen index.First }

// Put remembers that a name came at pos and reports false, or returns where it
// came first and true. The error is one of a temporary file.
func (f *FirstOf) Put(name []byte, pos uint64) (first uint64, again bool, err error) {
	return f.seen.Put(index.Hash(name), pos)
}

// Close removes the temporary files.
func (f *FirstOf) Close() error { return f.seen.Close() }
