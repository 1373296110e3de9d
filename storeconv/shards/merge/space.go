package merge

import (
	"context"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/carry"
)

// checkSpace refuses a copy for which the file system of the store has not
// enough space or inodes.
func (m *merge) checkSpace(ctx context.Context) error {
	if m.run == nil || !m.copies() {
		return nil
	}
	copied := func(yield func(*unit) error) error {
		return m.eachTree(storeconv.Discard, func(u *unit) error {
			if u.part == nil || u.part.via != ViaCopy {
				return nil
			}
			return yield(u)
		})
	}
	open := func(u *unit) (int, error) { return u.part.openDir(u.To) }
	return carry.CheckSpace(m.dst, m.held(), func() (carry.Size, error) {
		return carry.Measure(ctx, m.dst, m.opts.Jobs, copied, open)
	})
}

// copies tells whether the messages of any part are copied.
func (m *merge) copies() bool {
	for _, p := range m.parts {
		if p.via == ViaCopy && p.trees {
			return true
		}
	}
	return false
}

// held sums up what the file systems of the parts hold; nil where that cannot
// be known.
func (m *merge) held() *carry.Holds {
	held := new(carry.Holds)
	for _, p := range m.parts {
		device, err := p.device()
		var fs unix.Statfs_t
		if err != nil || unix.Statfs(p.path, &fs) != nil || fs.Blocks == 0 || fs.Files == 0 {
			return nil
		}
		held.Add(device, &fs)
	}
	return held
}
