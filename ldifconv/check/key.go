package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// The first byte of each key of the index says what the pair is.
const (
	keyEntry   = 'e' // number -> file, line, DN
	keyFinding = 'f' // number, line, code, n -> attribute, text
	keyName    = 'd' // hash of a DN, role, number, n -> see role
	keyDomain  = 'b' // hash of a DN that users of a domain lie below -> nothing
	keyUID     = 'u' // hash of a uid, number -> nothing
	keyUIDIn   = 'v' // hash of a uid, hash of its domain, number -> nothing
	keyMail    = 'm' // hash of an address, number -> attribute, line, address
	keyMailDom = 'n' // hash of a domain -> nothing: a node or an address has it
	keyUIDDom  = 'o' // hash of a domain, number -> uid
	keyLost    = 'x' // number, n -> a reference to nowhere
	keyGoes    = 'a' // hash of an address, side, number, n -> see side
	keyCatch   = 'c' // hash of @domain, side, number, n -> see side
	keyEdge    = 'g' // number of an entry, number of one that its mail goes on to -> flags, attribute, address
)

// role says what a record has to do with the DN of a keyName pair.
type role byte

const (
	isEntry  role = iota // it has the DN; value: flags
	isChild              // its parent has the DN; value: flags
	isReferr             // it names the DN; value: kind, flags, line, attribute, DN
)

// side says what a record has to do with the address of a keyGoes or keyCatch
// pair.
type side byte

const (
	hasAddress side = iota // its mail goes on to others, and the address is its own
	goesTo                 // its mail goes on to the address; value: flags, attribute, address
)

// Flags of keyName pairs.
const (
	flagUser      = 1 << iota // a user whose domain matters
	flagGroup                 // a list or a group
	flagContainer             // a domain, organization, unit
	flagForwards              // a user whose mail goes on to others
	flagDelivers              // of a reference: mail goes on to the entry it names
)

const (
	hashSize = 16
	// longestName is how much of a DN is kept to be shown, in bytes.
	longestName = 4 << 10
	// longestText is how much of a value is kept to be shown, in bytes.
	longestText = 300
)

// hash names a DN, uid or address.
func hash(name []byte) [hashSize]byte {
	sum := sha256.Sum256(name)
	return [hashSize]byte(sum[:hashSize])
}

func appendHash(dst, name []byte) []byte {
	h := hash(name)
	return append(dst, h[:]...)
}

func appendNumber(dst []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(dst, n) }

func numberAt(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func appendUvarint(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }

func takeUvarint(b []byte) (uint64, []byte) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil
	}
	return n, b[size:]
}

// cutZero splits value at its first zero byte.
func cutZero(value []byte) (before, after string) {
	i := bytes.IndexByte(value, 0)
	if i < 0 {
		return "", string(value)
	}
	return string(value[:i]), string(value[i+1:])
}

func clip(b []byte, most int) []byte {
	if len(b) > most {
		return b[:most]
	}
	return b
}

func lowerString(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
