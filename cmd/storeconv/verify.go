package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv"
	"imsconv/storeconv/shards"
	"imsconv/storeconv/verify"
)

const verifyDoc = `
Reads a whole store and lists everything that is not as it should be.
Nothing is changed, and a problem ends nothing: all are listed, up to 1,000
of a kind. It has its own reading of the formats and shares no code with
restore and relocate.

  - every message file against the index of its mailbox: there at all, size,
    SHA-256, size of the header, Date and Message-ID; files that no index
    names; files and directories that have no place in a store; users and
    messages in the wrong hash directory; mode and owner;
  - every index against itself: each line of its header, counts, sums, oldest
    and latest dates, its name and partition, keywords without a name;
  - every index against mboxlist: folder.db (partition, ACL), subscr.db,
    peruser.db (seen and deleted messages), quota.db (usage), and every
    record of these against the tree;
  - with -f, every message of the stream against the store: content, receive
    date, flags, keywords, UIDVALIDITY, next UID, ACL, subscription, last
    access, that later copies are the same file as the first, and that files
    have the date of the first copy that has not expired.

Directories must have the mode 0700 and files 0600, and everything the owner
of --owner, else that of the store directory. Of directories that users share
it is a warning where a relocation has brought mail too: it keeps theirs.

INDEXES
An index that is not this project's, such as those of a relocated store,
cannot be looked into: it is counted as foreign, which is no fault, and of
its mailbox only the names of the files are checked. Usage that such a store
brought along is not compared. An index of this project's that has lost its
beginning or its line ends is damaged, not foreign. With -f every mailbox of
the stream must have one, unless --no-index says otherwise; that one has a
foreign index, since it was relocated before, is a warning. Records of an
unknown form are counted too where some index is foreign; in a store that is
all this project's each is a problem. Empty directories are a warning.

STREAMS
With -f several times the streams are taken in that order, as in the
restore: where flags differ, the last stream that has the message decides.
Expired messages are not looked for. Limits of quota.db that differ from the
stream's are a warning, because a directory's limits go before them. -u, -m,
--shard, --default-domain, -e, --newline and PATH say what the restore was
limited to and how it wrote things, as they did there: of the partition of a
PATH a stream knows nothing. Without a stream
nobody knows the first copy of a message: files that have the date of none of
their messages are counted in one warning.

With --shard only the users of that part are looked at, in the store and in what
it is held against, by a reading of --plan of its own; what is no user's is
looked at in each part of a store, and in the first of an NMS store. What
belongs to another part is neither missing nor too much.

Links and copies are counted as restore counts them: of the n names of one
file n-1 are links, and a copy is a link of the stream that is a file of its
own.

Where several mailboxes of the stream became one, as INBOX and inbox do or those
of users with one new name, and where one is announced again, the first
UIDVALIDITY holds, or of one without mail the next; another one is a warning.
A file that has the date of another of its copies in the store, not of the first
that the stream has, is a warning: a backup of some users, or since some day,
begins with other copies.

A store may be ahead of a stream: a last access that is later than the stream,
and then a next UID above the stream's, are a warning.

Where the mailbox had other messages before, those of the stream are found
by their Original-Uid, and another UIDVALIDITY is a warning. Those that came
from another stream, as the store's own backup calls them, are found by UID,
date and content, and are counted in a warning for each mailbox. Runs that
share out one stream at the same time may each have stored a copy where one run
makes a hard link: a file of its own with the content and the date of the first
copy is a warning, unless the same user's other copies tell that the link is
broken.

ORDER AND MEMORY
The lines come in the order of the tree, whatever the number of workers.
Memory: four bytes a message of the mailboxes at work, below 256 MiB.
`

func verifyVerb() cli.Verb {
	return cli.Verb{
		Name:    "verify",
		Args:    "[--store] DIR [-f STREAM ... [PATH ...]] [--from NMSSTORE] [--maildir OUT [PATH ...]]",
		Summary: "check a store against its indexes, its databases and a stream",
		See:     []string{"storeconv-export(1)", "storeconv-inspect(1)", "storeconv-relocate(1)", "storeconv-restore(1)", "ims-store(5)", "sims-tar(5)", "store.idx(5)"},
		Doc:     verifyDoc + verifyTreeDoc + verifyFromDoc + verifyMaildirDoc,
		Example: "$ storeconv verify --store /var/ims/store -f backup.sims",
		Exit3:   "something is not as it should be; each is listed",
		Lost:    "done, faults found",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o verifyOptions
			fs.StringVar(&o.store, "store", "", "the store to check, a `DIR` (default: the first argument)")
			fs.StringArrayVarP(&o.streams, "file", "f", nil, "compare with `STREAM` too (- for standard input; may be repeated)")
			cli.Reads(fs, "file")
			o.users.Add(fs)
			fs.StringVar(&o.domain, "default-domain", "", "the `DOMAIN` whose users have ids without it")
			fs.StringVarP(&o.encoding, "encoding", "e", "", "`ENCODING` of the mailbox names in the stream (default IMAP-modified-UTF-7)")
			o.newline = newlines()
			fs.Var(&o.newline, "newline", "line ends of messages as the restore or export wrote them, `HOW`: keep, crlf or (with --maildir) lf")
			o.shard.Add(fs)
			o.owner.Add(fs, "owner of everything, as in the restore or relocation (default: that of the store directory)")
			fs.BoolVar(&o.noIndex, "no-index", false, "the store was made without indexes")
			o.from.add(fs)
			o.maildir.add(fs)
			o.tree.Add(fs)
			o.jobs.Add(fs, "mailboxes checked")
			return o.run
		},
	}
}

