package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/shards"
)

const restoreDoc = `
Makes the store of an iPlanet Messaging Server 5.x, or adds to it, from backup
streams of a Sun Internet Mail Server 4.0, offline. A stream is a file, or - for
standard input; LZ4 and gzip are undone. Several streams (-f again) are read in
the order given, a full backup and then the incremental ones: what comes later
decides about flags. What the store had before the run counts as "already
there", what an earlier stream of the run has too as "repeated".

UIDs, UIDVALIDITY, receive dates, flags, keywords, subscriptions, rights and
quotas come over. A later copy of a message becomes a hard link to the first one.
Messages marked expired are left out and counted. DIR/mboxlist gets folder.db,
quota.db, subscr.db and peruser.db, merged with what is there.

INTERRUPTED AND PARALLEL RUNS
A user's tree appears in DIR whole or not at all. The same command again goes on
after a kill, a power cut or a full disk, and changes nothing when all is done.
What it needs meanwhile lies in DIR/.imsconv. Several processes may restore
different users into one DIR at the same time: each with its own -u file, PATH
or --shard.

SHARDS
--shard i/n restores one of n parts of the users, by a hash of the id in the
stream, or with --plan by the lists of plan-shards, and --shard auto the part of
a task of a job array or an indexed Job. All parts together are the whole, on one
machine or many; a part that another process has at work is refused. A copy
whose first copy is in another part becomes a file of its own, read from the
stream, and is counted: of standard input it cannot be read, unless -r names the
stream or the plan keeps such users together (--links plan).
A part that ends with 0 or 3 leaves its report in DIR/.imsconv/shards, by which
merge knows that all are done, in one store or in many. Parts of two divisions
(1/4 and 2/8, or of two plans) do not go into one store.

SELECTION AND NEW IDS
PATH selects: /primary/user/joe or joe for a user, joe/Mail for a mailbox and
those below it. A stream has no partitions: one that a PATH names and -p does
not is a warning. -u selects users and may give them new ids; -m gives new ids
only. Lines of both files are "name", "old new" or "old=new": an id with a blank
or a = in it cannot be named there, and PATH names its user.
Users who get one id by these, or by --default-domain, become one in DIR, which
is a warning: the mail of both is there, with the larger limit; a mailbox that
both have gives others the rights that both gave.

ADDING TO A STORE
A mailbox that DIR has already is added to. Messages that are there, by their
UIDVALIDITY and UID in the old store or, as a backup of DIR has them, in DIR,
else by their SHA-256, are passed over; the others get new UIDs where theirs
are taken or the UIDVALIDITY is another.
A store.idx that is missing or damaged is made again, with what the stream says;
messages of which that knows nothing have no flags then, which is a problem.
A message that the index names and whose file is gone is put back where the
stream has it, and later copies of it are linked with it again.
Beside a store.idx of a server, as a relocated store has it, messages are added,
and their flags and keywords are noted nowhere: that is a problem.
-i adds without looking. -n restores into a new mailbox instead, called
name.mmddyy.HHMMSS by the date of the backup, and .001 and so on behind that.
A mailbox whose name is too long for that is left out, which is a problem.
--dry-run remembers half a million messages of earlier streams, and of all where
-m or --default-domain may make two users one; what comes again beyond that it
counts as new.

MAILBOX FILES AND MAILDIRS
The source may also be a folder of mailbox files, as imexportmbox -d or imsexport
left it or as /var/mail is, a single mailbox file, or a folder of Maildirs, such
as what export has made: then -f names the folder or file. Which of them it is,
is looked at, or said with --kind. --path and --user say whose mail lies where.
Mailbox files may be compressed with gzip, LZ4 or bzip2, and be of the kind of
MMDF; one is also read from standard input (--kind mbox --user joe -f -).
What the source does not say is told, and so is what takes its place: UIDs in the
order of the messages, and the date of the first one as UIDVALIDITY. The flags of
Maildirs count as those of a stream do; mailbox files change no flags of messages
that are there. With --to-stream FILE no store is made but a backup stream, of
what PATH, -u and --shard select; a FILE that holds it already is no conflict and
stays, as where a run was killed and its command is given again.

LINKS AND DAMAGE
A link whose first copy is not among what is restored is made to the copy in DIR
that has its UIDVALIDITY and UID, if there is one, else to a copy read from the
stream, if that is a plain file, or from the stream that -r names. Otherwise it
is a problem that says what to restore with it.

What is damaged or forbidden in a stream is a problem with its offset and name;
that member is left out and all else is restored (-cy, the default). With -cn the
first problem ends the run.
`

