package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Modes of what a conversion creates.
const (
	DirMode  = 0o700
	FileMode = 0o600
)

// Fault lets a test fail the operation op on name: an error that it returns is
// returned instead of doing the operation.
type Fault func(op, name string) error

// env is what all descriptors of one store share.
type env struct {
	fs    FS
	fault Fault
	owner *Owner
}

// check fails an operation where a test wants that; dir is where name is.
func (e *env) check(op, dir, name string) error {
	if e.fault == nil {
		return nil
	}
	if err := e.fault(op, name); err != nil {
		return pathError(op, filepath.Join(dir, name), err)
	}
	return nil
}

// A Dir is an open directory. Safe for concurrent use.
type Dir struct {
	fd   int
	name string // for messages
	env  *env
}

// OpenDir opens a directory of the operating system's by its path.
func OpenDir(path string) (*Dir, error) { return openDir(&env{fs: OS}, path) }

func openDir(e *env, path string) (*Dir, error) {
	fd, err := e.fs.Openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return &Dir{fd: fd, name: path, env: e}, nil
}

// SyncDir makes the names in the directory at path durable.
func SyncDir(path string) error {
	d, err := OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.SyncNames("."), d.Close())
}

// Close closes the descriptor.
func (d *Dir) Close() error { return d.env.fs.Close(d.fd) }

// FD returns the descriptor, which stays the Dir's.
func (d *Dir) FD() int { return d.fd }

// FS returns the file system that the descriptor belongs to.
func (d *Dir) FS() FS { return d.env.fs }

// Name returns the path for messages.
func (d *Dir) Name() string { return d.name }

// path is what messages call name in the directory.
func (d *Dir) path(name string) string { return filepath.Join(d.name, name) }

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// local refuses names that could lead out of the directory.
func (d *Dir) local(name string) error {
	if err := local(name); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return nil
}

func local(name string) error {
	if !filepath.IsLocal(name) || strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("name %q leads out of the directory", name)
	}
	return nil
}

// begin is the common start of every operation that changes something.
func (d *Dir) begin(op, name string) error {
	if err := d.local(name); err != nil {
		return err
	}
	return d.env.check(op, d.name, name)
}

// OpenDir opens the directory name below d for use as a base of further
// operations.
func (d *Dir) OpenDir(name string) (*Dir, error) {
	if err := d.local(name); err != nil {
		return nil, err
	}
	fd, err := d.env.fs.Openat(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, pathError("open", d.path(name), err)
	}
	return &Dir{fd: fd, name: filepath.Join(d.name, name), env: d.env}, nil
}

// Mkdir creates one directory, mode 0700. One that is there already is as good.
func (d *Dir) Mkdir(name string) error {
	if err := d.begin("mkdir", name); err != nil {
		return err
	}
	err := d.env.fs.Mkdirat(d.fd, name, DirMode)
	switch {
	case errors.Is(err, unix.EEXIST):
		if d.isOwnerless(name) {
			return d.chown(name)
		}
		return nil
	case err != nil:
		return pathError("mkdir", d.path(name), err)
	}
	return d.chown(name)
}

