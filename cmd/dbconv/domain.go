package main

import (
	"context"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/dbconv"
)

// inferDomain finds the default domain: the one whose users the database and
// the store know by their bare uid.
func (q *quotaFlags) inferDomain(ctx context.Context, job *cli.Job, args []string, usage map[string]dbconv.Usage) (string, error) {
	in, _, err := inOut(args)
	if err != nil {
		return "", err
	}
	ids := make(map[string]struct{}, len(usage))
	for id := range usage {
		ids[id] = struct{}{}
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
	if err := dbconv.Keys(ctx, src, func(id string) { ids[id] = struct{}{} }); err != nil {
		return "", named(in, err)
	}
	qualified := make(map[string]bool)
	for id := range ids {
		if _, domain, ok := strings.Cut(id, "@"); ok {
			qualified[domain] = true
		}
	}
	ldif, err := job.Open(q.limits)
	if err != nil {
		return "", err
	}
	defer ldif.Close()
	survey, err := directory.Read(ldif, func(id string) bool { _, ok := ids[id]; return ok })
	if err != nil {
		return "", named(q.limits, err)
	}
	domain, err := survey.DefaultDomain(func(domain string) bool { return qualified[domain] })
	if err != nil {
		return "", cli.WithHint(err, "--default-domain says which")
	}
	if domain == "" && len(survey.Domains) == 1 {
		domain = survey.Domains[0].Name
	}
	if domain != "" {
		job.Note("default domain: " + domain)
	}
	return domain, nil
}
