package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/export"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/shards"
)

const exportDoc = `
Writes the mail of a store, or of a backup stream, as Maildir++ that Dovecot
serves at once, or as mbox, offline. The source is only read. UIDs, UIDVALIDITY,
UIDNEXT, flags, keywords, receive dates, rights, subscriptions and quota limits
go along, and copies of one message share a file where their receive dates are
equal, since that is a Maildir file's own date.

A user's mail is OUT/ID/Maildir. --path says otherwise: in it %u is the id, %n
and %d its parts in front of and behind the @. Two users never share a place.
OUT gets dovecot.conf.example, with the settings that this export needs, and
import-mox.sh and import-vandelay.sh for mox and Stalwart.

PATH limits the export: /PARTITION, /PARTITION/user/ID, ID, or one of the latter
two with a FOLDER behind, which brings those below it too. What is named and not
there is a problem. A stream has no partitions: one that a PATH names is a
warning.

A user who is not in OUT yet appears there whole or not at all. The same command
again goes on after a kill, a power cut or a full disk. When all is done it adds
what the source has more since, as a delivery agent does, under the locks that a
running Dovecot respects: mail that is there keeps its UID and, unless
--keep-target none says otherwise, its flags; new mail keeps its own UID where
that is not below the next one in OUT, else takes the next; the next UID is never
left below the source's; what users have deleted in OUT stays deleted. What was
exported is listed in OUT/.imsconv, which stays.

Names of mailboxes: a dot in a name would separate levels in Maildir++, so that
it is escaped as Dovecot's plugin listescape reads it; the plugin is needed only
if such a name is there, and dovecot.conf.example says so. --escape none renames
such mailboxes instead; --layout fs keeps dots. A mailbox whose name cannot be
kept either way ("Inbox", "cur" in --layout fs, a name that is too long) gets
another by rule, and a warning. The first run decides; later ones go on so.

A mailbox of a Maildir has 26 keywords at most: the most used stay, the others
are a warning. Mailboxes without an index of this project, as those of a server,
go along with what tree, mailbox lists and files tell; each is a warning that
says what is not known. What looks like mail and is not exported is told, as by
backup: message files that an index does not name, users in the wrong hash
directory, and mailboxes that folder.db has and the store has not are problems.

--via hardlink makes the store's own files those of OUT where their date is the
receive date. As they share owner, mode and times, --owner and --newline are
refused; change the files in place on neither side while the other matters.

--shard i/n exports one of n parts of the users, as in restore; --plan takes the
lists of plan-shards, of the store or stream that is exported. All parts in one
OUT are what one run leaves there, but for copies that cross.

--results lists the mailboxes, one a line: user, folder, messages and bytes of
the source, written, there before, skipped, why, UIDVALIDITY, and the SHA-256
over lines "UID SHA-256" of the messages.
`

const exportFilesDoc = `
  OUT/ID/Maildir/             the mail of a user; of mbox OUT/ID/; see --path
  OUT/dovecot.conf.example    the settings that this export needs of Dovecot
  OUT/import-mox.sh           one command of mox a mailbox
  OUT/import-vandelay.sh      one command of vandelay a user, for Stalwart
  OUT/.imsconv/               what was exported, for later runs; keep it
`

func exportVerb() cli.Verb {
	return cli.Verb{
		Name:    "export",
		Args:    "--store DIR | -f STREAM  --out OUT [PATH ...]",
		Resumes: true,
		Summary: "write a store or a stream as Maildir++ or mbox",
		See:     []string{"doveadm(1)", "storeconv-backup(1)", "storeconv-verify(1)", "ims-store(5)", "sims-tar(5)"},
		Doc:     exportDoc,
		Files:   exportFilesDoc,
		Example: "storeconv export --store store --out /var/mail/site\n" +
			"storeconv export -f backup.sims --out site --path '%d/%n/Maildir' --default-domain siroe.com --owner vmail\n" +
			"storeconv export --store store --to mbox --mbox mboxcl2 --out archive -u batch1.txt",
		Exit3: "something of the source could not be read or exported; all else is in OUT",
		New: func(fs *pflag.FlagSet) cli.Action {
			v := &exportFlags{}
			v.add(fs)
			return v.run
		},
	}
}

