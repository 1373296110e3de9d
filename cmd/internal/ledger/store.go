package ledger

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// store goes through a store: an iMS store with our indexes, or a tree that
// came from NMS, whose indexes are the server's.
func (w *walker) store(dir string) error {
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	w.root = dir
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

// stray tells what of a store could not be read, and takes what lies in another
// place than its own. A store that came from NMS has that as it lay there: the
// run has told it, and the mail is in the output.
func (w *walker) stray(r *ims.Reader, e *ims.Error) error {
	switch e.Class {
	case ims.Unreadable:
		w.fault(storeDir+"/"+e.Path, e)
	case ims.Misplaced:
		return w.misplaced(r, e)
	default:
		w.strays += w.messagesBelow(e.Path)
	}
	return nil
}

// messagesBelow counts the message files at or below a path of the store: what
// lies where no mailbox has it came over from NMS as it lay there, and was
// counted.
func (w *walker) messagesBelow(path string) (n int64) {
	// What cannot be read is counted nowhere.
	_ = filepath.WalkDir(filepath.Join(w.root, path), func(_ string, d fs.DirEntry, err error) error {
		if w.ctx.Err() != nil {
			return fs.SkipAll // the caller looks
		}
		if err == nil && !d.IsDir() && nms.IsMessage(d.Name()) {
			n++
		}
		return nil
	})
	return n
}

// userDepth is how many parts the path of a user's directory has, below the
// store: partition/NAME/=user, two hash directories, and his own.
const userDepth = 6

// misplaced goes through a user in another hash directory, or makes the row of
// a folder that is no mailbox for its name, whose own folders the reader gives.
func (w *walker) misplaced(r *ims.Reader, e *ims.Error) error {
	parts := strings.Split(e.Path, "/")
	var names []string // his id, and those of the folders
	for _, part := range parts[min(userDepth-1, len(parts)):] {
		name, err := ims.UnescapeName(strings.TrimPrefix(part, "="))
		if err != nil {
			w.fault(storeDir+"/"+e.Path, e)
			return nil
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		w.fault(storeDir+"/"+e.Path, e)
		return nil
	}
	user := ims.User{Partition: parts[1], ID: names[0], Path: e.Path}
	folder := strings.Join(names[1:], "/")
	var failed error
	stray := func(below *ims.Error) {
		if failed == nil && (folder == "" || below.Path == e.Path) {
			failed = w.stray(r, below)
		}
	}
	err := r.Mailboxes(user, stray, func(box *ims.Mailbox) error {
		defer box.Close() // opened for reading
		if folder != "" {
			if box.Path != e.Path {
				return nil
			}
			box.Name = folder
		}
		return w.box(box)
	})
	return cmp.Or(err, failed)
}

// box makes the row of a mailbox.
func (w *walker) box(box *ims.Mailbox) error {
	row := &Row{User: box.ID, Name: box.Name, Folder: folderText(box.Name)}
	if box.HasIndex {
		err := w.index(box, row)
		if err == nil {
			return w.give(row)
		}
		if w.ctx.Err() != nil {
			return w.ctx.Err()
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

// index counts what our own index tells of a mailbox, and what it has lost
// where it is damaged. It is believed of a message while the file is there.
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
	count := func(rec *ims.Record) error {
		row.addMessage(rec.Size, rec.InternalDate, rec.InternalDate != ims.NoTime)
		sum.known = sum.known && rec.HasSum()
		sum.add(rec.UID, rec.SHA256)
		return w.ctx.Err()
	}
	err = box.EachMessage(index, ims.Found{
		Record: count,
		Missing: func(rec *ims.Record) error {
			if w.isThere(box, rec.UID) { // the directory was not listed to its end
				return count(rec)
			}
			w.gone(storeDir + "/" + box.Path + "/" + ims.MessagePath(rec.UID))
			return w.ctx.Err()
		},
		Unnamed: func(uid uint32, lost bool) error {
			if lost { // another file was never a message of the mailbox
				sum.known = sum.known && w.digests
				w.take(box, messageFile{uid, ims.MessagePath(uid)}, row, sum)
			}
			return w.ctx.Err()
		},
		Damage: func(err error) { w.fault(storeDir+"/"+box.Path+"/"+ims.IndexName, err) },
		Stray: func(e *ims.Error) {
			if e.Class == ims.Unreadable {
				w.fault(storeDir+"/"+e.Path, e)
			} else {
				w.strays += w.messagesBelow(e.Path)
			}
		},
	})
	if err != nil {
		return err
	}
	row.Digest = sum.text()
	return nil
}

// isThere says whether a message that an index names has a file.
func (w *walker) isThere(box *ims.Mailbox, uid uint32) bool {
	var st unix.Stat_t
	err := unix.Fstatat(box.FD(), ims.MessagePath(uid), &st, unix.AT_SYMLINK_NOFOLLOW)
	return err != unix.ENOENT && err != unix.ENOTDIR
}

// messageFile is a message file of a mailbox, by its path there.
type messageFile struct {
	uid uint32
	at  string
}

// files counts the message files of a mailbox whose index tells us nothing,
// also those in another directory of messages than their own.
func (w *walker) files(box *ims.Mailbox, row *Row) error {
	var list []messageFile
	err := box.Messages(func(e *ims.Error) {
		switch e.Class {
		case ims.Unreadable:
			w.fault(storeDir+"/"+e.Path, e)
		case ims.Misplaced:
			if uid, ok := ims.ParseMessageName(path.Base(e.Path)); ok {
				list = append(list, messageFile{uid, strings.TrimPrefix(e.Path, box.Path+"/")})
			}
		default:
			w.strays += w.messagesBelow(e.Path)
		}
	}, func(uid uint32) error {
		list = append(list, messageFile{uid, ims.MessagePath(uid)})
		return w.ctx.Err()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b messageFile) int { return cmp.Or(cmp.Compare(a.uid, b.uid), cmp.Compare(a.at, b.at)) })
	sum := newDigest()
	sum.known = w.digests || len(list) == 0
	for _, m := range list {
		w.take(box, m, row, sum)
		if err := w.ctx.Err(); err != nil {
			return err
		}
	}
	row.Digest = sum.text()
	return nil
}

// take counts one message file, or tells why it cannot.
func (w *walker) take(box *ims.Mailbox, m messageFile, row *Row, sum *digest) {
	if err := w.file(box, m, row, sum); err != nil {
		w.fault(storeDir+"/"+box.Path+"/"+m.at, err)
		sum.known = false
	}
}

// file counts one message file, which may be a symbolic link where the store
// was made with them.
func (w *walker) file(box *ims.Mailbox, m messageFile, row *Row, sum *digest) error {
	var st unix.Stat_t
	if err := unix.Fstatat(box.FD(), m.at, &st, 0); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ims.ErrNotRegular
	}
	row.addMessage(st.Size, int64(st.Mtim.Sec), true)
	if !sum.known {
		return nil
	}
	fd, err := unix.Openat(box.FD(), m.at, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), m.at)
	defer f.Close()
	body, err := hashBody(f, w.buf)
	sum.add(m.uid, body)
	return err
}
