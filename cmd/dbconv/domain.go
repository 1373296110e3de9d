package main

import (
	"context"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv"
)

// inferDomain finds the default domain: the one whose users the database and
// the store know by their bare uid.
func (q *quotaFlags) inferDomain(ctx context.Context, job *cli.Job, args []string, usage map[string]dbconv.Usage) (string, error) {
	in, _, err := inOut(args)
	if err != nil {
		return "", err
	}
	ids := directory.NewIDSet()
	for id := range usage {
		ids.Add(id)
	}
	f, size, err := job.OpenFile(in)
	if err != nil {
		return "", err
	}
	src, err := newSource(f, size, in, q.tempDir)
	if err != nil {
		return "", err
	}
	defer src.Close()
	if err := dbconv.Keys(ctx, src, ids.Add); err != nil {
		return "", named(in, err)
	}
	return flags.InferDomain(job, q.limits, ids)
}
