package export

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// pool has a name for each exported file that later copies of the message may
// share: below the stage, and gone with it. A file is shared only with copies
// of the same receive date, since that is the file's time.
type pool struct {
	stage *durable.Dir        // nil: dry run
	names map[uint64]struct{} // names that are there, by hash
	met   map[uint64]struct{} // messages that have come
	off   atomic.Bool         // no hard links here
	locks [64]sync.Mutex
	mu    sync.Mutex
}

// has tells whether a name is there, and notes it when it is to be.
func (p *pool) has(name string, note bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := hash64(name)
	_, ok := p.names[n]
	if note {
		p.names[n] = struct{}{}
	}
	return ok
}

// metBefore tells whether a message has come before, and notes it.
func (p *pool) metBefore(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := hash64(key)
	_, ok := p.met[n]
	p.met[n] = struct{}{}
	return ok
}

func newPool(stage *durable.Dir) *pool {
	return &pool{stage: stage, names: make(map[uint64]struct{}), met: make(map[uint64]struct{})}
}

// poolKey is the key of a message by any text that names it.
func poolKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// dated is the name of a file of a date.
func dated(key string, date int64) string {
	return "pool/" + key[:2] + "/" + key + "," + strconv.FormatInt(date, 10)
}

// first is the name of a message's first copy, whatever its date.
func first(key string) string { return "pool/" + key[:2] + "/" + key }

func (p *pool) lock(key string) *sync.Mutex {
	n, _ := strconv.ParseUint(key[:2], 16, 8)
	return &p.locks[n%64]
}

// place makes to a link to an earlier copy of the same date; write makes a file
// of it where there is none.
func (p *pool) place(key string, date int64, to string, write func() error) (linked bool, err error) {
	if p.stage == nil {
		return p.has(dated(key, date), true), write()
	}
	if p.off.Load() {
		return false, write()
	}
	mu := p.lock(key)
	mu.Lock()
	defer mu.Unlock()
	name := dated(key, date)
	if err = unix.ENOENT; p.has(name, false) {
		err = p.stage.Link(name, p.stage, to)
	}
	if err == nil {
		return true, nil
	}
	if errors.Is(err, unix.EMLINK) {
		if err := p.stage.Remove(name); err != nil {
			return false, destination{err}
		}
		err = unix.ENOENT
	}
	if !p.mayMiss(err) {
		return false, destination{err}
	}
	if err := write(); err != nil {
		return false, err
	}
	return false, p.add(name, p.stage, to)
}

// mayMiss tells whether a link failed in a way that a copy mends.
func (p *pool) mayMiss(err error) bool {
	if durable.NoLinks(err) {
		p.off.Store(true)
		return true
	}
	return errors.Is(err, unix.ENOENT)
}

// add gives the file at from, below the directory d, the name in the pool.
func (p *pool) add(name string, d *durable.Dir, from string) error {
	if p.stage == nil || p.off.Load() {
		return nil
	}
	p.has(name, true)
	err := d.Link(from, p.stage, name)
	if errors.Is(err, unix.ENOENT) {
		if err := p.stage.MkdirAll(path.Dir(name)); err != nil {
			return destination{err}
		}
		err = d.Link(from, p.stage, name)
	}
	switch {
	case err == nil, errors.Is(err, unix.EEXIST), errors.Is(err, unix.EMLINK), errors.Is(err, unix.ENOENT):
		return nil
	case durable.NoLinks(err):
		p.off.Store(true)
		return nil
	}
	return destination{err}
}

// offer gives a message of a stream its name in the pool, when a later copy may
// ask for it.
func (r *run) offer(it *item) error {
	if r.dry() {
		r.keepDry(it)
		return nil
	}
	if it.own == "" {
		return nil
	}
	r.keepSum(it)
	return r.offerFile(r.folder.Stage, it.b.file(it.rec), it.own)
}

// keepSum keeps the SHA-256 of a first copy whose bytes in the pool are not
// those of the source.
func (r *run) keepSum(it *item) {
	if r.opt.Newline != KeepNewline && it.own != "" {
		r.sums.Store(it.own, it.rec.sum)
	}
}