// isOwnerless tells whether a directory is what a process leaves that is killed
// between making it and giving it its owner: this user's own and empty. Nobody
// else could enter it.
func (d *Dir) isOwnerless(name string) bool {
	o := d.env.owner
	if o == nil {
		return false
	}
	st, err := d.env.fs.Fstatat(d.fd, name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || int(st.Gid) != os.Getegid() {
		return false
	}
	if (o.UID == -1 || o.UID == int(st.Uid)) && (o.GID == -1 || o.GID == int(st.Gid)) {
		return false
	}
	names, err := d.ReadNames(name)
	return err == nil && len(names) == 0
}

// chown gives a directory the owner of the store, if it has one.
func (d *Dir) chown(name string) error {
	o := d.env.owner
	if o == nil {
		return nil
	}
	if err := d.env.fs.Fchownat(d.fd, name, o.UID, o.GID, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return pathError("chown", d.path(name), err)
	}
	return nil
}

// MkdirAll creates a directory and those above it that are missing.
func (d *Dir) MkdirAll(name string) error {
	if d.env.owner != nil {
		// Any of them may be without its owner, see isOwnerless, until there is
		// something in it.
		for i := range name {
			if name[i] == '/' {
				if err := d.Mkdir(name[:i]); err != nil {
					return err
				}
			}
		}
		return d.Mkdir(name)
	}
	err := d.Mkdir(name)
	if err == nil || !errors.Is(err, unix.ENOENT) {
		return err
	}
	parent := filepath.Dir(name)
	if parent == "." {
		return err
	}
	if err := d.MkdirAll(parent); err != nil {
		return err
	}
	return d.Mkdir(name)
}

// Create makes a new file for writing, mode 0600. A file that is there already
// is an error.
func (d *Dir) Create(name string) (*File, error) {
	fd, err := d.create(name)
	if err != nil {
		return nil, err
	}
	return &File{fd: fd, dir: d.name, name: name, env: d.env}, nil
}

// Recreate makes name an empty file for reading and writing, mode 0600, whether
// it is there already or not.
func (d *Dir) Recreate(name string) (*File, error) {
	fd, err := d.createWith(name, unix.O_RDWR|unix.O_TRUNC)
	if err != nil {
		return nil, err
	}
	return &File{fd: fd, dir: d.name, name: name, env: d.env}, nil
}

func (d *Dir) create(name string) (int, error) {
	return d.createWith(name, unix.O_WRONLY|unix.O_EXCL)
}

func (d *Dir) createWith(name string, flags int) (int, error) {
	if err := d.begin("create", name); err != nil {
		return -1, err
	}
	fd, err := d.env.fs.Openat(d.fd, name, flags|unix.O_CREAT|unix.O_NOFOLLOW, FileMode)
	if err != nil {
		return -1, pathError("create", d.path(name), err)
	}
	if o := d.env.owner; o != nil {
		if err := d.env.fs.Fchown(fd, o.UID, o.GID); err != nil {
			d.env.fs.Close(fd)
			return -1, pathError("chown", d.path(name), err)
		}
	}
	return fd, nil
}

// WriteFile creates name with the bytes of data and the modification time
// seconds. On an error nothing is left under that name.
func (d *Dir) WriteFile(name string, seconds int64, data []byte) error {
	fd, err := d.create(name)
	if err != nil {
		return err
	}
	if err = d.env.check("write", d.name, name); err == nil {
		err = writeAll(d.env.fs, fd, data)
	}
	if err == nil {
		err = setMtime(d.env.fs, fd, seconds)
	}
	if closeErr := d.env.fs.Close(fd); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = d.env.fs.Unlinkat(d.fd, name, 0)
		return pathError("write", d.path(name), err)
	}
	return nil
}

// Open opens a regular file for reading.
func (d *Dir) Open(name string) (*File, error) {
	if err := d.local(name); err != nil {
		return nil, err
	}
	fd, err := d.env.fs.Openat(d.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, pathError("open", d.path(name), err)
	}
	return &File{fd: fd, dir: d.name, name: name, env: d.env}, nil
}

// ReadFile reads a file of at most limit bytes.
func (d *Dir) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", f.Name(), limit)
	}
	return b, err
}

// Info is what Stat tells.
type Info struct {
	Dev, Ino uint64
	Nlink    uint64
	Size     int64 // bytes
	Mtime    int64 // seconds since 1970
	Mode     uint32
}

// IsDir and IsRegular tell the type.
func (i Info) IsDir() bool     { return i.Mode&unix.S_IFMT == unix.S_IFDIR }
func (i Info) IsRegular() bool { return i.Mode&unix.S_IFMT == unix.S_IFREG }

// Stat looks at name without following a symbolic link.
func (d *Dir) Stat(name string) (Info, error) {
	if err := d.local(name); err != nil {
		return Info{}, err
	}
	st, err := d.env.fs.Fstatat(d.fd, name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return Info{}, pathError("stat", d.path(name), err)
	}
	return Info{Dev: st.Dev, Ino: st.Ino, Nlink: uint64(st.Nlink), Size: st.Size, Mtime: st.Mtim.Sec, Mode: st.Mode}, nil
}

