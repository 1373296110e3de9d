package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/shards/merge"
)

const mergeDoc = `
Puts the stores that the parts of a site were restored or relocated into
together in one store: what a single run would have made. Each PART is a
store that restore --shard or relocate --shard has made, of one part of
the site or of several. The run of a part leaves its report in its
store, PART/.imsconv/shards, when it ends with 0 or 3; by these records
merge knows that all parts are there and belong together.

Without PART, all parts were made in DIR itself, by several runs at once
or one after the other. Then the mail is where it belongs: merge looks
whether every part has ended, joins the reports, removes the records,
and leaves a mark, an extended attribute of DIR. A second merge knows by
the mark, or by FILE of the same --report FILE, that there is nothing to
merge any more: it says so and ends as the first one did. Where the
mailbox lists have changed since, or a part was begun again, it knows
nothing and fails. Where the file system keeps no such attributes, merge
says so and leaves the records, and a second merge joins them again.

The parts are only read. A user's tree appears in DIR whole or not at
all; the same command again goes on after an interruption and changes
nothing when all is done. Messages come over as --via says, everything
else is copied, and all keeps bytes, modes, dates and, for root, owners:

  hardlink  one more name for the same file: instant and without space.
            The default for parts on the file system of DIR. As the
            names share the file, change none in place while the other
            matters.
  copy      a file of its own; names that are hard links of each other
            in a part are so in DIR. The default elsewhere, and with
            --owner.
  none      the trees have been brought to DIR by other means (rsync
            -aH): they are only held against the lists and, where a PART
            has trees, against these.

The mailbox lists of the parts become those of DIR, joined with what DIR
has. Of users whom DIR has already, those with the same tree are passed
over, and where DIR has a part of the tree the rest follows: what could
not be read in one run is there after the next. The others stay as they
are and are listed. So parts that are merged already change nothing, one
that has come since is added, and of one that was made anew since the
users whose trees are not the same any more are listed and not replaced.

Before anything is written, merge refuses: a PART that is no store, or
has no record, or in which a run was interrupted; a part that is there
twice, or is missing (--partial does without); parts of other sources,
plans or options; and a user in the lists of two parts. What is wrong
inside of a part is listed and left out in the smallest unit: what is
neither file nor directory, a tree that a part before it has too, a
record that differs. A mailbox without a record, or a record without a
mailbox, is listed and carried over. What a part has lost since it was
made is listed too: a database, of which each part has all four, and a
message that the index of its mailbox names.

Users of one part who share messages share them in DIR too. Where parts
were made without plan-shards, or by one with --links copy, a message
that users of two parts share is in DIR twice, each copy with the date
of its own receipt: "links that became copies" counts these files, by
the reports of the last run of each part. Of relocations with --via
copy the plan says how many there are (plan.json, crossing).

The report has the problems and warnings of all parts, those that
several parts have told in the same words once; the sums of their counts
("details"); and an object for each shard ("shards": index, count, part,
exit, start, end, runs, counts, problems). Counts are those of all runs of
a part that ended with 0 or 3: what each has made is added up, all else is
as the last one saw it. A run that was killed has counted nothing: what it
had restored is "already there" in the next, and a warning names such
parts. What an earlier stream of the same run has too is "repeated"
instead. The exit status is 3 when a part had 3.

What is known of all mailboxes is sorted in DIR/.imsconv and, before
that is there, in the directory for temporary files (TMPDIR).
`

func mergeVerb() cli.Verb {
	return cli.Verb{
		Name:    "merge",
		Args:    "--store DIR [PART ...]",
		Resumes: true,
		Summary: "put the parts of a site together that were made with --shard",
		See:     []string{"storeconv-plan-shards(1)", "storeconv-relocate(1)", "storeconv-restore(1)", "storeconv-verify(1)", "ims-store(5)"},
		Files: `
  PART/.imsconv/shards/I-of-N.json  the report of a part, as the run of it left it
  DIR/.imsconv/                     what a run needs while it lasts, and locks
`,
		Doc:     mergeDoc,
		Example: "storeconv merge --store /ims/store /ims/part1 /ims/part2 /ims/part3\nstoreconv merge --store /ims/store",
		Exit3:   "a part had 3, or something of a part was refused or unreadable; all else is merged",
		New: func(fs *pflag.FlagSet) cli.Action {
			var v mergeFlags
			v.add(fs)
			return v.run
		},
	}
}

type mergeFlags struct {
	store   string
	via     flags.Choice
	partial bool
	dryRun  bool
	owner   flags.Owner
	sync    flags.Sync
	jobs    flags.Jobs
}

func (v *mergeFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&v.store, "store", "", "the store, `DIR`; made when it does not exist")
	v.via.Add(fs, "via", "", "how messages come over, `WAY`: hardlink, copy or none (default hardlink for parts on the file system of DIR, else copy)", "", "hardlink", "copy", "none")
	fs.BoolVar(&v.partial, "partial", false, "merge what is there though parts are missing; without PART, keep the records")
	v.owner.Add(fs, "owner of what is made (not with --via hardlink)")
	v.jobs.Add(fs, "users")
	v.sync.Add(fs)
	fs.BoolVar(&v.dryRun, "dry-run", false, "check and count everything, write nothing")
}

