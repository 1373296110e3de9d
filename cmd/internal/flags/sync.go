package flags

import (
	"errors"

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
		return errors.New("not none, batch or user")
	}
	s.Mode = mode
	return nil
}

// Type names the value in help texts.
func (s *Sync) Type() string { return "WHEN" }
