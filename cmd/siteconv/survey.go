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

// surveyExport learns the top entries of the export and the default domain.
func (c *conversion) surveyExport(job *cli.Job) error {
	export := c.export()
	in, err := flags.OpenExport(job, export.path)
	if err != nil {
		return err
	}
	defer in.Close()
	sv, err := directory.Read(in, export.path, c.stored, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", export.path, err)
	}
	c.tops = sv.Tops
	if len(c.base) == 0 {
		c.base = sv.Tops
	}
	return c.settleDomain(job, sv)
}

// settleDomain takes the default domain that is named, else the one that fits
// the store.
func (c *conversion) settleDomain(job *cli.Job, sv *directory.Survey) error {
	if c.defaultDomain != "" {
		if !slices.ContainsFunc(sv.Domains, func(d directory.Domain) bool { return strings.EqualFold(d.Name, c.defaultDomain) }) {
			job.Warning("default-domain", c.export().path, fmt.Sprintf("no user of the export is in the default domain %s", c.defaultDomain))
		}
		return nil
	}
	var err error
	if c.defaultDomain, err = sv.DefaultDomain(c.stored); err != nil {
		return cli.WithHint(err, "--default-domain says which")
	}
	if c.defaultDomain == "" {
		job.Note("no default domain: no bare user id of the store is in the export")
		return nil
	}
	job.Note("the default domain is " + c.defaultDomain + ", whose users the store has by their bare uid")
	return nil
}

// checkProduct refuses the export of the product that the scenario is not for.
func (c *conversion) checkProduct(ctx context.Context, job *cli.Job) error {
	path := c.export().path
	in, err := flags.OpenExport(job, path)
	if err != nil {
		return err
	}
	defer in.Close()
	var sims, nms int64
	bases, err := newBases(c.base)
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
	case c.scenario.nms() && nms == 0 && sims > 0:
		return otherProduct(path, sims, "SIMS 4.0", "NMS 4.x", scenarioOf(ldifconv.SIMS))
	case !c.scenario.nms() && sims == 0 && nms > 0:
		return otherProduct(path, nms, "NMS 4.x", "SIMS 4.0", scenarioOf(ldifconv.NMS))
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