const restoreFilesDoc = `
  DIR/partition/PARTITION/=user/  the mail: a tree for each user
  DIR/mboxlist/                   folder.db, quota.db, subscr.db and peruser.db
  DIR/.imsconv/                   what a run needs while it lasts, locks, the
                                  list of finished runs with -n, and
                                  shards/I-of-N.json, the reports of parts
`

func restoreVerb() cli.Verb {
	return cli.Verb{
		Name:    "restore",
		Prints:  cli.With("contents", "header"),
		Args:    "[-f] STREAM --store DIR [PATH ...]",
		Resumes: true,
		Summary: "make an iMS store of SIMS backup streams, mailbox files or Maildirs",
		See:     []string{"storeconv-backup(1)", "storeconv-list(1)", "storeconv-merge(1)", "storeconv-plan-shards(1)", "storeconv-verify(1)", "ims-store(5)", "sims-tar(5)", "store.idx(5)"},
		Doc:     restoreDoc,
		Files:   restoreFilesDoc,
		Example: "storeconv restore -f backup.sims --store store\n" +
			"lz4 -dc full.sims.lz4 | storeconv restore -f - --store store -u batch1.txt --owner mailsrv\n" +
			"storeconv restore -f full.sims -f monday.sims --store store --shard 3/8\n" +
			"storeconv restore -f /var/mail --store store",
		Exit3: "something of the streams was refused, unreadable or lost; all else is restored",
		New: func(fs *pflag.FlagSet) cli.Action {
			v := &restoreFlags{}
			v.add(fs)
			return v.run
		},
	}
}

type restoreFlags struct {
	opts  restore.Options
	files []string
	store string
	choices.Restore
	blocking flags.Count
	verbose  int
	contents bool
	header   bool
	toStream string
	force    bool

	shard  flags.Shard
	part   flags.Sharing
	limits flags.Limits
	sync   flags.Sync
	jobs   flags.Jobs
}

func (v *restoreFlags) add(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&v.files, "file", "f", nil, "the `STREAM`, or - for standard input; may be given again")
	cli.Reads(fs, "file")
	fs.StringVar(&v.store, "store", "", "the store, `DIR`; made when it does not exist")
	v.Restore.Add(fs)
	cli.Reads(fs, "reference")
	fs.VarP(&v.blocking, "blocking", "b", "blocking factor of the stream, `N` x 512 bytes; any is read, so this is not needed")
	fs.IntVarP(&v.verbose, "verbose", "v", 0, "tell each mailbox (1), each message (2), `N` from 0 to 3")
	fs.BoolVarP(&v.contents, "contents", "t", false, "print the table of contents, restore nothing")
	fs.BoolVar(&v.header, "header", false, "print the header of the stream, restore nothing")
	fs.StringVar(&v.toStream, "to-stream", "", "make a backup stream of mailbox files or Maildirs, `FILE` (- for standard output), and restore nothing")
	fs.BoolVar(&v.force, "force", false, "with --to-stream: replace FILE when it exists and holds something else")
	v.shard.Add(fs)
	v.limits.Add(fs)
	v.jobs.Add(fs, "writers")
	v.sync.Add(fs)
	fs.BoolVar(&v.opts.DryRun, "dry-run", false, "read and check everything, write nothing")
}

