package relocate

import (
	"context"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/carry"
)

// ErrNoSpace is wrapped by the error of a run that was refused because the new
// store would not fit. Nothing was written.
var ErrNoSpace = carry.ErrNoSpace

// checkSpace refuses a copy for which the new store's file system has not
// enough space or inodes.
func (r *relocation) checkSpace(ctx context.Context) error {
	if r.via != ViaCopy || r.opts.DryRun {
		return nil
	}
	return carry.CheckSpace(r.dst, r.sourceHolds(), func() (carry.Size, error) {
		return carry.Measure(ctx, r.dst, r.opts.Jobs, r.eachUser, (*userTree).source)
	})
}

// sourceHolds sums up what the file systems of the source hold; nil where that
// cannot be known.
func (r *relocation) sourceHolds() *carry.Holds {
	held := new(carry.Holds)
	for _, p := range r.parts {
		if p.fd < 0 {
			continue
		}
		var st unix.Stat_t
		var fs unix.Statfs_t
		if unix.Fstat(p.fd, &st) != nil || unix.Fstatfs(p.fd, &fs) != nil || fs.Blocks == 0 || fs.Files == 0 {
			return nil
		}
		held.Add(st.Dev, &fs)
	}
	return held
}
