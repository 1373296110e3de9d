package ims

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// ErrNoStore: the directory is no store. A store has partition or mboxlist.
var ErrNoStore = errors.New("no store: neither partition nor mboxlist is there")

// Check returns an [ErrNoStore] when the directory of the Reader is no store.
func (r *Reader) Check() error {
	for _, name := range []string{"partition", "mboxlist"} {
		dir, err := openDir(r.root, name, name)
		if err == nil {
			return dir.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) {
			return fmt.Errorf("%s: %w", r.root.Name(), err)
		}
	}
	return fmt.Errorf("%s: %w", r.root.Name(), ErrNoStore)
}