func (v *restoreFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(v.files) == 0 && len(args) > 0 {
		v.files, args = args[:1], args[1:]
	}
	if len(v.files) == 0 {
		return cli.Usagef("which stream? (-f)")
	}
	if err := v.Tree.Check(); err != nil {
		return err
	}
	if v.contents || v.header {
		return v.list(ctx, job)
	}
	v.opts.Paths = args
	if err := checkPaths(job, args); err != nil {
		return err
	}
	if v.toStream != "" {
		return v.writeStream(ctx, job)
	}
	if v.force {
		return cli.Usagef("--force is for --to-stream: a store is added to, and nothing in it is replaced")
	}
	if err := v.prepare(job); err != nil {
		return err
	}
	if err := v.apart(); err != nil {
		return err
	}
	tellPartitions(job, args, v.opts.Partition)
	streams, closeAll, err := openSources(job, &v.Tree, v.files)
	defer closeAll()
	if err != nil {
		return err
	}
	err = v.part.CheckSource(func() (shards.Source, error) { return sourceOfStreams(v.files, streams), nil })
	if err != nil {
		return err
	}
	refs, closeRefs, err := openStreams(job, v.References)
	defer closeRefs()
	if err != nil {
		return err
	}
	if err := checkReferences(v.References, refs); err != nil {
		return err
	}
	o := v.opts
	o.Reference, o.Log, o.Command = refs, job, job.CommandLine()
	if v.verbose > 0 {
		o.Trace = func(level int, text string) {
			if level <= v.verbose {
				job.Note(text)
			}
		}
	}
	o.Progress = job.Meter("messages", 0, sizeOf(streams))
	if o.DryRun {
		job.DryRun()
		if err := job.FolderDry(v.store); err != nil {
			return err
		}
	} else if err := recordShard(ctx, job, v.store, o.Owner, o.Shard, streamsIdentity(streams), o.Paths...); err != nil {
		return err
	}
	rep, err := restore.Restore(ctx, v.store, streams, o)
	v.report(job, &rep, err)
	return v.part.Busy(err, v.store)
}

// apart refuses a store that lies in a tree of mail, or the other way round:
// the next run would take the one for a part of the other.
func (v *restoreFlags) apart() error {
	for _, f := range v.files {
		if info, err := os.Stat(f); err == nil && info.IsDir() && durable.Nest(v.store, f) {
			return fmt.Errorf("the store %s and the source %s lie inside each other", v.store, f)
		}
	}
	return nil
}

// list prints what -t and --header ask for.
func (v *restoreFlags) list(ctx context.Context, job *cli.Job) error {
	for _, f := range v.files {
		l := listOptions{stream: f, header: v.header, tree: v.Tree}
		if err := l.run(ctx, job, nil); err != nil {
			return err
		}
	}
	return nil
}

// sizeOf is the size of all streams in bytes, 0 when one of them is not known.
func sizeOf(streams []*restore.Stream) int64 {
	var size int64
	for _, s := range streams {
		if s.Size < 0 {
			return 0
		}
		size += s.Size
	}
	return size
}

// prepare turns the flags into options.
func (v *restoreFlags) prepare(job *cli.Job) error {
	o := &v.opts
	switch {
	case v.store == "":
		return cli.Usagef("which store? (--store)")
	case v.verbose < 0 || v.verbose > 3:
		return cli.Usagef("-v %d is not from 0 to 3", v.verbose)
	}
	var err error
	if v.part, err = v.shard.Read(); err != nil {
		return err
	}
	o.Jobs, o.Sync = v.jobs.Number(), v.sync.Mode
	if err := v.Fill(job, o); err != nil {
		return err
	}
	o.Shard = v.part.Shard
	o.Limits, err = v.limits.Read(job, func() (directory.IDs, error) { return sourceUsers(job, &v.Tree, v.files[0]) })
	o.Domain = v.limits.Domain
	if err != nil {
		return err
	}
	return v.part.CheckNames(o.Selection)
}

// openSources opens the sources of one option, streams or trees.
func openSources(job *cli.Job, tree *flags.Tree, names []string) (streams []*restore.Stream, closeAll func(), err error) {
	var closers []func()
	closeAll = func() {
		for _, done := range closers {
			done()
		}
	}
	for _, name := range names {
		if !tree.Is(name) {
			s, done, err := openStreams(job, []string{name})
			closers = append(closers, done)
			if err != nil {
				return nil, closeAll, err
			}
			streams = append(streams, s...)
			continue
		}
		src, err := stream.OpenTree(job, name, tree.Options())
		if err != nil {
			return nil, closeAll, err
		}
		closers = append(closers, func() { src.Close() }) // opened for reading
		streams = append(streams, stream.OfTree(name, src))
	}
	return streams, closeAll, nil
}

