package ldifconv

import "imsconv/ldifconv/internal/index"

// Sums adds up numbers by name, such as the bytes of each user of a listing. It
// holds 12 MiB at most in memory, the rest in temporary files; names are known
// by 64 bits of a hash. It is fastest when the numbers of a name come together.
// The zero value is ready; it is not safe for concurrent use, and Close removes
// its files.
type Sums struct {
	seen    index.First
	last    []byte
	pending uint64 // of last, not yet entered
	any     bool   // there is a last
}

// Add adds n to the sum of a name. The error is one of a temporary file.
func (s *Sums) Add(name []byte, n uint64) error {
	if s.any && string(name) == string(s.last) {
		s.pending += n
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.last, s.pending, s.any = append(s.last[:0], name...), n, true
	return nil
}

// Get returns the sum of a name, and whether it has one.
func (s *Sums) Get(name []byte) (sum uint64, ok bool, err error) {
	if err := s.flush(); err != nil {
		return 0, false, err
	}
	return s.seen.Get(index.Hash(name))
}

// flush enters what was added to the last name.
func (s *Sums) flush() error {
	if !s.any {
		return nil
	}
	s.any = false
	key := index.Hash(s.last)
	had, again, err := s.seen.Put(key, s.pending)
	if err != nil || !again {
		return err
	}
	return s.seen.Set(key, had+s.pending)
}

// Close removes the temporary files.
func (s *Sums) Close() error { return s.seen.Close() }
