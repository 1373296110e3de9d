package restore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// existingBox is a mailbox that the store has before the visit. It stays as it
// is, but for the sets that the planner gets. It takes about 120 bytes a
// message.
type existingBox struct {
	r        *run
	dir      string // in the store; "": a dry run would put it there,
	planned  string // under this name
	header   ims.Header
	foreign  bool   // store.idx is not ours: it stays as it is
	indexed  bool   // store.idx is ours, and its header can be read
	lack     string // what is the matter with a store.idx that does not tell of all messages; "": nothing, or it is foreign
	uids     uidRanges
	stored   []storedMessage     // in ascending order of UIDs
	byOrig   map[uint64]int32    // the last of stored with a UIDVALIDITY and UID of the source
	unnamed  bool                // some have none
	byHash   contents            // all by content
	byDate   contents            // all by content and date
	taken    map[uint32]bool     // UIDs that messages of the stream have been found to be by their content, or under which others are that their names call otherwise
	before   uidRanges           // UIDs that were there before the run; with AppendAll their messages are nobody's copies
	met      uidRanges           // of these, those that earlier visits have had,
	was      map[uint32]oldFlags // and the flags of those that they have changed
	mine     uidRanges           // of these, those that earlier visits have noted
	gone     map[uint32]string   // UIDs of the index whose files are missing or have another size, and which of it
	withCRLF map[uint32][32]byte // sums of files, their line ends made CR LF, as far as they are known
	files    []fileRecord        // what the files say of messages that no index of ours names, in ascending order of UIDs
	locked   []uint32            // UIDs of such files that this user may not read, in no order
}

// fileRecord is a message of which no index tells.
type fileRecord struct {
	ims.Record
	bare bool // a line end is not CR LF
}

// storedMessage is a message that the index of an existingBox names, or of
// which only its file tells.
type storedMessage struct {
	uid      uint32
	before   int32  // the one before with the same UIDVALIDITY and UID of the source; -1: none
	validity uint32 // UIDVALIDITY and UID of the source; 0: the source has none
	origUID  uint32
	date     int64 // of receipt, seconds since 1970
	size     int64
	sum      [32]byte
	flags    ims.Flags
	keywords string // bits
	file     bool   // only its file tells of it
	short    bool   // of sum only the beginning is known, as shortSum gives it
}

func origKey(validity, uid uint32) uint64 { return uint64(validity)<<32 | uint64(uid) }

