package restore

import (
	"cmp"
	"io"
	"io/fs"
	"slices"
	"strings"

	"imsconv/storeconv/ims"
)

// existingBox is a mailbox that the store has before the visit. It stays as it
// is, but for the sets that the planner gets. It takes about 60 bytes a
// message.
type existingBox struct {
	r       *run
	dir     string // in the store
	header  ims.Header
	foreign bool // store.idx is not ours: it stays as it is
	indexed bool // store.idx is ours
	own     bool // this run wrote it, in an earlier visit
	uids    uidRanges
	byOrig  map[uint64]storedMessage // by UIDVALIDITY and UID of the source
	bySum   map[[32]byte]uint32      // those without
	files   []ims.Record             // what the files say, where no index does
}

// storedMessage is a message of an existingBox.
type storedMessage struct {
	uid      uint32
	size     int64
	flags    ims.Flags
	keywords string // bits
}

func origKey(validity, uid uint32) uint64 { return uint64(validity)<<32 | uint64(uid) }

// loadExisting reads what the store has of a mailbox; nil when there is none.
func (r *run) loadExisting(id, mailbox string) (*existingBox, error) {
	o := &existingBox{
		r: r, dir: ims.MailboxDir(r.partition, id, mailbox),
		byOrig: make(map[uint64]storedMessage), bySum: make(map[[32]byte]uint32),
	}
	list, err := r.store.ReadNames(o.dir)
	if isNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := o.readIndex(); err != nil {
		return nil, err
	}
	if err := o.readFiles(list); err != nil {
		return nil, err
	}
	if !o.indexed && !o.foreign && len(o.files) == 0 {
		return nil, nil // a directory on the way to another mailbox
	}
	return o, nil
}

// readIndex reads store.idx.
func (o *existingBox) readIndex() error {
	f, err := o.r.store.Open(o.dir + "/" + ims.IndexName)
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	ir, err := ims.NewIndexReader(f)
	if err != nil {
		o.foreign = true
		return nil
	}
	for rec, err := range ir.All() {
		if err != nil {
			o.foreign = true
			return nil
		}
		o.add(rec)
	}
	o.header, o.indexed = ir.Header, true
	return nil
}

func (o *existingBox) add(rec *ims.Record) {
	o.uids.add(rec.UID)
	if rec.OrigUID != 0 {
		o.byOrig[origKey(rec.OrigValidity, rec.OrigUID)] = storedMessage{rec.UID, rec.Size, rec.Flags, string(rec.Keywords)}
	} else if rec.HasSum() {
		o.bySum[rec.SHA256] = rec.UID
	}
}

// readFiles looks for message files that the index does not name. Where there
// is no index of ours, their content is all that is known.
func (o *existingBox) readFiles(list []fs.DirEntry) error {
	for _, e := range list {
		if !e.IsDir() || len(e.Name()) != 2 || strings.HasPrefix(e.Name(), "=") {
			continue
		}
		files, err := o.r.store.ReadNames(o.dir + "/" + e.Name())
		if err != nil {
			return err
		}
		for _, f := range files {
			uid, ok := ims.ParseMessageName(f.Name())
			if !ok || ims.MessageDir(uid) != e.Name() || !o.uids.add(uid) || o.indexed {
				continue
			}
			if err := o.readFile(uid); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(o.files, func(a, b ims.Record) int { return cmp.Compare(a.UID, b.UID) })
	return nil
}

func (o *existingBox) readFile(uid uint32) error {
	f, err := o.r.store.Open(o.dir + "/" + ims.MessagePath(uid))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, err := readContent(f)
	if err != nil {
		return err
	}
	o.bySum[m.sum] = uid
	o.files = append(o.files, ims.Record{
		UID: uid, InternalDate: info.ModTime().Unix(), SentDate: m.text.Sent, Size: m.size, HSize: m.text.HeaderSize,
		SHA256: m.sum, MessageID: m.text.ID,
	})
	return nil
}

// records returns a function that gives the records in ascending order of UIDs,
// io.EOF after the last. A nil existingBox has none.
func (o *existingBox) records() (next func() (*ims.Record, error), closeFile func(), err error) {
	if o == nil || !o.indexed {
		return o.fileRecords(), func() {}, nil
	}
	f, err := o.r.store.Open(o.dir + "/" + ims.IndexName)
	if err != nil {
		return nil, nil, err
	}
	ir, err := ims.NewIndexReader(f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return ir.Next, func() { f.Close() }, nil
}

// fileRecords gives what the files say.
func (o *existingBox) fileRecords() func() (*ims.Record, error) {
	i := 0
	return func() (*ims.Record, error) {
		if o == nil || i == len(o.files) {
			return nil, io.EOF
		}
		i++
		rec := o.files[i-1]
		return &rec, nil
	}
}

// find returns the message that it is a copy of, if the mailbox has one. The
// body is asked for only where the origin of messages is not known. With crlf,
// bodies are stored with other line ends than the stream has, and sizes say
// nothing.
func (o *existingBox) find(e *entry, size int64, sum func() [32]byte, crlf bool) (storedMessage, bool) {
	if m, ok := o.byOrig[origKey(e.validity, e.origUID)]; ok && (size == m.size || o.own || crlf) {
		return m, true
	}
	if len(o.bySum) == 0 {
		return storedMessage{}, false
	}
	uid, ok := o.bySum[sum()]
	return storedMessage{uid: uid}, ok
}
