package carry

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

// A Visitor does something with what a walk meets. The walk owns the
// descriptors that it gives away. dst, the counterpart of the directory that
// the walk is in, is what Enter returned for it; -1: there is none.
type Visitor interface {
	// File is told of the file name in the open directory src. A
	// *[durable.SourceError] leaves the file out and is noted; any other error
	// ends the walk.
	File(w *Walk, src, dst int, name string, message bool) error
	// Enter opens the counterpart of the directory that the walk goes down to,
	// which is [Walk.At]: name in the open directory dst. -1: there is none.
	Enter(w *Walk, dst int, name string) (int, error)
	// Leave is told that everything in the directory [Walk.At] has been visited.
	// st is of the source; top tells that the walk began in it.
	Leave(w *Walk, dst int, st *unix.Stat_t, top bool) error
}

// Names reads the names in a tree. One serves one Walk.
type Names interface {
	// Message tells whether a file is a message. inBox: it lies in a message
	// directory.
	Message(name string, inBox bool) bool
	// Folder reads the name of the directory [Walk.At], which is no message
	// directory: the part of a mailbox name that it stands for, and the name that
	// its counterpart has. Where ok is false, neither it nor anything below it is
	// met as a mailbox.
	Folder(w *Walk, name string) (component, counterpart string, ok bool)
	// Stray is told of the directory [Walk.At] among messages, which is walked
	// like any other, and is no mailbox.
	Stray(w *Walk)
}

// Counts is what a walk of a tree counts.
type Counts struct {
	Mailboxes int64 `json:"mailboxes"`
	Messages  int64 `json:"messages"`    // files, each reference counted
	Others    int64 `json:"other_files"` // index and other files of the mailboxes
	Bytes     int64 `json:"bytes"`       // of the messages, each reference at full size
	Copied    int64 `json:"bytes_copied"`
	Linked    int64 `json:"linked"`      // messages linked to the source
	Shared    int64 `json:"shared"`      // files that became links to an earlier copy
	Fallback  int64 `json:"link_failed"` // messages copied because they could not be linked
}

// Add adds the counts of one more tree.
func (c *Counts) Add(more *Counts) {
	c.Mailboxes += more.Mailboxes
	c.Messages += more.Messages
	c.Others += more.Others
	c.Bytes += more.Bytes
	c.Copied += more.Copied
	c.Linked += more.Linked
	c.Shared += more.Shared
	c.Fallback += more.Fallback
}

// A Walk goes through trees, one after the other, each together with its
// counterpart. It holds a few open directories at any depth, and one listing a
// level. It belongs to one goroutine.
type Walk struct {
	// Of the last tree; the slices are reused for the next.
	Counts Counts
	Boxes  []string // mailboxes met, "" for INBOX, in byte order
	Notes  []storeconv.Note
	Gaps   []string // files and directories that could not be read, in the order of the walk; each has a note

	// Index is told of each mailbox that has an index, whatever a visitor made of
	// it. dir is the directory of the mailbox, open, which the walk is at. Nil:
	// nobody is.
	Index func(w *Walk, dir int)

	names   Names
	visitor Visitor
	lister  nms.Lister
	src     nms.Descent   // from the tree's top to the current directory
	dst     nms.Descent   // its counterpart
	levels  [][]nms.Entry // one listing a depth, reused from tree to tree
	at      string        // the current directory, for notes
	short   []bool        // of each directory on the way to the current one: something in it could not be read
}

// NewWalk is a walk of trees whose counterparts lie in the file system f; nil:
// the operating system's.
func NewWalk(f durable.FS, names Names) *Walk {
	if f == nil {
		f = durable.OS
	}
	open := func(dir int, name string) (int, error) { return durable.OpenIn(f, dir, name) }
	return &Walk{names: names, dst: nms.Descent{Open: open, Close: f.Close, Stat: f.Fstat}}
}

// Top is where a walk begins.
type Top struct {
	Where    string // the tree, for notes
	Src, Dst int    // the tree and its counterpart, open; they stay the caller's; Dst -1: there is none
	Stat     unix.Stat_t
}

// Tree walks one tree. What is wrong with it becomes a note, and the walk goes
// on; an error is one of the counterpart, of the visitor or of the machine.
func (w *Walk) Tree(v Visitor, top *Top) error {
	w.visitor = v
	w.Counts, w.Boxes, w.Notes, w.Gaps = Counts{}, w.Boxes[:0], w.Notes[:0], w.Gaps[:0]
	w.short = w.short[:0]
	w.src.Start(top.Src)
	w.dst.Start(top.Dst)
	defer w.src.End()
	defer w.dst.End()
	if err := w.dir(place{where: top.Where, named: true}, 0); err != nil {
		return err
	}
	slices.Sort(w.Boxes)
	w.at = top.Where
	return v.Leave(w, top.Dst, &top.Stat, true)
}

// At is the directory that a visitor or a reader of names is asked about, for
// notes.
func (w *Walk) At() string { return w.at }

// Problem notes something that is wrong with the tree.
func (w *Walk) Problem(kind, where, text string) {
	w.Notes = append(w.Notes, storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: where, Text: text})
}

