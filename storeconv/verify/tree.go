package verify

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/nms"
)

// indexName is the base name of a mailbox's index; expireRule of the rules
// that a server may keep at several levels.
const (
	indexName  = "store.idx"
	expireRule = "store.expirerule"
)

// mailbox is one directory of messages, open.
type mailbox struct {
	partition, id, name string
	path                string // under the store
	userPath            string // of the user
	fd                  int
	hasIndex            bool
	dirs                []string // of messages
}

func (b *mailbox) fullName() string { return fullName(b.id, b.name) }

// isInbox tells the user's own directory from a folder of the name INBOX, which
// is no mailbox and may hold some.
func (b *mailbox) isInbox() bool { return b.path == b.userPath }

// task is one mailbox, or the end of a user, on its way through the workers.
// Results are taken in the order of the walk.
type task struct {
	box    *mailbox // nil: only notes, or the end of a user
	shared *sharedDir
	end    bool             // the user is complete
	notes  []storeconv.Note // what the walk met before this
	res    boxResult
}

// tree walks the store and checks every mailbox.
func (v *verifier) tree(ctx context.Context) error {
	return ordered(ctx, v.opts.Jobs,
		func(ctx context.Context, send func(*task) error) error {
			w := &treeWalk{v: v, out: send}
			return w.run()
		},
		func() func(context.Context, *task) {
			c := newBoxChecker(v)
			return func(ctx context.Context, t *task) {
				if t.box != nil {
					t.res = c.check(ctx, t.box)
					unix.Close(t.box.fd)
				}
			}
		},
		v.take,
		func(t *task) {
			if t.box != nil {
				unix.Close(t.box.fd)
			}
		})
}

// take is the end of a task's way.
func (v *verifier) take(t *task) error {
	v.tell(t.notes...)
	switch {
	case t.box != nil:
		return v.takeMailbox(t)
	case t.end:
		v.endUser()
	}
	return nil
}

// treeWalk finds the mailboxes and hands them out.
type treeWalk struct {
	v      *verifier
	out    func(*task) error
	notes  []storeconv.Note
	lister nms.Lister
}

func (w *treeWalk) run() error {
	for i, p := range w.v.partitions {
		if err := w.partition(i, "partition/"+p); err != nil {
			return err
		}
	}
	return w.send(&task{})
}

// send hands a task on, with what has been noted before it.
func (w *treeWalk) send(t *task) error {
	t.notes, w.notes = w.notes, nil
	return w.out(t)
}

// stray notes what has no place in a store. What the origin has at this place,
// with the same content, is a warning.
func (w *treeWalk) stray(kind, path, format string, args ...any) {
	n := problem(kind, path, format, args...)
	if o := w.v.origin; o != nil && o.has(w.v.root, path) {
		n.Severity, n.Text = storeconv.Warning, n.Text+" (as in the source)"
	}
	w.notes = append(w.notes, n)
}

// empty notes a directory that holds nothing. Nothing is lost with it, and
// servers leave such behind.
func (w *treeWalk) empty(path, what string) {
	w.notes = append(w.notes, warning("empty-directory", path, "%s", what))
}

func (w *treeWalk) unreadable(path string, err error) {
	w.notes = append(w.notes, problem("unreadable", path, "%v", err))
}

// shared makes the sharedDir of an open directory.
func (w *treeWalk) shared(fd int, path string, above *sharedDir) *sharedDir {
	d := &sharedDir{above: above}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil {
		d.notes = w.v.owner.attributes(path, &st)
	}
	return d
}

// partition walks the users of the partition with that number.
func (w *treeWalk) partition(number int, path string) error {
	dir, err := openDown(w.v.root, path)
	if err != nil {
		w.unreadable(path, err)
		return nil
	}
	defer unix.Close(dir)
	entries, err := listDir(&w.lister, dir)
	if err != nil {
		w.unreadable(path, err)
	}
	top := false
	for _, e := range entries {
		switch {
		case e.Name == "=user":
			top = true
		case e.Name != expireRule:
			w.stray("stray-file", path+"/"+e.Name, "no part of a partition")
		}
	}
	if !top {
		w.empty(path, "a partition without =user")
		return nil
	}
	shared := w.shared(dir, path, nil)
	return w.hashDir(number, dir, "=user", path+"/=user", 2, shared)
}

