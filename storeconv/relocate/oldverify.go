package relocate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/lists"
	"imsconv/storeconv/nms"
)

// VerifyNMSOptions say which NMS store an iMS store is held against. Users and
// partitions are renamed and selected as they were for Relocate.
type VerifyNMSOptions struct {
	From, Store string
	Partitions  []Partition
	Users       map[string]bool
	Map         map[string]string
	Domain      string
	Owner       *storeconv.Owner // that everything must have; nil: for root, that of the source
	Jobs        int

	Log      storeconv.Log
	Progress storeconv.Progress
}

// VerifyNMSReport counts what was compared.
type VerifyNMSReport struct {
	Users         int64 `json:"users"`
	Missing       int64 `json:"users_missing"`
	Mailboxes     int64 `json:"mailboxes"`
	Messages      int64 `json:"messages"`
	Others        int64 `json:"other_files"`
	Bytes         int64 `json:"bytes"`     // compared
	SameFile      int64 `json:"same_file"` // hard or symbolic links to the source's own file
	Subscriptions int64 `json:"subscription_files"`
	FolderRecords int64 `json:"folder_records"`
	QuotaRecords  int64 `json:"quota_records"`
	SubscrRecords int64 `json:"subscr_records"`
	Differences   int64 `json:"differences"`
}

// VerifyNMS compares an iMS store with the NMS store that it was made of: every
// file byte by byte, modes, modification times, owners, hard links, every record
// of the databases. It only reads. Faults of the source that Relocate lists are
// warnings here; what is in the source and not, or not the same, in the store is
// a problem. More in the store than in the source is a problem only inside of a
// user's tree.
func VerifyNMS(ctx context.Context, opts VerifyNMSOptions) (VerifyNMSReport, error) {
	v := &nmsVerifier{log: storeconv.Discard}
	if opts.Log != nil {
		v.log = printableLog{opts.Log}
	}
	r := &relocation{verify: v, log: softLog{v}, from: opts.From, store: opts.Store, opts: Options{
		Partitions: opts.Partitions, Users: opts.Users, Map: opts.Map, Domain: opts.Domain,
		Owner: opts.Owner, Jobs: opts.Jobs, Progress: opts.Progress,
		Via: ViaCopy, DryRun: true, RepairHash: true, Requota: true,
	}}
	v.r = r
	defer r.closeSource()
	if err := r.prepare(); err != nil {
		return v.report, err
	}
	var err error
	if v.fd, err = nms.OpenPath(opts.Store); err != nil {
		return v.report, err
	}
	defer unix.Close(v.fd)
	if err := v.openLists(); err != nil {
		return v.report, err
	}
	defer v.closeLists()
	for kind := range v.expect {
		v.expect[kind] = bdb.NewSorter("", sortMemory)
		defer v.expect[kind].Close()
	}
	err = r.convert(ctx)
	rep := r.report
	v.report.Users, v.report.Mailboxes, v.report.Messages, v.report.Others = rep.Users, rep.Mailboxes, rep.Messages, rep.Others
	v.report.Subscriptions, v.report.Bytes, v.report.SameFile = rep.Subscriptions, rep.Copied, rep.Linked
	return v.report, err
}

// softLog makes warnings of the source's own faults.
type softLog struct{ v *nmsVerifier }

func (s softLog) Problem(kind, where, text string) {
	switch kind {
	case "unreadable", "differs", "missing":
		s.v.problem(kind, where, text)
	default:
		s.v.log.Warning(kind, where, text)
	}
}

func (s softLog) Warning(kind, where, text string) { s.v.log.Warning(kind, where, text) }

// nmsVerifier is the store's side of VerifyNMS.
type nmsVerifier struct {
	r      *relocation
	log    storeconv.Log
	fd     int // the store
	lists  [4]*sourceDB
	report VerifyNMSReport
	expect [4]*bdb.Sorter // the records that the store must have

	mu    sync.Mutex
	links map[uint64]uint64 // inodes of linked files: source to store
}

