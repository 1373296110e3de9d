package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"imsconv/benchmarks/measure"
)

// usage is what one run of a program took.
type usage = measure.Usage

// runOnce runs a command and measures it, through the helper.
func (s *suite) runOnce(ctx context.Context, c command) (usage, error) {
	job, err := json.Marshal(measure.Job{Argv: c.argv, Shell: c.shell, Dir: c.dir, Sync: c.sync, Own: c.own})
	if err != nil {
		return usage{}, err
	}
	cmd := exec.CommandContext(ctx, s.at("run"), string(job))
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var said, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &told
	if err := cmd.Run(); err != nil {
		return usage{}, fmt.Errorf("%w: %s", err, bytes.TrimSpace(told.Bytes()))
	}
	var u usage
	return u, json.Unmarshal(said.Bytes(), &u)
}
