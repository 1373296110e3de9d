package flags

import (
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/storeconv"
)

// Sync is --sync: when written mail is made durable.
type Sync struct{ Mode storeconv.SyncMode }

// Add declares the flag.
func (s *Sync) Add(fs *pflag.FlagSet) {
	fs.Var(s, "sync", "when written mail is forced to disk, `WHEN`: none, batch or user")
}

// String returns the name of the mode.
func (s *Sync) String() string { return s.Mode.String() }

// Set parses a mode.
func (s *Sync) Set(text string) error {
	mode, err := storeconv.ParseSyncMode(text)
	if err != nil || text == "" {
		return fmt.Errorf("not %s", list(s.Values()))
	}
	s.Mode = mode
	return nil
}

// Values are the modes.
func (s *Sync) Values() []string { return SyncModes() }

// SyncModes are the names of all modes.
func SyncModes() (names []string) {
	for _, m := range []storeconv.SyncMode{storeconv.SyncNone, storeconv.SyncBatch, storeconv.SyncUser} {
		names = append(names, m.String())
	}
	return names
}

// Type names the value in help texts.
func (s *Sync) Type() string { return "WHEN" }
