package oldverify

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sort"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// maxView is how many messages of an index are held in memory; a longer index is read again when the stream goes back.
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

// mailboxView answers questions about the messages of one mailbox of the store by UID.
type mailboxView struct {
	box    *ims.Mailbox
	header *ims.Header // nil: no index of ours, only the files tell
	all    []viewRecord
	byOrig map[[2]uint32]int // index in all by original UIDVALIDITY and UID; made when first needed
	bySum  map[[32]byte]int  // by content; likewise

	file *os.File // of an index too long to hold
	ir   *ims.IndexReader
	last uint32
}

// newMailboxView takes the mailbox over, also when it fails.
func newMailboxView(box *ims.Mailbox) (*mailboxView, error) {
	v := &mailboxView{box: box}
	if !box.HasIndex {
		return v, nil
	}
	if err := v.rewind(); errors.Is(err, ims.ErrForeignIndex) {
		return v, nil
	} else if err != nil {
		v.close()
		return nil, err
	}
	header := v.ir.Header
	v.header = &header
	if header.Exists > maxView {
		return v, nil
	}
	for {
		rec, err := v.ir.Next()
		if err == io.EOF {
			return v, nil
		}
		if err != nil {
			v.close()
			return nil, err
		}
		v.all = append(v.all, v.record(rec))
		if len(v.all) > maxView { // the header lied
			v.all = nil
			return v, v.rewind()
		}
	}
}

func (v *mailboxView) rewind() error {
	if v.file != nil {
		v.file.Close()
	}
	f, err := v.box.Index()
	if err != nil {
		return err
	}
	v.file, v.last = f, 0
	v.ir, err = ims.NewIndexReader(f)
	return err
}

func (v *mailboxView) close() {
	if v.file != nil {
		v.file.Close()
		v.file = nil
	}
	v.box.Close()
}

func (v *mailboxView) record(rec *ims.Record) viewRecord {
	flags := rec.Flags.Names()
	for i, name := range v.header.Userflags {
		if rec.HasKeyword(i) {
			flags = append(flags, name)
		}
	}
	sort.Strings(flags)
	return viewRecord{
		uid: rec.UID, origUID: rec.OrigUID, origValidity: rec.OrigValidity,
		date: rec.InternalDate, size: rec.Size, sum: rec.SHA256, flags: flags,
	}
}

// flagSet is a stream's flags in the form of a viewRecord: system flags in their own spelling, each once, without the
// marks that have no place in a store.
func (v *mailboxView) flagSet(flags []string) []string {
	var set []string
	for _, flag := range flags {
		switch f := ims.ParseFlag(flag); {
		case flag == "expired" || flag == "pending":
		case f != 0:
			set = append(set, f.Names()...)
		default:
			set = append(set, flag)
		}
	}
	sort.Strings(set)
	return slices.Compact(set)
}

// find returns the record of a member of a mailbox with this UIDVALIDITY in the stream (0: not said): the one that came
// from its UID, or, in a mailbox that had other messages before, the one whose original UID it is. Nil: there is none.
func (v *mailboxView) find(m *sims.Member, validity uint32) (*viewRecord, error) {
	switch {
	case v.header == nil:
		return v.findFile(m.UID)
	case v.held():
		return v.findHeld(m.UID, validity), nil
	}
	return v.findLong(m.UID)
}

// held says whether the messages are in memory.
func (v *mailboxView) held() bool {
	return v.all != nil || v.header != nil && v.header.Exists <= maxView
}

func (v *mailboxView) findHeld(uid, validity uint32) *viewRecord {
	i, ok := slices.BinarySearchFunc(v.all, uid, func(r viewRecord, uid uint32) int { return cmp.Compare(r.uid, uid) })
	if ok && v.all[i].from(uid, validity) {
		return &v.all[i]
	}
	if v.byOrig == nil {
		v.byOrig = make(map[[2]uint32]int, len(v.all))
		for i := len(v.all) - 1; i >= 0; i-- {
			r := &v.all[i]
			v.byOrig[[2]uint32{r.origValidity, r.origUID}] = i
			v.byOrig[[2]uint32{0, r.origUID}] = i
		}
	}
	if i, ok := v.byOrig[[2]uint32{validity, uid}]; ok {
		return &v.all[i]
	}
	return nil
}

// from says whether the message may have come from that UID of a mailbox with that UIDVALIDITY; 0 is not known.
func (r *viewRecord) from(uid, validity uint32) bool {
	return r.origUID == 0 || r.origUID == uid && (validity == 0 || r.origValidity == validity)
}

// findContent returns a record with this content.
func (v *mailboxView) findContent(sum [32]byte) *viewRecord {
	if !v.held() {
		return nil
	}
	if v.bySum == nil {
		v.bySum = make(map[[32]byte]int, len(v.all))
		for i := len(v.all) - 1; i >= 0; i-- {
			v.bySum[v.all[i].sum] = i
		}
	}
	if i, ok := v.bySum[sum]; ok {
		return &v.all[i]
	}
	return nil
}

// hadOthers says whether the mailbox holds messages that came from elsewhere than a mailbox with this UIDVALIDITY.
func (v *mailboxView) hadOthers(validity uint32) bool {
	for i := range v.all {
		if v.all[i].origValidity != validity {
			return true
		}
	}
	return false
}

// findLong goes forward in the index, and starts again when the stream goes back.
func (v *mailboxView) findLong(uid uint32) (*viewRecord, error) {
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

// findFile makes a record of what the file itself tells.
func (v *mailboxView) findFile(uid uint32) (*viewRecord, error) {
	sum, size, err := hashMessage(v.box, uid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &viewRecord{uid: uid, size: size, sum: sum}, nil
}