// ReadNames lists the names in the directory name, sorted.
func (d *Dir) ReadNames(name string) ([]fs.DirEntry, error) {
	if err := d.local(name); err != nil {
		return nil, err
	}
	fd, err := d.env.fs.Openat(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, pathError("open", d.path(name), err)
	}
	list, err := d.env.fs.ReadDir(fd, filepath.Join(d.name, name))
	sortEntries(list)
	return list, err
}

// Link makes newname in newdir a hard link to oldname in d.
func (d *Dir) Link(oldname string, newdir *Dir, newname string) error {
	if err := d.local(oldname); err != nil {
		return err
	}
	if err := newdir.begin("link", newname); err != nil {
		return err
	}
	if err := d.env.fs.Linkat(d.fd, oldname, newdir.fd, newname); err != nil {
		return &os.LinkError{Op: "link", Old: d.path(oldname), New: newdir.path(newname), Err: err}
	}
	return nil
}

// NoLinks tells whether a link failed because the file has as many as it can
// have, or because the file system, the kernel or a rule of it allows none.
func NoLinks(err error) bool {
	return errors.Is(err, unix.EMLINK) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EPERM) ||
		errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)
}

// LinkOrCopy makes newname in newdir a hard link to oldname in d or, where that
// cannot be, a copy with the same mode, time and, for root, owner. It follows
// no symbolic link.
func (d *Dir) LinkOrCopy(oldname string, newdir *Dir, newname string) (linked bool, err error) {
	if err = d.Link(oldname, newdir, newname); err == nil || !NoLinks(err) {
		return err == nil, err
	}
	if err := newdir.begin("copy", newname); err != nil {
		return false, err
	}
	if _, there := newdir.Stat(newname); there == nil {
		return false, &os.LinkError{Op: "link", Old: d.path(oldname), New: newdir.path(newname), Err: unix.EEXIST}
	}
	if target, err := d.env.fs.Readlinkat(d.fd, oldname); err == nil {
		if err := d.env.fs.Symlinkat(target, newdir.fd, newname); err != nil {
			return false, pathError("symlink", newdir.path(newname), err)
		}
		return false, nil
	}
	c := Cloner{FS: d.env.fs}
	if _, err := c.Copy(d.fd, oldname, newdir.fd, newname); err != nil {
		return false, fmt.Errorf("copy %s to %s: %w", d.path(oldname), newdir.path(newname), err)
	}
	return false, nil
}

// Rename moves oldname in d to newname in newdir, which must not exist.
func (d *Dir) Rename(oldname string, newdir *Dir, newname string) error {
	return d.rename(oldname, newdir, newname, unix.RENAME_NOREPLACE)
}

// Replace moves oldname in d over newname in newdir.
func (d *Dir) Replace(oldname string, newdir *Dir, newname string) error {
	return d.rename(oldname, newdir, newname, 0)
}

// Exchange swaps the two names.
func (d *Dir) Exchange(oldname string, newdir *Dir, newname string) error {
	return d.rename(oldname, newdir, newname, unix.RENAME_EXCHANGE)
}

func (d *Dir) rename(oldname string, newdir *Dir, newname string, flags uint) error {
	if err := d.local(oldname); err != nil {
		return err
	}
	if err := newdir.begin("rename", newname); err != nil {
		return err
	}
	err := d.env.fs.Renameat2(d.fd, oldname, newdir.fd, newname, flags)
	if flags == unix.RENAME_NOREPLACE && isMissing(err) {
		err = d.renameCheck(oldname, newdir, newname)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: d.path(oldname), New: newdir.path(newname), Err: err}
	}
	return nil
}

// renameCheck stands in for RENAME_NOREPLACE on file systems without it; the
// callers' locks close the gap between the two calls.
func (d *Dir) renameCheck(oldname string, newdir *Dir, newname string) error {
	if _, err := d.env.fs.Fstatat(newdir.fd, newname, unix.AT_SYMLINK_NOFOLLOW); err == nil {
		return unix.EEXIST
	}
	return d.env.fs.Renameat2(d.fd, oldname, newdir.fd, newname, 0)
}

