package verify

import (
	"bytes"
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

// Names of one file of the source are names of one file of the store. They are
// collected while the trees are compared and looked at when all have been, so
// that it does not matter which worker came first.

// links is what the workers share.
type links struct {
	mu   sync.Mutex
	same map[[2]fileKey]bool // pairs of files known to be equal
}

// maxPairs bounds same: some 20 MiB.
const maxPairs = 1 << 17

// compared tells whether two files have been found equal before.
func (l *links) compared(a, b fileKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.same[[2]fileKey{a, b}]
}

func (l *links) remember(a, b fileKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.same == nil {
		l.same = make(map[[2]fileKey]bool)
	}
	for old := range l.same {
		if len(l.same) < maxPairs {
			break
		}
		delete(l.same, old)
	}
	l.same[[2]fileKey{a, b}] = true
}

// link collects one name of a file with several names in the source, which is
// file b in the store. Sorted, the names of a file come together, in the order of
// the walk.
func (w *treeComparer) link(at string, a, b *unix.Stat_t) error {
	key := make([]byte, 0, 28)
	key = binary.BigEndian.AppendUint64(key, uint64(a.Dev))
	key = binary.BigEndian.AppendUint64(key, a.Ino)
	key = binary.BigEndian.AppendUint64(key, w.task.number)
	key = binary.BigEndian.AppendUint32(key, w.ordinal)
	w.ordinal++
	value := make([]byte, 0, 16+len(at))
	value = binary.BigEndian.AppendUint64(value, uint64(b.Dev))
	value = binary.BigEndian.AppendUint64(value, b.Ino)
	value = append(value, at...)
	w.c.locks.mu.Lock()
	defer w.c.locks.mu.Unlock()
	return w.c.links.Add(key, value)
}

// checkLinks tells of names that have become files of their own. Between users
// that may be the work of several runs: each copies for its own users.
func (c *comparison) checkLinks() error {
	var file, user, ofFile, ofUser []byte
	return c.links.Drain(func(key, value []byte) error {
		at, copied := string(value[16:]), value[:16]
		newFile := !bytes.Equal(file, key[:16])
		newUser := newFile || !bytes.Equal(user, key[16:24])
		switch {
		case newFile:
		case !newUser && !bytes.Equal(copied, ofUser):
			c.tell(problem("differs", at, "hard links of the source are files of their own in the new store"))
		case newUser && !bytes.Equal(copied, ofFile):
			c.tell(warning("copied-link", at, "hard links of the source are files of their own in the new store, as several runs make them"))
		}
		if newFile {
			file, ofFile = append(file[:0], key[:16]...), append(ofFile[:0], copied...)
		}
		if newUser {
			user, ofUser = append(user[:0], key[16:24]...), append(ofUser[:0], copied...)
		}
		return nil
	})
}
