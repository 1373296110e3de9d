package crashfs

import (
	"cmp"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// firstFD is the smallest descriptor of a simulated file.
const firstFD = 1 << 20

// device is the number of the simulated file system.
const device = 0xc4a5

// clock is the time there, in seconds since 1970. It stands still, so that what
// nobody gave a date has the same one in every run.
const clock = 946684800

// rootID is the identity of the root directory.
const rootID = 1

// FS is a simulated file system. Safe for concurrent use.
type FS struct {
	mu   sync.Mutex
	wake sync.Cond // on mu: a lock was given up

	nodes map[int]*node // by identity
	inos  []uint64      // inode numbers by identity, of all that were ever made
	free  []uint64      // inode numbers to use again
	next  uint64        // the next inode number
	ids   int           // the last identity given

	fds    map[int]*open
	nextFD int
	most   int // descriptors open at once
	locks  []held

	log     []op
	real    map[realFile]int // identities of the operating system's files; nil: links to them are EXDEV
	fail    func(call, name string) error
	times   func(seconds int64) int64 // what becomes of a time; nil: it is kept
	stopped bool
}

// node is an inode.
type node struct {
	id      int
	ino     uint64
	mode    uint32 // with the type
	uid     int
	gid     int
	atime   unix.Timespec
	mtime   unix.Timespec
	data    []byte // of a file; the target of a symbolic link
	entries map[string]*node
	parent  *node // of a directory
	links   int   // names of a file
	opens   int
}

func (n *node) isDir() bool { return n.mode&unix.S_IFMT == unix.S_IFDIR }

// open is an open file description.
type open struct {
	n     *node
	off   int64
	flags int
}

// held is a lock.
type held struct {
	by         *open
	n          *node
	start, end int64
	kind       int16
}

// New returns an empty file system: a root directory.
func New() *FS {
	f := &FS{nodes: make(map[int]*node), fds: make(map[int]*open), nextFD: firstFD, next: 1000, ids: rootID}
	f.wake.L = &f.mu
	root := f.newNode(rootID, unix.S_IFDIR|0o755, os.Geteuid(), os.Getegid())
	root.parent = root
	return f
}

var _ durable.FS = (*FS)(nil)

// Fail makes fn decide, before every call that changes or syncs something,
// whether it fails: call is the name of the method of durable.FS in lower case,
// an exchange is "exchange" and a rename that must not replace "noreplace".
func (f *FS) Fail(fn func(call, name string) error) { f.fail = fn }

// realFile is a file of the operating system.
type realFile struct{ dev, ino uint64 }

// LinkReal lets files of the operating system be linked into the file system.
func (f *FS) LinkReal() { f.real = make(map[realFile]int) }

// Stop makes every later call fail with EIO, as if the process were gone.
func (f *FS) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	f.wake.Broadcast()
}

// MostOpen returns the largest number of descriptors that were open at once.
func (f *FS) MostOpen() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most
}

// Open returns the number of descriptors that are open.
func (f *FS) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.fds)
}

// begin is the start of every call. f.mu is held from here until the returned
// function is called.
func (f *FS) begin(call, name string) (func(), error) {
	if f.fail != nil {
		if err := f.fail(call, name); err != nil {
			return func() {}, err
		}
	}
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		return func() {}, unix.EIO
	}
	return f.mu.Unlock, nil
}

func (f *FS) newNode(id int, mode uint32, uid, gid int) *node {
	ino := f.number(id)
	n := &node{id: id, ino: ino, mode: mode, uid: uid, gid: gid, atime: unix.Timespec{Sec: clock}, mtime: unix.Timespec{Sec: clock}}
	if n.isDir() {
		n.entries = make(map[string]*node)
	}
	f.nodes[id] = n
	return n
}

// number returns the inode number of a new node: that which it had before a
// crash, or a free one.
func (f *FS) number(id int) uint64 {
	if id < len(f.inos) && f.inos[id] != 0 {
		return f.inos[id]
	}
	f.inos = append(f.inos, make([]uint64, id+1-len(f.inos))...)
	if n := len(f.free); n > 0 {
		f.inos[id] = f.free[n-1]
		f.free = f.free[:n-1]
	} else {
		f.inos[id] = f.next
		f.next++
	}
	return f.inos[id]
}

