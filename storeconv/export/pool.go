package export

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
