package schema

import (
	"crypto/sha1"
	"math/big"
	"strings"
)

// placeholderNamespace is the name space of the placeholders: RFC 4122's name
// space for object identifiers.
var placeholderNamespace = [16]byte{0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// Placeholder returns an object identifier for a name to which no public source
// gives one: 2.25 (ITU-T X.667: an arc made from a UUID needs no registration)
// and the version 5 UUID of "imsconv:" and the name in lower case. The same
// name gives the same identifier everywhere; it is not the vendor's.
func Placeholder(name string) string {
	h := sha1.New()
	h.Write(placeholderNamespace[:])
	h.Write([]byte("imsconv:" + strings.ToLower(name)))
	uuid := h.Sum(nil)[:16]
	uuid[6] = uuid[6]&0x0f | 0x50
	uuid[8] = uuid[8]&0x3f | 0x80
	return "2.25." + new(big.Int).SetBytes(uuid).String()
}

// isPlaceholder reports whether an identifier of the tables stands for one that
// no public source gives.
func isPlaceholder(oid string) bool { return strings.HasPrefix(oid, local) }
