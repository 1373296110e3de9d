package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
)

// survey reads the inputs once: to know them again, and to learn the users of
// the store, the top entries of the export and the default domain.
func (s *site) survey(ctx context.Context, job *cli.Job) error {
	s.stored = newStoreIDs()
	if err := s.surveyStore(ctx); err != nil {
		return err
	}
	export := s.export()
	if err := export.fingerprint(ctx, nil); err != nil {
		return err
	}
	in, err := job.Open(export.path)
	if err != nil {
		return err
	}
	defer in.Close()
	sv, err := directory.Read(in, s.stored.has)
	if err != nil {
		return fmt.Errorf("%s: %w", export.path, err)
	}
	if len(s.base) == 0 {
		s.base = sv.Tops
	}
	if s.defaultDomain != "" {
		return nil
	}
	s.defaultDomain, err = sv.DefaultDomain(func(domain string) bool { return s.stored.domains[domain] })
	if err != nil {
		return cli.WithHint(err, "--default-domain says which")
	}
	if s.defaultDomain == "" {
		job.Note("no default domain: no bare user id of the store is in the export")
		return nil
	}
	job.Note("the default domain is " + s.defaultDomain + ", whose users the store has by their bare uid")
	return nil
}

// compare holds the users of the directory against those of the store.
func (s *site) compare(ctx context.Context, job *cli.Job) error {
	export := s.export()
	in, err := job.Open(export.path)
	if err != nil {
		return err
	}
	defer in.Close()
	// folded are the ids of entries without mail, by their lower-case form.
	folded := map[string]string{}
	var noMail int64
	for u, err := range directory.Users(in) {
		if err != nil {
			return fmt.Errorf("%s: %w", export.path, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id := u.ID(s.defaultDomain)
		if s.stored.has(id) {
			s.stored.ids[id] = true
			continue
		}
		noMail++
		folded[strings.ToLower(id)] = id
		job.Warning("entry-without-mail", fmt.Sprintf("%s:%d", export.path, u.Line), fmt.Sprintf("user %q has an entry and no mail", id))
	}
	var noEntry int64
	for _, id := range slices.Sorted(maps.Keys(s.stored.ids)) {
		if s.stored.ids[id] {
			continue
		}
		noEntry++
		if other, ok := folded[strings.ToLower(id)]; ok {
			job.Warning("case-differs", id, fmt.Sprintf("the store has %q, the directory %q: they differ in case only", id, other))
			continue
		}
		job.Warning("mail-without-entry", id, "the user has mail and no entry in the directory")
	}
	job.Count("entries without mail", noMail)
	job.Count("users without entry", noEntry)
	return nil
}