// openStreams opens the streams of one option.
func openStreams(job *cli.Job, names []string) (streams []*restore.Stream, closeAll func(), err error) {
	var inputs []*cli.Input
	closeAll = func() {
		for _, in := range inputs {
			in.Close() // opened for reading
		}
	}
	for _, name := range names {
		if f, err := plainInput(job, name); err != nil {
			return nil, closeAll, err
		} else if f != nil {
			head := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 256<<10)
			if err := stream.Check(job, "standard input", head); err != nil {
				return nil, closeAll, err
			}
			s, err := restore.NewStream("standard input", f)
			if err != nil {
				return nil, closeAll, err
			}
			streams = append(streams, s)
			continue
		}
		in, err := stream.Open(job, name)
		if err != nil {
			return nil, closeAll, err
		}
		inputs = append(inputs, in)
		s, err := restore.NewStream(in.Name, stream.Source(in))
		if err != nil {
			return nil, closeAll, err
		}
		streams = append(streams, s)
	}
	return streams, closeAll, nil
}

// plainInput is standard input where that can be read like a file that is
// named; else nil.
func plainInput(job *cli.Job, name string) (*os.File, error) {
	if name != "-" {
		return nil, nil
	}
	return job.PlainStdin()
}

// streamUsers returns the users of a stream; none when it can be read only
// once.
func streamUsers(job *cli.Job, path string) (*directory.IDSet, error) {
	ids := directory.NewIDSet()
	if path == "-" {
		return ids, nil
	}
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if in.Size >= 0 {
		ids.AddStream(stream.Source(in))
	}
	return ids, nil
}

// sourceUsers returns the users of a stream or a tree.
func sourceUsers(job *cli.Job, tree *flags.Tree, path string) (*directory.IDSet, error) {
	if !tree.Is(path) {
		return streamUsers(job, path)
	}
	ids := directory.NewIDSet()
	if path == "-" { // it can be read only once
		ids.Add(tree.Options().User)
		return ids, nil
	}
	src, err := stream.OpenTree(job, path, tree.Options())
	if err != nil {
		return nil, err
	}
	defer src.Close() // opened for reading
	for _, user := range src.Users() {
		ids.Add(user)
	}
	return ids, nil
}

// noteNoEnd says what it means that a stream has no end marker. Where it ends
// between two members, nothing else tells that it was cut.
func noteNoEnd(job *cli.Job, name string) {
	job.Note(name + " has no end marker: it may have been cut, and then members, whole users too, are missing behind the last one")
}

// nextOfNoEnd is what to do about such a stream, by the verb that has read it.
func nextOfNoEnd(name, verb string) string {
	return "look whether the backup of " + cli.Quote(name) + ", which has no end marker, ran to its end; if it did not, make it again and " + verb + " that too: what is there is not " + verb + "ed twice"
}

// report fills in the summary.
func (v *restoreFlags) report(job *cli.Job, r *restore.Report, err error) {
	job.CountAll([]cli.Count{
		{Name: "users", N: r.Users}, {Name: "mailboxes", N: r.Mailboxes}, {Name: "messages", N: r.Messages}, {Name: "bytes", N: r.Bytes},
		{Name: "links", N: r.Links}, {Name: "copies for links", N: r.Copies}, {Name: "expired", N: r.Expired}, {Name: "pending", N: r.Pending},
		{Name: "already there", N: r.Duplicates}, {Name: repeatedCount, N: r.Repeated}, {Name: "flags updated", N: r.Updated}, {Name: "put back", N: r.PutBack}, {Name: "refused", N: r.Refused},
		{Name: "not selected", N: r.NotSelected}, {Name: "users of an interrupted run", N: r.Resumed}, {Name: "messages with bare LF", N: r.BareLF},
		{Name: "lost flags", N: r.FlagsLost}, {Name: "lost keywords", N: r.KeywordsLost}, {Name: "lost UIDs", N: r.OtherUID},
	}, "users", "messages")
	for _, k := range slices.Sorted(maps.Keys(r.UnknownKeys)) {
		job.Count("unknown key "+k, r.UnknownKeys[k])
	}
	if r.Finished {
		job.Note("an earlier run of this command had done everything: nothing is changed")
	}
	if r.NoHeader && !v.Tree.Is(v.files[0]) {
		job.Note("the stream has no header of its profile: read as a plain tar")
	}
	for _, name := range r.NoEnd {
		noteNoEnd(job, name)
	}
	if err != nil || v.opts.DryRun {
		return
	}
	job.Output("store", v.store)
	for _, name := range r.NoEnd {
		job.Next(nextOfNoEnd(name, "restore"))
	}
	job.Next("storeconv verify --store " + cli.Quote(v.store))
	job.Next("on the new server, as the mail server user: reconstruct -r -f; reconstruct -q")
}