// drop lets go of a node that has no name and is not open.
func (f *FS) drop(n *node) {
	if n.links > 0 || n.opens > 0 || n.id == rootID || f.nodes[n.id] != n {
		return
	}
	f.free = append(f.free, n.ino)
	delete(f.nodes, n.id)
}

// find walks to the directory that has the last component of name, and returns
// that component; "" is the directory itself.
func (f *FS) find(dir int, name string) (*node, string, error) {
	at := f.nodes[rootID]
	if !strings.HasPrefix(name, "/") {
		if dir != unix.AT_FDCWD {
			o, ok := f.fds[dir]
			if !ok {
				return nil, "", unix.EBADF
			}
			at = o.n
		}
	}
	parts := slices.DeleteFunc(strings.Split(name, "/"), func(s string) bool { return s == "" || s == "." })
	if len(parts) == 0 {
		return at, "", nil
	}
	for _, p := range parts[:len(parts)-1] {
		next, err := f.step(at, p)
		if err != nil {
			return nil, "", err
		}
		at = next
	}
	if !at.isDir() {
		return nil, "", unix.ENOTDIR
	}
	if last := parts[len(parts)-1]; len(last) <= 255 {
		return at, last, nil
	}
	return nil, "", unix.ENAMETOOLONG
}

func (f *FS) step(at *node, name string) (*node, error) {
	switch {
	case !at.isDir():
		return nil, unix.ENOTDIR
	case name == "..":
		return at.parent, nil
	}
	n, ok := at.entries[name]
	if !ok {
		return nil, unix.ENOENT
	}
	if n.mode&unix.S_IFMT == unix.S_IFLNK {
		return nil, unix.ELOOP // nothing here follows links
	}
	return n, nil
}

// lookup finds the node called name.
func (f *FS) lookup(dir int, name string) (*node, error) {
	at, last, err := f.find(dir, name)
	if err != nil || last == "" {
		return at, err
	}
	n, ok := at.entries[last]
	if !ok {
		return nil, unix.ENOENT
	}
	return n, nil
}

func (f *FS) fd(fd int) (*open, error) {
	o, ok := f.fds[fd]
	if !ok {
		return nil, unix.EBADF
	}
	return o, nil
}

// isReal tells descriptors of the operating system.
func isReal(fd int) bool { return fd >= 0 && fd < firstFD }

func (f *FS) stat(n *node) unix.Stat_t {
	nlink := n.links
	if n.isDir() {
		nlink = 2
	}
	return unix.Stat_t{Dev: device, Ino: n.ino, Mode: n.mode, Nlink: uint64(nlink), Uid: uint32(n.uid), Gid: uint32(n.gid),
		Size: int64(len(n.data)), Blksize: 4096, Blocks: int64(len(n.data)+511) / 512, Atim: n.atime, Mtim: n.mtime, Ctim: n.mtime}
}

// dirEntry is an fs.DirEntry.
type dirEntry struct {
	name string
	st   unix.Stat_t
}

func (e dirEntry) Name() string               { return e.name }
func (e dirEntry) IsDir() bool                { return e.Type().IsDir() }
func (e dirEntry) Info() (fs.FileInfo, error) { return e, nil }
func (e dirEntry) Size() int64                { return e.st.Size }
func (e dirEntry) ModTime() time.Time         { return time.Unix(e.st.Mtim.Unix()) }
func (e dirEntry) Sys() any                   { return &e.st }
func (e dirEntry) Mode() fs.FileMode          { return e.Type() | fs.FileMode(e.st.Mode&0o777) }

func (e dirEntry) Type() fs.FileMode {
	switch e.st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	}
	return 0
}

func (f *FS) list(n *node) []fs.DirEntry {
	out := make([]fs.DirEntry, 0, len(n.entries))
	for name, e := range n.entries {
		out = append(out, dirEntry{name, f.stat(e)})
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return out
}
