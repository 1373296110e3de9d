package flags

import "github.com/spf13/pflag"

// Sync is --sync: when written mail is made durable.
type Sync struct{ Choice }

// Add declares the flag.
func (s *Sync) Add(fs *pflag.FlagSet) {
	s.Choice = NewChoice("batch", "none", "batch", "user")
	fs.Var(s, "sync", "when written mail is forced to disk, `WHEN`: none, batch or user")
}
