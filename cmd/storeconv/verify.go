package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
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
  - every index against itself: counts, sums, oldest and latest dates, its
    name and partition, keywords without a name;
  - every index against mboxlist: folder.db (partition, ACL), subscr.db,
    peruser.db (seen and deleted messages), quota.db (usage), and every
    record of these against the tree;
  - with -f, every message of the stream against the store: content, receive
    date, flags, keywords, UIDVALIDITY, next UID, ACL, subscription, last
    access, that later copies are the same file as the first, and that files
    have the date of the first copy.

Directories must have the mode 0700 and files 0600, and everything the owner
of --owner, else that of the store directory.

An index that is not this project's, such as those of a relocated store,
cannot be looked into: it is counted as foreign, which is no fault, and of
its mailbox only the names of the files are checked. Usage that such a store
brought along is not compared.

With -f several times the streams are taken in that order, as in the
restore: where flags differ, the last stream that has the message decides.
Expired messages are not looked for. Limits of quota.db that differ from the
stream's are a warning, because a directory's limits go before them. -u, -m,
--shard, --default-domain, -e, --newline and PATH say what the restore was
limited to and how it wrote things, as they did there. Without a stream
nobody knows the first copy of a message: files that have the date of none of
their messages are counted in one warning.

Where the mailbox had other messages before, those of the stream are found
by their Original-Uid, and another UIDVALIDITY is a warning. Runs that share
out one stream at the same time may each have stored a copy where one run
makes a hard link: a file of its own with the content and the date of the
first copy is a warning, unless the same user's other copies tell that the
link is broken.

The lines come in the order of the tree, whatever the number of workers.
Memory: four bytes a message of the mailboxes at work, below 256 MiB.
`

func verifyVerb() cli.Verb {
	return cli.Verb{
		Name:    "verify",
		Args:    "[--store] DIR [-f STREAM ... [PATH ...]] [--from NMSSTORE]",
		Summary: "check a store against its indexes, its databases and a stream",
		Doc:     verifyDoc + verifyFromDoc,
		Example: "$ storeconv verify --store /var/ims/store -f backup.sims",
		Exit3:   "something is not as it should be; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o verifyOptions
			fs.StringVar(&o.store, "store", "", "the store to check, a `DIR` (default: the first argument)")
			fs.StringArrayVarP(&o.streams, "file", "f", nil, "compare with `STREAM` too (- for standard input; may be repeated)")
			fs.StringVarP(&o.users, "users", "u", "", "`FILE` of the users that were restored: NAME, OLD NEW or OLD=NEW a line")
			fs.StringVarP(&o.mapping, "map", "m", "", "`FILE` of the users that were renamed, OLD=NEW a line; all others as they are called")
			fs.StringVar(&o.domain, "default-domain", "", "the `DOMAIN` whose users have ids without it")
			fs.StringVarP(&o.encoding, "encoding", "e", "", "`ENCODING` of the mailbox names in the stream (default IMAP-modified-UTF-7)")
			fs.StringVar(&o.newline, "newline", "keep", "line ends of messages in the store, `HOW`: keep (as in the stream) or crlf")
			fs.StringVar(&o.shard, "shard", "", "the part of the users that was restored, `i/n`")
			fs.StringVar(&o.owner, "owner", "", "owner of everything, `USER[:GROUP]`, names or numbers, as in the restore or relocation (default: that of the store directory)")
			fs.BoolVar(&o.noIndex, "no-index", false, "the store was made without indexes")
			o.from.add(fs)
			fs.IntVar(&o.jobs, "jobs", 0, "mailboxes checked at the same time (default: one a processor)")
			return o.run
		},
	}
}

type verifyOptions struct {
	store, users, mapping string
	domain, encoding      string
	newline, shard, owner string
	streams               []string
	noIndex               bool
	jobs                  int
	from                  fromFlags
}

func (o *verifyOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if o.store == "" && len(args) > 0 {
		o.store, args = args[0], args[1:]
	}
	switch {
	case o.store == "":
		return cli.Usagef("which store? (--store)")
	case len(args) > 0 && len(o.streams) == 0:
		return cli.Usagef("%s: a PATH goes with a stream (-f)", args[0])
	case o.newline != "keep" && o.newline != "crlf":
		return cli.Usagef("--newline %q is neither keep nor crlf", o.newline)
	case o.jobs < 0:
		return cli.Usagef("--jobs: %d is less than 0", o.jobs)
	case o.from.dir == "" && (o.from.domain != "" || len(o.from.partitions) > 0):
		return cli.Usagef("--domain and --partition go with --from")
	}
	opts := verify.StoreOptions{CRLF: o.newline == "crlf", NoIndex: o.noIndex, Jobs: o.jobs, Log: job}
	opts.Selection = storeconv.Selection{Paths: args, Domain: o.domain, Encoding: o.encoding}
	if err := o.names(&opts.Selection); err != nil {
		return err
	}
	var err error
	if opts.SetOwner, opts.UID, opts.GID, err = o.ownerOf(); err != nil {
		return err
	}
	if o.from.dir != "" {
		if opts.Origin, err = o.from.origin(&opts, job); err != nil {
			return err
		}
	}
	for _, name := range o.streams {
		in, err := job.Open(name)
		if err != nil {
			return err
		}
		defer in.Close()
		opts.Streams = append(opts.Streams, verify.Stream{Name: in.Name, R: source(in)})
	}
	debug.SetMemoryLimit(memoryGoal)
	opts.Meter = job.Meter("messages", 0, 0)
	rep, err := verify.Store(ctx, o.store, opts)
	o.count(job, rep)
	if err != nil || opts.Origin == nil {
		return err
	}
	return o.from.verify(ctx, job, o.store, opts.Origin)
}

// ownerOf reads --owner.
func (o *verifyOptions) ownerOf() (set bool, uid, gid int, err error) {
	if o.owner == "" {
		return false, 0, 0, nil
	}
	if uid, gid, err = relocateOwner(o.owner); err != nil {
		return false, 0, 0, cli.Usagef("--owner: %w", err)
	}
	return true, uid, gid, nil
}

// names reads the user file, which selects and renames, the map file, which
// renames only, and the shard.
func (o *verifyOptions) names(sel *storeconv.Selection) error {
	sel.Map = make(map[string]string)
	if o.shard != "" {
		var err error
		if sel.Shard, err = storeconv.ParseShard(o.shard); err != nil {
			return cli.Usagef("--shard: %w", err)
		}
	}
	if o.users != "" {
		lines, err := readUsers(o.users)
		if err != nil {
			return err
		}
		sel.Users = make(map[string]bool)
		for _, l := range lines {
			sel.Users[l.Old] = true
			sel.Map[l.Old] = l.New
		}
	}
	if o.mapping != "" {
		lines, err := readUsers(o.mapping)
		if err != nil {
			return err
		}
		for _, l := range lines {
			sel.Map[l.Old] = l.New
		}
	}
	return nil
}

// readUsers reads the user file or map file path.
func readUsers(path string) ([]cli.UserLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return cli.ReadUsers(f, path)
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
		job.Count("copies in place of links", rep.Copies)
	}
	if rep.Unchecked > 0 {
		job.Count("links not compared", rep.Unchecked)
	}
}
