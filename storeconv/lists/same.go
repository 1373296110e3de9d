package lists

import (
	"io"
	"os"
)

// SameBytes compares a fresh database with the one in place.
func SameBytes(fresh, old *os.File, oldSize int64) (bool, error) {
	info, err := fresh.Stat()
	if err != nil {
		return false, err
	}
	if old == nil || info.Size() != oldSize {
		return false, nil
	}
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < oldSize; {
		n := int(min(int64(len(a)), oldSize-at))
		if err := readFullAt(fresh, a[:n], at); err != nil {
			return false, err
		}
		if err := readFullAt(old, b[:n], at); err != nil {
			return false, err
		}
		if string(a[:n]) != string(b[:n]) {
			return false, nil
		}
		at += int64(n)
	}
	return true, nil
}

func readFullAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	return err
}
