package flags

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/shards"
)

// Shard are --shard i/n|auto, one of n parts of the users, and --plan, the
// lists that say who is in which.
type Shard struct {
	part part
	plan Plan
}

// Add declares the flags.
func (s *Shard) Add(fs *pflag.FlagSet) {
	fs.Var(&s.part, "shard", "only one part of the users, `i/n`; i counts from 0 or from 1 (0/n is n/n); auto: as a job array of Slurm or an indexed Job of Kubernetes says")
	fs.Var(&s.plan, "plan", "with --shard: the parts are those of plan-shards in `DIR`")
}

// Given tells that a part was asked for.
func (s *Shard) Given() bool { return s.part.text != "" }

// Sharing is the part that a run is about. The zero value is all users.
type Sharing struct {
	storeconv.Shard
	Plan *shards.Plan // nil: parts by the hash of ids
}

// Read settles which part it is, and reads the plan.
func (s *Shard) Read() (Sharing, error) {
	switch {
	case !s.Given() && s.plan.Dir != "":
		return Sharing{}, cli.Usagef("--plan says who is in which part, and --shard which of them it is: give both")
	case !s.Given():
		return Sharing{}, nil
	}
	shard, err := s.part.read()
	if err != nil || s.plan.Dir == "" {
		return Sharing{Shard: shard}, err
	}
	return s.plan.open(shard)
}

// CheckSource refuses a plan of another source: users in none of its lists
// would be in no part where they are looked for.
func (s *Sharing) CheckSource(of func() (shards.Source, error)) error {
	if s.Plan == nil || s.Plan.Source.Identity == "" {
		return nil
	}
	src, err := of()
	if err != nil {
		return err
	}
	if err := s.Plan.CheckSource(src); err != nil {
		return cli.WithHint(err, "storeconv plan-shards makes a plan of what is there")
	}
	return nil
}

// CheckNames refuses a selection with other names than those that the plan was
// made with: users who are one in the store would be in two parts.
func (s *Sharing) CheckNames(sel storeconv.Selection) error {
	if s.Plan == nil {
		return nil
	}
	if err := s.Plan.CheckNames(sel); err != nil {
		return cli.WithHint(cli.Usagef("--plan %s: %w", s.Shard.Plan.Dir, err),
			"plan-shards takes -u, -m, --default-domain and --limits too: give it and all parts the same")
	}
	return nil
}

// Busy says of a run that met another process at work on its own shard which
// one that is. Any other error stays as it is. where is what the run writes.
func (s *Sharing) Busy(err error, where string) error {
	why := durable.ErrBusy
	switch {
	case s.Count == 0:
		return err
	case errors.Is(err, durable.ErrWritten):
		why = durable.ErrWritten
	case !errors.Is(err, durable.ErrBusy):
		return err
	}
	return cli.WithHint(fmt.Errorf("%s: shard %d of %d: %w", where, s.Number(), s.Count, why),
		"one process at a time makes a shard; the same command again, once the other has ended, goes on or finds all done")
}

// part is the value of --shard.
type part struct {
	text  string
	shard storeconv.Shard // not of auto
}

// autoPart is the word for the part that an engine names.
const autoPart = "auto"

func (p *part) read() (storeconv.Shard, error) {
	if p.text != autoPart {
		return p.shard, nil
	}
	shard, err := engineShard(os.LookupEnv)
	if err != nil {
		return shard, cli.Usagef("--shard auto: %w", err)
	}
	return shard, nil
}

// String returns the part in the form that Set takes.
func (p *part) String() string { return p.text }

// Set parses i/n or auto.
func (p *part) Set(text string) (err error) {
	var shard storeconv.Shard
	if text != autoPart {
		shard, err = storeconv.ParseShard(text)
	}
	if err == nil {
		p.text, p.shard = text, shard
	}
	return err
}

// Type names the value in help texts.
func (p *part) Type() string { return "i/n" }
