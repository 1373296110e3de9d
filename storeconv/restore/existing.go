package restore

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// oldBox is a mailbox that the store has before the visit. It takes about 60 bytes a message.
type oldBox struct {
	r       *run
	dir     string // in the store
	header  ims.Header
	foreign bool // store.idx is not ours: it stays as it is
	indexed bool // store.idx is ours
	own     bool // this run wrote it, in an earlier visit
	uids    uidRanges
	byOrig  map[uint64]oldMessage // by UIDVALIDITY and UID of the source
	bySum   map[[32]byte]uint32   // those without
	files   []ims.Record          // what the files say, where no index does
}

// oldMessage is a message of an oldBox.
type oldMessage struct {
	uid      uint32
	size     int64
	flags    ims.Flags
	keywords string // bits
}

func origKey(validity, uid uint32) uint64 { return uint64(validity)<<32 | uint64(uid) }

// openBox looks for what the store has under the name of a mailbox, once its UIDVALIDITY is known.
func (p *planner) openBox(b *box, m *sims.Member) error {
	if b.opened || !b.v.exists {
		b.opened = true
		return nil
	}
	b.opened = true
	renamed, err := p.newName(b)
	if err != nil {
		return err
	}
	old, err := p.r.loadOld(b)
	if err != nil || old == nil {
		return err
	}
	if p.r.opt.Existing == NewName && !renamed {
		return p.rename(b)
	}
	old.own = b.v.n > 0 && b.v.before.stream < b.v.stream
	if old.foreign {
		p.talk(talk{warning: true, kind: "foreign-index", where: ims.MailboxName(b.v.id, b.name),
			text: "its store.idx is not of this project and stays as it is: messages are added beside it, reconstruct must index them"})
	}
	b.old = old
	x := &b.index
	x.Header = old.header
	x.Userflags = slices.Clone(old.header.Userflags)
	x.keywords = make(map[string]int)
	for i, k := range x.Userflags {
		x.keywords[strings.ToLower(k)] = i
	}
	x.set = old.header.Exists > 0 || len(old.uids) > 0
	if !x.set {
		x.UIDValidity = 0
	}
	b.fixed = x.UIDValidity
	return nil
}

// newName gives a mailbox the name that an earlier visit of this run found for it.
func (p *planner) newName(b *box) (bool, error) {
	if p.r.run == nil || p.r.opt.Existing != NewName {
		return false, nil
	}
	name, ok, err := p.r.jr.Get("n/" + b.v.id + "/" + b.name)
	if ok {
		b.setName(string(name))
	}
	return ok, err
}

// setName puts a mailbox under another name.
func (b *box) setName(name string) {
	b.name, b.path = name, ims.MailboxPath(name)
	b.dir = b.v.stage + "/"
	if b.path != "" {
		b.dir += b.path + "/"
	}
}

// rename finds a name that the store does not have: name.mmddyy.HHMMSS of the backup's date, then .001 and so on.
func (p *planner) rename(b *box) error {
	was := b.name
	base := was + time.Unix(p.header.Date, 0).UTC().Format(".010206.150405")
	for n := 0; n <= 999; n++ {
		name := base
		if n > 0 {
			name = fmt.Sprintf("%s.%03d", base, n)
		}
		if err := ims.CheckMailbox(name); err != nil {
			return err
		}
		if _, err := p.r.store.Stat(ims.MailboxDir(p.r.partition, b.v.id, name)); isNotExist(err) {
			b.setName(name)
			b.renamed = true
			if p.r.run != nil {
				p.add(item{kind: itemRenamed, v: b.v, name: "n/" + b.v.id + "/" + was, link: name})
			}
			return nil
		}
	}
	return fmt.Errorf("mailbox %s: a thousand names like %s are taken", ims.MailboxName(b.v.id, was), base)
}

// loadOld reads what the store has of a mailbox; nil when there is none.
func (r *run) loadOld(b *box) (*oldBox, error) {
	o := &oldBox{r: r, dir: ims.MailboxDir(r.partition, b.v.id, b.name), byOrig: make(map[uint64]oldMessage), bySum: make(map[[32]byte]uint32)}
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

// readIndex takes in store.idx.
func (o *oldBox) readIndex() error {
	f, err := o.r.store.Open(o.dir + "/" + indexName)
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
	for {
		rec, err := ir.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			o.foreign = true
			return nil
		}
		o.take(rec)
	}
	o.header, o.indexed = ir.Header, true
	return nil
}

