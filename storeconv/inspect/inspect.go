// Package inspect prints one mailbox of a store in the form of imcheck -m.
package inspect

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
)

// Report says what Mailbox could tell.
type Report struct {
	Messages int64
	Foreign  bool // the index is not ours: only what the file names tell is printed
	NoIndex  bool // there is none: likewise
}

// Mailbox prints the head and the messages of one mailbox to w, in the fields
// and the order of imcheck -m. mailbox is the full name, user/ID for INBOX or
// user/ID/FOLDER; partition restricts where to look ("": anywhere). What our
// index does not hold (Flags, the offsets, the dates of update and saving, the
// message type) is printed empty in the head and as - in the lines.
//
// An [*Error] concerns this mailbox: it is not there, or cannot be read to its
// end. Any other error is of the store or of w.
func Mailbox(w io.Writer, store, mailbox, partition string) (Report, error) {
	root, err := os.Open(store)
	if err != nil {
		return Report{}, err
	}
	defer root.Close()
	reader := ims.NewReader(root)
	if err := reader.Check(); err != nil {
		return Report{}, err
	}
	box, err := findMailbox(reader, mailbox, partition)
	if err != nil {
		return Report{}, err
	}
	defer box.Close()
	p := &inspector{w: bufio.NewWriter(w), box: box, path: filepath.Join(store, box.Path)}
	err = p.print()
	if flushErr := p.w.Flush(); flushErr != nil {
		return p.rep, flushErr
	}
	if ims.OfMachine(err) {
		return p.rep, err
	}
	if err != nil {
		return p.rep, &Error{mailbox, Unreadable, err}
	}
	return p.rep, nil
}

// Unfinished lists the runs that have not ended: mail of the store may not be
// in its place yet.
func Unfinished(store string) ([]ims.Run, error) {
	root, err := os.Open(store)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return ims.NewReader(root).Runs()
}

// Error is what is wrong with one mailbox: something is not printed.
type Error struct {
	Mailbox string // as it was named
	Class   string // one of the constants below
	Err     error
}

// The classes of errors.
const (
	BadName    = "bad-name"   // no name of a mailbox
	NoMailbox  = "no-mailbox" // the store does not have it
	Unreadable = "unreadable" // its index or its messages cannot be read, or not all of them
)

