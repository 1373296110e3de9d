package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// scratchRoom refuses a run whose scratch folder would lie in a file system
// with less room than the inputs take, as far as their sizes are known.
func scratchRoom(dir string, sizes int64) error {
	if dir == "" {
		dir = os.TempDir()
	}
	if st, err := os.Stat(dir); err != nil {
		return err
	} else if !st.IsDir() {
		return fmt.Errorf("%s: not a folder", dir)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if room := int64(fs.Bavail) * int64(fs.Bsize); fs.Blocks > 0 { // some do not say
		return enoughRoom(dir, room, sizes)
	}
	return nil
}

// enoughRoom compares bytes. What is needed is rounded up to MB and what is
// free down, so that the two differ in the message as well.
func enoughRoom(dir string, free, needed int64) error {
	if free >= needed {
		return nil
	}
	return cli.WithHint(fmt.Errorf("%s: %d MB free, %d MB needed for the index", dir, free/1e6, (needed+1e6-1)/1e6), "--temp names another folder")
}

// totalSize is the size of all inputs on disk, as far as it is known.
func totalSize(paths []string) (total int64) {
	for _, path := range paths {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			total += st.Size()
		}
	}
	return total
}

// ldifInputs gives opened inputs their simpler type.
func ldifInputs(in []ldifconv.Input) []ldif.Input {
	list := make([]ldif.Input, len(in))
	for i := range in {
		list[i] = ldif.Input{Name: in[i].Name, Reader: in[i].Reader}
	}
	return list
}
