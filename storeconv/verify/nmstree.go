package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/nms"
)

// treeComparer compares the trees of users, one at a time.
type treeComparer struct {
	c      *comparison
	lister nms.Lister
	bytes  byteComparer
	src    nms.Descent // from the user's directory to the current one
	dst    nms.Descent // the same in the store

	ctx     context.Context
	task    *userTask
	res     treeResult
	ordinal uint32 // of the next file with several names
}

func (w *treeComparer) note(notes ...storeconv.Note) {
	if len(w.res.notes) < maxBoxNotes {
		w.res.notes = append(w.res.notes, notes...)
	}
}

// compare compares the tree of a task.
func (w *treeComparer) compare(ctx context.Context, t *userTask) treeResult {
	w.ctx, w.task, w.res, w.ordinal = ctx, t, treeResult{}, 0
	src, err := nms.OpenDir(unix.AT_FDCWD, t.from)
	if err != nil {
		w.note(warning("unreadable", t.where, "open: %v", err))
		w.res.missing = true
		return w.res
	}
	defer unix.Close(src)
	dst, err := w.find(t)
	if err != nil {
		w.res.missing = true
		w.absent(t, err)
		return w.res
	}
	defer unix.Close(dst)
	w.src.Start(src)
	w.dst.Start(dst)
	w.dir(src, dst, treePlace{where: t.where, named: true}, 0)
	if p := w.c.src.opts.Progress; p != nil {
		p.Add(w.res.counts.Messages+w.res.counts.Others, w.res.counts.Bytes)
	}
	return w.res
}

// find opens the tree in the store.
func (w *treeComparer) find(t *userTask) (int, error) {
	err := error(unix.ENOENT)
	for _, to := range t.to {
		var fd int
		if fd, err = openDown(w.c.root, to); err == nil {
			return fd, nil
		}
		if !notThere(err) {
			break
		}
	}
	return -1, err
}

func (w *treeComparer) absent(t *userTask, err error) {
	switch {
	case !notThere(err):
		w.note(problem("missing", t.where, "user %s: not in the new store: %v", t.newID, err))
	case t.odd != "":
		w.note(warning("user-left-out", t.where, "%s: left out", t.odd))
	case t.id == "":
		w.note(problem("missing", t.where, "not in the new store"))
	default:
		w.note(problem("missing", t.where, "user %s: not in the new store", t.newID))
	}
}

// treePlace is where in the tree a comparison is.
type treePlace struct {
	where   string // for messages
	mailbox string // "": INBOX
	named   bool   // mailbox is known: every name on the way could be read
	inBox   bool   // a directory of messages
}

// dir compares one directory, what is in it and its attributes.
func (w *treeComparer) dir(src, dst int, at treePlace, depth int) {
	if w.ctx.Err() != nil {
		return
	}
	if depth > nms.MaxDepth {
		w.note(warning("too-deep", at.where, "more than %d folders inside each other: left out", nms.MaxDepth))
		return
	}
	var a, b unix.Stat_t
	if unix.Fstat(src, &a) == nil && unix.Fstat(dst, &b) == nil {
		w.note(w.c.attributes(at.where, &a, &b)...)
	}
	entries, err := listDir(&w.lister, src)
	if err != nil {
		w.note(warning("unreadable", at.where, "%v", err))
	}
	rest, err := w.names(dst)
	if err != nil {
		w.note(problem("unreadable", at.where, "in the new store: %v", err))
	}
	w.entries(src, dst, at, depth, entries, rest)
	w.extra(at, rest)
}

// names lists a directory of the store.
func (w *treeComparer) names(dst int) (map[string]bool, error) {
	entries, err := w.lister.List(dst, nil)
	rest := make(map[string]bool, len(entries))
	for _, e := range entries {
		rest[e.Name] = true
	}
	return rest, err
}

// maxExtra bounds the lines about one directory.
const maxExtra = 100

// extra tells what the store has and the source not.
func (w *treeComparer) extra(at treePlace, rest map[string]bool) {
	var names []string
	for name := range rest {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i == maxExtra {
			w.note(problem("differs", at.where, "%d more names in the new store that the source does not have", len(names)-i))
			return
		}
		w.note(problem("differs", at.where+"/"+name, "in the new store; the source does not have it"))
	}
}

