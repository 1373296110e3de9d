package index

import "github.com/cockroachdb/pebble/v2/vfs"

// scratchFS is the file system of a Store: nothing of it outlives the run, so
// nothing waits for the disk.
type scratchFS struct{ vfs.FS }

func (fs scratchFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return scratch(fs.FS.Create(name, c))
}

func (fs scratchFS) OpenDir(name string) (vfs.File, error) { return scratch(fs.FS.OpenDir(name)) }

func (fs scratchFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return scratch(fs.FS.OpenReadWrite(name, c, opts...))
}

func (fs scratchFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return scratch(fs.FS.ReuseForWrite(oldname, newname, c))
}

// scratchFile is a file that is never synced.
type scratchFile struct{ vfs.File }

func scratch(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return scratchFile{f}, nil
}

func (scratchFile) Sync() error                { return nil }
func (scratchFile) SyncData() error            { return nil }
func (scratchFile) SyncTo(int64) (bool, error) { return true, nil }
