package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/shards"
)

const relocateDoc = `
Makes the store of an iPlanet Messaging Server 5.x of the store of a Netscape
Messaging Server 4.x, offline. All partitions under NMSSTORE/partition go over,
and others that --partition names; NMSSTORE/user (the subscriptions) goes to
DIR/user; mboxlist/data.db2 becomes DIR/mboxlist/folder.db and quota.db2 (looked
for in NMSSTORE and in NMSSTORE/mboxlist) quota.db, their records byte for byte.
Where the subscription files read as one mailbox name a line, subscr.db has them
too. peruser.db is made empty.

The source is only read. A user's tree appears in DIR whole or not at all. The
same command again goes on after an interruption and changes nothing when all is
done; with -u, batch after batch adds to the same store.

Message files (*.msg) come over as --via says; everything else, such as the
server's store.idx, is always copied, since a server writes it in place. All
keep bytes, mode and modification time, and, for root, their owner:

  hardlink  one more name for the same file: instant and without space. The
            default where source and DIR are on one file system. As the names
            share owner, mode and times, --owner is refused; neither change the
            files in DIR in place afterwards while the source matters.
  copy      a file of its own; names that are hard links of each other in the
            source are so in DIR. The default elsewhere, and with --owner.
  symlink   a symbolic link to the absolute path in the source.

What is wrong with the source is listed and left out in the smallest unit: a
user id that is neither LOCALPART nor LOCALPART@FQDN, the directory of a user
whose name cannot be decoded, an unreadable file, what is neither file nor
directory, a damaged page of a database. Listed, and carried over as it is: a
record of a mailbox or a partition that is not there, a mailbox without a record
(--add-missing writes one), a folder name that cannot be decoded, a user whose
directory is not where hashdir says (--repair-hash puts both right). A user who gets a new id (-m, --domain) gets it
everywhere, directory, hash, subscriptions, database keys and access control
lists, or is left out. With batches, give the whole MAPFILE to each of them, so
that the access control lists of one name the users of another rightly.

--shard i/n relocates one of n parts of the users, as in restore; --plan takes
the lists of plan-shards. What is no user's (trees of mailboxes beside =user,
records and files of nobody) goes with the first part, and is told there. Users
of two parts who share a file get a copy each. Each part leaves its report for
merge, as restore does.

With --requota the usage of every user is counted anew, each reference to a
message at its full size, and limits are taken from the directory export that
--limits names where it has the user; users over their quota are printed on standard
output, one a line: id, quota and usage in KB, quota and usage in messages.
`

const relocateFilesDoc = `
  DIR/partition/NAME/  the mail: a tree for each user
  DIR/user/            subscription files
  DIR/mboxlist/        folder.db, quota.db, subscr.db and peruser.db
  DIR/.imsconv/        what a run needs while it lasts, locks, and
                       shards/I-of-N.json, the reports of parts
`

func relocateVerb() cli.Verb {
	return cli.Verb{
		Name:    "relocate",
		Prints:  cli.With("requota"),
		Args:    "--from NMSSTORE --store DIR",
		Resumes: true,
		Summary: "make an iMS store of an NMS store",
		See:     []string{"dbconv-folder(1)", "dbconv-quota(1)", "storeconv-hashdir(1)", "storeconv-merge(1)", "storeconv-plan-shards(1)", "storeconv-verify(1)", "ims-store(5)"},
		Doc:     relocateDoc,
		Files:   relocateFilesDoc,
		Example: "storeconv relocate --from /nms/msg-mail/store --store /ims/msg-mail/store\nstoreconv relocate --from store --store new -u batch1.txt --domain siroe.com --via copy --owner mailsrv",
		Exit3:   "something of the source was refused, unreadable or inconsistent; all else is done",
		New: func(fs *pflag.FlagSet) cli.Action {
			var v relocateFlags
			v.add(fs)
			return v.run
		},
	}
}

type relocateFlags struct {
	from, store string
	opts        relocate.Options
	choices.Relocate
	ldif   []string // --ldif, the old name of --limits
	limits flags.Limits
	shard  flags.Shard
	part   flags.Sharing
	sync   flags.Sync
	jobs   flags.Jobs
}

func (v *relocateFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&v.from, "from", "", "the store of the old server, `NMSSTORE`")
	fs.StringVar(&v.store, "store", "", "the new store, `DIR`; made when it does not exist")
	v.Relocate.Add(fs)
	v.limits.Add(fs)
	fs.StringArrayVar(&v.ldif, "ldif", nil, "the same as --limits `LDIF`")
	v.shard.Add(fs)
	v.jobs.Add(fs, "users")
	v.sync.Add(fs)
	fs.BoolVar(&v.opts.DryRun, "dry-run", false, "check and count everything, write nothing")
}

func (v *relocateFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("what is %q? relocate takes no arguments", args[0])
	}
	if err := v.prepare(job); err != nil {
		return err
	}
	o := &v.opts
	err := v.part.CheckSource(func() (shards.Source, error) { return sourceOfStore(v.from, o.Partitions) })
	if err != nil {
		return err
	}
	meter := job.Meter("files", 0, 0)
	o.Command, o.Log, o.Progress = job.CommandLine(), job, meter
	if o.DryRun {
		job.DryRun()
		if err := job.FolderDry(v.store); err != nil {
			return err
		}
	} else if err := v.record(ctx, job); err != nil {
		return err
	}
	rep, err := relocate.Relocate(ctx, v.store, v.from, *o)
	told := v.report(job, &rep)
	if errors.Is(err, relocate.ErrNoSpace) {
		return cli.WithHint(err, "nothing was written; --via hardlink needs next to no space where it is possible, -u makes batches")
	}
	if err == nil {
		err = told
	}
	return v.part.Busy(err, v.store)
}