// Error gives position and text.
func (e *Error) Error() string { return e.Mailbox + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Position is the name of the mailbox.
func (e *Error) Position() string { return e.Mailbox }

// Kind is the class of the error.
func (e *Error) Kind() string { return e.Class }

// Severity is 2: something is not printed.
func (e *Error) Severity() int { return 2 }

// findMailbox opens a mailbox by its full name in the first partition that has
// it.
func findMailbox(r *ims.Reader, name, partition string) (*ims.Mailbox, error) {
	id, mailbox, ok := mboxlist.SplitKey(name)
	if !ok {
		return nil, &Error{name, BadName, errors.New("not of the form user/ID or user/ID/FOLDER")}
	}
	if err := cmp.Or(ims.CheckUserID(id), ims.CheckMailbox(mailbox)); err != nil {
		return nil, &Error{name, BadName, err}
	}
	partitions := []string{partition}
	if partition != "" {
		if err := ims.CheckPartition(partition); err != nil {
			return nil, err
		}
	} else {
		var err error
		if partitions, err = r.Partitions(func(*ims.Error) {}); err != nil {
			return nil, err
		}
	}
	err := errors.New("the store has no partition")
	for _, p := range partitions {
		box, boxErr := r.Mailbox(p, id, mailbox)
		if boxErr == nil {
			return box, nil
		}
		if ims.OfMachine(boxErr) {
			return nil, boxErr
		}
		if err = boxErr; !errors.Is(boxErr, fs.ErrNotExist) {
			return nil, &Error{name, Unreadable, boxErr}
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("the store does not have this mailbox")
	}
	return nil, &Error{name, NoMailbox, err}
}

// inspector prints one mailbox.
type inspector struct {
	w    *bufio.Writer
	box  *ims.Mailbox
	path string
	rep  Report
}

func (p *inspector) print() error {
	f, err := p.box.Index()
	if errors.Is(err, fs.ErrNotExist) {
		p.rep.NoIndex = true
		return p.files("")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	ir, err := ims.NewIndexReader(f)
	if errors.Is(err, ims.ErrForeignIndex) {
		p.rep.Foreign = true
		return p.files("foreign")
	}
	if err != nil {
		return err
	}
	p.head(&ir.Header, ir.Header.Version)
	var lost error
	err = p.box.EachMessage(ir, ims.Found{
		Record: func(rec *ims.Record) error {
			p.rep.Messages++
			p.line(rec)
			return nil
		},
		Unnamed: func(uid uint32, isLost bool) error {
			if !isLost {
				return nil // the index is what is printed
			}
			info, err := p.box.Stat(uid)
			if err != nil && !errors.Is(err, ims.ErrNotRegular) {
				return err
			}
			p.file(uid, info.Size)
			return nil
		},
		Damage: func(err error) { lost = err },
		Stray:  func(*ims.Error) {},
	})
	if err != nil || lost == nil {
		return err
	}
	return fmt.Errorf("%w: of messages that it does not name any more only what the files tell is printed", lost)
}

// head prints the fields of the mailbox and the titles of the columns.
func (p *inspector) head(h *ims.Header, version string) {
	count := func(n int64, known bool) string {
		if !known {
			return ""
		}
		return fmt.Sprint(n)
	}
	any := h.Exists > 0
	time := func(seconds int64) string { return string(ims.AppendTime(nil, seconds)) }
	indexed := h.Name != ""
	subscribed := ""
	if indexed {
		subscribed = zeroOrOne(h.Subscribed)
	}
	for _, f := range [...][2]string{
		{"Name", p.box.FullName()},
		{"Version", version},
		{"Exists", fmt.Sprint(h.Exists)},
		{"Flags", ""},
		{"Largest Msg", fmt.Sprintf("%d bytes", h.LargestMsg)},
		{"Last Append", time(h.LastAppend)},
		{"Last UID", count(int64(h.LastUID), indexed || any)},
		{"Oldest Msg", time(h.OldestMsg)},
		{"Oldest Uid", count(int64(h.OldestUID), h.OldestUID != 0)},
		{"Quota Used", fmt.Sprint(h.QuotaUsed)},
		{"UID Validity", count(int64(h.UIDValidity), h.UIDValidity != 0)},
		{"Cache Offset", ""},
		{"Start Offset", ""},
		{"ACL", h.ACL},
		{"Userflags", strings.Join(h.Userflags, " ")},
		{"Subscribed", subscribed},
		{"Partition", p.box.Partition},
		{"Path", p.path},
		{"Msg Path", p.path},
	} {
		fmt.Fprintf(p.w, "%s\n", strings.TrimRight(f[0]+": "+f[1], " "))
	}
	p.w.WriteString("MsgNo Uid InternalDate SentDate Size HSize CacheOff LastUpdated SaveDate MT SFlags UFlags Original-Uid Message-id\n")
}

// line prints one message. Empty columns are - so that the number of columns
// stays.
func (p *inspector) line(rec *ims.Record) {
	col := strings.Split(strings.TrimSuffix(string(rec.Append(nil)), "\n"), "\t")
	for i := range col {
		if col[i] == "" {
			col[i] = "-"
		}
	}
	col = slices.Insert(col, 5, "-", "-", "-", "-")
	col = slices.Delete(col, 12, 13) // the SHA-256 is ours alone
	fmt.Fprintf(p.w, "%d %s\n", p.rep.Messages, strings.Join(col, " "))
}

// files prints what the names and sizes of the message files tell.
func (p *inspector) files(version string) error {
	uids, err := p.box.UIDs(func(*ims.Error) {})
	if err != nil {
		return err
	}
	var h ims.Header
	h.Reset()
	sizes := make([]int64, len(uids))
	for i, uid := range uids {
		info, err := p.box.Stat(uid)
		if err != nil && !errors.Is(err, ims.ErrNotRegular) {
			return err
		}
		sizes[i] = info.Size
		h.Add(&ims.Record{UID: uid, Size: info.Size, InternalDate: ims.NoTime})
	}
	p.head(&h, version)
	for i, uid := range uids {
		p.file(uid, sizes[i])
	}
	return nil
}

// file prints a message of which only the file tells.
func (p *inspector) file(uid uint32, size int64) {
	p.rep.Messages++
	fmt.Fprintf(p.w, "%d %d - - %d - - - - - - - - -\n", p.rep.Messages, uid, size)
}

func zeroOrOne(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