type verifyOptions struct {
	store, domain, encoding string
	users                   flags.Users
	newline                 flags.Choice
	shard                   flags.Shard
	part                    flags.Sharing
	owner                   flags.Owner
	streams                 []string
	sourceIDs               [][sha256.Size]byte // of the streams that are open
	sourceKind              shards.Kind
	noIndex                 bool
	jobs                    flags.Jobs
	from                    fromFlags
	maildir                 maildirFlags
	tree                    flags.Tree

	// broken is what of the machine has ended the reading of a tree: what was not
	// read is no fault of the store.
	broken atomic.Pointer[error]
}

func (o *verifyOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if o.store == "" && len(args) > 0 && (o.maildir.out == "" || len(o.streams) == 0) {
		o.store, args = args[0], args[1:]
	}
	if err := cli.NoFolder("the store", o.store); err != nil {
		return err
	}
	if err := o.tree.Check(); err != nil {
		return err
	}
	if err := o.checkMaildir(); err != nil {
		return err
	}
	if o.maildir.out != "" {
		return o.verifyMaildir(ctx, job, args)
	}
	switch {
	case o.store == "":
		return cli.Usagef("which store? (--store)")
	case len(args) > 0 && len(o.streams) == 0:
		return cli.Usagef("%s: a PATH goes with a stream (-f)", args[0])
	case o.from.dir == "" && (o.from.domain != "" || len(o.from.partitions) > 0):
		return cli.Usagef("--domain and --partition go with --from")
	}
	if err := checkPaths(job, args); err != nil {
		return err
	}
	opts, err := o.options(job, args)
	if err != nil {
		return err
	}
	job.Source(o.store)
	for _, name := range o.streams {
		in, done, err := o.openSource(ctx, job, name)
		if err != nil {
			return err
		}
		defer done()
		opts.Streams = append(opts.Streams, in)
	}
	if err := o.checkPlan(); err != nil {
		return err
	}
	opts.Progress = job.Meter("messages", 0, 0)
	rep, err := verify.Store(ctx, o.store, opts)
	o.count(job, rep)
	if broken := o.broken.Load(); broken != nil {
		return *broken
	}
	if err != nil || opts.Origin == nil {
		return storeHint(err, o.store)
	}
	return o.from.verify(ctx, job, o.store, opts.Origin)
}

// options turns the flags into options.
func (o *verifyOptions) options(job *cli.Job, paths []string) (verify.StoreOptions, error) {
	opts := verify.StoreOptions{
		CRLF: o.newline.Value == "crlf", NoIndex: o.noIndex, Jobs: o.jobs.Number(), Log: job, Owner: o.owner.Owner(),
	}
	if _, err := storeconv.ParseEncoding(o.encoding); err != nil {
		return opts, cli.Usagef("-e: %w", err)
	}
	var err error
	if o.part, err = o.shard.Read(); err != nil {
		return opts, err
	}
	names, err := o.users.Read(job)
	if err != nil {
		return opts, err
	}
	opts.Selection = storeconv.Selection{
		Users: names.Select, Map: names.Map, Paths: paths, Shard: o.part.Shard, Domain: o.domain, Encoding: o.encoding,
	}
	if o.from.dir != "" {
		opts.Origin, err = o.from.origin(&opts, job)
	}
	return opts, err
}

func (o *verifyOptions) count(job *cli.Job, rep verify.StoreReport) {
	job.Count("users", rep.Users)
	job.Count("mailboxes", rep.Mailboxes)
	job.Count("messages", rep.Messages)
	job.Count("bytes", rep.Bytes)
	job.Count("links", rep.Links)
	job.Count("records", rep.Records)
	if rep.Foreign > 0 {
		job.Count("foreign indexes", rep.Foreign)
		job.Note(fmt.Sprintf("%d mailboxes have an index in a foreign form, of which nothing is checked", rep.Foreign))
	}
	if rep.OddRecord > 0 {
		job.Count("foreign records", rep.OddRecord)
	}
	if len(o.streams) > 0 {
		job.Count("messages of the stream", rep.Members)
		job.Count("expired", rep.Expired)
	}
	if rep.Copies > 0 {
		job.Count("copies for links", rep.Copies)
	}
	if rep.Unchecked > 0 {
		job.Count("links not compared", rep.Unchecked)
	}
	for _, name := range rep.NoEnd {
		noteNoEnd(job, name)
	}
}
