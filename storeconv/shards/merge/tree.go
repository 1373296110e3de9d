package merge

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

// counts is what a walk of one tree counts.
type counts struct {
	mailboxes, messages, others int64
	bytes                       int64 // of the messages, each reference at full size
	linked                      int64 // messages that became links to the part's file
	copied                      int64 // bytes written
	shared                      int64 // files that became links to an earlier copy
	fallback                    int64 // messages that could not be linked and were copied
}

// visitor does something with what a walk meets. The walk owns the descriptors;
// dst is what enter returned for the directory, -1 at the least.
type visitor interface {
	file(w *walk, src, dst int, name string, message bool) error
	enter(w *walk, dst int, name string) (int, error)
	leave(w *walk, dst int, st *unix.Stat_t, top bool) error
}

// walk goes through one tree. What is wrong with the part becomes a note and
// the walk goes on; an error is one of the store, or the end of the merge. It
// holds a few open directories at any depth.
type walk struct {
	visitor visitor
	lister  nms.Lister
	src     nms.Descent   // from the tree's top to the current directory
	dst     nms.Descent   // its counterpart
	levels  [][]nms.Entry // one listing a depth, reused from tree to tree

	at     string   // the current directory, for notes
	counts counts   //
	boxes  []string // mailboxes met, "" for INBOX
	notes  []storeconv.Note
}

// place is where in a tree a walk is.
type place struct {
	where   string
	mailbox string // name below the user, "" for INBOX
	named   bool   // mailbox is known: every component decoded
	inBox   bool   // a message directory
}

// top walks the tree that is open as src into dst.
func (w *walk) top(v visitor, where string, src, dst int) error {
	w.visitor, w.at = v, where
	w.counts, w.boxes, w.notes = counts{}, w.boxes[:0], w.notes[:0]
	var st unix.Stat_t
	if err := unix.Fstat(src, &st); err != nil {
		return fmt.Errorf("%s: stat: %w", where, err)
	}
	w.src.Start(src)
	w.dst.Start(dst)
	defer w.src.End()
	defer w.dst.End()
	if err := w.dir(place{where: where, named: true}, 0); err != nil {
		return err
	}
	w.at = where
	return v.leave(w, dst, &st, true)
}

func (w *walk) problem(kind, where, text string) {
	w.notes = append(w.notes, storeconv.Note{Severity: storeconv.Problem, Kind: kind, Where: where, Text: text})
}

// dir walks one directory: first its files, then what lies below.
func (w *walk) dir(at place, depth int) error {
	if depth > nms.MaxDepth {
		w.problem("too-deep", at.where, fmt.Sprintf("more than %d folders inside each other: left out", nms.MaxDepth))
		return nil
	}
	if len(w.levels) == depth {
		w.levels = append(w.levels, nil)
	}
	src, err := w.src.FD()
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
	if err := w.files(at, entries, src); err != nil {
		return err
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

// files visits the files of a directory and tells whether it is a mailbox.
func (w *walk) files(at place, entries []nms.Entry, src int) error {
	dst, err := w.dst.FD()
	if err != nil {
		return fmt.Errorf("%s: %w", at.where, err)
	}
	isBox := false
	for i := range entries {
		switch e := &entries[i]; e.Type {
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
		w.counts.mailboxes++
		w.boxes = append(w.boxes, at.mailbox)
	}
	return nil
}

func (w *walk) file(src, dst int, at place, name string) error {
	message := at.inBox && nms.IsMessage(name)
	w.at = at.where
	err := w.visitor.file(w, src, dst, name, message)
	switch {
	case durable.IsSource(err):
		w.problem("unreadable", at.where+"/"+name, err.Error())
		return nil
	case err != nil:
		return fmt.Errorf("%s/%s: %w", at.where, name, err)
	case message:
		w.counts.messages++
	default:
		w.counts.others++
	}
	return nil
}

func (w *walk) subdir(at place, name string, depth int) error {
	below := place{where: at.where + "/" + name, named: at.named}
	switch {
	case nms.IsMessageDir(name) && !at.inBox:
		below.inBox, below.mailbox = true, at.mailbox
	case at.inBox:
		below.named = false
	default:
		component, err := ims.UnescapeName(strings.TrimPrefix(name, "="))
		if err != nil || ims.Component(component) != name {
			below.named = false
		}
		below.mailbox = strings.TrimPrefix(at.mailbox+"/"+component, "/")
	}
	st, ok, err := w.enterSource(name, below.where)
	if !ok || err != nil {
		return err
	}
	w.at = below.where
	if err := w.enter(name); err != nil {
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

// enterSource goes to a directory of the part. ok is false when it cannot be
// read, which is told.
func (w *walk) enterSource(name, where string) (st unix.Stat_t, ok bool, err error) {
	at, err := w.src.FD()
	fd := -1
	if err == nil {
		fd, err = nms.OpenDir(at, name)
	}
	if err == nil {
		if err = unix.Fstat(fd, &st); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		if ims.OfMachine(err) {
			return st, false, err
		}
		w.problem("unreadable", where, fmt.Sprintf("open: %v", err))
		return st, false, nil
	}
	return st, true, w.src.Add(name, fd)
}

// enter goes to the counterpart of the directory that the walk has entered.
func (w *walk) enter(name string) error {
	at, err := w.dst.FD()
	if err != nil {
		return err
	}
	fd, err := w.visitor.enter(w, at, name)
	if err != nil {
		return err
	}
	return w.dst.Add(name, fd)
}

// leave goes back from a directory and its counterpart to those above.
func (w *walk) leave(st *unix.Stat_t) error {
	at, err := w.dst.FD()
	if err == nil {
		err = w.visitor.leave(w, at, st, false)
	}
	return errors.Join(err, w.dst.Leave(), w.src.Leave())
}

// sortedBoxes is a copy of the mailboxes met, in byte order.
func (w *walk) sortedBoxes() []string {
	boxes := slices.Clone(w.boxes)
	slices.Sort(boxes)
	return boxes
}
