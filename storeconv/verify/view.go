package verify

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
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
	if errors.Is(err, ims.ErrForeignIndex) {
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

// find returns the record of the message that came from a UID of a mailbox with
// this UIDVALIDITY in the stream (0: not said). There may be several: of users
// whose mail was put together, and of a UID that was given out twice. Then it
// is the one with this content, or the first, when none has it. Nil: there is
// none.
func (v *boxView) find(uid, validity uint32, sum *[32]byte) (*viewRecord, error) {
	if v.header == nil {
		return v.findFile(uid, sum)
	}
	if rec, err := v.ahead(uid); err != nil || rec != nil && rec.from(uid, validity) && rec.sum == *sum {
		return rec, err
	}
	own, err := v.from(uid, validity)
	if err != nil || len(own) == 0 {
		return nil, err
	}
	for _, o := range own {
		if o.sum != shortSum(sum) {
			continue
		}
		if rec, err := v.byUID(o.uid); err != nil || rec != nil && rec.sum == *sum {
			return rec, err
		}
	}
	return v.byUID(own[0].uid)
}

// candidates returns, of the messages that came from a UID, as many as are
// worth looking at.
func (v *boxView) candidates(uid, validity uint32) ([]*viewRecord, error) {
	if v.header == nil {
		rec, err := v.findFile(uid, nil)
		if rec == nil || err != nil {
			return nil, err
		}
		return []*viewRecord{rec}, nil
	}
	own, err := v.from(uid, validity)
	if err != nil {
		return nil, err
	}
	var all []*viewRecord
	for _, o := range own[:min(len(own), maxCandidates)] {
		rec, err := v.byUID(o.uid)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			all = append(all, rec)
		}
	}
	return all, nil
}

// maxCandidates bounds the messages of one origin that a link is held against.
const maxCandidates = 1000

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

// from says whether the message came from that UID of a mailbox with that
// UIDVALIDITY; 0 is not known.
func (r *viewRecord) from(uid, validity uint32) bool {
	return r.origUID == uid && (validity == 0 || r.origValidity == validity)
}

// findContent returns a record with this content that does not say where it
// came from: restores go by the content of such.
func (v *boxView) findContent(sum [32]byte) *viewRecord {
	if v.bySum == nil {
		v.bySum = make(map[[32]byte]int)
		for i := len(v.all) - 1; i >= 0; i-- {
			if r := &v.all[i]; r.origUID == 0 || r.origValidity == 0 {
				v.bySum[r.sum] = i
			}
		}
	}
	if i, ok := v.bySum[sum]; ok {
		return &v.all[i]
	}
	return nil
}

// hadOthers says whether the mailbox holds messages that came from elsewhere
// than a mailbox of which this is said. Those without an origin did, unless the
// source names not all of its own.
func (v *boxView) hadOthers(said uidsSaid) bool {
	if v.held() {
		return said.others(func(yield func(uint32) bool) {
			for i := range v.all {
				if !yield(v.all[i].origValidity) {
					return
				}
			}
		})
	}
	if err := v.collectOrigins(); err != nil {
		return false // told where the records are looked for
	}
	return said.others(func(yield func(uint32) bool) {
		for _, o := range v.origins {
			if !yield(o.validity) {
				return
			}
		}
	})
}

// others tells whether UIDVALIDITYs of origins are those of other mailboxes.
func (s uidsSaid) others(origins iter.Seq[uint32]) bool {
	own, none := s.made == 1, false
	for validity := range origins {
		switch validity {
		case s.validity:
			own = true
		case 0:
			none = true
		default:
			return true
		}
	}
	return none && !(own && s.made != 0)
}

