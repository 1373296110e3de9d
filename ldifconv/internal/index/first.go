package index

// First remembers for each key the value that came with it first. It holds 12
// MiB at most in memory, the rest in files of its Table. The zero value holds
// its files in os.TempDir; it is not safe for concurrent use.
type First struct {
	Table

	// maybe knows most keys that are new without a look at the files. It is
	// there before the first file is.
	maybe  Maybe
	filled bool
}

// Put remembers val for key and reports false, or returns the value that key
// has already and true.
func (f *First) Put(key, val uint64) (first uint64, again bool, err error) {
	if key == 0 {
		if first, again, err = f.Get(key); again || err != nil {
			return first, again, err
		}
		return 0, false, f.Table.Put(key, val)
	}
	if !f.filled && f.used >= tableFull/2 {
		f.fill()
	}
	if err := f.room(); err != nil {
		return 0, false, err
	}
	s := f.slot(key)
	if s.key == key {
		return s.val, true, nil
	}
	if f.filled && f.maybe.Put(key) {
		if first, again, err = f.inFiles(key); again || err != nil {
			return first, again, err
		}
	}
	f.set(s, key, val)
	return 0, false, nil
}

// fill puts the keys that are there into maybe.
func (f *First) fill() {
	f.filled = true
	for _, p := range f.slots {
		if p.key != 0 {
			f.maybe.Put(p.key)
		}
	}
}

// Set gives a key that was put another value.
func (f *First) Set(key, val uint64) error { return f.Table.Put(key, val) }