// entries compares what a directory of the source has. rest loses what the
// store has of it.
func (w *treeComparer) entries(src, dst int, at treePlace, depth int, entries []nms.Entry, rest map[string]bool) {
	isBox := false
	for _, e := range entries {
		switch e.Type {
		case nms.Directory:
			isBox = isBox || isMessageDir(e.Name)
		case nms.File:
			isBox = isBox || e.Name == indexName
			w.file(src, dst, e.Name, at.where+"/"+e.Name)
			delete(rest, e.Name)
		default:
			w.note(warning("not-a-file", at.where+"/"+e.Name, "a %s: left out", e.Type))
		}
	}
	if isBox && at.named && !at.inBox {
		w.res.counts.Mailboxes++
	}
	for _, e := range entries {
		if e.Type == nms.Directory {
			w.subdir(at, e.Name, depth, rest)
		}
	}
}

func (w *treeComparer) subdir(at treePlace, name string, depth int, rest map[string]bool) {
	below := treePlace{where: at.where + "/" + name, named: at.named}
	names := []string{name}
	switch {
	case isMessageDir(name) && !at.inBox:
		below.inBox, below.mailbox = true, at.mailbox
	case at.inBox:
		below.named = false
	default:
		names = w.folder(&below, at, name)
	}
	a, err := w.src.Enter(name)
	if err != nil {
		w.note(warning("unreadable", below.where, "open: %v", err))
		delete(rest, name)
		return
	}
	defer w.src.Leave()
	b := -1
	for _, try := range names {
		if b, err = w.dst.Enter(try); err == nil {
			delete(rest, try)
			break
		}
	}
	if err != nil {
		delete(rest, name)
		w.note(problem("missing", at.where, "directory %s: %v", name, err))
		return
	}
	defer w.dst.Leave()
	w.dir(a, b, below, depth+1)
}

// folder reads the name of a folder's directory into below, and says which
// names it may have in the store: its own or, for an odd spelling, the right
// one.
func (w *treeComparer) folder(below *treePlace, at treePlace, name string) []string {
	folder, spelt := readDiskName(name)
	ok := spelt
	if !spelt {
		folder, ok = readOddName(name)
	}
	if !ok || strings.ContainsAny(folder, "/\x00") || len(diskName(folder)) > maxComponent {
		below.named = false
		return []string{name}
	}
	below.mailbox = strings.TrimPrefix(at.mailbox+"/"+folder, "/")
	if spelt {
		return []string{name}
	}
	return []string{name, diskName(folder)}
}

// file compares one file.
func (w *treeComparer) file(src, dst int, name, at string) {
	var a, b unix.Stat_t
	if err := stat(src, name, &a); err != nil {
		w.note(warning("unreadable", at, "stat: %v", err))
		return
	}
	message := nms.IsMessage(name)
	if err := stat(dst, name, &b); err != nil {
		if !notThere(err) {
			w.note(problem("unreadable", at, "in the new store: %v", err))
		} else if unix.Faccessat(src, name, unix.R_OK, unix.AT_EACCESS) != nil {
			w.note(warning("unreadable", at, "nobody may read it: left out"))
		} else {
			w.note(problem("missing", at, "not in the new store"))
		}
		return
	}
	w.count(message, a.Size)
	switch {
	case b.Mode&unix.S_IFMT == unix.S_IFLNK:
		w.symlink(dst, name, at, message, &a, &b)
	case keyOf(&a) == keyOf(&b):
		w.sameFile(at, message, &a, &b)
	case b.Mode&unix.S_IFMT != unix.S_IFREG:
		w.note(problem("differs", at, "no regular file in the new store"))
	default:
		w.copy(src, dst, name, at, &a, &b)
	}
}

func (w *treeComparer) count(message bool, size int64) {
	if !message {
		w.res.counts.Others++
		return
	}
	w.res.counts.Messages++
	w.res.size += size
}