func (o *oldBox) take(rec *ims.Record) {
	o.uids.add(rec.UID)
	if rec.OrigUID != 0 {
		o.byOrig[origKey(rec.OrigValidity, rec.OrigUID)] = oldMessage{rec.UID, rec.Size, rec.Flags, string(rec.Keywords)}
	} else if rec.HasSum() {
		o.bySum[rec.SHA256] = rec.UID
	}
}

// readFiles takes in message files that the index does not name. Where there is no index of ours, their content is all that is known.
func (o *oldBox) readFiles(list []os.DirEntry) error {
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
			if !ok || ims.MessageDir(uid) != e.Name() || !o.uids.add(uid) {
				continue
			}
			if !o.indexed {
				if err := o.readFile(uid); err != nil {
					return err
				}
			}
		}
	}
	slices.SortFunc(o.files, func(a, b ims.Record) int { return int(int64(a.UID) - int64(b.UID)) })
	return nil
}

func (o *oldBox) readFile(uid uint32) error {
	f, err := o.r.store.Open(o.dir + "/" + ims.MessagePath(uid))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m, err := readMessage(f)
	if err != nil {
		return err
	}
	o.bySum[m.sum] = uid
	o.files = append(o.files, ims.Record{UID: uid, InternalDate: info.ModTime().Unix(), SentDate: m.sent, Size: m.size, HSize: m.hsize, SHA256: m.sum, MessageID: m.id})
	return nil
}

