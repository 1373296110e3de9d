package relocate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// treeCounts is what a walk of one user's tree counts.
type treeCounts struct {
	Mailboxes int64
	Messages  int64
	Others    int64 // index, subscription and unknown files
	Bytes     int64 // of the messages, each reference at full size
	Copied    int64 // bytes written
	Linked    int64 // files that became hard links to the source
	Shared    int64 // files that became hard links to an earlier copy
	Fallback  int64 // files that could not be linked and were copied
}

// treeVisitor does something with what a walk meets. The walk owns the
// descriptors; dst is what enter returned for the directory, -1 at the least.
type treeVisitor interface {
	file(w *userWalk, src, dst int, name, where string, message bool) error
	enter(w *userWalk, dst int, name string, st *unix.Stat_t) (int, error)
	leave(w *userWalk, dst int, st *unix.Stat_t, top bool) error
}

// userWalk walks one user's directory. What is wrong with the source becomes a
// note and the walk goes on; an error is one of the destination, or the end of
// the run.
type userWalk struct {
	visitor treeVisitor
	repair  bool   // write folder names that are spelt oddly as the layout spells them
	where   string // the user's directory, for notes
	lister  nms.Lister
	src     nms.Descent   // from the user's directory to the current one
	dst     nms.Descent   // its counterpart
	levels  [][]nms.Entry // one listing a depth, reused from tree to tree

	counts treeCounts
	boxes  []string // mailboxes met, "" for INBOX, sorted when the walk is over
	notes  []storeconv.Note
	moved  int64 // folders whose name was put right

	at string // for enter and leave: the directory
}

func (w *userWalk) reset(where string) {
	w.where = where
	w.counts = treeCounts{}
	w.boxes = w.boxes[:0]
	w.notes = w.notes[:0]
	w.moved = 0
}

func (w *userWalk) problem(kind, where, text string) {
	w.notes = append(w.notes, storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: where, Text: text})
}

// top walks the user's directory, open as src, into dst.
func (w *userWalk) top(src, dst int) error {
	var st unix.Stat_t
	if err := unix.Fstat(src, &st); err != nil {
		if ims.OfMachine(err) {
			return err
		}
		w.problem("unreadable", w.where, fmt.Sprintf("stat: %v", err))
		return nil
	}
	w.src.Start(src)
	w.dst.Start(dst)
	defer w.src.End()
	defer w.dst.End()
	if err := w.dir(place{where: w.where, named: true}, 0); err != nil {
		return err
	}
	slices.Sort(w.boxes)
	w.at = w.where
	return w.visitor.leave(w, dst, &st, true)
}

// place is where in the tree a walk is.
type place struct {
	where   string // for notes
	mailbox string // name below the user, "" for INBOX
	named   bool   // mailbox is known: every component decoded
	inBox   bool   // a message directory
}

