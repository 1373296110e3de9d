package bdb

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// uidFrame is how many bytes go to the hash at a time; hashers wait for the
// first of them, so that a small database has none.
const uidFrame = 128 << 10

// uidHash makes the unique id of a file: SHA-256 over its base name, a zero
// byte and all records in the order of the file. The sum is taken on a
// goroutine of its own, which ends with sum or stop.
type uidHash struct {
	frame []byte
	hash  hash.Hash
	full  chan []byte // to the hasher
	empty chan []byte // back from it
}

func newUIDHash(name string) *uidHash {
	u := &uidHash{hash: sha256.New()}
	u.frame = append(append(u.frame, name...), 0)
	return u
}

// add takes a record: the lengths of key and value (32 bits, big-endian), key,
// value.
func (u *uidHash) add(key, value []byte) {
	u.numbers(uint32(len(key)), uint32(len(value)))
	u.bytes(key)
	u.bytes(value)
}

// database takes the name of a sub-database, whose records follow.
func (u *uidHash) database(name string) {
	u.numbers(1<<32-1, uint32(len(name)))
	u.bytes([]byte(name))
}

func (u *uidHash) numbers(a, b uint32) {
	if len(u.frame)+8 > uidFrame {
		u.hand()
	}
	u.frame = binary.BigEndian.AppendUint32(u.frame, a)
	u.frame = binary.BigEndian.AppendUint32(u.frame, b)
}

func (u *uidHash) bytes(b []byte) {
	for len(u.frame)+len(b) > uidFrame {
		n := uidFrame - len(u.frame)
		u.frame = append(u.frame, b[:n]...)
		b = b[n:]
		u.hand()
	}
	u.frame = append(u.frame, b...)
}

// hand gives the frame to the hasher and takes an empty one.
func (u *uidHash) hand() {
	if u.full == nil {
		u.full, u.empty = make(chan []byte, 2), make(chan []byte, 3)
		u.empty <- make([]byte, 0, uidFrame)
		u.empty <- make([]byte, 0, uidFrame)
		go u.run()
	}
	u.full <- u.frame
	u.frame = <-u.empty
}

func (u *uidHash) run() {
	for frame := range u.full {
		u.hash.Write(frame)
		u.empty <- frame[:0]
	}
	close(u.empty)
}

// stop ends the hasher and waits for it.
func (u *uidHash) stop() {
	if u.full == nil {
		return
	}
	close(u.full)
	for range u.empty {
		// until the hasher has closed it
	}
	u.full = nil
}

// sum is the first 20 bytes of the SHA-256; nothing can be added after it.
func (u *uidHash) sum() (id [20]byte) {
	u.stop()
	u.hash.Write(u.frame)
	copy(id[:], u.hash.Sum(nil))
	return id
}