type exportFlags struct {
	opts        export.Options
	store, file string
	out         string
	results     string

	choices.Export
	shard flags.Shard
	part  flags.Sharing
	sync  flags.Sync
	jobs  flags.Jobs
}

func (v *exportFlags) add(fs *pflag.FlagSet) {
	o := &v.opts
	fs.StringVar(&v.store, "store", "", "the store, a `DIR`")
	fs.StringVarP(&v.file, "file", "f", "", "a backup `STREAM` in place of a store, or - for standard input")
	cli.Reads(fs, "file")
	fs.StringVar(&v.out, "out", "", "where to, the directory `OUT`; made when it does not exist")
	v.AddFormat(fs)
	v.Export.Add(fs)
	v.shard.Add(fs)
	fs.StringVar(&o.Domain, "default-domain", "", "the `DOMAIN` of ids without one, for %d; ids in it lose it")
	v.jobs.Add(fs, "writers")
	v.sync.Add(fs)
	fs.StringVar(&v.results, "results", "", "a line for each mailbox to `FILE`, separated by TABs, or - for standard output")
	fs.BoolVar(&o.DryRun, "dry-run", false, "read and check everything, write nothing")
}

func (v *exportFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	v.opts.Paths = args
	if err := checkPaths(job, args); err != nil {
		return err
	}
	if err := v.prepare(job); err != nil {
		return err
	}
	if v.file != "" {
		tellPartitions(job, args, "")
	}
	src, size, closeSource, err := v.source(job)
	defer closeSource()
	if err != nil {
		return err
	}
	o := v.opts
	o.Log, o.Command, o.Progress = job, job.CommandLine(), job.Meter("messages", 0, size)
	var results *cli.OutputFile
	if v.results != "" {
		create := job.Create
		if o.DryRun {
			create = job.CreateDry
		}
		if results, err = create(v.results, true); err != nil {
			return err
		}
		defer results.Abort()
		o.Results = results
	}
	if o.DryRun {
		job.DryRun()
		if err := job.FolderDry(v.out); err != nil {
			return err
		}
	}
	rep, err := export.Export(ctx, v.out, src, o)
	if err == nil && results != nil {
		err = results.Commit()
	}
	v.report(job, &rep, err)
	if v.store != "" {
		err = storeHint(err, v.store)
	}
	if errors.Is(err, export.ErrWaiting) {
		err = cli.WithHint(err, "the same command again takes the users that were left out")
	}
	return v.part.Busy(err, v.out)
}

// prepare turns the flags into options.
func (v *exportFlags) prepare(job *cli.Job) error {
	o := &v.opts
	switch {
	case v.store == "" && v.file == "":
		return cli.Usagef("which store or stream? (--store or -f)")
	case v.store != "" && v.file != "":
		return cli.Usagef("--store and -f exclude each other")
	case v.out == "":
		return cli.Usagef("where to? (--out)")
	}
	var err error
	if v.part, err = v.shard.Read(); err != nil {
		return err
	}
	o.Jobs, o.Sync = v.jobs.Number(), v.sync.Mode
	err = v.Fill(job, o, v.file != "")
	o.Shard = v.part.Shard
	return err
}

// tellUnreadLists tells that rights, limits and subscriptions stay behind where
// the store is that of NMS itself, whose lists only a relocation reads.
func tellUnreadLists(job *cli.Job, store string) {
	lists, err := nms.Open(store)
	if _, statErr := os.Stat(filepath.Join(store, "mboxlist", "folder.db")); err != nil || statErr == nil {
		return
	}
	var names []string
	for _, path := range []string{lists.DataDB, lists.QuotaDB, lists.UserDir} {
		if rel, err := filepath.Rel(store, path); err == nil && path != "" {
			names = append(names, rel)
		}
	}
	if len(names) > 0 {
		job.Problem("nms-lists", store, "the lists of NMS ("+strings.Join(names, ", ")+") are not read: rights, limits and subscriptions are left out; storeconv relocate makes a store that has them, which can be exported")
	}
}

