package main

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/outdir"
)

// runFlags are the command line of run.
type runFlags struct {
	set *pflag.FlagSet

	scenario            flags.Choice
	site, out           string
	ldif, stream, store string
	destination         flags.Choice
	base                []string
	defaultDomain       string
	only                string
	database            flags.Database
	via                 flags.Choice
	owner               flags.Owner
	sync                flags.Sync
	jobs                flags.Jobs
	force, dryRun       bool
	noVerify, preflight bool
	oldHost, newHost    string
	batch               batchFlags
}

func runVerb() cli.Verb {
	return cli.Verb{
		Name:    "run",
		Prints:  cli.Always,
		Summary: "convert a whole site: directory, mail store, mailbox lists",
		See:     []string{"ldifconv-upgrade(1)", "siteconv-init(1)", "siteconv-plan(1)", "siteconv-report(1)", "siteconv-status(1)", "storeconv-export(1)", "storeconv-relocate(1)", "storeconv-restore(1)"},
		Resumes: true,
		Doc:     runDoc + batchDoc,
		Files:   runFilesDoc,
		Example: runExample + batchExample,
		Exit3:   "done, but an entry, message or record was refused, unreadable or lost; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			f := runFlags{set: fs}
			f.scenario.Add(fs, "scenario", "", "`NAME` of the scenario: "+strings.Join(site.Scenarios(), ", "), "", site.Scenarios()...)
			fs.StringVar(&f.site, "site", "", "`DIR` with site.toml, or with the inputs under their usual names; or the site.toml itself")
			cli.Place(fs, "site")
			f.destination = flags.NewChoice("", site.IMS, site.Maildir)
			fs.Var(&f.destination, "destination", "where the mail goes, `WHAT`: ims (the new store, the default) or maildir (for Dovecot)")
			fs.StringVar(&f.out, "out", "", "output folder `DIR`: new, empty, or of an earlier run")
			fs.StringVar(&f.ldif, "ldif", "", "directory export `FILE`, instead of DIR/export.ldif")
			cli.Reads(fs, "ldif")
			fs.StringVar(&f.stream, "stream", "", "SIMS backup stream `FILE`, instead of DIR/backup.sims")
			cli.Reads(fs, "stream")
			fs.StringVar(&f.store, "nms-store", "", "NMS store `DIR`, instead of DIR/store")
			fs.StringVar(&f.oldHost, "old-host", "", "the mail `HOST` that is left")
			fs.StringVar(&f.newHost, "new-host", "", "the mail `HOST` that users move to, where it is another one")
			fs.StringArrayVarP(&f.base, "base", "b", nil, "upgrade the entries at or below `DN`; may repeat (default: the top entries of the export)")
			fs.StringVar(&f.defaultDomain, "default-domain", "", "`DOMAIN` whose users have the bare uid as store id (default: the one that fits the store)")
			f.via = flags.NewChoice("", "hardlink", "copy", "symlink")
			fs.Var(&f.via, "via", "how the messages of an NMS store come over, `WAY`: hardlink, copy or symlink (default hardlink on one file system, else copy)")
			f.owner.Add(fs, "owner of the store (of an NMS store with --via copy)")
			f.database.Add(fs, 6, "6", "big; of an NMS store, its own", "8K; of an NMS store, its own")
			f.sync.Add(fs)
			f.jobs.Add(fs, "workers")
			fs.StringVar(&f.only, "only", "", "do one `STEP` alone, see above")
			cli.Offer(fs, "only", allSteps()...)
			fs.BoolVar(&f.noVerify, "no-verify", false, "leave the last step out, which reads the mail once more and compares")
			fs.BoolVar(&f.preflight, "preflight", false, "look at everything, tell what stands in the way and what to expect, write nothing")
			fs.BoolVar(&f.dryRun, "dry-run", false, "read and convert everything, write nothing")
			fs.BoolVar(&f.force, "force", false, "remove what an earlier run left in the output folder and start afresh")
			f.batch.add(fs)
			return f.run
		},
	}
}

func (f *runFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("run takes no arguments, only flags: %q", args[0])
	}
	if err := f.checkBatch(); err != nil {
		return err
	}
	switch {
	case f.batch.given():
		return f.runBatch(ctx, job)
	case f.batch.closing:
		return f.runClosing(ctx, job)
	}
	c, err := f.conversion(job)
	if err != nil {
		return err
	}
	if _, err := c.preflight(ctx, job, f); err != nil {
		return err
	}
	if f.preflight {
		return c.tellPreflight(job)
	}
	if err := c.pre.Err(job); err != nil {
		return err
	}
	if c.dryRun {
		c.pre.Warn(job)
		return c.try(ctx, job, nil)
	}
	want, err := c.state()
	if err != nil {
		return err
	}
	return c.carryOut(ctx, job, want, f.force, c.conclude)
}

// carryOut does in the output folder what is not done there yet, and concludes.
func (c *conversion) carryOut(ctx context.Context, job *cli.Job, want outdir.State, force bool, conclude func(context.Context, *cli.Job, outdir.State) error) error {
	before := func() error {
		if err := checkNoBatches(c.out); err != nil {
			return err
		}
		return batches.RemoveSplits(c.out)
	}
	if c.closing != nil {
		before = nil // its folder has neither
	}
	st, release, err := outdir.Claim(c.out, want, force, before)
	if err != nil {
		return err
	}
	defer release()
	if st.Finished {
		return c.recall(job)
	}
	if err := c.convert(ctx, job, &st); err != nil {
		return err
	}
	return conclude(ctx, job, st)
}
