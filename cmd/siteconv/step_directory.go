package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv"
)

// The LDIF files of the output folder.
const (
	domainChanges = "ldif/domains.changes.ldif"
	userChanges   = "ldif/users.changes.ldif"
	upgraded      = batches.UpgradedName
	undo          = "ldif/undo.ldif"
)

// upgradeDirectory writes the LDIF files: the whole upgraded directory with
// what undoes the changes, then the changes of domains, then those of users
// and groups, in the order in which they are applied. Where users go over in
// batches, domains alone are upgraded.
func (c *conversion) upgradeDirectory(ctx context.Context, job *cli.Job) error {
	full := c.set.upgrade
	full.Format, full.Log = ldifconv.Full, job
	var rep ldifconv.Report
	err := c.create(job, undo, func(w io.Writer) error {
		full.Undo = w
		var err error
		rep, err = c.upgradeFile(ctx, job, upgraded, full)
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range c.changeFiles() {
		opt := c.set.upgrade
		opt.Kinds, opt.Format = f.kinds, ldifconv.Changes
		if _, err := c.upgradeFile(ctx, job, f.name, opt); err != nil {
			return err
		}
	}
	countUpgraded(job, &rep)
	return nil
}

// kinds are the entries that are upgraded.
func (c *conversion) kinds() ldifconv.Kind {
	if c.domainsOnly() {
		return ldifconv.Domains
	}
	return ldifconv.All
}

// domainsOnly says that users and groups stay as they are for now: they are
// upgraded when all batches are done.
func (c *conversion) domainsOnly() bool { return c.scenario.batches && c.closing == nil }

// changeFile is a file of change records, and the entries that it is of.
type changeFile struct {
	name  string
	what  string
	kinds ldifconv.Kind
}

// changeFiles are the files of change records, in the order in which they are
// applied.
func (c *conversion) changeFiles() []changeFile {
	files := []changeFile{{domainChanges, "domain changes", ldifconv.Domains}}
	if !c.domainsOnly() {
		files = append(files, changeFile{userChanges, "user and group changes", ldifconv.Both})
	}
	return files
}

func countUpgraded(job *cli.Job, rep *ldifconv.Report) {
	job.Count("entries", rep.Entries)
	job.Count("entries changed", rep.Changed)
	job.Count("directory users", rep.Users)
	job.Count("directory groups", rep.Groups)
	job.Count("directory domains", rep.Domains)
}

// moveHost points the entries to the new host, where there is one. Batches do
// that with users and groups when their turn comes.
func (c *conversion) moveHost(opt *ldifconv.Options) {
	host := c.newHost()
	if host == "" {
		return
	}
	opt.Add = append(opt.Add, ldifconv.Pair{Attr: "mailRoutingHosts", Value: host, Kinds: ldifconv.Domains, Append: c.scenario.batches})
	if !c.scenario.batches {
		opt.Add = append(opt.Add, ldifconv.Pair{Attr: "mailHost", Value: host, Kinds: ldifconv.Both, Only: c.leaves})
	}
}

// leaves says of the mail hosts of an entry whether they are the one that is
// left: the mail of a third host is in no backup of the old one.
func (c *conversion) leaves(hosts [][]byte) bool {
	return c.site.Hosts.Side(site.MailHost(hosts)) != site.ThirdSide
}

// newHost is the host that the entries are pointed to, "" where the host stays.
func (c *conversion) newHost() string {
	if !c.scenario.moves || c.site.Stays() {
		return ""
	}
	return c.site.Hosts.New
}

// upgradeFile reads the export once and writes one of the files.
func (c *conversion) upgradeFile(ctx context.Context, job *cli.Job, name string, opt ldifconv.Options) (rep ldifconv.Report, err error) {
	opt.Progress = job.Meter("entries", 0, 0)
	err = c.create(job, name, func(w io.Writer) error {
		rep, err = c.upgradeTo(ctx, job, w, opt)
		return err
	})
	if err != nil {
		return rep, fmt.Errorf("%s: %w", name, err)
	}
	return rep, nil
}

// upgradeTo reads the export once and upgrades it.
func (c *conversion) upgradeTo(ctx context.Context, job *cli.Job, w io.Writer, opt ldifconv.Options) (ldifconv.Report, error) {
	path := c.export().Path
	in, err := job.Open(path)
	if err != nil {
		return ldifconv.Report{}, err
	}
	defer in.Close()
	if c.closing != nil && !opt.AddOnly {
		var end func()
		if opt.Restore, end, err = c.restores(job); err != nil {
			return ldifconv.Report{}, err
		}
		defer end()
	}
	input := ldifconv.Input{Name: path, Reader: in, Open: func() (io.ReadCloser, error) { return job.Open(path) }}
	return ldifconv.UpgradeAll(ctx, w, []ldifconv.Input{input}, opt)
}

// create writes one file of the output folder; in a dry run it discards.
func (c *conversion) create(job *cli.Job, name string, fill func(w io.Writer) error) error {
	if c.dryRun {
		return fill(io.Discard)
	}
	return outdir.WriteFile(job, filepath.Join(c.out, name), func(w *cli.OutputFile) error { return fill(w) })
}

// createPublic is create for a file that has nothing of the inputs in it.
func (c *conversion) createPublic(job *cli.Job, name string, fill func(w io.Writer) error) error {
	if c.dryRun {
		return fill(io.Discard)
	}
	return outdir.WritePublic(job, filepath.Join(c.out, name), func(w *cli.OutputFile) error { return fill(w) })
}
