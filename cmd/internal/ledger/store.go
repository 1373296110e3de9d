package ledger

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
)

// store goes through a store: an iMS store with our indexes, or a tree that
// came from NMS, whose indexes are the server's.
func (w *walker) store(dir string) error {
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	r := ims.NewReader(root)
	for box, err := range r.All() {
		var stray *ims.Error
		switch {
		case errors.As(err, &stray):
			if err := w.stray(r, stray); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if err := w.box(box); err != nil {
			return err
		}
	}
	return nil
}

// stray tells what of a store could not be read. A user of a store that came
// from NMS may lie in another hash directory, as it lay there: the run has told
// that, and the mail is in the output.
func (w *walker) stray(r *ims.Reader, e *ims.Error) error {
	switch e.Class {
	case ims.Unreadable:
		w.fault(storeDir+"/"+e.Path, e)
	case ims.Misplaced:
		parts := strings.Split(e.Path, "/")
		id, err := ims.UnescapeName(strings.TrimPrefix(parts[len(parts)-1], "="))
		if err != nil || len(parts) < 2 {
			w.fault(storeDir+"/"+e.Path, e)
			return nil
		}
		unreadable := func(e *ims.Error) {
			if e.Class == ims.Unreadable {
				w.fault(storeDir+"/"+e.Path, e)
			}
		}
		return r.Mailboxes(ims.User{Partition: parts[1], ID: id, Path: e.Path}, unreadable, w.box)
	}
	return nil
}

// box makes the row of a mailbox.
func (w *walker) box(box *ims.Mailbox) error {
	row := &Row{User: box.ID, Name: box.Name, Folder: folderText(box.Name)}
	if box.HasIndex {
		err := w.index(box, row)
		if err == nil {
			return w.give(row)
		}
		if !errors.Is(err, ims.ErrForeignIndex) {
			w.fault(storeDir+"/"+box.Path+"/"+ims.IndexName, err)
		}
		*row = Row{User: row.User, Name: row.Name, Folder: row.Folder}
	}
	if err := w.files(box, row); err != nil {
		return err
	}
	return w.give(row)
}

// index counts what our own index tells of a mailbox.
func (w *walker) index(box *ims.Mailbox, row *Row) error {
	f, err := box.Index()
	if err != nil {
		return err
	}
	defer f.Close()
	index, err := ims.NewIndexReader(f)
	if err != nil {
		return err
	}
	row.UIDValidity = index.Header.UIDValidity
	sum := newDigest()
	for {
		rec, err := index.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		row.addMessage(rec.Size, rec.InternalDate, rec.InternalDate != ims.NoTime)
		sum.known = sum.known && rec.HasSum()
		sum.add(rec.UID, rec.SHA256)
	}
	row.Digest = sum.text()
	return nil
}

// files counts the message files of a mailbox whose index tells us nothing.
func (w *walker) files(box *ims.Mailbox, row *Row) error {
	var uids []uint32
	err := box.Messages(func(e *ims.Error) {
		if e.Class == ims.Unreadable {
			w.fault(storeDir+"/"+e.Path, e)
		}
	}, func(uid uint32) error {
		uids = append(uids, uid)
		return w.ctx.Err()
	})
	if err != nil {
		return err
	}
	slices.Sort(uids)
	sum := newDigest()
	sum.known = w.digests || len(uids) == 0
	for _, uid := range uids {
		if err := w.file(box, uid, row, sum); err != nil {
			w.fault(storeDir+"/"+box.Path+"/"+ims.MessagePath(uid), err)
			sum.known = false
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
	}
	row.Digest = sum.text()
	return nil
}

// file counts one message file, which may be a symbolic link where the store
// was made with them.
func (w *walker) file(box *ims.Mailbox, uid uint32, row *Row, sum *digest) error {
	var st unix.Stat_t
	if err := unix.Fstatat(box.FD(), ims.MessagePath(uid), &st, 0); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ims.ErrNotRegular
	}
	row.addMessage(st.Size, int64(st.Mtim.Sec), true)
	if !sum.known {
		return nil
	}
	fd, err := unix.Openat(box.FD(), ims.MessagePath(uid), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), ims.MessagePath(uid))
	defer f.Close()
	body, err := hashBody(f, w.buf)
	sum.add(uid, body)
	return err
}
