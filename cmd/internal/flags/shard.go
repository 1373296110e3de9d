package flags

import (
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/storeconv"
)

// Shard is --shard i/n: one of n parts of the users.
type Shard struct{ Shard storeconv.Shard }

// Add declares the flag.
func (s *Shard) Add(fs *pflag.FlagSet) {
	fs.Var(s, "shard", "only one part of the users, `i/n`; i counts from 0 or from 1 (0/n is n/n)")
}

// String returns the part in the form that Set takes.
func (s *Shard) String() string {
	if s.Shard.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Shard.Index, s.Shard.Count)
}

// Set parses i/n.
func (s *Shard) Set(text string) error {
	shard, err := storeconv.ParseShard(text)
	if err == nil {
		s.Shard = shard
	}
	return err
}

// Type names the value in help texts.
func (s *Shard) Type() string { return "i/n" }
