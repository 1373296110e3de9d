package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// survey reads the inputs once: to know them again, and to learn the users of
// the store, the top entries of the export and the default domain.
func (s *site) survey(ctx context.Context, job *cli.Job) error {
	if err := s.checkProduct(ctx, job); err != nil {
		return err
	}
	s.stored = directory.NewIDSet()
	if err := s.surveyStore(ctx, job); err != nil {
		return err
	}
	export := s.export()
	if err := export.fingerprint(ctx, nil); err != nil {
		return err
	}
	in, err := flags.OpenExport(job, export.path)
	if err != nil {
		return err
	}
	defer in.Close()
	sv, err := directory.Read(in, export.path, s.stored, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", export.path, err)
	}
	if len(s.base) == 0 {
		s.base = sv.Tops
	}
	if s.defaultDomain != "" {
		if !slices.ContainsFunc(sv.Domains, func(d directory.Domain) bool { return strings.EqualFold(d.Name, s.defaultDomain) }) {
			job.Warning("default-domain", export.path, fmt.Sprintf("no user of the export is in the default domain %s", s.defaultDomain))
		}
		return nil
	}
	s.defaultDomain, err = sv.DefaultDomain(s.stored)
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

// checkProduct refuses the export of the product that the scenario is not for.
func (s *site) checkProduct(ctx context.Context, job *cli.Job) error {
	path := s.export().path
	in, err := flags.OpenExport(job, path)
	if err != nil {
		return err
	}
	defer in.Close()
	var sims, nms int64
	bases, err := newBases(s.base)
	if err != nil {
		return err
	}
	count := func(e *ldifconv.Classified) error {
		bases.meet(e.DN)
		switch {
		case e.Tags&ldifconv.TagSIMS40 != 0:
			sims++
		case e.Tags&ldifconv.TagNMS41 != 0:
			nms++
		}
		return nil
	}
	inputs := []ldifconv.Input{{Name: path, Reader: in}}
	rep, err := ldifconv.Classify(ctx, count, inputs, ldifconv.ClassifyOptions{})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case rep.Entries == 0:
		return fmt.Errorf("%s: no directory export: there is no entry in it", path)
	case s.scenario.nms && nms == 0 && sims > 0:
		return otherProduct(path, sims, "SIMS 4.0", "NMS 4.x", "sims-offline")
	case !s.scenario.nms && sims == 0 && nms > 0:
		return otherProduct(path, nms, "NMS 4.x", "SIMS 4.0", "nms-single")
	}
	return bases.missing(path)
}

// bases are the DNs of --base, and whether the export has an entry at or below
// each.
type bases struct {
	given []string
	norm  [][]byte
	met   []bool
	buf   []byte
}

func newBases(given []string) (*bases, error) {
	b := &bases{given: given, met: make([]bool, len(given))}
	for _, dn := range given {
		norm, err := ldif.AppendNormDN(nil, []byte(dn))
		if err != nil {
			return nil, cli.Usagef("--base %q: %w", dn, err)
		}
		b.norm = append(b.norm, norm)
	}
	return b, nil
}

// meet notes which base an entry lies at or below.
func (b *bases) meet(dn []byte) {
	if !slices.Contains(b.met, false) {
		return
	}
	norm, err := ldif.AppendNormDN(b.buf[:0], dn)
	if err != nil {
		return // the upgrade tells of it
	}
	b.buf = norm
	for i, base := range b.norm {
		above, ok := bytes.CutSuffix(norm, base)
		b.met[i] = b.met[i] || ok && (len(above) == 0 || len(base) == 0 || bytes.HasSuffix(above, []byte(",")))
	}
}

// missing refuses a base that the export has nothing of.
func (b *bases) missing(path string) error {
	for i, met := range b.met {
		if !met {
			return cli.WithHint(fmt.Errorf("--base %s: no entry of %s lies at or below it", b.given[i], path),
				"without --base the top entries of the export are taken")
		}
	}
	return nil
}

func otherProduct(path string, n int64, has, lacks, scenario string) error {
	return cli.WithHint(fmt.Errorf("%s: %d mail entries are of %s and none of %s: this is the wrong export for the scenario", path, n, has, lacks),
		"its scenario is "+scenario)
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
		if s.stored.Mark(id) {
			continue
		}
		noMail++
		folded[strings.ToLower(id)] = id
		job.Warning("entry-without-mail", fmt.Sprintf("%s:%d", export.path, u.Line), fmt.Sprintf("user %q has an entry and no mail", id))
	}
	var noEntry int64
	for id := range s.stored.Unmarked() {
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