// loadExisting reads what the store has of a mailbox; nil when there is none.
func (r *run) loadExisting(id, mailbox string) (*existingBox, error) {
	o := &existingBox{
		r: r, dir: ims.MailboxDir(r.partition, id, mailbox),
		byOrig: make(map[uint64]int32),
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
	if !o.indexed && !o.foreign && len(o.files)+len(o.locked) == 0 {
		return nil, nil // a directory on the way to another mailbox
	}
	return o, nil
}

// indexMissing is what is the matter with an index that is not there.
const indexMissing = "is missing"

// readIndex reads store.idx, of a damaged one what can be read.
func (o *existingBox) readIndex() error {
	f, err := o.r.store.Open(o.dir + "/" + ims.IndexName)
	if isNotExist(err) {
		o.lack = indexMissing
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	ir, err := ims.NewIndexReader(f)
	switch {
	case errors.Is(err, ims.ErrForeignIndex):
		o.foreign = true
		return nil
	case ims.IsBadIndex(err):
		o.lack = fmt.Sprintf("is damaged (%v)", err)
		return nil
	case err != nil:
		return err
	}
	for {
		rec, err := ir.Next()
		if err == io.EOF {
			break
		}
		if ims.IsBadIndex(err) {
			o.lack = cmp.Or(o.lack, fmt.Sprintf("is damaged (%v)", err))
			continue
		}
		if err != nil {
			return err
		}
		o.add(rec)
	}
	o.header, o.indexed = ir.Header, true
	if n := int64(len(o.stored)); o.lack == "" && n != o.header.Exists {
		o.lack = fmt.Sprintf("is damaged (it has lines of %d messages, and says %d)", n, o.header.Exists)
	}
	return nil
}

func (o *existingBox) add(rec *ims.Record) {
	o.addStored(messageOf(rec))
}

// messageOf is the message of a line of an index.
func messageOf(rec *ims.Record) storedMessage {
	return storedMessage{
		uid: rec.UID, validity: rec.OrigValidity, origUID: rec.OrigUID, date: rec.InternalDate, size: rec.Size, sum: rec.SHA256,
		flags: rec.Flags, keywords: string(rec.Keywords),
	}
}

// addStored adds a message, of a higher UID than those before.
func (o *existingBox) addStored(m storedMessage) {
	o.uids.add(m.uid)
	if m.before = -1; m.isUnnamed() {
		o.unnamed = true
	} else {
		key := origKey(m.validity, m.origUID)
		if last, ok := o.byOrig[key]; ok {
			m.before = last
		}
		o.byOrig[key] = int32(len(o.stored))
	}
	o.stored = append(o.stored, m)
}

// lookAtFiles looks for the file of every message that the index names: what is
// not there, or has another size, is gone. What is in a file is not read.
func (o *existingBox) lookAtFiles() error {
	if o.planned != "" {
		return nil
	}
	for i := range o.stored {
		m := &o.stored[i]
		info, err := o.r.store.Stat(o.dir + "/" + ims.MessagePath(m.uid))
		why := ""
		switch {
		case isNotExist(err) || isNotDir(err):
			why = "there is no such file"
		case err != nil:
			return err
		case !info.IsRegular():
			why = "it is no file"
		case info.Size != m.size:
			why = fmt.Sprintf("it has %d bytes, the index says %d", info.Size, m.size)
		default:
			continue
		}
		if o.gone == nil {
			o.gone = make(map[uint32]string)
		}
		o.gone[m.uid] = why
	}
	return nil
}

// readFiles looks for message files that the index does not name. Where that
// does not tell of all messages, their content is all that is known.
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
			if !ok || ims.MessageDir(uid) != e.Name() || !o.uids.add(uid) || o.indexed && o.lack == "" || !f.Type().IsRegular() {
				continue
			}
			if err := o.readFile(uid); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(o.files, func(a, b fileRecord) int { return cmp.Compare(a.UID, b.UID) })
	return nil
}

// readFile takes a message file that the index does not name into files. One
// that this user may not read stays what it is, and keeps its UID.
func (o *existingBox) readFile(uid uint32) error {
	f, err := o.r.store.Open(o.dir + "/" + ims.MessagePath(uid))
	if errors.Is(err, fs.ErrPermission) {
		o.locked = append(o.locked, uid)
		return nil
	}
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
	o.unnamed = true
	o.files = append(o.files, fileRecord{ims.Record{
		UID: uid, InternalDate: info.ModTime().Unix(), SentDate: m.text.Sent, Size: m.size, HSize: m.text.HeaderSize,
		SHA256: m.sum, MessageID: m.text.ID,
	}, m.bare})
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
	next = ir.Next
	if o.lack != "" {
		next = o.withFiles(ir)
	}
	return next, func() { f.Close() }, nil
}

// withFiles gives what can be read of a damaged index, and what the files say
// of the other messages.
func (o *existingBox) withFiles(ir *ims.IndexReader) func() (*ims.Record, error) {
	nextIndexed := func() (rec *ims.Record, err error) {
		for {
			if rec, err = ir.Next(); !ims.IsBadIndex(err) {
				return rec, err
			}
		}
	}
	nextFile := o.fileRecords()
	a, err := nextIndexed()
	f, fileErr := nextFile()
	return func() (rec *ims.Record, failed error) {
		switch {
		case err != nil && err != io.EOF:
			return nil, err
		case fileErr == nil && (err == io.EOF || f.UID < a.UID):
			rec = f
			f, fileErr = nextFile()
			return rec, nil
		case err == io.EOF:
			return nil, io.EOF
		}
		rec = a.Clone()
		a, err = nextIndexed()
		return rec, nil
	}
}

// fileRecords gives what the files say.
func (o *existingBox) fileRecords() func() (*ims.Record, error) {
	i := 0
	return func() (*ims.Record, error) {
		if o == nil || i == len(o.files) {
			return nil, io.EOF
		}
		i++
		rec := o.files[i-1].Record
		return &rec, nil
	}
}

// mayHave tells whether find may find a copy of the message, whatever its
// content is.
func (o *existingBox) mayHave(e *entry) bool {
	return o.originOf(e) >= 0 || o.here(e) >= 0 || o.unnamed || e.nameless && len(o.stored) > 0
}

// originOf is the last of stored that has the origin of e; -1: none has.
func (o *existingBox) originOf(e *entry) int32 {
	if last, ok := o.byOrig[origKey(e.validity, e.origUID)]; ok && !e.nameless {
		return last
	}
	return -1
}

// here is the message of another origin that has the UIDVALIDITY and UID of e
// now, and its date: a backup of this store calls it so. -1: there is none.
func (o *existingBox) here(e *entry) int32 {
	if e.nameless || e.validity == 0 || e.validity != o.header.UIDValidity {
		return -1
	}
	i, ok := slices.BinarySearchFunc(o.stored, e.origUID, func(m storedMessage, uid uint32) int { return cmp.Compare(m.uid, uid) })
	if !ok {
		return -1
	}
	m := &o.stored[i]
	if m.date != e.date || m.isUnnamed() || m.validity == e.validity && m.origUID == e.origUID {
		return -1
	}
	return int32(i)
}

// named gives the messages that e may be by its name, which their content
// decides: those of its origin, of its date before others and the last one
// first, and the one that has its UID, unless that is known to be another one
// of the stream.
func (o *existingBox) named(e *entry, isOther func(uid uint32) bool) iter.Seq[storedMessage] {
	return func(yield func(storedMessage) bool) {
		for _, dated := range [...]bool{true, false} {
			for last := o.originOf(e); last >= 0; last = o.stored[last].before {
				if m := &o.stored[last]; (m.date == e.date) == dated && !o.passesOver(m.uid) && !yield(*m) {
					return
				}
			}
		}
		if i := o.here(e); i >= 0 && !isOther(o.stored[i].uid) && !o.passesOver(o.stored[i].uid) {
			yield(o.stored[i])
		}
	}
}

// find returns the message that e is a copy of: one of the same name and the
// same content or, where the source or the store knows no origin, of the same
// content. Such a one is taken then: there are as many copies of a content as
// the source has. sum returns the SHA-256 of the content, as it would be stored
// with and without the line ends made CR LF: an earlier run may have had them
// otherwise, and other is set where it did.
func (o *existingBox) find(e *entry, crlf bool, sum func(crlf bool) [32]byte) (m storedMessage, other, ok bool) {
	if !o.mayHave(e) {
		return m, false, false
	}
	for _, other := range [...]bool{false, true} {
		s := sum(crlf != other)
		for m := range o.named(e, o.isTaken) {
			if m.has(&s) {
				if m.uid != e.origUID {
					o.take(m.uid)
				}
				return m, other, true
			}
		}
		if m, ok := o.takeContent(e, s); ok {
			return m, other, true
		}
	}
	return m, false, false
}

// hasWithCRLF tells whether the file of a message has that sum once its line
// ends are CR LF. The files are read once.
func (o *existingBox) hasWithCRLF(uid uint32, want [32]byte) bool {
	sum, ok := o.withCRLF[uid]
	if !ok {
		var err error
		if sum, err = crlfSum(o.r.store.Dir, o.dir+"/"+ims.MessagePath(uid)); err != nil {
			return false // what is the matter with it is told elsewhere
		}
		if o.withCRLF == nil {
			o.withCRLF = make(map[uint32][32]byte)
		}
		o.withCRLF[uid] = sum
	}
	return sum == want
}

// crlfSum is the SHA-256 of a file with its line ends made CR LF.
func crlfSum(dir *durable.Dir, name string) (sum [32]byte, err error) {
	f, err := dir.Open(name)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	m, err := readContentAs(f, true)
	return m.sum, err
}

// A dry run puts nothing into place: what it would have put there it keeps in
// memory, for later streams to find, for the links that were put off, and for
// users who get an id that another had.
type plannedBoxes struct {
	mu       sync.Mutex
	boxes    map[string]*existingBox // by id and name before the run gave it another
	met      map[string]uidRanges    // as in existingBox, of those that are not kept
	messages int
}

// plannedKept bounds the messages that are kept, 120 bytes each, about. Of a
// mailbox beyond that, what comes later finds what the store has.
const plannedKept = 1 << 19

// keepsPlanned tells whether what a visit would put into place is kept. Without
// indexes, or beside one of another form, a run goes by what the files say,
// which a dry run does not have.
func (r *run) keepsPlanned(b *box) bool {
	return r.dry() && r.mayComeAgain() && !r.opt.NoIndex && (b.existing == nil || !b.existing.foreign)
}

// mayComeAgain tells whether one mailbox may be in more than one stream, or be
// that of several users.
func (r *run) mayComeAgain() bool { return len(r.streams) > 1 || r.sel.MayJoin() }

func plannedKey(b *box) string { return b.v.id + "\x00" + b.key }

// planned is what an earlier visit of a dry run would have put into place of a
// mailbox; nil: nothing is known.
func (r *run) plannedBox(b *box) *existingBox {
	r.planned.mu.Lock()
	defer r.planned.mu.Unlock()
	return r.planned.boxes[plannedKey(b)]
}

// plannedMet is what earlier visits of a dry run have had of what the store has
// in a mailbox.
func (r *run) plannedMet(b *box) uidRanges {
	r.planned.mu.Lock()
	defer r.planned.mu.Unlock()
	return r.planned.met[plannedKey(b)]
}

// planMet keeps it.
func (r *run) planMet(b *box) {
	if len(b.index.met) == 0 || !r.mayComeAgain() {
		return
	}
	r.planned.mu.Lock()
	defer r.planned.mu.Unlock()
	if r.planned.messages += len(b.index.met); r.planned.messages > plannedKept {
		return
	}
	if r.planned.met == nil {
		r.planned.met = make(map[string]uidRanges)
	}
	r.planned.met[plannedKey(b)] = b.existing.metSoFar(&b.index)
}

// plan keeps what a dry run would put into place of a mailbox.
func (r *run) plan(b *box) {
	x := &b.index
	if !r.keepsPlanned(b) {
		r.planMet(b)
		return
	}
	o := &existingBox{r: r, planned: b.name, header: x.Header, indexed: true, byOrig: make(map[uint64]int32)}
	if old := b.existing; old != nil {
		o.header.UIDValidity = x.UIDValidity
		o.before, o.met, o.was = old.before, old.metSoFar(x), old.wasSoFar(x)
		o.uids, o.gone = slices.Clone(old.uids), maps.Clone(old.gone)
		for uid := range x.again {
			delete(o.gone, uid)
		}
		for i := range len(old.stored) + len(old.files) {
			m := old.at(int32(i))
			if u, ok := x.updates[m.uid]; ok {
				m.change(&u)
			}
			m.file = false
			x.fresh = append(x.fresh, m)
		}
	}
	slices.SortFunc(x.fresh, func(a, b storedMessage) int { return cmp.Compare(a.uid, b.uid) })
	r.planned.mu.Lock()
	defer r.planned.mu.Unlock()
	if r.planned.messages += len(x.fresh); r.planned.messages > plannedKept {
		return
	}
	for i := range x.fresh {
		o.addStored(x.fresh[i])
	}
	if r.planned.boxes == nil {
		r.planned.boxes = make(map[string]*existingBox)
	}
	r.planned.boxes[plannedKey(b)] = o
	x.fresh = nil
}

// change puts what is new into a message.
func (m *storedMessage) change(n *newFlags) {
	m.flags, m.keywords = n.flags, string(n.keywords)
	if o := n.origin; o != nil {
		m.date, m.validity, m.origUID = o.date, o.validity, o.uid
	}
}

// has tells whether the content of a message has that sum.
func (m *storedMessage) has(sum *[32]byte) bool {
	return m.sum == *sum || m.short && shortSum(m.sum) == shortSum(*sum)
}
