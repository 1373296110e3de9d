package main

import (
	"context"
	"fmt"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/siteconv/internal/outdir"
)

// preflight looks at everything before anything is written. What it found is in
// c.pre; the error is wrong usage or an interruption. have is what an earlier
// run has left in the output folder; nil: nothing.
func (c *conversion) preflight(ctx context.Context, job *cli.Job, f *runFlags) (have *outdir.State, err error) {
	defer job.Phase(1, len(c.stepNames())+1, "preflight").End()
	c.pre.Full = f.preflight
	for _, look := range []func(context.Context, *cli.Job) error{c.lookAtMail, c.lookAtExport, c.lookAtChoices} {
		if err := look(ctx, job); err != nil {
			return nil, err
		}
	}
	if have, err = c.lookAtOutput(f); err != nil || c.pre.Has("input-missing", "input-unreadable", "wrong-kind") {
		return have, err
	}
	c.lookAtRoom(have == nil || f.force)
	if c.pre.Full && c.pre.Stops() == 0 {
		return have, c.lookAhead(ctx, job)
	}
	return have, nil
}

// tellPreflight prints what the look has found, problems first. The error says
// that a run would stop.
func (c *conversion) tellPreflight(job *cli.Job) error {
	stops := c.pre.Stops()
	if err := c.pre.Print(job, c.scenario.name, sitePaths(c)); err != nil {
		return err
	}
	if stops > 0 {
		return fmt.Errorf("%d of the findings stop a run", stops)
	}
	return nil
}
