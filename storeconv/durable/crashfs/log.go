package crashfs

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// kind is what an operation does.
type kind uint8

const (
	opMake     kind = iota // entry name in dir, a new node id
	opLink                 // entry name in dir, the node id
	opRename               // node id from oldDir/oldName to dir/name
	opExchange             // node id at oldDir/oldName, node other at dir/name: each to the other's
	opUnlink               // entry name in dir away, which was node id
	opWrite                // data at off in node id
	opSize                 // size off of node id
	opAttr                 // mode, owner or times of node id, whichever is set
	opSync                 // nothing: a sync ended here
)

// op is an operation of the log. Nodes are meant by identity, so that an
// operation can be made in a file system that lacks others.
type op struct {
	kind          kind
	id, other     int
	dir, oldDir   int
	name, oldName string
	data          []byte
	off           int64
	mode          uint32
	uid, gid      int
	hasMode       bool
	hasOwner      bool
	atime, mtime  *unix.Timespec

	// synced is the length of the log when a sync made it durable; 0: pending.
	// An entry that two directories share needs both: first is the one that has
	// been synced.
	synced int
	first  int
}

// do makes an operation and puts it into the log.
func (f *FS) do(o op) {
	f.apply(&o)
	f.log = append(f.log, o)
}

// apply makes an operation as far as it can be made.
func (f *FS) apply(o *op) {
	switch o.kind {
	case opMake:
		n := f.node(o.id, o.mode, o.uid, o.gid)
		if o.mode&unix.S_IFMT == unix.S_IFLNK {
			n.data = o.data
		}
		f.enter(o.dir, o.name, n)
	case opLink:
		if o.hasMode && f.nodes[o.id] == nil { // of the operating system
			n := f.newNode(o.id, o.mode, o.uid, o.gid)
			n.data, n.atime, n.mtime = bytes.Clone(o.data), *o.atime, *o.mtime
		}
		f.enter(o.dir, o.name, f.node(o.id, unix.S_IFREG|0o600, 0, 0))
	case opRename:
		n := f.node(o.id, o.mode, o.uid, o.gid)
		f.leave(o.oldDir, o.oldName, n)
		f.enter(o.dir, o.name, n)
	case opExchange:
		a, b := f.node(o.id, o.mode, o.uid, o.gid), f.node(o.other, o.mode, o.uid, o.gid)
		f.leave(o.oldDir, o.oldName, a)
		f.leave(o.dir, o.name, b)
		f.enter(o.oldDir, o.oldName, b)
		f.enter(o.dir, o.name, a)
	case opUnlink:
		f.leave(o.dir, o.name, f.nodes[o.id])
	case opWrite:
		f.write(f.node(o.id, unix.S_IFREG|0o600, o.uid, o.gid), o)
	case opSize:
		f.resize(f.node(o.id, unix.S_IFREG|0o600, o.uid, o.gid), o.off)
	case opAttr:
		f.attr(f.node(o.id, unix.S_IFREG|0o600, o.uid, o.gid), o)
	}
}

// node returns the node of an identity. One whose making was lost is made: what
// is kept of it may still get a name.
func (f *FS) node(id int, mode uint32, uid, gid int) *node {
	if n := f.nodes[id]; n != nil {
		return n
	}
	return f.newNode(id, mode, uid, gid)
}

func (f *FS) enter(dir int, name string, n *node) {
	d := f.node(dir, unix.S_IFDIR|0o700, n.uid, n.gid)
	if !d.isDir() {
		return
	}
	old := d.entries[name]
	if old == n {
		return
	}
	if n.isDir() {
		f.detach(n) // a directory has one place
		n.parent = d
	}
	n.links++
	d.entries[name] = n
	d.mtime.Sec = clock
	if old != nil {
		f.unname(old)
	}
}

// leave takes the name from n, if n has it.
func (f *FS) leave(dir int, name string, n *node) {
	d := f.nodes[dir]
	if d == nil || n == nil || d.entries[name] != n {
		return
	}
	delete(d.entries, name)
	d.mtime.Sec = clock
	f.unname(n)
}

// unname counts a name less. The node stays known: a later operation of a log
// that is replayed may name it again.
func (f *FS) unname(n *node) {
	n.links--
	if n.isDir() {
		n.parent = f.nodes[rootID]
	}
}

// detach takes the one name of a directory away.
func (f *FS) detach(n *node) {
	if n.parent == nil {
		return
	}
	for name, e := range n.parent.entries {
		if e == n {
			delete(n.parent.entries, name)
			n.links--
		}
	}
}

func (f *FS) write(n *node, o *op) {
	f.resize(n, max(int64(len(n.data)), o.off+int64(len(o.data))))
	copy(n.data[o.off:], o.data)
	n.mtime = unix.Timespec{Sec: clock}
}

// resize gives n a size, in bytes of its own.
func (f *FS) resize(n *node, size int64) {
	if size <= int64(cap(n.data)) {
		old := len(n.data)
		n.data = n.data[:size]
		if int(size) > old {
			clear(n.data[old:])
		}
		return
	}
	grown := make([]byte, size, size+size/4+64)
	copy(grown, n.data)
	n.data = grown
}

func (f *FS) attr(n *node, o *op) {
	if o.hasMode {
		n.mode = n.mode&unix.S_IFMT | o.mode&0o7777
	}
	if o.hasOwner {
		if o.uid >= 0 {
			n.uid = o.uid
		}
		if o.gid >= 0 {
			n.gid = o.gid
		}
	}
	if o.atime != nil {
		n.atime = *o.atime
	}
	if o.mtime != nil {
		n.mtime = *o.mtime
	}
}

// persist makes those pending operations durable that pick names: whole, or the
// half that is in one of its two directories.
func (f *FS) persist(pick func(o *op) (whole bool, half int)) {
	f.log = append(f.log, op{kind: opSync, synced: len(f.log) + 1})
	for i := range f.log {
		o := &f.log[i]
		if o.synced != 0 {
			continue
		}
		whole, half := pick(o)
		if !whole && half != 0 {
			whole = o.first != 0 && o.first != half
			o.first = half
		}
		if whole {
			o.synced = len(f.log)
		}
	}
}

// syncNode is fsync of one node.
func (f *FS) syncNode(n *node) {
	f.persist(func(o *op) (bool, int) {
		switch o.kind {
		case opWrite, opSize, opAttr:
			return o.id == n.id, 0
		case opMake, opLink, opUnlink:
			return o.dir == n.id, 0
		}
		if o.dir == n.id || o.oldDir == n.id {
			return o.dir == o.oldDir, n.id
		}
		return false, 0
	})
}

func (f *FS) syncAll() {
	f.persist(func(*op) (bool, int) { return true, 0 })
}
