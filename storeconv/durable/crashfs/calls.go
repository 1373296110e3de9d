package crashfs

import (
	"bytes"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// utimeOmit leaves a time as it is (UTIME_OMIT).
const utimeOmit = 1<<30 - 2

// Openat opens or makes a file, or opens a directory.
func (f *FS) Openat(dir int, name string, flags int, mode uint32) (int, error) {
	if isReal(dir) {
		return durable.OS.Openat(dir, name, flags, mode)
	}
	call := "open"
	if flags&unix.O_CREAT != 0 {
		call = "create"
	}
	end, err := f.begin(call, name)
	defer end()
	if err != nil {
		return -1, err
	}
	n, err := f.openNode(dir, name, flags, mode)
	if err != nil {
		return -1, err
	}
	n.opens++
	fd := f.nextFD
	f.nextFD++
	f.fds[fd] = &open{n: n, flags: flags}
	f.most = max(f.most, len(f.fds))
	return fd, nil
}

func (f *FS) openNode(dir int, name string, flags int, mode uint32) (*node, error) {
	at, last, err := f.find(dir, name)
	if err != nil {
		return nil, err
	}
	n := at
	if last != "" {
		n = at.entries[last]
	}
	switch {
	case n == nil && flags&unix.O_CREAT == 0:
		return nil, unix.ENOENT
	case n == nil:
		f.ids++
		f.do(op{kind: opMake, dir: at.id, name: last, id: f.ids, mode: unix.S_IFREG | mode&0o7777, uid: os.Geteuid(), gid: os.Getegid()})
		return f.nodes[f.ids], nil
	case flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL:
		return nil, unix.EEXIST
	case n.mode&unix.S_IFMT == unix.S_IFLNK:
		return nil, unix.ELOOP
	case n.isDir() && flags&unix.O_ACCMODE != unix.O_RDONLY:
		return nil, unix.EISDIR
	case !n.isDir() && flags&unix.O_DIRECTORY != 0:
		return nil, unix.ENOTDIR
	}
	if flags&unix.O_TRUNC != 0 && len(n.data) > 0 {
		f.do(op{kind: opSize, id: n.id})
	}
	return n, nil
}

// Close closes a descriptor, and gives up its locks with it.
func (f *FS) Close(fd int) error {
	if isReal(fd) {
		return durable.OS.Close(fd)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, ok := f.fds[fd]
	if !ok {
		return unix.EBADF
	}
	delete(f.fds, fd)
	f.unlock(o)
	o.n.opens--
	f.drop(o.n)
	return nil
}

// Read reads from the descriptor's offset.
func (f *FS) Read(fd int, b []byte) (int, error) {
	if isReal(fd) {
		return durable.OS.Read(fd, b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.fd(fd)
	if err != nil {
		return 0, err
	}
	n, err := o.pread(b, o.off)
	o.off += int64(n)
	return n, err
}

// Pread reads at an offset.
func (f *FS) Pread(fd int, b []byte, off int64) (int, error) {
	if isReal(fd) {
		return durable.OS.Pread(fd, b, off)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.fd(fd)
	if err != nil {
		return 0, err
	}
	return o.pread(b, off)
}

func (o *open) pread(b []byte, off int64) (int, error) {
	switch {
	case o.n.isDir():
		return 0, unix.EISDIR
	case o.flags&unix.O_ACCMODE == unix.O_WRONLY:
		return 0, unix.EBADF
	case off >= int64(len(o.n.data)):
		return 0, nil
	}
	return copy(b, o.n.data[off:]), nil
}

// Write writes at the descriptor's offset.
func (f *FS) Write(fd int, b []byte) (int, error) {
	end, err := f.begin("write", "")
	defer end()
	if err != nil {
		return 0, err
	}
	o, err := f.fd(fd)
	if err != nil {
		return 0, err
	}
	n, err := f.pwrite(o, b, o.off)
	o.off += int64(n)
	return n, err
}

// Pwrite writes at an offset.
func (f *FS) Pwrite(fd int, b []byte, off int64) (int, error) {
	end, err := f.begin("write", "")
	defer end()
	if err != nil {
		return 0, err
	}
	o, err := f.fd(fd)
	if err != nil {
		return 0, err
	}
	return f.pwrite(o, b, off)
}

func (f *FS) pwrite(o *open, b []byte, off int64) (int, error) {
	if o.flags&unix.O_ACCMODE == unix.O_RDONLY {
		return 0, unix.EBADF
	}
	f.do(op{kind: opWrite, id: o.n.id, off: off, data: bytes.Clone(b)})
	return len(b), nil
}

// Seek sets the descriptor's offset.
func (f *FS) Seek(fd int, off int64, whence int) (int64, error) {
	if isReal(fd) {
		return durable.OS.Seek(fd, off, whence)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.fd(fd)
	if err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		off += o.off
	case io.SeekEnd:
		off += int64(len(o.n.data))
	}
	if off < 0 {
		return 0, unix.EINVAL
	}
	o.off = off
	return off, nil
}

// Ftruncate sets the size.
func (f *FS) Ftruncate(fd int, size int64) error {
	end, err := f.begin("ftruncate", "")
	defer end()
	if err != nil {
		return err
	}
	o, err := f.fd(fd)
	if err != nil {
		return err
	}
	f.do(op{kind: opSize, id: o.n.id, off: size})
	return nil
}

// ReadDir lists a directory and closes the descriptor.
func (f *FS) ReadDir(fd int, path string) ([]fs.DirEntry, error) {
	if isReal(fd) {
		return durable.OS.ReadDir(fd, path)
	}
	f.mu.Lock()
	o, err := f.fd(fd)
	var list []fs.DirEntry
	if err == nil {
		list = f.list(o.n)
	}
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return list, f.Close(fd)
}

// Fstat tells of an open file.
func (f *FS) Fstat(fd int) (unix.Stat_t, error) {
	if isReal(fd) {
		return durable.OS.Fstat(fd)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := f.fd(fd)
	if err != nil {
		return unix.Stat_t{}, err
	}
	return f.stat(o.n), nil
}

// Fstatat tells of a name. Symbolic links are not followed.
func (f *FS) Fstatat(dir int, name string, flags int) (unix.Stat_t, error) {
	if isReal(dir) {
		return durable.OS.Fstatat(dir, name, flags)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.lookup(dir, name)
	if err != nil {
		return unix.Stat_t{}, err
	}
	return f.stat(n), nil
}

// Fstatfs tells of a file system with 1 TiB and a billion inodes free.
func (f *FS) Fstatfs(fd int) (unix.Statfs_t, error) {
	if isReal(fd) {
		return durable.OS.Fstatfs(fd)
	}
	return unix.Statfs_t{Bsize: 4096, Blocks: 1 << 28, Bfree: 1 << 28, Bavail: 1 << 28, Files: 1 << 30, Ffree: 1 << 30}, nil
}

// Faccessat finds every right that a file's name is there for.
func (f *FS) Faccessat(dir int, name string, mode uint32, flags int) error {
	if isReal(dir) {
		return durable.OS.Faccessat(dir, name, mode, flags)
	}
	_, err := f.Fstatat(dir, name, flags)
	return err
}

// make makes a directory or a symbolic link.
func (f *FS) make(call string, dir int, name string, mode uint32, data []byte) error {
	end, err := f.begin(call, name)
	defer end()
	if err != nil {
		return err
	}
	at, last, err := f.find(dir, name)
	if err != nil {
		return err
	}
	if last == "" || at.entries[last] != nil {
		return unix.EEXIST
	}
	f.ids++
	f.do(op{kind: opMake, dir: at.id, name: last, id: f.ids, mode: mode, uid: os.Geteuid(), gid: os.Getegid(), data: data})
	return nil
}

// Mkdirat makes a directory.
func (f *FS) Mkdirat(dir int, name string, mode uint32) error {
	return f.make("mkdirat", dir, name, unix.S_IFDIR|mode&0o7777, nil)
}

// Symlinkat makes a symbolic link.
func (f *FS) Symlinkat(target string, dir int, name string) error {
	return f.make("symlinkat", dir, name, unix.S_IFLNK|0o777, []byte(target))
}

// Readlinkat returns what a symbolic link says.
func (f *FS) Readlinkat(dir int, name string) (string, error) {
	if isReal(dir) {
		return durable.OS.Readlinkat(dir, name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.lookup(dir, name)
	if err == nil && n.mode&unix.S_IFMT != unix.S_IFLNK {
		err = unix.EINVAL
	}
	if err != nil {
		return "", err
	}
	return string(n.data), nil
}

// Linkat makes a hard link.
func (f *FS) Linkat(oldDir int, oldName string, newDir int, newName string) error {
	end, err := f.begin("linkat", newName)
	defer end()
	if err != nil {
		return err
	}
	if isReal(oldDir) {
		return f.linkReal(oldDir, oldName, newDir, newName)
	}
	n, err := f.lookup(oldDir, oldName)
	if err != nil {
		return err
	}
	at, last, err := f.find(newDir, newName)
	switch {
	case err != nil:
		return err
	case n.isDir():
		return unix.EPERM
	case last == "" || at.entries[last] != nil:
		return unix.EEXIST
	}
	f.do(op{kind: opLink, dir: at.id, name: last, id: n.id})
	return nil
}

// linkReal gives a file of the operating system a name here.
func (f *FS) linkReal(oldDir int, oldName string, newDir int, newName string) error {
	if f.real == nil {
		return unix.EXDEV
	}
	fd, err := durable.OS.Openat(oldDir, oldName, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer durable.OS.Close(fd)
	st, err := durable.OS.Fstat(fd)
	if err != nil {
		return err
	}
	data := make([]byte, st.Size)
	if _, err := durable.OS.Pread(fd, data, 0); err != nil {
		return err
	}
	at, last, err := f.find(newDir, newName)
	if err != nil {
		return err
	}
	if last == "" || at.entries[last] != nil {
		return unix.EEXIST
	}
	key := realFile{st.Dev, st.Ino}
	if f.real[key] == 0 {
		f.ids++
		f.real[key] = f.ids
	}
	f.do(op{kind: opLink, dir: at.id, name: last, id: f.real[key], mode: st.Mode, hasMode: true, uid: int(st.Uid), gid: int(st.Gid),
		data: data, atime: &st.Atim, mtime: &st.Mtim})
	return nil
}

// Renameat2 renames.
func (f *FS) Renameat2(oldDir int, oldName string, newDir int, newName string, flags uint) error {
	call := map[uint]string{0: "rename", unix.RENAME_NOREPLACE: "noreplace", unix.RENAME_EXCHANGE: "exchange"}[flags]
	end, err := f.begin(call, newName)
	defer end()
	if err != nil {
		return err
	}
	from, fromName, err := f.find(oldDir, oldName)
	if err != nil {
		return err
	}
	to, toName, err := f.find(newDir, newName)
	if err != nil {
		return err
	}
	n, old := from.entries[fromName], to.entries[toName]
	switch {
	case n == nil:
		return unix.ENOENT
	case flags == unix.RENAME_EXCHANGE && old == nil:
		return unix.ENOENT
	case flags == unix.RENAME_NOREPLACE && old != nil:
		return unix.EEXIST
	case inside(to, n) || flags == unix.RENAME_EXCHANGE && inside(from, old):
		return unix.EINVAL
	case old == n:
		return nil
	}
	o := op{kind: opRename, id: n.id, oldDir: from.id, oldName: fromName, dir: to.id, name: toName, mode: n.mode, uid: n.uid, gid: n.gid}
	if flags == unix.RENAME_EXCHANGE {
		o.kind, o.other = opExchange, old.id
	} else if err := mayReplace(n, old); err != nil {
		return err
	}
	f.do(o)
	if flags == 0 && old != nil {
		f.drop(old)
	}
	return nil
}

// inside tells whether the directory d is n or below it.
func inside(d, n *node) bool {
	for ; d != d.parent; d = d.parent {
		if d == n {
			return true
		}
	}
	return d == n
}

func mayReplace(n, old *node) error {
	switch {
	case old == nil:
		return nil
	case old.isDir() && !n.isDir():
		return unix.EISDIR
	case !old.isDir() && n.isDir():
		return unix.ENOTDIR
	case len(old.entries) > 0:
		return unix.ENOTEMPTY
	}
	return nil
}

// Unlinkat removes a name, or with AT_REMOVEDIR an empty directory.
func (f *FS) Unlinkat(dir int, name string, flags int) error {
	end, err := f.begin("unlinkat", name)
	defer end()
	if err != nil {
		return err
	}
	at, last, err := f.find(dir, name)
	if err != nil {
		return err
	}
	n := at.entries[last]
	switch {
	case n == nil:
		return unix.ENOENT
	case flags&unix.AT_REMOVEDIR == 0 && n.isDir():
		return unix.EISDIR
	case flags&unix.AT_REMOVEDIR != 0 && !n.isDir():
		return unix.ENOTDIR
	case len(n.entries) > 0:
		return unix.ENOTEMPTY
	}
	f.do(op{kind: opUnlink, dir: at.id, name: last, id: n.id})
	f.drop(n)
	return nil
}

// setAttr logs a change of attributes.
func (f *FS) setAttr(call, name string, find func() (*node, error), o op) error {
	end, err := f.begin(call, name)
	defer end()
	if err != nil {
		return err
	}
	n, err := find()
	if err != nil {
		return err
	}
	o.kind, o.id = opAttr, n.id
	f.do(o)
	return nil
}

func (f *FS) openedAs(fd int) func() (*node, error) {
	return func() (*node, error) {
		o, err := f.fd(fd)
		if err != nil {
			return nil, err
		}
		return o.n, nil
	}
}

func (f *FS) named(dir int, name string) func() (*node, error) {
	return func() (*node, error) { return f.lookup(dir, name) }
}

// Times sets what the file system makes of a modification time, in seconds
// since 1970.
func (f *FS) Times(fn func(seconds int64) int64) { f.times = fn }

// Futimens sets times.
func (f *FS) Futimens(fd int, atime, mtime unix.Timespec) error {
	var o op
	if atime.Nsec != utimeOmit {
		o.atime = &atime
	}
	if f.times != nil && mtime.Nsec != utimeOmit {
		mtime.Sec = f.times(mtime.Sec)
	}
	if mtime.Nsec != utimeOmit {
		o.mtime = &mtime
	}
	return f.setAttr("futimens", "", f.openedAs(fd), o)
}

// Fchmod sets the mode bits.
func (f *FS) Fchmod(fd int, mode uint32) error {
	return f.setAttr("fchmod", "", f.openedAs(fd), op{mode: mode, hasMode: true})
}

// Fchmodat sets the mode bits of a name.
func (f *FS) Fchmodat(dir int, name string, mode uint32) error {
	return f.setAttr("fchmod", name, f.named(dir, name), op{mode: mode, hasMode: true})
}

// Fchown sets the owner.
func (f *FS) Fchown(fd, uid, gid int) error {
	return f.setAttr("fchown", "", f.openedAs(fd), op{uid: uid, gid: gid, hasOwner: true})
}

// Fchownat sets the owner of a name.
func (f *FS) Fchownat(dir int, name string, uid, gid, flags int) error {
	return f.setAttr("fchown", name, f.named(dir, name), op{uid: uid, gid: gid, hasOwner: true})
}

// Fsync makes a file's content or a directory's entries durable.
func (f *FS) Fsync(fd int) error {
	end, err := f.begin("fsync", "")
	defer end()
	if err != nil {
		return err
	}
	o, err := f.fd(fd)
	if err != nil {
		return err
	}
	f.syncNode(o.n)
	return nil
}

// Syncfs makes everything durable.
func (f *FS) Syncfs(fd int) error {
	end, err := f.begin("syncfs", "")
	defer end()
	if err != nil {
		return err
	}
	if _, err := f.fd(fd); err != nil {
		return err
	}
	f.syncAll()
	return nil
}

// Sync makes everything durable.
func (f *FS) Sync() {
	end, err := f.begin("sync", "")
	defer end()
	if err == nil {
		f.syncAll()
	}
}