// record has the run of a part leave its record.
func (v *relocateFlags) record(ctx context.Context, job *cli.Job) error {
	if !v.shard.Given() {
		return nil
	}
	source, err := nmsIdentity(v.from)
	if err != nil {
		return err
	}
	return recordShard(ctx, job, v.store, v.opts.Owner, v.part.Shard, source)
}

// prepare turns the flags into options.
func (v *relocateFlags) prepare(job *cli.Job) error {
	o := &v.opts
	if v.from == "" || v.store == "" {
		return cli.Usagef("--from and --store are needed")
	}
	job.Source(v.from)
	var err error
	if v.part, err = v.shard.Read(); err != nil {
		return err
	}
	o.Jobs, o.Sync, o.Shard = v.jobs.Number(), v.sync.Mode, v.part.Shard
	if err := v.Fill(job, o); err != nil {
		return err
	}
	if err := readsElsewhere(job, v.from, o.Partitions); err != nil {
		return err
	}
	return v.readLimits(job)
}

// readsElsewhere notes the partitions that lie outside of a store of NMS as
// inputs too.
func readsElsewhere(job *cli.Job, store string, partitions []relocate.Partition) error {
	for _, p := range relocate.Elsewhere(store, partitions) {
		if err := job.KeepsStill(p.Path); err != nil {
			return err
		}
	}
	return nil
}

// readLimits reads the directory exports. Where --domain puts a domain behind
// every id, no user has a bare one, and there is no default domain.
func (v *relocateFlags) readLimits(job *cli.Job) error {
	v.limits.Append(v.ldif)
	if v.limits.Given() && !v.opts.Requota {
		job.Note("limits of the directory are used with --requota only")
		return nil
	}
	var err error
	v.opts.Limits, err = v.limits.Read(job, func() (directory.IDs, error) {
		ids := directory.NewIDSet()
		if v.opts.Domain != "" {
			return ids, nil
		}
		for _, p := range v.opts.Partitions {
			if p.Path != "" {
				if err := ids.AddPartition(p.Path); err != nil {
					return nil, err
				}
			}
		}
		return ids, ids.AddStore(v.from)
	})
	return err
}

// report fills in the summary, and prints the users over their quota.
func (v *relocateFlags) report(job *cli.Job, r *relocate.Report) error {
	if r.Via == "" {
		return nil
	}
	job.CountAll([]cli.Count{
		{Name: "partitions", N: int64(r.Partitions)}, {Name: "users", N: r.Users},
		{Name: "placed", N: r.Placed}, {Name: "completed", N: r.Completed}, {Name: "already there", N: r.Unchanged}, {Name: "left out", N: r.LeftOut},
		{Name: "renamed", N: r.Renamed}, {Name: "put under the right hash", N: r.Rehashed}, {Name: "respelled", N: r.Respelled},
		{Name: "shared trees", N: r.SharedTrees}, {Name: "mailboxes", N: r.Mailboxes}, {Name: "messages", N: r.Messages}, {Name: "other files", N: r.Others}, {Name: "bytes", N: r.Bytes},
		{Name: "linked", N: r.Linked}, {Name: "bytes copied", N: r.Copied}, {Name: "shared copies", N: r.Shared}, {Name: "links that failed", N: r.Fallback},
		{Name: "subscription files", N: r.Subscriptions}, {Name: "subscription files rewritten", N: r.SubscriptionsNew},
		{Name: "folder records", N: r.FolderRecords}, {Name: "quota records", N: r.QuotaRecords}, {Name: "subscription records", N: r.SubscrRecords},
		{Name: "records changed", N: r.RecordsChanged}, {Name: "records added", N: r.RecordsAdded}, {Name: "records left out", N: r.RecordsLeft},
		{Name: "records not understood", N: r.RecordsOpaque},
		{Name: "mailboxes without directory", N: r.NoTree}, {Name: "mailboxes without record", N: r.NoRecord}, {Name: "records of unknown partitions", N: r.UnknownPartition},
		{Name: "users over quota", N: int64(len(r.OverQuota))},
	}, "users")
	for _, o := range r.OverQuota {
		if _, err := fmt.Fprintf(job.Stdout, "%s\t%d\t%d\t%d\t%d\n", o.User, o.QuotaKB, o.UsageKB, o.QuotaMessages, o.UsageMessages); err != nil {
			return err
		}
	}
	if relocate.Via(r.Via) == relocate.ViaHardlink && r.Linked > 0 {
		job.Note("the messages are the source's own files under a second name: a chown, chmod or edit in " + v.store +
			" changes them in " + v.from + " too; --via copy makes files of their own")
	}
	if v.opts.DryRun {
		return nil
	}
	job.Output("store", v.store)
	job.Next("storeconv verify --store " + cli.Quote(v.store) + " --from " + cli.Quote(v.from))
	job.Next("on the new server, as the mail server user: reconstruct -q")
	return nil
}