// source opens what is exported; size is that of a stream in bytes, 0 where it
// is not known.
func (v *exportFlags) source(job *cli.Job) (src *export.Source, size int64, closeAll func(), err error) {
	closeAll = func() {}
	if v.store != "" {
		if err := job.SourceTree(v.store); err != nil {
			return nil, 0, closeAll, err
		}
		if err := v.part.CheckSource(func() (shards.Source, error) { return sourceOfStore(v.store, nil) }); err != nil {
			return nil, 0, closeAll, err
		}
		tellUnreadLists(job, v.store)
		return export.FromStore(v.store), 0, closeAll, nil
	}
	f, err := plainInput(job, v.file)
	if err != nil {
		return nil, 0, closeAll, err
	}
	if f != nil {
		head := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 256<<10)
		if err := stream.Check(job, "standard input", head); err != nil {
			return nil, 0, closeAll, err
		}
		if err := v.checkStream(head); err != nil {
			return nil, 0, closeAll, err
		}
		src, err := export.FromStream("standard input", f)
		return src, 0, closeAll, err
	}
	if info, err := os.Stat(v.file); err == nil && info.IsDir() {
		return nil, 0, closeAll, folderHint(v.file)
	}
	in, err := stream.Open(job, v.file)
	if err != nil {
		return nil, 0, closeAll, err
	}
	if err := v.checkStream(in); err != nil {
		in.Close()
		return nil, 0, closeAll, err
	}
	src, err = export.FromStream(in.Name, stream.Source(in))
	return src, max(in.Size, 0), func() { in.Close() }, err // opened for reading
}

// checkStream refuses a plan of another stream.
func (v *exportFlags) checkStream(in stream.Peeker) error {
	return v.part.CheckSource(func() (shards.Source, error) {
		return shards.StreamSource(shards.Stream, v.file, headID(in)), nil
	})
}

// report fills in the summary.
func (v *exportFlags) report(job *cli.Job, r *export.Report, err error) {
	job.CountAll([]cli.Count{
		{Name: "users", N: r.Users}, {Name: "mailboxes", N: r.Mailboxes}, {Name: "messages", N: r.Messages}, {Name: "bytes", N: r.Bytes},
		{Name: "links", N: r.Links}, {Name: "copies for links", N: r.Copies}, {Name: "shared with the store", N: r.Shared},
		{Name: "already there", N: r.There}, {Name: "other UIDs", N: r.OtherUID}, {Name: "flags set again", N: r.Flags},
		{Name: "expired", N: r.Expired}, {Name: "pending", N: r.Pending}, {Name: "refused", N: r.Refused}, {Name: "not selected", N: r.NotSelected},
		{Name: "renamed mailboxes", N: r.Renamed}, {Name: "lost keywords", N: r.KeywordsLost}, {Name: "lost flags \\Archived", N: r.Archived},
		{Name: "lost rights", N: r.RightsLost}, {Name: "lost limits", N: r.LimitsLost},
		{Name: "dated before 1970", N: r.NoDate}, {Name: "foreign indexes", N: r.Foreign}, {Name: "users left out", N: r.Waiting},
	}, "users", "messages")
	if r.NoEnd {
		noteNoEnd(job, cli.InputName(v.file))
	}
	if err != nil {
		return
	}
	if r.Users == 0 && !job.Lost() {
		who := "no user"
		if o := &v.opts; o.Users != nil || len(o.Paths) > 0 || o.Partition != "" || !o.Shard.Whole() {
			who = "no user who is selected"
		}
		job.Warning("no-users", v.store+v.file, "there is "+who+" in it: nothing is exported")
	}
	if v.opts.Via == export.Hardlink && r.Shared > 0 {
		job.Note("OUT and the store share files: do not change them in place on either side")
	}
	if v.opts.DryRun {
		return
	}
	job.Output(v.To(), v.out)
	if r.NoEnd {
		job.Next(nextOfNoEnd(cli.InputName(v.file), "export"))
	}
	if v.results != "" && v.results != "-" {
		job.Output("results", v.results)
	}
	if v.opts.To == export.Maildir {
		job.Next("take " + cli.Quote(v.out+"/dovecot.conf.example") + " over into the configuration of Dovecot")
	}
}