// hashDir walks a directory that lies depth levels above the users.
func (w *treeWalk) hashDir(number, parent int, name, path string, depth int, above *sharedDir) error {
	dir, err := nms.OpenDir(parent, name)
	if err != nil {
		w.unreadable(path, err)
		return nil
	}
	defer unix.Close(dir)
	entries, err := listDir(&w.lister, dir)
	if err != nil {
		w.unreadable(path, err)
	}
	if err == nil && len(entries) == 0 {
		w.empty(path, "a directory of no user")
	}
	shared := w.shared(dir, path, above)
	for _, e := range entries {
		at := path + "/" + e.Name
		switch {
		case depth == 0:
			err = w.userEntry(number, path, e, shared)
		case e.Type != nms.Directory || !isHashDir(e.Name):
			w.stray("stray-file", at, "not a hash directory")
		default:
			err = w.hashDir(number, dir, e.Name, at, depth-1, shared)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// userEntry looks at a name where users are.
func (w *treeWalk) userEntry(number int, path string, e nms.Entry, shared *sharedDir) error {
	at := path + "/" + e.Name
	id, ok := readDiskName(e.Name)
	switch {
	case !ok || e.Type != nms.Directory:
		w.stray("stray-file", at, "not the directory of a user")
		return nil
	case checkUser(id) != nil:
		w.stray("stray-file", at, "not the directory of a user: %v", checkUser(id))
		return nil
	case !strings.HasSuffix(path, "/"+hashDirs(id)):
		w.stray("misplaced", at, "in the wrong hash directory, user %s belongs in %s", id, hashDirs(id))
		return nil
	}
	if !w.v.takesStored(id) {
		return nil
	}
	return w.user(number, id, shared)
}

// user hands out the mailboxes of a user, of all partitions together when the
// first that has the user comes.
func (w *treeWalk) user(number int, id string, shared *sharedDir) error {
	for i, p := range w.v.partitions {
		path := userDir(p, id)
		var st unix.Stat_t
		if i != number && stat(w.v.root, path, &st) != nil {
			continue
		}
		if i < number {
			return nil
		}
		dir, err := openDown(w.v.root, path)
		if err != nil {
			if i == number {
				w.unreadable(path, err)
			}
			continue
		}
		if err := w.mailbox(&mailbox{partition: p, id: id, name: inbox, path: path, userPath: path, fd: dir}, shared); err != nil {
			return err
		}
	}
	return w.send(&task{end: true})
}

// mailbox hands out a directory when it is a mailbox, and goes down. It closes
// the directory, or its taker does. None is open while the folders below it are
// looked at: they may be nested deeper than a process may open files.
func (w *treeWalk) mailbox(box *mailbox, shared *sharedDir) error {
	folders := w.contents(box)
	isBox := box.hasIndex || len(box.dirs) > 0 || box.isInbox()
	if isBox && !box.isInbox() && standard(box.name) == inbox {
		w.stray("stray-file", box.path, "a mailbox in a folder of the name %s", box.name)
		isBox = false
	}
	// Without indexes, an empty mailbox has nothing else there.
	if len(folders) == 0 && !box.hasIndex && len(box.dirs) == 0 && !w.v.opts.NoIndex {
		w.empty(box.path, "neither index nor messages nor folders")
	}
	if isBox {
		if err := w.send(&task{box: box, shared: shared}); err != nil {
			return err
		}
	} else {
		shared = w.shared(box.fd, box.path, shared)
		unix.Close(box.fd)
	}
	for _, folder := range folders {
		if err := w.folder(box, folder, shared); err != nil {
			return err
		}
	}
	return nil
}

// folder goes into one folder below a mailbox.
func (w *treeWalk) folder(box *mailbox, folder string, shared *sharedDir) error {
	name := folder
	if !box.isInbox() {
		name = box.name + "/" + folder
	}
	path := box.path + "/" + diskName(folder)
	if err := checkMailbox(name); err != nil {
		w.stray("stray-file", path, "%v", err)
		return nil
	}
	sub, err := openDown(w.v.root, path)
	if err != nil {
		w.unreadable(path, err)
		return nil
	}
	return w.mailbox(&mailbox{partition: box.partition, id: box.id, name: name, path: path, userPath: box.userPath, fd: sub}, shared)
}

// contents lists the directory of a mailbox and returns the folders below it,
// in byte order of their names.
func (w *treeWalk) contents(box *mailbox) (folders []string) {
	entries, err := listDir(&w.lister, box.fd)
	if err != nil {
		w.unreadable(box.path, err)
	}
	for _, e := range entries {
		switch name := e.Name; {
		case name == indexName && e.Type == nms.File:
			box.hasIndex = true
		case isMessageDir(name) && e.Type == nms.Directory:
			box.dirs = append(box.dirs, name)
		case name[0] == '=' && e.Type == nms.Directory:
			folder, ok := readDiskName(name)
			if !ok || strings.ContainsRune(folder, '/') {
				w.stray("stray-file", box.path+"/"+name, "not the directory of a folder")
				continue
			}
			folders = append(folders, folder)
		case isServerFile(name) && e.Type == nms.File:
		default:
			w.stray("stray-file", box.path+"/"+name, "no part of a mailbox")
		}
	}
	slices.Sort(folders)
	return folders
}

// isServerFile: files that servers keep beside the index, never looked into.
func isServerFile(name string) bool {
	switch name {
	case "store.usr", "store.sub", "store.exp", expireRule:
		return true
	}
	return false
}

// openMailbox opens one mailbox by its name. It belongs to the goroutine that
// takes results.
func (v *verifier) openMailbox(partition, id, name string) (*mailbox, error) {
	box := &mailbox{partition: partition, id: id, name: name, path: mailboxDir(partition, id, name), userPath: userDir(partition, id)}
	var err error
	if box.fd, err = openDown(v.root, box.path); err != nil {
		return nil, err
	}
	entries, err := listDir(&v.lister, box.fd)
	if err != nil {
		unix.Close(box.fd)
		return nil, err
	}
	for _, e := range entries {
		if e.Name == indexName && e.Type == nms.File {
			box.hasIndex = true
		} else if isMessageDir(e.Name) && e.Type == nms.Directory {
			box.dirs = append(box.dirs, e.Name)
		}
	}
	return box, nil
}
