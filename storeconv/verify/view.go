package verify

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// maxView is how many messages of an index are held in memory; a longer index
// is read again when the stream goes back.
const maxView = 200000

// viewRecord is what is compared of one message.
type viewRecord struct {
	uid          uint32
	origValidity uint32
	origUID      uint32
	date, size   int64
	sum          [32]byte
	flags        []string // sorted
}

// boxView answers questions about the messages of one mailbox of the store.
type boxView struct {
	ctx    context.Context // of the call that it works for
	box    *mailbox
	read   *messageReader
	header *ims.Header // nil: no index of ours, only the files tell
	all    []viewRecord
	bySum  map[[32]byte]int // of those in all without an origin, by content; made when first needed

	origins []origin4           // where all messages came from, sorted; likewise
	files   map[[32]byte]uint32 // UIDs by content, where there is no index; likewise
	content []origin4           // the same as origins, by content; likewise
	taken   map[uint32]bool     // UIDs that were found by content

	limit int // of all
	fd    int // of an index too long to hold; -1: none
	ir    *ims.IndexReader
	last  uint32
}

// indexReaders are those of views: a stream may go through very many mailboxes.
var indexReaders = sync.Pool{New: func() any { return new(ims.IndexReader) }}

// newBoxView takes the mailbox over, also when it fails.
func newBoxView(ctx context.Context, box *mailbox, read *messageReader, limit int) (*boxView, error) {
	v := &boxView{ctx: ctx, box: box, read: read, fd: -1, limit: limit}
	if !box.hasIndex {
		return v, nil
	}
	v.ir = indexReaders.Get().(*ims.IndexReader)
	err := v.rewind()
	if errors.Is(err, ims.ErrForeignIndex) || errors.Is(err, ims.ErrNoBeginning) {
		return v, nil
	}
	if err == nil {
		header := v.ir.Header
		v.header = &header
		err = v.load()
	}
	if err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// load takes the records into memory, unless they are too many.
func (v *boxView) load() error {
	if v.header.Exists > int64(v.limit) {
		return nil
	}
	for {
		rec, err := v.ir.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		v.all = append(v.all, v.record(rec))
		if len(v.all) > v.limit { // the header lied
			v.all, v.header.Exists = nil, int64(v.limit)+1
			return v.rewind()
		}
	}
}

func (v *boxView) rewind() error {
	if v.fd >= 0 {
		unix.Close(v.fd)
	}
	var err error
	if v.fd, err = openFile(v.box.fd, indexName); err != nil {
		v.fd = -1
		return err
	}
	v.last = 0
	return v.ir.Reset(fdReader(v.fd))
}

func (v *boxView) close() {
	if v.fd >= 0 {
		unix.Close(v.fd)
		v.fd = -1
	}
	if v.ir != nil {
		indexReaders.Put(v.ir)
		v.ir = nil
	}
	unix.Close(v.box.fd)
}

func (v *boxView) record(rec *ims.Record) viewRecord {
	flags := rec.Flags.Names()
	for n, word := range v.header.Userflags {
		if n/8 < len(rec.Keywords) && rec.Keywords[n/8]>>(n%8)&1 != 0 {
			flags = append(flags, strings.ToLower(word))
		}
	}
	slices.Sort(flags)
	return viewRecord{
		uid: rec.UID, origUID: rec.OrigUID, origValidity: rec.OrigValidity,
		date: rec.InternalDate, size: rec.Size, sum: rec.SHA256, flags: flags,
	}
}

// flagSet is the flags of a member in the form of a viewRecord: system flags in
// their own spelling, keywords in lower case (their case does not matter), each
// once, without the marks that have no place in a store.
func flagSet(text string) []string {
	var set []string
	for _, word := range strings.Fields(text) {
		switch f := ims.ParseFlag(word); {
		case word == "expired" || word == "pending":
		case f != 0:
			set = append(set, f.Names()...)
		case word[0] != '\\':
			set = append(set, strings.ToLower(word))
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// ahead returns the message of that UID, unless a long index would have to be
// read from its start for it: mostly it is the one, and comes next.
func (v *boxView) ahead(uid uint32) (*viewRecord, error) {
	if !v.held() && uid <= v.last {
		return nil, nil
	}
	return v.byUID(uid)
}

// byUID returns the message of a UID; nil: there is none.
func (v *boxView) byUID(uid uint32) (*viewRecord, error) {
	if !v.held() {
		return v.findUID(uid)
	}
	i, ok := slices.BinarySearchFunc(v.all, uid, func(r viewRecord, uid uint32) int { return cmp.Compare(r.uid, uid) })
	if !ok {
		return nil, nil
	}
	return &v.all[i], nil
}

// held says whether all records are in memory.
func (v *boxView) held() bool { return v.header != nil && v.header.Exists <= int64(v.limit) }

// findUID goes forward in the index, and starts again when the stream goes
// back.
func (v *boxView) findUID(uid uint32) (*viewRecord, error) {
	if uid <= v.last {
		if err := v.rewind(); err != nil {
			return nil, err
		}
	}
	for v.last < uid {
		rec, err := v.ir.Next()
		if err == io.EOF {
			v.last = 1<<32 - 1
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if v.last = rec.UID; rec.UID == uid {
			found := v.record(rec)
			return &found, nil
		}
	}
	return nil, nil
}

// findFile makes a record of what a file itself tells: the one of that UID or,
// when that has another content, one that has it. A nil sum is any content.
func (v *boxView) findFile(uid uint32, sum *[32]byte) (*viewRecord, error) {
	rec, err := v.readFile(uid)
	if err != nil || sum == nil || rec != nil && rec.sum == *sum {
		return rec, err
	}
	if err := v.sumFiles(); err != nil {
		return nil, err
	}
	if other, ok := v.files[*sum]; ok {
		rec, err = v.readFile(other)
		if rec != nil {
			rec.origUID = uid
		}
	}
	return rec, err
}

func (v *boxView) readFile(uid uint32) (*viewRecord, error) {
	var st unix.Stat_t
	f, err := v.read.read(v.ctx, v.box.fd, messageFile(uid), &st)
	if notThere(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &viewRecord{uid: uid, origUID: uid, size: f.size, sum: f.sum}, nil
}

// sumFiles reads the files of a mailbox without an index of ours, as many as
// the view may hold.
func (v *boxView) sumFiles() error {
	if v.files != nil {
		return nil
	}
	v.files = make(map[[32]byte]uint32)
	var l nms.Lister
	for _, nn := range v.box.dirs {
		dir, err := nms.OpenDir(v.box.fd, nn)
		if err != nil {
			return err
		}
		entries, err := listDir(&l, dir)
		unix.Close(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			uid, ok := readMessageName(e.Name)
			if !ok || messageDir(uid) != nn || len(v.files) >= v.limit {
				continue
			}
			rec, err := v.readFile(uid)
			if err != nil {
				return err
			}
			if rec != nil {
				v.files[rec.sum] = uid
			}
		}
	}
	return nil
}
