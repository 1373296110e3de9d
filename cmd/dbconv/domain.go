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
func (q *quotaFlags) inferDomain(ctx context.Context, job *cli.Job, args []string, export *cli.Again, usage map[string]dbconv.Usage) (string, error) {
	in, out, err := inOut(args)
	if err != nil {
		return "", err
	}
	ids := directory.NewIDSet()
	for id := range usage {
		ids.Add(id)
	}
	src, err := q.source(job, in, out)
	if err != nil {
		return "", err
	}
	if err := dbconv.Keys(ctx, src, ids.Add); err != nil {
		return "", named(in, err)
	}
	return flags.InferDomain(job, export, ids)
}