// takeContent returns a record with this content that no other message was
// found to be: the one of that place, if it is in it, or one of that date, else
// any, or else the one of that place and date, whose content is wrong. Nil:
// there is none.
func (v *boxView) takeContent(uid uint32, date int64, sum *[32]byte) (*viewRecord, error) {
	rec, err := v.ahead(uid)
	if err != nil {
		return nil, err
	}
	if rec != nil && (rec.date != date || v.taken[uid]) {
		rec = nil
	}
	if rec == nil || rec.sum != *sum {
		other, err := v.ofContent(date, sum)
		if err != nil {
			return nil, err
		}
		if other != nil || rec != nil && rec.origValidity != 0 {
			rec = other
		}
	}
	if rec == nil {
		return nil, nil
	}
	if v.taken == nil {
		v.taken = make(map[uint32]bool)
	}
	v.taken[rec.uid] = true
	return rec, nil
}

func (v *boxView) ofContent(date int64, sum *[32]byte) (any *viewRecord, err error) {
	all, err := v.withContent(sum)
	for i := range all {
		rec := &all[i]
		switch {
		case v.taken[rec.uid]:
		case rec.date == date:
			return rec, nil
		case any == nil:
			any = rec
		}
	}
	return any, err
}

// withContent returns the records with a content, as many as are worth looking
// at.
func (v *boxView) withContent(sum *[32]byte) (all []viewRecord, err error) {
	if v.content == nil {
		if err := v.collectOrigins(); err != nil {
			return nil, err
		}
		v.content = slices.Clone(v.origins)
		slices.SortFunc(v.content, func(o, p origin4) int { return cmp.Or(cmp.Compare(o.sum, p.sum), cmp.Compare(o.uid, p.uid)) })
	}
	short := shortSum(sum)
	i, _ := slices.BinarySearchFunc(v.content, short, func(o origin4, sum uint32) int { return cmp.Compare(o.sum, sum) })
	for ; i < len(v.content) && v.content[i].sum == short && len(all) < maxCandidates; i++ {
		rec, err := v.byUID(v.content[i].uid)
		if err != nil {
			return all, err
		}
		if rec != nil && rec.sum == *sum {
			all = append(all, *rec)
		}
	}
	return all, nil
}

// held says whether all records are in memory.
func (v *boxView) held() bool { return v.header != nil && v.header.Exists <= int64(v.limit) }

// origin4 is where a message came from, and the start of its content's sum.
// maxOrigins bounds them to 64 MiB.
type origin4 struct{ from, validity, uid, sum uint32 }

const maxOrigins = 4 << 20

func (o origin4) compare(p origin4) int {
	return cmp.Or(cmp.Compare(o.from, p.from), cmp.Compare(o.validity, p.validity), cmp.Compare(o.uid, p.uid))
}

func shortSum(sum *[32]byte) uint32 { return binary.BigEndian.Uint32(sum[:]) }

// from lists the messages that came from a UID of a mailbox with this
// UIDVALIDITY, or of any when that is 0.
func (v *boxView) from(uid, validity uint32) ([]origin4, error) {
	if err := v.collectOrigins(); err != nil {
		return nil, err
	}
	i, _ := slices.BinarySearchFunc(v.origins, origin4{from: uid, validity: validity}, origin4.compare)
	n := i
	for n < len(v.origins) && v.origins[n].from == uid && (validity == 0 || v.origins[n].validity == validity) {
		n++
	}
	return v.origins[i:n], nil
}

// collectOrigins finds where the messages came from. For that it reads an index
// that is too long to hold.
func (v *boxView) collectOrigins() error {
	if v.origins != nil {
		return nil
	}
	v.origins = make([]origin4, 0, len(v.all))
	for i := range v.all {
		r := &v.all[i]
		v.origins = append(v.origins, origin4{r.origUID, r.origValidity, r.uid, shortSum(&r.sum)})
	}
	if !v.held() {
		if err := v.readOrigins(); err != nil {
			v.origins = nil
			return err
		}
	}
	slices.SortFunc(v.origins, origin4.compare)
	return nil
}

func (v *boxView) readOrigins() error {
	if err := v.rewind(); err != nil {
		return err
	}
	v.last = 1<<32 - 1 // the next search starts again
	for len(v.origins) < maxOrigins {
		rec, err := v.ir.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		v.origins = append(v.origins, origin4{rec.OrigUID, rec.OrigValidity, rec.UID, shortSum(&rec.SHA256)})
	}
	return nil
}

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