// records returns a function that gives the old records in ascending order of UIDs.
func (o *oldBox) records() (next func() (*ims.Record, error), closeFile func(), err error) {
	if o == nil || !o.indexed {
		i := 0
		return func() (*ims.Record, error) {
			if o == nil || i == len(o.files) {
				return nil, io.EOF
			}
			i++
			rec := o.files[i-1]
			return &rec, nil
		}, func() {}, nil
	}
	f, err := o.r.store.Open(o.dir + "/" + indexName)
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

// find returns the message that it is a copy of, if the mailbox has one. The body is asked for only where the origin of messages is not known.
func (o *oldBox) find(it *item, sum func() [32]byte) (oldMessage, bool) {
	if m, ok := o.byOrig[origKey(it.orig, it.origUID)]; ok && (it.kind == itemLink || it.size == m.size || o.own || o.r.opt.CRLF) {
		return m, true
	}
	if len(o.bySum) == 0 || it.kind == itemLink {
		return oldMessage{}, false
	}
	uid, ok := o.bySum[sum()]
	return oldMessage{uid: uid}, ok
}

// merge settles what becomes of a message or link for a mailbox that the store has. sum returns the SHA-256 of its body as it would be stored.
func (p *planner) merge(it item, sum func() [32]byte) (item, bool) {
	b, o := it.box, it.box.old
	if p.r.opt.Existing != AppendAll || b.v.n > 0 {
		if m, ok := o.find(&it, sum); ok {
			if o.own && it.size != m.size && it.kind != itemLink && !p.r.opt.CRLF {
				p.rep.Refused++
				p.talk(talk{kind: "duplicate-uid", where: p.r.whereOf(p.stream, it.offset, it.name), text: "an earlier stream has this UID with another content: the first one stays"})
				return it, false
			}
			p.rep.Duplicates++
			if m.uid != it.origUID {
				p.add(item{kind: itemMoved, v: it.v, box: it.box, name: it.name, uid: m.uid})
			}
			if o.own {
				p.add(item{kind: itemUpdate, v: it.v, box: it.box, uid: m.uid, rawFlags: it.rawFlags, held: nil, old: m})
			}
			return it, false
		}
	}
	if it.box.fixed != 0 && it.orig != it.box.fixed || o.uids.has(it.uid) {
		it.uid = max(o.uids.max(), o.header.LastUID) + 1
		if it.uid == 0 {
			p.rep.Refused++
			p.talk(talk{kind: "no-uid", where: p.r.whereOf(p.stream, it.offset, it.name), text: "the mailbox has no UID left"})
			return it, false
		}
	}
	o.uids.add(it.uid)
	o.header.LastUID = max(o.header.LastUID, it.uid)
	return it, true
}

// update takes later flags of a message that is there.
func (c *collector) update(it *item) {
	x := &it.box.index
	flags, words, _ := parseFlags(it.rawFlags)
	var rec ims.Record
	for _, w := range words {
		rec.SetKeyword(x.keyword(w))
	}
	if flags == it.old.flags && string(rec.Keywords) == it.old.keywords {
		return
	}
	if x.updates == nil {
		x.updates = make(map[uint32]flagUpdate)
	}
	x.updates[it.uid] = flagUpdate{flags, rec.Keywords}
	it.box.changed = true
	it.v.changed = true
	c.rep.Updated++
	it.v.rep.Updated++
}

// completeTree makes the staged tree of a user who exists whole: everything that the store has and the visit did not replace is linked into it.
func (c *collector) completeTree(f *finished, u *userMail) error {
	v := f.v
	touched := make(map[string]bool)
	for _, b := range v.order {
		touched[b.path] = true
	}
	w := &oldTree{c: c, v: v, base: ims.UserDir(c.r.partition, v.id), touched: touched, usage: u, link: v.changed}
	if v.changed {
		if err := c.r.run.Stage.MkdirAll(v.stage); err != nil {
			return err
		}
	}
	if err := w.dir(""); err != nil {
		return err
	}
	f.nothing, f.exchange = !v.changed, v.changed
	return nil
}

// oldTree goes through a user's tree in the store.
type oldTree struct {
	c       *collector
	v       *visit
	base    string
	touched map[string]bool
	usage   *userMail
	link    bool // link files into the stage
}

// maxDepth bounds the nesting of directories in a user's tree.
const maxDepth = ims.MaxMailbox

func (w *oldTree) dir(path string) error {
	if strings.Count(path, "/") > maxDepth {
		return fmt.Errorf("%s/%s: nested too deep", w.base, path)
	}
	from, to := join(w.base, path), join(w.v.stage, path)
	list, err := w.c.r.store.ReadNames(from)
	if err != nil {
		return err
	}
	if w.link {
		if err := w.c.r.run.Stage.Mkdir(to); err != nil {
			return err
		}
	}
	if !w.touched[path] {
		if err := w.count(path, list); err != nil {
			return err
		}
	}
	for _, e := range list {
		if e.IsDir() {
			if err := w.dir(join(path, e.Name())); err != nil {
				return err
			}
			continue
		}
		if !w.link {
			continue
		}
		err := w.c.r.store.Link(from+"/"+e.Name(), w.c.r.run.Stage, to+"/"+e.Name())
		if err != nil && !(e.Name() == indexName && os.IsExist(err)) {
			return err
		}
	}
	return nil
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "/" + b
}

// count adds a mailbox that the visit did not touch to the user's usage.
func (w *oldTree) count(path string, list []os.DirEntry) error {
	if !slices.ContainsFunc(list, func(e os.DirEntry) bool { return e.Name() == indexName }) {
		return nil
	}
	name, err := ims.MailboxFromPath(path)
	if err != nil {
		return nil // not a mailbox of this layout
	}
	b := &box{v: w.v, name: name, path: path}
	old, err := w.c.r.loadOld(b)
	if err != nil || old == nil {
		return err
	}
	if old.indexed {
		w.usage.bytes += old.header.QuotaUsed
		w.usage.messages += old.header.Exists
		if old.header.Subscribed {
			w.usage.subscribed = append(w.usage.subscribed, ims.MailboxName(w.v.id, name))
		}
		return nil
	}
	for i := range old.files {
		w.usage.bytes += old.files[i].Size
		w.usage.messages++
	}
	return nil
}

// keep takes the counts and flags of a mailbox that stays as it is.
func (c *collector) keepIndex(b *box) error {
	x := &b.index
	x.seen, x.deleted = nil, nil
	last := x.LastUID
	x.Header.Reset()
	x.LastUID = max(last, b.old.header.LastUID)
	next, closeOld, err := b.old.records()
	if err != nil {
		return err
	}
	defer closeOld()
	for {
		rec, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		x.Header.Add(rec)
		x.mark(rec)
	}
	c.defaults(b)
	return nil
}