// offerFile makes the file at from the first copy of a key.
func (r *run) offerFile(d *durable.Dir, from, key string) error {
	stage, name := r.folder.Stage, first(key)
	if _, err := stage.Stat(name); err == nil {
		return nil
	}
	if err := stage.MkdirAll(path.Dir(name)); err != nil {
		return destination{err}
	}
	_, err := d.LinkOrCopy(from, stage, name)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return destination{err}
	}
	return nil
}

// offerData is offerFile of a message that has no file.
func (r *run) offerData(it *item, data []byte) error {
	stage, name := r.folder.Stage, first(it.own)
	if err := stage.MkdirAll(path.Dir(name)); err != nil {
		return destination{err}
	}
	if err := stage.WriteFile(name, it.rec.date, data); err != nil && !errors.Is(err, unix.EEXIST) {
		return destination{err}
	}
	return nil
}

// again deals with a message that is in the destination already: later copies
// share its file, if it is there as it was.
func (r *run) again(it *item, data []byte) error {
	r.progress(1, it.rec.size)
	if r.dry() {
		r.keepDry(it)
		return nil
	}
	if it.key == "" && it.own == "" {
		return nil
	}
	ok, err := r.offerPlaced(it)
	if ok || err != nil || it.own == "" {
		return err
	}
	return r.offerData(it, data)
}

// againFile is again of a long message, which lies in the file temp.
func (r *run) againFile(it *item, temp string) error {
	r.progress(1, it.rec.size)
	ok, err := r.offerPlaced(it)
	if ok || err != nil || it.own == "" {
		return err
	}
	return r.offerFile(r.folder.Stage, temp, it.own)
}

// offerPlaced puts the file of a message of the destination into the pool.
func (r *run) offerPlaced(it *item) (ok bool, err error) {
	if r.opt.To == Mbox {
		return false, nil
	}
	r.keepSum(it)
	b := it.b
	b.mu.Lock()
	was := b.old.find(it.rec)
	b.mu.Unlock()
	if was == nil {
		return false, nil
	}
	from := b.placedFile(was)
	info, err := r.out.Stat(from)
	if err != nil || info.Size != was.size || info.Mtime != was.date {
		return false, nil
	}
	if it.key != "" {
		if err := r.pool.add(dated(it.key, was.date), r.out.Dir, from); err != nil {
			return false, err
		}
	}
	if it.own == "" {
		return true, nil
	}
	return true, r.offerFile(r.out.Dir, from, it.own)
}

var errNoFirst = errors.New("the message that it is a later copy of is not among what is exported; a stream that is a plain file is searched for it")

// writeLink writes a later copy of a message of a stream.
func (r *run) writeLink(it *item, buf *[]byte) error {
	if it.wait != nil {
		<-it.wait
	}
	if r.dry() {
		return r.dryLink(it)
	}
	stage := r.folder.Stage
	f, err := stage.Open(first(it.key))
	if errors.Is(err, unix.ENOENT) {
		it.b.met(0)
		return refusal{"no-first-copy", errNoFirst}
	}
	if err != nil {
		return destination{err}
	}
	defer f.Close()
	info, err := stage.Stat(first(it.key))
	if err != nil {
		return destination{err}
	}
	it.b.met(info.Size)
	rec := it.rec
	if sum, ok := r.sums.Load(it.key); ok {
		rec.sum = sum.([32]byte)
	}
	if err := r.countFile(f, info.Size, rec, buf); err != nil {
		return destination{err}
	}
	r.holdData(it)
	if it.b.recall(rec) {
		return r.againLink(it)
	}
	return r.putLink(it, info)
}

// holdData holds what a later copy of a stream brings along against its first
// copy.
func (r *run) holdData(it *item) {
	if it.wantSum != it.rec.sum && it.wantSum != [32]byte{} {
		it.log().Problem("link-data", it.at+": "+it.b.where(it.rec.uid), fmt.Sprintf("the link brings data of SHA-256 %x, its first copy has %x: that is exported, and the data is left out", it.wantSum, it.rec.sum))
	}
}