// gap notes something in the current directory that could not be read.
func (w *Walk) gap(where, text string) {
	w.Problem("unreadable", where, text)
	w.Gaps = append(w.Gaps, where)
	w.short[len(w.short)-1] = true
}

// Short tells a [Visitor] that leaves a directory whether something in it, not
// in those below, could not be read.
func (w *Walk) Short() bool { return w.short[len(w.short)-1] }

// place is where in a tree a walk is.
type place struct {
	where   string // for notes
	mailbox string // name below the user, "" for INBOX
	named   bool   // mailbox is known: every component decoded
	inBox   bool   // a message directory
}

// dir walks one directory: first its files, then what lies below.
func (w *Walk) dir(at place, depth int) error {
	w.short = append(w.short, false)
	if depth > nms.MaxDepth {
		w.Problem("too-deep", at.where, fmt.Sprintf("more than %d folders inside each other: left out", nms.MaxDepth))
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
		w.gap(at.where, err.Error())
	}
	if err := w.files(&at, entries, src, dst); err != nil {
		return err
	}
	for i := range entries {
		// The listing of this depth is not reused before this loop is over.
		if e := &entries[i]; e.Type == nms.Directory {
			if err := w.subdir(&at, e.Name, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// here returns the current directory and its counterpart, -1 where there is
// none.
func (w *Walk) here() (src, dst int, err error) {
	if src, err = w.src.FD(); err != nil {
		return -1, -1, err
	}
	dst, err = w.dst.FD()
	return src, dst, err
}

// files visits the files of a directory and tells whether it is a mailbox.
func (w *Walk) files(at *place, entries []nms.Entry, src, dst int) error {
	w.at = at.where
	isBox, indexed := false, false
	for i := range entries {
		switch e := &entries[i]; e.Type {
		case nms.Directory:
			isBox = isBox || ims.IsMessageDir(e.Name)
		case nms.File:
			indexed = indexed || e.Name == ims.IndexName
			if err := w.file(src, dst, e.Name, at.inBox); err != nil {
				return err
			}
		default:
			w.Problem("not-a-file", at.where+"/"+e.Name, "a "+e.Type.String()+": left out")
		}
	}
	if indexed && !at.inBox && w.Index != nil {
		w.Index(w, src)
	}
	if (isBox || indexed) && at.named && !at.inBox {
		w.Counts.Mailboxes++
		w.Boxes = append(w.Boxes, at.mailbox)
	}
	return nil
}

func (w *Walk) file(src, dst int, name string, inBox bool) error {
	message := w.names.Message(name, inBox)
	err := w.visitor.File(w, src, dst, name, message)
	switch {
	case err == nil && message:
		w.Counts.Messages++
	case err == nil:
		w.Counts.Others++
	case durable.IsSource(err):
		w.gap(w.at+"/"+name, err.Error())
	default:
		return fmt.Errorf("%s/%s: %w", w.at, name, err)
	}
	return nil
}

func (w *Walk) subdir(at *place, name string, depth int) error {
	below := place{where: at.where + "/" + name, named: at.named}
	w.at = below.where
	counterpart := name
	switch {
	case ims.IsMessageDir(name) && !at.inBox:
		below.inBox, below.mailbox = true, at.mailbox
	case at.inBox:
		w.names.Stray(w)
		below.named = false
	default:
		component, as, ok := w.names.Folder(w, name)
		below.named = below.named && ok
		below.mailbox = strings.TrimPrefix(at.mailbox+"/"+component, "/")
		counterpart = as
	}
	st, ok, err := w.enterSource(name)
	if !ok || err != nil {
		return err
	}
	if err := w.enter(counterpart); err != nil {
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
// read, which is noted.
func (w *Walk) enterSource(name string) (st unix.Stat_t, ok bool, err error) {
	at, err := w.src.FD()
	fd := -1
	if err == nil {
		fd, err = nms.OpenDir(at, name)
	}
	step := "open"
	if err == nil {
		if err = unix.Fstat(fd, &st); err != nil {
			step = "stat"
			unix.Close(fd)
		}
	}
	if err != nil {
		if ims.OfMachine(err) {
			return st, false, err
		}
		w.gap(w.at, fmt.Sprintf("%s: %v", step, err))
		return st, false, nil
	}
	return st, true, w.src.Add(name, fd)
}

// enter goes to the counterpart of the directory that the walk has entered.
func (w *Walk) enter(name string) error {
	at, err := w.dst.FD()
	if err != nil {
		return err
	}
	fd, err := w.visitor.Enter(w, at, name)
	if err != nil {
		return err
	}
	return w.dst.Add(name, fd)
}

// leave goes back from a directory and its counterpart to those above.
func (w *Walk) leave(st *unix.Stat_t) error {
	at, err := w.dst.FD()
	if err == nil {
		err = w.visitor.Leave(w, at, st, false)
	}
	w.short = w.short[:len(w.short)-1]
	return errors.Join(err, w.dst.Leave(), w.src.Leave())
}
