package storeconv

import "fmt"

// SyncMode says how much of a new store is made durable, and when (the place of
// local.store.synclevel).
type SyncMode uint8

// The modes.
const (
	SyncBatch SyncMode = iota // a batch of users at a time
	SyncNone                  // nothing; the system writes when it likes
	SyncUser                  // every user alone
)

var syncNames = [...]string{SyncBatch: "batch", SyncNone: "none", SyncUser: "user"}

// String returns the name of the mode, as [ParseSyncMode] reads it.
func (m SyncMode) String() string { return syncNames[m] }

// ParseSyncMode parses none, batch or user; the empty string is batch.
func ParseSyncMode(s string) (SyncMode, error) {
	if s == "" {
		return SyncBatch, nil
	}
	for m, name := range syncNames {
		if name == s {
			return SyncMode(m), nil
		}
	}
	return 0, fmt.Errorf("sync mode %q is none of none, batch, user", s)
}