// countFile reads what lies in the pool once.
func (r *run) countFile(f io.Reader, size int64, rec *record, buf *[]byte) error {
	t := newText(KeepNewline, rec.sum == [32]byte{})
	if len(*buf) < 64<<10 {
		*buf = make([]byte, 64<<10)
	}
	for {
		n, err := f.Read(*buf)
		t.add((*buf)[:n])
		if err == io.EOF {
			t.into(rec)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *run) againLink(it *item) error {
	r.progress(1, it.rec.size)
	if it.own == "" {
		return nil
	}
	return r.offerFile(r.folder.Stage, first(it.key), it.own)
}

// putLink makes the file of a later copy: another name of the first where the
// dates are one, else a copy that later copies of its date share.
func (r *run) putLink(it *item, info durable.Info) error {
	b, rec := it.b, it.rec
	to, linked := b.file(rec), false
	write := func() error {
		if r.dry() {
			linked = info.Mtime == rec.date
			return nil
		}
		if stage := r.folder.Stage; info.Mtime == rec.date && !r.pool.off.Load() {
			err := stage.Link(first(it.key), stage, to)
			if linked = err == nil; linked || !durable.NoLinks(err) {
				return asDestination(err)
			}
		}
		return r.copyFirst(it, to)
	}
	shared := false
	var err error
	if r.opt.To == Mbox {
		err = write()
	} else {
		shared, err = r.pool.place(it.key, rec.date, to, write)
	}
	if err != nil {
		return err
	}
	b.u.count(func(rep *Report) {
		if linked || shared {
			rep.Links++
		} else {
			rep.Copies++
		}
	})
	r.progress(1, rec.size)
	return r.offer(it)
}

func asDestination(err error) error {
	if err == nil {
		return nil
	}
	return destination{err}
}

// copyFirst makes a copy of a first copy, with a date of its own.
func (r *run) copyFirst(it *item, to string) error {
	in, err := r.folder.Stage.Open(first(it.key))
	if err != nil {
		return destination{err}
	}
	defer in.Close()
	out, err := r.folder.Stage.Create(to)
	if err != nil {
		return destination{err}
	}
	_, err = io.Copy(struct{ io.Writer }{out}, struct{ io.Reader }{in})
	if err == nil {
		err = out.SetTime(it.rec.date)
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return asDestination(err)
}

// keepDry keeps what a dry run has to know of a first copy. Of a stream that
// comes through a pipe any message may be one, and none is kept.
func (r *run) keepDry(it *item) {
	if it.own == "" || r.src.stream.targets == nil {
		return
	}
	r.firsts.Store(it.own, record{date: it.rec.date, size: it.rec.size, bare: it.rec.bare, sum: it.rec.sum})
}

// dryLink counts a later copy as writeLink does. Where the first copy is not
// known, nothing of what it holds is.
func (r *run) dryLink(it *item) error {
	if r.src.stream.targets == nil {
		return r.dryUnknown(it)
	}
	kept, ok := r.firsts.Load(it.key)
	if !ok {
		it.b.met(0)
		return refusal{"no-first-copy", errNoFirst}
	}
	first := kept.(record)
	it.rec.size, it.rec.bare, it.rec.sum = first.size, first.bare, first.sum
	it.b.met(first.size)
	r.holdData(it)
	r.keepDry(it)
	if it.b.recall(it.rec) {
		r.progress(1, first.size)
		return nil
	}
	return r.putLink(it, durable.Info{Size: first.size, Mtime: first.date})
}

func (r *run) dryUnknown(it *item) error {
	it.b.met(0)
	if it.b.old != nil {
		it.b.mu.Lock()
		was := it.b.old.recs.find(it.rec.uid)
		it.b.mu.Unlock()
		if was != nil {
			it.rec.sum = was.sum
			if it.b.recall(it.rec) {
				return nil
			}
		}
	}
	it.b.u.count(func(rep *Report) { rep.Links++ })
	return nil
}

// refusal is an error of one message with a class.
type refusal struct {
	kind string
	error
}
