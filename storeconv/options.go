package storeconv

import "encoding/binary"

// Selection says which users and mailboxes a conversion is about, and what the
// users are called in the store. The zero value is everything, unchanged.
type Selection struct {
	Users    map[string]bool   // as the source has them; nil: all
	Map      map[string]string // new ids by old ones
	Paths    []string          // /partition/user/id[/mailbox] or id[/mailbox]; none: all
	Shard    Shard             // zero: all users
	Domain   string            // default domain: its users have ids without it
	Encoding string            // of mailbox names in the source; "": IMAP modified UTF-7
}

// Quota is what a directory says about one user. In both fields -1 is no limit,
// -2 the server's default and [NotSaid] no word about it.
type Quota struct {
	Bytes    int64
	Messages int64
}

// NotSaid in a [Quota] leaves what another source says.
const NotSaid = -3

// SortMemory is what a conversion holds of one list that it must sort, in
// bytes. The rest goes to temporary files.
const SortMemory = 8 << 20

// Databases is the form of the mailbox list databases that a conversion
// writes.
type Databases struct {
	Version   int              // 6, 7, 8 or 9; 0: as the existing ones, else 6
	ByteOrder binary.ByteOrder // nil: as the existing ones, else big-endian
	PageSize  int              // bytes; 0: as the existing ones, else 8192
}