func (v *nmsVerifier) openLists() error {
	for kind := mboxlist.FolderDB; kind <= mboxlist.PeruserDB; kind++ {
		place := lists.Dir + "/" + kind.FileName()
		f, err := os.Open(v.r.store + "/" + place)
		if errors.Is(err, fs.ErrNotExist) {
			v.problem("missing", place, "no such file")
			continue
		}
		if err != nil {
			return err
		}
		db := &sourceDB{file: f, where: place}
		v.lists[kind] = db
		info, err := f.Stat()
		if err != nil {
			return err
		}
		db.reader, err = bdb.NewReader(f, info.Size(), bdb.Options{Problem: func(err error) { v.problem("damaged", place, err.Error()) }})
		if err != nil {
			v.problem("damaged", place, err.Error())
			f.Close()
			v.lists[kind] = nil
		}
	}
	return nil
}

func (v *nmsVerifier) closeLists() {
	for _, db := range v.lists {
		if db != nil {
			db.close()
		}
	}
}

// problem tells of a difference; not for use by workers.
func (v *nmsVerifier) problem(kind, where, text string) {
	v.report.Differences++
	v.log.Problem(kind, where, text)
}

// tree compares one user's directory.
func (v *nmsVerifier) tree(w *treeWorker, u *userTree, src int) treeResult {
	there, err := nms.OpenDir(v.fd, u.to)
	if err == unix.ENOENT && u.misled != "" {
		there, err = nms.OpenDir(v.fd, u.misled)
	}
	if err != nil {
		text := "not in the new store"
		if err != unix.ENOENT {
			text += ": " + err.Error()
		}
		return treeResult{state: treeAbsent, issues: []issue{{kind: "missing", where: u.where, text: fmt.Sprintf("user %s: %s", u.newID, text)}}}
	}
	defer unix.Close(there)
	w.begin(u, &w.content)
	w.content.seen = nil
	err = w.walk.top(src, there)
	return w.result(u, treeResult{state: treeScanned, err: err})
}

// contentComparer is the visitor that compares everything.
type contentComparer struct {
	v       *nmsVerifier
	a, b    []byte
	seen    map[int]int
	lister  nms.Lister
	entries []nms.Entry
}

const compareBuf = 128 << 10

func (c *contentComparer) differ(w *userWalk, where, text string) {
	w.problem("differs", where, text)
}