// Remove removes a file.
func (d *Dir) Remove(name string) error {
	if err := d.begin("remove", name); err != nil {
		return err
	}
	if err := d.env.fs.Unlinkat(d.fd, name, 0); err != nil {
		return pathError("remove", d.path(name), err)
	}
	return nil
}

// RemoveDir removes an empty directory.
func (d *Dir) RemoveDir(name string) error {
	if err := d.begin("rmdir", name); err != nil {
		return err
	}
	if err := d.env.fs.Unlinkat(d.fd, name, unix.AT_REMOVEDIR); err != nil {
		return pathError("rmdir", d.path(name), err)
	}
	return nil
}

// removeName is how long a path RemoveAll goes down by, in bytes, before it
// opens a directory to go on from: far below the kernel's limit of 4,096, and
// far more than one descriptor a directory would reach with.
const removeName = 2048

// RemoveAll removes name and what is below it. A name that is not there is no
// error, and the mode of a directory of this user keeps nothing in it. It holds
// one descriptor, whatever the depth, until paths get longer than 2,048 bytes.
func (d *Dir) RemoveAll(name string) error {
	if err := d.begin("remove", name); err != nil {
		return err
	}
	err := d.env.fs.Unlinkat(d.fd, name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	if err != unix.EISDIR && err != unix.EPERM {
		return pathError("remove", d.path(name), err)
	}
	below := d.removeBelow(name)
	if errors.Is(below, unix.EACCES) && d.openUp(name) {
		below = d.removeBelow(name)
	}
	if below != nil {
		return below
	}
	return d.RemoveDir(name)
}

// openUp gives a directory the mode of one that a conversion creates, where its
// own keeps this user out of it. It tells whether that has changed anything.
func (d *Dir) openUp(name string) bool {
	st, err := d.env.fs.Fstatat(d.fd, name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Mode&DirMode == DirMode {
		return false
	}
	return d.env.fs.Fchmodat(d.fd, name, st.Mode&0o7777|DirMode) == nil
}

// removeBelow empties the directory name.
func (d *Dir) removeBelow(name string) error {
	list, err := d.ReadNames(name)
	if err != nil {
		return err
	}
	base, prefix := d, name+"/"
	if len(name) > removeName {
		if base, err = d.OpenDir(name); err != nil {
			return err
		}
		defer base.Close()
		prefix = ""
	}
	for _, e := range list {
		if err := base.RemoveAll(prefix + e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Sync makes everything on the directory's file system durable (syncfs).
func (d *Dir) Sync() error {
	if err := d.env.check("syncfs", "", d.name); err != nil {
		return err
	}
	err := d.env.fs.Syncfs(d.fd)
	if err == unix.ENOSYS || err == unix.EPERM {
		d.env.fs.Sync() // forbidden or unknown here, which says nothing of the disk
		return nil
	}
	if err != nil {
		return pathError("syncfs", d.name, err)
	}
	return nil
}

// SyncNames makes the names in the directory name durable (fsync).
func (d *Dir) SyncNames(name string) error {
	if err := d.begin("fsync", name); err != nil {
		return err
	}
	fd, err := d.env.fs.Openat(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return pathError("open", d.path(name), err)
	}
	err = d.env.fs.Fsync(fd)
	if closeErr := d.env.fs.Close(fd); err == nil {
		err = closeErr
	}
	if err != nil {
		return pathError("fsync", d.path(name), err)
	}
	return nil
}

// Space returns the free bytes and the free inodes of the file system for an
// ordinary user. Where it has none in all, it does not say: it makes inodes as
// needed, or is one of a program or a network that does not count. Then the
// largest number is returned.
func (d *Dir) Space() (bytes, inodes uint64, err error) {
	st, err := d.env.fs.Fstatfs(d.fd)
	if err != nil {
		return 0, 0, pathError("statfs", d.name, err)
	}
	bytes, inodes = st.Bavail*uint64(st.Bsize), st.Ffree
	if st.Blocks == 0 {
		bytes = 1<<64 - 1
	}
	if st.Files == 0 {
		inodes = 1<<64 - 1
	}
	return bytes, inodes, nil
}