func (v *mergeFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if v.store == "" {
		return cli.Usagef("which store? (--store)")
	}
	owner := v.owner.Owner()
	switch {
	case len(args) == 0 && (v.via.Value != "" || owner != nil):
		return cli.Usagef("--via and --owner are about PARTs, and none is named")
	case owner != nil && v.via.Value == string(merge.ViaHardlink):
		return cli.WithHint(cli.Usagef("--owner with --via hardlink: %w", merge.ErrHardlinkOwner), "use --via copy")
	case owner != nil && v.via.Value == string(merge.ViaNone):
		return cli.Usagef("--owner with --via none: the trees are there, and keep the owners that they have")
	}
	for _, path := range args {
		job.Source(path)
	}
	o := merge.Options{
		Via: merge.Via(v.via.Value), Partial: v.partial, Owner: owner, Jobs: v.jobs.Number(), Sync: v.sync.Mode, DryRun: v.dryRun,
		Log: job, Command: job.CommandLine(),
	}
	if len(args) > 0 {
		o.Progress = job.Meter("files", 0, 0)
	}
	if v.dryRun {
		job.DryRun()
		if err := job.FolderDry(v.store); err != nil {
			return err
		}
	}
	rep, err := merge.Merge(ctx, v.store, args, o)
	if rep.Removed {
		job.Note("an earlier merge had done everything, and was stopped while it removed the records")
		v.removeRecords(job)
		v.recall(job)
		return nil
	}
	if errors.Is(err, merge.ErrNoRecords) && v.recall(job) {
		job.Note("all is merged already, an earlier merge has done everything: there is nothing to do, and the report is that of the earlier one")
		v.removeRecords(job) // it may have been stopped before the folder of the records was gone
		return nil
	}
	if err != nil {
		v.counts(job, &rep)
		return v.hint(err, args)
	}
	whole := !job.Lost() // whatever the parts have lost themselves
	copies, err := joinReports(job, rep.Records)
	if err != nil {
		return err
	}
	v.report(job, &rep, copies, args, whole)
	return nil
}

// hint adds to an error what can be done about it.
func (v *mergeFlags) hint(err error, args []string) error {
	switch {
	case errors.Is(err, merge.ErrNoSpace):
		return cli.WithHint(err, "nothing was written; --via hardlink needs next to no space where it is possible")
	case errors.Is(err, merge.ErrTwins):
		return cli.WithHint(err, "users whom -m or the default domain makes one are in one part of a plan that plan-shards makes with the same options; without it, restore every part into one store: storeconv restore --store DIR --shard I/N ..., then storeconv merge --store DIR")
	case errors.Is(err, ims.ErrNoStore) && len(args) > 0:
		return cli.WithHint(err, "each PART is a store, the directory that holds partition and mboxlist")
	}
	return err
}

// counts counts what the merge itself did.
func (v *mergeFlags) counts(job *cli.Job, r *merge.Report) {
	job.CountAll([]cli.Count{
		{Name: "shards", N: int64(len(r.Records))}, {Name: "missing", N: int64(len(r.Missing))},
		{Name: "users", N: r.Trees}, {Name: "placed", N: r.Placed}, {Name: "completed", N: r.Completed}, {Name: "already there", N: r.Unchanged}, {Name: "left out", N: r.LeftOut},
		{Name: "mailboxes", N: r.Mailboxes}, {Name: "messages", N: r.Messages}, {Name: "other files", N: r.Others}, {Name: "bytes", N: r.Bytes},
		{Name: "linked", N: r.Linked}, {Name: "bytes copied", N: r.Copied}, {Name: "shared copies", N: r.Shared}, {Name: "links that failed", N: r.Fallback},
		{Name: "subscription files", N: r.UserFiles}, {Name: "folder records", N: r.Lists[mboxlist.FolderDB]}, {Name: "quota records", N: r.Lists[mboxlist.QuotaDB]},
		{Name: "subscription records", N: r.Lists[mboxlist.SubscrDB]}, {Name: "per-user records", N: r.Lists[mboxlist.PeruserDB]},
		{Name: "records left out", N: r.RecordsLeft},
	}, "shards")
}

// report fills in the summary; whole tells that the merge itself met no
// problem.
func (v *mergeFlags) report(job *cli.Job, r *merge.Report, copies int64, args []string, whole bool) {
	v.counts(job, r)
	if copies > 0 {
		job.Count("links that became copies", copies)
	}
	if len(args) > 0 && r.Linked > 0 {
		job.Note("the messages are the parts' own files under a second name: a chown, chmod or edit in " + v.store +
			" changes them there too; --via copy makes files of their own")
	}
	if v.dryRun {
		return
	}
	switch {
	case len(args) > 0 && !r.Changed && !whole:
		job.Note("nothing was changed: what can be merged of these parts is in " + v.store + " already")
	case len(args) > 0 && !r.Changed:
		job.Note("all is merged already: " + v.store + " has everything of these parts, and nothing was changed")
	case len(args) == 0 && !v.partial:
		job.AtEnd(func() error { return v.mark(job) })
	}
	if r.Copies {
		v.removeRecords(job)
	}
	job.Output("store", v.store)
	job.Next("storeconv verify --store " + cli.Quote(v.store))
	fresh := "reconstruct -r -f; "
	if strings.HasSuffix(r.Records[0].Command, " relocate") {
		fresh = ""
	}
	job.Next("on the new server, as the mail server user: " + fresh + "reconstruct -q")
}

// removeRecords has the records removed once the report has its place.
func (v *mergeFlags) removeRecords(job *cli.Job) {
	if !v.dryRun {
		job.AtEnd(func() error { return merge.RemoveRecords(v.store) })
	}
}
