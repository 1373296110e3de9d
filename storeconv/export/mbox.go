package export

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/mbox"
)

// folderFile holds the messages of a folder that has folders below it, in the
// directory of its name.
const folderFile = "folder.msg"

// nameMbox gives the mailboxes of a user their files, now that all are known: a
// file of the mailbox's name or, where there are mailboxes below it, folderFile
// in the directory of that name, as with Options.Folders for every mailbox but
// INBOX. A name that cannot be a file's is changed by rule.
func (u *user) nameMbox() error {
	boxes := slices.SortedFunc(slices.Values(u.boxes), func(a, b *box) int { return compareNames(a.name, b.name) })
	above := make(map[string]bool)
	for _, b := range boxes {
		if b.nameless {
			b.target = b.name
			if _, err := u.names.naming.Dir(b.name); err != nil {
				b.target, b.why = changed(u.names.naming, b.name), err.Error()
			}
		}
		for dir := path.Dir(b.target); dir != "."; dir = path.Dir(dir) {
			above[dir] = true
		}
	}
	for _, keep := range [...]bool{true, false} { // names that can be kept come first
		for _, b := range boxes {
			if b.nameless && (b.why == "" || !keep) {
				if err := b.nameFile(above[b.target], keep); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// nameFile gives a mailbox the file of its target, or another when that cannot
// be made; to keep the name is to leave that to a later call.
func (b *box) nameFile(above, keep bool) error {
	u, file := b.u, b.target
	if above || u.r.opt.Folders && b.target != ims.Inbox {
		file += "/" + folderFile
	}
	free, err := b.freeFile(file)
	if err != nil || !free && keep {
		return err
	}
	for n := 1; !free; n++ {
		if b.why == "" {
			b.why = fmt.Sprintf("the place of a file for the mailbox name %q is taken", b.name)
		}
		flat := strings.ReplaceAll(b.name, "/", "_") + "_"
		if n > 1 {
			flat += strconv.Itoa(n)
		}
		p := u.names.place(flat)
		b.target, file = p.target, p.dir
		if free, err = b.freeFile(file); err != nil {
			return err
		}
	}
	if b.why != "" {
		u.decides().Warning("renamed", b.whole(), fmt.Sprintf("%s: it is called %s", b.why, b.target))
		u.count(func(rep *Report) { rep.Renamed++ })
	}
	b.nameless, b.dir = false, file
	return u.files.take(file, "", b.name)
}

// freeFile tells whether a file can be made: nothing is there, no file is where
// one of its directories would be, and it is none of another mailbox's
// directories.
func (b *box) freeFile(file string) (bool, error) {
	u := b.u
	if u.files == nil {
		u.files = newClaims()
		if u.old != nil {
			for _, o := range u.old.boxes {
				if err := u.files.take(o.dir, "", o.dir); err != nil {
					return false, fmt.Errorf("the list of user %s: %w", u.id, err)
				}
			}
		}
	}
	if file == u.r.subscriptionsName() || !u.files.free(file) {
		return false, nil
	}
	if !u.there {
		return true, nil
	}
	_, err := u.r.out.Stat(u.place + "/" + file)
	return isMissing(err), ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if isMissing(err) {
		return nil
	}
	return err
}

// finishMbox writes the file of a mailbox: what is there already, then what is
// new.
func (b *box) finishMbox() error {
	r := b.u.r
	if r.dry() {
		return nil
	}
	if !b.u.there || b.hasWork() {
		to := b.u.stage + "/" + b.dir
		if b.u.there {
			to = fmt.Sprintf("%s/%d", b.u.stage, b.number)
		}
		if err := r.folder.Stage.MkdirAll(path.Dir(to)); err != nil {
			return err
		}
		if err := r.stageFile(to, b.writeMbox); err != nil {
			return err
		}
	}
	return r.folder.Stage.RemoveAll(b.stage)
}

// writeMbox writes the whole of the file.
func (b *box) writeMbox(w io.Writer) error {
	b.fitUIDs()
	base := mbox.Base{Validity: b.validity, LastUID: max(b.next, 1) - 1, Keywords: b.keywords}
	for i := range b.recs.n {
		if rec := b.recs.inOrder(i); rec.state == fresh {
			base.LastUID = max(base.LastUID, b.targetUID(rec))
		}
	}
	if !b.made {
		var err error
		if base, err = b.copyMbox(w); err != nil {
			return err
		}
	}
	kind := mbox.MboxRD
	if b.u.r.opt.Mboxcl2 {
		kind = mbox.MboxCL2
	}
	head := base
	if b.appending {
		head = mbox.Base{}
	}
	out, err := mbox.NewWriter(w, kind, head)
	if err != nil {
		return err
	}
	next := uint64(1)
	if b.appending {
		next = uint64(base.LastUID) + 1
	}
	for i := range b.recs.n {
		rec := b.recs.inOrder(i)
		if rec.state != fresh {
			continue
		}
		uid := uint32(max(next, uint64(b.targetUID(rec))))
		if next > lastUID {
			return fmt.Errorf("%s: no UID is free for more messages", b.whole())
		}
		if uid != rec.uid && b.fitted[rec.uid] != uid {
			b.u.count(func(rep *Report) { rep.OtherUID++ })
		}
		next = uint64(uid) + 1
		if err := b.writeMessage(out, rec, uid); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (b *box) writeMessage(out *mbox.Writer, rec *record, uid uint32) error {
	f, err := b.u.r.folder.Stage.Open(b.file(rec))
	if err != nil {
		return err
	}
	defer f.Close()
	e := mbox.Entry{Date: rec.date, UID: uid, Flags: rec.flags, Keywords: b.u.words.names(rec.words)}
	return out.Write(&e, f, rec.size)
}

// copyMbox copies what the destination has of the mailbox, with the last UID of
// what will be there, and says what it tells of UIDs.
func (b *box) copyMbox(w io.Writer) (base mbox.Base, err error) {
	r := b.u.r
	name := b.u.place + "/" + b.dir
	f, err := r.out.Open(name)
	if err != nil {
		return base, err
	}
	defer f.Close()
	if b.was, err = stampOf(r.out.Dir, name); err != nil {
		return base, err
	}
	info, err := r.out.Stat(name)
	if err != nil {
		return base, err
	}
	reader := mbox.NewReader(f, info.Size, mbox.Options{})
	n, last := 0, uint32(0)
	for m := range reader.All() {
		if m != nil {
			n++
			last = max(last, m.UID)
		}
	}
	base = reader.Base
	if base.LastUID = max(base.LastUID, last); base.Validity == 0 {
		base.Validity = b.validity
	}
	b.appending = info.Size > 0 && n > 0
	return base, copyEnded(w, f, info.Size, b.appending, r.opt.Mboxcl2)
}

// stampOf is what tells a file that somebody has changed.
func stampOf(d *durable.Dir, name string) (string, error) {
	info, err := d.Stat(name)
	return fmt.Sprintf("%d %d %d", info.Ino, info.Size, info.Mtime), err
}

// copyEnded copies a file and ends it as it must be where something follows:
// with an empty line or, where Content-Length tells the ends of messages, with
// a line end.
func copyEnded(w io.Writer, f io.ReaderAt, size int64, end, length bool) error {
	if _, err := io.Copy(w, io.NewSectionReader(f, 0, size)); err != nil || !end {
		return err
	}
	tail := make([]byte, min(size, 3))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	text := "\n"
	switch {
	case length && bytes.HasSuffix(tail, []byte("\n")), bytes.HasSuffix(tail, []byte("\n\n")), bytes.HasSuffix(tail, []byte("\n\r\n")):
		return nil
	case !length && !bytes.HasSuffix(tail, []byte("\n")):
		text = "\n\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

var errChanged = errors.New("the mailbox has changed meanwhile")

// mbox puts the file of a mailbox in its place: in that of the one it was made
// from, if nobody has changed that.
func (p *placing) mbox(b *headBox) error {
	out, stock, to := p.r.out, p.stock(b), path.Join(p.u.place, b.dir)
	if _, err := out.Stat(stock); isMissing(err) {
		_, err := p.dropLock(to + ".lock")
		return err
	}
	if b.made {
		if err := p.mkdirs(path.Dir(to)); err != nil {
			return err
		}
		err := out.Rename(stock, out.Dir, to)
		if isAny(err, unix.EEXIST) {
			return fmt.Errorf("%s: %w", to, errChanged)
		}
		return ignoreMissing(err)
	}
	unlock, err := p.lock(to + ".lock")
	if err != nil {
		return err
	}
	now, err := stampOf(out.Dir, to)
	switch {
	case isMissing(err) || err == nil && now != b.was:
		err = fmt.Errorf("%s: %w", to, errChanged)
	case err == nil:
		err = out.Replace(stock, out.Dir, to)
	}
	if unlockErr := unlock(); err == nil {
		err = unlockErr
	}
	return err
}
