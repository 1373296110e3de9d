package verify

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/nms"
)

// userTask is one directory of a user in one partition of the source, or,
// without a name, notes that are told in their turn.
type userTask struct {
	notes  []storeconv.Note
	number uint64 // in the order of the walk
	from   string // the directory in the source
	where  string // for messages
	id     string // "": a tree that is no user's
	newID  string
	part   *part
	to     []string // where the store may have it, the likeliest first
	odd    string   // why a relocation may have left it out; "": it may not

	res treeResult
}

// treeResult is what comparing one tree found.
type treeResult struct {
	notes   []storeconv.Note
	missing bool
	counts  NMSReport
	size    int64 // of the messages
	err     error // of the run
}

// trees compares the trees of all users.
func (c *comparison) trees(ctx context.Context) error {
	return ordered(ctx, c.src.opts.Jobs,
		func(_ context.Context, send func(*userTask) error) error {
			w := &userWalk{c: c, out: send}
			return w.run()
		},
		func() func(context.Context, *userTask) {
			w := &treeComparer{c: c}
			return func(ctx context.Context, t *userTask) {
				if t.from != "" {
					t.res = w.compare(ctx, t)
				}
			}
		},
		c.takeTree,
		func(*userTask) {})
}

// takeTree takes the result of one tree.
func (c *comparison) takeTree(t *userTask) error {
	c.tell(t.notes...)
	c.tell(t.res.notes...)
	if t.from == "" || t.res.err != nil {
		return t.res.err
	}
	r, got := &c.report, &t.res.counts
	if t.id != "" {
		r.Users++
	}
	if t.res.missing {
		r.Missing++
		return nil
	}
	r.Mailboxes += got.Mailboxes
	r.Messages += got.Messages
	r.Others += got.Others
	r.Bytes += got.Bytes
	r.SameFile += got.SameFile
	if t.id == "" {
		return nil
	}
	var sum [16]byte
	binary.BigEndian.PutUint64(sum[:8], uint64(t.res.size))
	binary.BigEndian.PutUint64(sum[8:], uint64(got.Messages))
	return c.usage.Add([]byte(t.newID), sum[:])
}

// userWalk finds the users of the source.
type userWalk struct {
	c      *comparison
	out    func(*userTask) error
	notes  []storeconv.Note
	number uint64
	lister nms.Lister
}

func (w *userWalk) run() error {
	for _, p := range w.c.src.parts {
		if err := w.part(p); err != nil {
			return err
		}
	}
	return w.send(&userTask{})
}

func (w *userWalk) send(t *userTask) error {
	t.notes, w.notes = w.notes, nil
	t.number = w.number
	w.number++
	return w.out(t)
}

// warn notes a fault of the source, which a relocation lists too.
func (w *userWalk) warn(kind, where, format string, args ...any) {
	if w.c.src.part.first { // it concerns no user
		w.notes = append(w.notes, warning(kind, where, format, args...))
	}
}

func (w *userWalk) part(p *part) error {
	if !p.hasUsers {
		w.warn("no-users", p.where, "no %s directory: nothing to compare here", nms.UserRoot)
		return nil
	}
	w.sharedDir(p.path, "partition/"+p.newName)
	if err := w.level(p, "", 0); err != nil {
		return err
	}
	return w.beside(p)
}