// dir walks one directory: first its files, then what lies below.
func (w *userWalk) dir(at place, depth int) error {
	if depth > nms.MaxDepth {
		w.problem("too-deep", at.where, fmt.Sprintf("more than %d folders inside each other: left out", nms.MaxDepth))
		return nil
	}
	if len(w.levels) == depth {
		w.levels = append(w.levels, nil)
	}
	src, dst, err := w.here()
	if err != nil {
		return fmt.Errorf("%s: %w", at.where, err)
	}
	entries, err := w.lister.List(src, w.levels[depth][:0])
	w.levels[depth] = entries
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		w.problem("unreadable", at.where, err.Error())
	}
	isBox := false
	for i := range entries {
		e := &entries[i]
		switch e.Type {
		case nms.Directory:
			isBox = isBox || nms.IsMessageDir(e.Name)
		case nms.File:
			isBox = isBox || e.Name == ims.IndexName
			if err := w.file(src, dst, at, e.Name); err != nil {
				return err
			}
		default:
			w.problem("not-a-file", at.where+"/"+e.Name, "a "+e.Type.String()+": left out")
		}
	}
	if isBox && at.named && !at.inBox {
		w.counts.Mailboxes++
		w.boxes = append(w.boxes, at.mailbox)
	}
	for i := range entries {
		// The listing of this depth is not reused before this loop is over.
		if e := &entries[i]; e.Type == nms.Directory {
			if err := w.subdir(at, e.Name, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// here returns the current directory and its counterpart, -1 where there is
// none.
func (w *userWalk) here() (src, dst int, err error) {
	if src, err = w.src.FD(); err != nil {
		return -1, -1, err
	}
	dst, err = w.dst.FD()
	return src, dst, err
}

func (w *userWalk) file(src, dst int, at place, name string) error {
	message := nms.IsMessage(name)
	if message {
		w.counts.Messages++
	} else {
		w.counts.Others++
	}
	err := w.visitor.file(w, src, dst, name, at.where, message)
	if durable.IsSource(err) {
		if message {
			w.counts.Messages--
		} else {
			w.counts.Others--
		}
		w.problem("unreadable", at.where+"/"+name, err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s/%s: %w", at.where, name, err)
	}
	return nil
}

func (w *userWalk) subdir(at place, name string, depth int) error {
	below := place{where: at.where + "/" + name, named: at.named}
	newName := name
	switch {
	case nms.IsMessageDir(name) && !at.inBox:
		below.inBox, below.mailbox = true, at.mailbox
	case at.inBox:
		w.problem("stray-directory", below.where, "a directory among messages: carried over as it is")
		below.named = false
	default:
		newName = w.folder(&below, at, name)
	}
	st, ok, err := w.enterSource(name, below.where)
	if !ok || err != nil {
		return err
	}
	w.at = below.where
	if err := w.enter(newName, &st); err != nil {
		return fmt.Errorf("%s: %w", below.where, err)
	}
	if err := w.dir(below, depth+1); err != nil {
		return err
	}
	w.at = below.where
	if err := w.leave(&st); err != nil {
		return fmt.Errorf("%s: %w", below.where, err)
	}
	return nil
}

// enterSource goes to a directory of the source. ok is false when it cannot be
// read, which is told.
func (w *userWalk) enterSource(name, where string) (st unix.Stat_t, ok bool, err error) {
	at, err := w.src.FD()
	fd := -1
	if err == nil {
		fd, err = nms.OpenDir(at, name)
	}
	if err != nil {
		if ims.OfMachine(err) {
			return st, false, err
		}
		w.problem("unreadable", where, fmt.Sprintf("open: %v", err))
		return st, false, nil
	}
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		w.problem("unreadable", where, fmt.Sprintf("stat: %v", err))
		return st, false, nil
	}
	return st, true, w.src.Add(name, fd)
}

// enter goes to the counterpart of the directory that the walk has entered.
func (w *userWalk) enter(name string, st *unix.Stat_t) error {
	at, err := w.dst.FD()
	if err != nil {
		return err
	}
	fd, err := w.visitor.enter(w, at, name, st)
	if err != nil {
		return err
	}
	return w.dst.Add(name, fd)
}

// leave goes back from a directory and its counterpart to those above.
func (w *userWalk) leave(st *unix.Stat_t) error {
	at, err := w.dst.FD()
	if err == nil {
		err = w.visitor.leave(w, at, st, false)
	}
	return errors.Join(err, w.dst.Leave(), w.src.Leave())
}

// folder decodes the name of a folder's directory into below and returns the
// name it gets.
func (w *userWalk) folder(below *place, at place, name string) string {
	component, canonical, err := decodeComponent(name)
	if err == nil && canonical != name && !w.repair {
		err = fmt.Errorf("written %s by the rule of the layout", canonical)
	}
	if err != nil {
		w.problem("bad-name", below.where, fmt.Sprintf("folder name: %v: carried over as it is", err))
		below.named = false
		return name
	}
	below.mailbox = strings.TrimPrefix(at.mailbox+"/"+component, "/")
	if canonical != name {
		w.moved++
	}
	return canonical
}

// cloner is the visitor that makes the new tree.
type cloner struct {
	via     Via
	files   durable.Cloner
	euid    int
	srcPath string // absolute path of the directory that notes call srcName, for symbolic links
	srcName string
}

func (c *cloner) file(w *userWalk, src, dst int, name, where string, message bool) error {
	if message && c.via != ViaCopy {
		done, err := c.link(w, src, dst, name, where)
		if done || err != nil {
			return err
		}
	}
	copied, err := c.files.Copy(src, name, dst, name)
	if err != nil {
		return err
	}
	w.checkMode(copied.Mode, where, name)
	if message && copied.Cut {
		w.problem("cut-date", where+"/"+name, "the new file system cannot keep the date of this message, which is nowhere else")
	}
	if message {
		w.counts.Bytes += copied.Size
	}
	if copied.Linked {
		w.counts.Shared++
	} else {
		w.counts.Copied += copied.Size
	}
	return nil
}

// checkMode lists a file that only root could read.
func (w *userWalk) checkMode(mode uint32, where, name string) {
	if mode&0o444 == 0 {
		w.problem("unreadable", where+"/"+name, fmt.Sprintf("mode %04o, nobody may read it: carried over as it is", mode&0o7777))
	}
}

// link makes the new name of a message without a second copy of it; done is
// false where the file system cannot, and the message must be copied.
func (c *cloner) link(w *userWalk, src, dst int, name, where string) (done bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return false, &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	if err := c.mayRead(src, name, &st); err != nil {
		return false, &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	if c.via == ViaSymlink {
		err = c.files.FS.Symlinkat(c.srcPath+strings.TrimPrefix(where, c.srcName)+"/"+name, dst, name)
		if err == nil {
			err = c.files.OwnLink(dst, name)
		}
	} else {
		err = c.files.FS.Linkat(src, name, dst, name)
	}
	switch err {
	case nil:
		w.checkMode(st.Mode, where, name)
		w.counts.Linked++
		w.counts.Bytes += st.Size
		return true, nil
	case unix.EMLINK, unix.EXDEV, unix.EPERM, unix.ENOSYS, unix.EOPNOTSUPP:
		// Too many links, another file system mounted inside the tree, or files
		// of another owner under fs.protected_hardlinks.
		w.counts.Fallback++
		return false, nil
	case unix.ENOENT, unix.EACCES:
		return false, &durable.SourceError{Err: fmt.Errorf("link: %w", err)}
	}
	return false, fmt.Errorf("link: %w", err)
}

// mayRead tells whether the process may read a file that it links and never
// opens: a message that is unreadable is so whatever the way.
func (c *cloner) mayRead(dir int, name string, st *unix.Stat_t) error {
	if c.euid == 0 || int(st.Uid) == c.euid && st.Mode&0o400 != 0 {
		return nil
	}
	return unix.Faccessat(dir, name, unix.R_OK, unix.AT_EACCESS)
}

func (c *cloner) enter(_ *userWalk, dst int, name string, _ *unix.Stat_t) (int, error) {
	if err := c.files.FS.Mkdirat(dst, name, 0o700); err != nil {
		return -1, fmt.Errorf("make directory: %w", err)
	}
	fd, err := durable.OpenIn(c.files.FS, dst, name)
	if err != nil {
		return -1, fmt.Errorf("open new directory: %w", err)
	}
	return fd, nil
}

// leave gives a finished directory its attributes. The topmost one stays
// writable for its owner until it is in place, since a rename to another parent
// asks for that.
func (c *cloner) leave(_ *userWalk, dst int, st *unix.Stat_t, top bool) error {
	var keep uint32
	if top {
		keep = 0o200
	}
	return c.files.Finish(dst, st, keep)
}

// scanner is the visitor of a dry run: it looks and writes nothing.
type scanner struct{}

func (s *scanner) file(w *userWalk, src, _ int, name, where string, message bool) error {
	if err := unix.Faccessat(src, name, unix.R_OK, unix.AT_EACCESS); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("open: %w", err)}
	}
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &durable.SourceError{Err: fmt.Errorf("stat: %w", err)}
	}
	w.checkMode(st.Mode, where, name)
	if message {
		w.counts.Bytes += st.Size
	}
	return nil
}

func (s *scanner) enter(*userWalk, int, string, *unix.Stat_t) (int, error) { return -1, nil }
func (s *scanner) leave(*userWalk, int, *unix.Stat_t, bool) error          { return nil }
