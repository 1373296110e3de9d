package flags

import (
	"errors"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
	"imsconv/storeconv/shards"
)

// Plan is --plan, the folder that plan-shards has written.
type Plan struct{ Dir string }

// String returns the folder.
func (p *Plan) String() string { return p.Dir }

// Set takes the folder.
func (p *Plan) Set(text string) error {
	if text == "" {
		return errors.New("no folder is named")
	}
	p.Dir = text
	return nil
}

// Type names the value in help texts.
func (p *Plan) Type() string { return "DIR" }

// open reads the part of the plan.
func (p *Plan) open(shard storeconv.Shard) (Sharing, error) {
	plan, err := shards.ReadPlan(p.Dir)
	if err != nil {
		return Sharing{}, cli.WithHint(err, "--plan names the folder that storeconv plan-shards has written")
	}
	if n := len(plan.Shards); n != shard.Count {
		return Sharing{}, cli.Usagef("--shard: %d parts, and the plan %s has %d", shard.Count, p.Dir, n)
	}
	plan, shard, err = shards.Open(p.Dir, shard.Number())
	return Sharing{shard, plan}, err
}