// beside looks at what a partition holds beside =user: trees of mailboxes that
// are no user's go over with all users, anything else does not.
func (w *userWalk) beside(p *part) error {
	dir, err := nms.OpenPath(p.path)
	if err != nil {
		w.warn("unreadable", p.where, "%v", err)
		return nil
	}
	defer unix.Close(dir)
	entries, err := listDir(&w.lister, dir)
	if err != nil {
		w.warn("unreadable", p.where, "%v", err)
	}
	for _, e := range entries {
		switch {
		case e.Name == nms.UserRoot || e.Name == "lost+found":
		case e.Type != nms.Directory || e.Name[0] != '=':
			w.warn("not-a-user", p.where+"/"+e.Name, "beside %s: not carried over", nms.UserRoot)
		case w.c.src.takesRest():
			t := &userTask{part: p, from: filepath.Join(p.path, e.Name), where: p.where + "/" + e.Name, to: []string{"partition/" + p.newName + "/" + e.Name}}
			if err := w.send(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// hashLevels is how many directories lie between =user and a user.
const hashLevels = 2

// level walks a directory that lies depth levels below =user, as path says.
func (w *userWalk) level(p *part, path string, depth int) error {
	from := filepath.Join(p.path, nms.UserRoot, path)
	where := filepath.Join(p.where, nms.UserRoot, path)
	w.sharedDir(from, filepath.Join("partition", p.newName, nms.UserRoot, path))
	dir, err := nms.OpenPath(from)
	if err != nil {
		w.warn("unreadable", where, "%v", err)
		return nil
	}
	entries, err := listDir(&w.lister, dir)
	unix.Close(dir)
	if err != nil {
		w.warn("unreadable", where, "%v", err)
	}
	for _, e := range entries {
		at := where + "/" + e.Name
		err = nil
		switch {
		case e.Type != nms.Directory:
			w.warn("not-a-user", at, "a %s where users are: left out", e.Type)
		case e.Name[0] == '=':
			err = w.user(p, path, e.Name, at)
		case depth == hashLevels:
			w.warn("bad-name", at, "user name: no = in front: left out")
		default:
			err = w.level(p, filepath.Join(path, e.Name), depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sharedDir compares a directory that users share, if both stores have it. Its
// owner may be allowed everything, and its time is that of the last batch.
func (w *userWalk) sharedDir(from, to string) {
	var a, b unix.Stat_t
	if unix.Stat(from, &a) != nil || unix.Fstatat(w.c.root, to, &b, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return
	}
	if b.Mode != a.Mode && b.Mode != a.Mode|0o700 {
		w.notes = append(w.notes, problem("differs", to, "mode %04o, in the source %04o", b.Mode&0o7777, a.Mode&0o7777))
	}
	w.notes = append(w.notes, w.c.ownerNote(to, &a, &b)...)
}

// user hands out one user's directory, which lies in the hash directories hash.
func (w *userWalk) user(p *part, hash, name, where string) error {
	id, spelt := readDiskName(name)
	if !spelt {
		var ok bool
		if id, ok = readOddName(name); !ok || len(diskName(id)) > maxComponent {
			w.warn("bad-name", where, "user name: it cannot be read: left out")
			return nil
		}
	}
	if strings.ContainsAny(id, "/\x00") {
		w.warn("bad-name", where, "user name: name %q has a slash or a NUL in it: left out", id)
		return nil
	}
	newID, ok, notes := w.c.choose(id, where)
	w.notes = append(w.notes, notes...)
	if !ok {
		return nil
	}
	t := &userTask{part: p, from: filepath.Join(p.path, nms.UserRoot, hash, name), where: where, id: id, newID: newID}
	w.places(t, hash, name, spelt)
	return w.send(t)
}

// places says where the store may have a user. One that does not lie where
// hashdir says is carried over as it lies, or, as one of an odd spelling, put
// right, unless that place is taken.
func (w *userWalk) places(t *userTask, hash, name string, spelt bool) {
	right := userDir(t.part.newName, t.newID)
	if spelt && hash == hashDirs(t.id) {
		t.to = []string{right}
		return
	}
	t.odd = "it has an odd place or spelling"
	if spelt && t.newID == t.id {
		t.to = append(t.to, filepath.Join("partition", t.part.newName, nms.UserRoot, hash, name))
		t.odd = ""
	}
	if t.part.hasDirectory(t.id, inbox) {
		t.odd = fmt.Sprintf("another directory of user %s has its place", t.id)
		return
	}
	t.to = append(t.to, right)
	if spelt && t.newID != t.id {
		t.odd = ""
	}
}

// Names of one file of the source are names of one file of the store. They are
// collected while the trees are compared and looked at when all have been, so
// that it does not matter which worker came first.

// links is what the workers share.
type links struct {
	mu   sync.Mutex
	same map[[2]fileKey]bool // pairs of files known to be equal
}

// maxPairs bounds same: some 20 MiB.
const maxPairs = 1 << 17

// compared tells whether two files have been found equal before.
func (l *links) compared(a, b fileKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.same[[2]fileKey{a, b}]
}

func (l *links) remember(a, b fileKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.same == nil {
		l.same = make(map[[2]fileKey]bool)
	}
	for old := range l.same {
		if len(l.same) < maxPairs {
			break
		}
		delete(l.same, old)
	}
	l.same[[2]fileKey{a, b}] = true
}

// link collects one name of a file with several names in the source, which is
// file b in the store. Sorted, the names of a file come together, in the order
// of the walk.
func (w *treeComparer) link(at string, a, b *unix.Stat_t) error {
	key := make([]byte, 0, 28)
	key = binary.BigEndian.AppendUint64(key, uint64(a.Dev))
	key = binary.BigEndian.AppendUint64(key, a.Ino)
	key = binary.BigEndian.AppendUint64(key, w.task.number)
	key = binary.BigEndian.AppendUint32(key, w.ordinal)
	w.ordinal++
	value := make([]byte, 0, 16+len(at))
	value = binary.BigEndian.AppendUint64(value, uint64(b.Dev))
	value = binary.BigEndian.AppendUint64(value, b.Ino)
	value = append(value, at...)
	w.c.locks.mu.Lock()
	defer w.c.locks.mu.Unlock()
	return w.c.links.Add(key, value)
}

// checkLinks tells of names that have become files of their own. Between users
// that may be the work of several runs: each copies for its own users.
func (c *comparison) checkLinks(ctx context.Context) error {
	var file, user, ofFile, ofUser []byte
	return c.links.Drain(func(key, value []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at, copied := string(value[16:]), value[:16]
		newFile := !bytes.Equal(file, key[:16])
		newUser := newFile || !bytes.Equal(user, key[16:24])
		switch {
		case newFile:
		case !newUser && !bytes.Equal(copied, ofUser):
			c.tell(problem("differs", at, "hard links of the source are files of their own in the new store"))
		case newUser && !bytes.Equal(copied, ofFile):
			c.tell(warning("copied-link", at, "hard links of the source are files of their own in the new store, as several runs make them"))
		}
		if newFile {
			file, ofFile = append(file[:0], key[:16]...), append(ofFile[:0], copied...)
		}
		if newUser {
			user, ofUser = append(user[:0], key[16:24]...), append(ofUser[:0], copied...)
		}
		return nil
	})
}