// symlink checks a symbolic link, which a message may be: its absolute target
// is the source's own file.
func (w *treeComparer) symlink(dst int, name, at string, message bool, a, link *unix.Stat_t) {
	if !message {
		w.note(problem("differs", at, "a symbolic link in the new store, where a copy belongs"))
		return
	}
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dst, name, target)
	var b unix.Stat_t
	if err == nil {
		err = unix.Fstatat(dst, name, &b, 0)
	}
	switch {
	case err != nil:
		w.note(problem("differs", at, "a symbolic link that leads nowhere: %v", err))
	case keyOf(a) != keyOf(&b):
		w.note(problem("differs", at, "a symbolic link to another file than the source's"))
	case n == 0 || target[0] != '/':
		w.note(problem("differs", at, "a symbolic link that is not absolute"))
	default:
		w.res.counts.SameFile++
	}
	w.note(w.c.ownerNote(at, a, link)...)
}

// sameFile checks a hard link to the source's own file, which a message may be.
func (w *treeComparer) sameFile(at string, message bool, a, b *unix.Stat_t) {
	if !message {
		w.note(problem("differs", at, "the same file as in the source, where a copy belongs: a server would change both"))
		return
	}
	w.res.counts.SameFile++
	w.note(w.c.ownerNote(at, a, b)...)
}

// copy checks a file of its own.
func (w *treeComparer) copy(src, dst int, name, at string, a, b *unix.Stat_t) {
	w.note(w.c.attributes(at, a, b)...)
	if a.Nlink == 1 && b.Nlink > 1 {
		w.note(problem("differs", at, "a hard link to another file in the new store, a file of its own in the source"))
	}
	if a.Nlink > 1 {
		if err := w.link(at, a, b); err != nil {
			w.res.err = err
		}
		if w.c.locks.compared(keyOf(a), keyOf(b)) {
			return
		}
	}
	if a.Size != b.Size {
		w.note(problem("differs", at, "other bytes in the new store: %d, in the source %d", b.Size, a.Size))
		return
	}
	res := w.bytes.compare(w.ctx, src, name, dst, name)
	w.res.counts.Bytes += res.n
	switch {
	case res.src != nil:
		w.note(warning("unreadable", at, "%v", res.src))
	case res.dst != nil:
		w.note(problem("unreadable", at, "in the new store: %v", res.dst))
	case !res.same:
		w.note(problem("differs", at, "other bytes in the new store, at or after offset %d", res.n))
	case a.Nlink > 1:
		w.c.locks.remember(keyOf(a), keyOf(b))
	}
}

// byteComparer compares files; its zero value is ready.
type byteComparer struct{ a, b []byte }

const compareBuf = 128 << 10

// compared is the result: n is the number of equal bytes.
type compared struct {
	same     bool
	n        int64
	src, dst error // of reading
}

// compare compares two files byte by byte.
func (c *byteComparer) compare(ctx context.Context, srcDir int, src string, dstDir int, dst string) compared {
	var res compared
	a, err := openFile(srcDir, src)
	if err != nil {
		res.src = fmt.Errorf("open: %w", err)
		return res
	}
	defer unix.Close(a)
	b, err := openFile(dstDir, dst)
	if err != nil {
		res.dst = fmt.Errorf("open: %w", err)
		return res
	}
	defer unix.Close(b)
	var st unix.Stat_t
	if err := unix.Fstat(a, &st); err != nil {
		res.src = fmt.Errorf("stat: %w", err)
		return res
	}
	if c.a == nil {
		c.a, c.b = make([]byte, compareBuf), make([]byte, compareBuf)
	}
	for {
		if ctx.Err() != nil {
			res.src = context.Cause(ctx)
			return res
		}
		n, err := readSome(a, c.a, st.Size-res.n)
		if err != nil {
			res.src = err
			return res
		}
		m, err := readSome(b, c.b, st.Size-res.n)
		if err != nil {
			res.dst = err
			return res
		}
		if string(c.a[:n]) != string(c.b[:m]) {
			return res
		}
		res.n += int64(n)
		if n < len(c.a) || res.n >= st.Size {
			res.same = true
			return res
		}
	}
}