func (c *contentComparer) file(w *userWalk, src, dst int, name, where string, message bool) error {
	if dst < 0 {
		return nil // the directory was told
	}
	at := where + "/" + name
	var a, b unix.Stat_t
	if err := unix.Fstatat(src, name, &a, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if message {
		w.counts.Bytes += a.Size
	}
	if err := unix.Fstatat(dst, name, &b, 0); err != nil {
		w.problem("missing", at, "not in the new store")
		return nil
	}
	c.count(dst)
	if a.Ino == b.Ino && a.Dev == b.Dev {
		w.counts.Linked++
		return nil
	}
	c.attributes(w, at, &a, &b)
	if a.Nlink > 1 && message && !c.v.sameLinks(a.Ino, b.Ino) {
		c.differ(w, at, "hard links of the source are files of their own in the new store")
	}
	return c.content(w, src, dst, name, at)
}

func (c *contentComparer) count(dst int) {
	if c.seen == nil {
		c.seen = make(map[int]int)
	}
	c.seen[dst]++
}

// attributes compares mode, time and owner.
func (c *contentComparer) attributes(w *userWalk, at string, a, b *unix.Stat_t) {
	if a.Mode != b.Mode {
		c.differ(w, at, fmt.Sprintf("mode %04o, in the source %04o", b.Mode&0o7777, a.Mode&0o7777))
	}
	if a.Mtim != b.Mtim {
		c.differ(w, at, "another modification time")
	}
	o := &c.v.r.opts
	uid, gid := a.Uid, a.Gid
	switch {
	case o.Owner != nil:
		uid = uint32(o.Owner.UID)
		if o.Owner.GID >= 0 {
			gid = uint32(o.Owner.GID)
		}
	case os.Geteuid() != 0:
		return // who may not give files away leaves them with himself
	}
	if b.Uid != uid || b.Gid != gid {
		c.differ(w, at, fmt.Sprintf("owner %d:%d instead of %d:%d", b.Uid, b.Gid, uid, gid))
	}
}

// content compares two files byte by byte.
func (c *contentComparer) content(w *userWalk, src, dst int, name, at string) error {
	a, err := openRead(src, name, unix.O_NOFOLLOW)
	if err != nil {
		return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	defer unix.Close(a)
	b, err := openRead(dst, name, 0)
	if err != nil {
		w.problem("unreadable", at, fmt.Sprintf("in the new store: %v", err))
		return nil
	}
	defer unix.Close(b)
	if c.a == nil {
		c.a, c.b = make([]byte, compareBuf), make([]byte, compareBuf)
	}
	for offset := int64(0); ; {
		n, err := readUpTo(a, c.a)
		if err != nil {
			return &durable.SourceError{Err: fmt.Errorf("read: %w", err)}
		}
		m, err := readUpTo(b, c.b)
		if err != nil {
			w.problem("unreadable", at, fmt.Sprintf("in the new store: read: %v", err))
			return nil
		}
		if !bytes.Equal(c.a[:n], c.b[:m]) {
			c.differ(w, at, fmt.Sprintf("other bytes in the new store, at or after offset %d", offset))
			return nil
		}
		offset += int64(n)
		w.counts.Copied += int64(n)
		if n < len(c.a) {
			return nil
		}
	}
}

func openRead(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// readUpTo fills b as far as the file goes.
func readUpTo(fd int, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Read(fd, b[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || m == 0 {
			return n, err
		}
		n += m
	}
	return n, nil
}

// maxLinks bounds the memory for checking hard links: about 100 MiB. Beyond it
// further files are not checked for that.
const maxLinks = 2 << 20

// sameLinks tells whether all names of one file of the source seen so far are
// names of one file of the store.
func (v *nmsVerifier) sameLinks(src, dst uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.links == nil {
		v.links = make(map[uint64]uint64)
	}
	if have, ok := v.links[src]; ok {
		return have == dst
	}
	if len(v.links) < maxLinks {
		v.links[src] = dst
	}
	return true
}

// enter finds the directory under its own name or the one that RepairHash gives.
func (c *contentComparer) enter(w *userWalk, dst int, name string, st *unix.Stat_t) (int, error) {
	if dst < 0 {
		return -1, nil
	}
	fd, err := nms.OpenDir(dst, name)
	if err == unix.ENOENT && w.asFound != "" {
		fd, err = nms.OpenDir(dst, w.asFound)
	}
	if err != nil {
		w.problem("missing", w.where, fmt.Sprintf("directory %s: %v", name, err))
		return -1, nil
	}
	c.count(dst)
	c.seen[fd] = 0
	return fd, nil
}

func (c *contentComparer) leave(w *userWalk, dst int, st *unix.Stat_t, top bool) error {
	if dst < 0 {
		return nil
	}
	var have unix.Stat_t
	if err := unix.Fstat(dst, &have); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	c.attributes(w, w.at, st, &have)
	// The walk has closed nothing that it still needs; the listing starts where
	// the descriptor stands, at the beginning.
	var err error
	if c.entries, err = c.lister.List(dst, c.entries[:0]); err != nil {
		return err
	}
	if extra := len(c.entries) - c.seen[dst]; extra > 0 {
		c.differ(w, w.at, fmt.Sprintf("%d names in the new store that the source does not have", extra))
	}
	delete(c.seen, dst)
	return nil
}

// file compares one subscription file.
func (v *nmsVerifier) file(fd int, name, where, to string, want []byte) error {
	got, err := os.ReadFile(v.r.store + "/" + to)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("missing", where, "not in the new store")
		return nil
	}
	if err != nil {
		v.problem("unreadable", to, err.Error())
		return nil
	}
	if want == nil {
		in, err := openRead(fd, name, unix.O_NOFOLLOW)
		if err != nil {
			v.problem("unreadable", where, err.Error())
			return nil
		}
		defer unix.Close(in)
		want = make([]byte, len(got)+1)
		n, err := readUpTo(in, want)
		if err != nil {
			v.problem("unreadable", where, err.Error())
			return nil
		}
		want = want[:n]
	}
	if !bytes.Equal(got, want) {
		v.problem("differs", where, "other bytes in the new store")
	}
	var a, b unix.Stat_t
	if unix.Fstatat(fd, name, &a, unix.AT_SYMLINK_NOFOLLOW) == nil && unix.Fstatat(v.fd, to, &b, unix.AT_SYMLINK_NOFOLLOW) == nil {
		w := new(userWalk)
		c := contentComparer{v: v}
		c.attributes(w, where, &a, &b)
		for _, i := range w.issues {
			v.problem(i.kind, i.where, i.text)
		}
	}
	return nil
}
