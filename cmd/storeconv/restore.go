package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/storeconv"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

const restoreDoc = `
Makes the store of an iPlanet Messaging Server 5.x, or adds to it, from backup
streams of a Sun Internet Mail Server 4.0, offline. A stream is a file, or - for
standard input; LZ4 and gzip are undone. Several streams (-f again) are read in
the order given, a full backup and then the incremental ones: what comes later
decides about flags.

UIDs, UIDVALIDITY, receive dates, flags, keywords, subscriptions, rights and
quotas come over. A later copy of a message becomes a hard link to the first one.
Messages marked expired are left out and counted. DIR/mboxlist gets folder.db,
quota.db, subscr.db and peruser.db, merged with what is there.

A user's tree appears in DIR whole or not at all. The same command again goes on
after a kill, a power cut or a full disk, and changes nothing when all is done.
What it needs meanwhile lies in DIR/.imsconv. Several processes may restore
different users into one DIR at the same time: each with its own -u file, PATH
or --shard.

PATH selects: /primary/user/joe or joe for a user, joe/Mail for a mailbox and
those below it. -u selects users and may give them new ids; -m gives new ids
only. Lines of both files are "name", "old new" or "old=new".

A mailbox that DIR has already is added to. Messages that are there, by their
UIDVALIDITY and UID in the old store, else by their SHA-256, are passed over;
the others get new UIDs where theirs are taken or the UIDVALIDITY is another.
-i adds without looking. -n restores into a new mailbox instead, called
name.mmddyy.HHMMSS by the date of the backup, and .001 and so on behind that.

A link whose first copy is not among what is restored is made to the copy in DIR,
if there is one, else to a copy read from the stream, if that is a plain file, or
from the stream that -r names. Otherwise it is a problem that says what to
restore with it.

What is damaged or forbidden in a stream is a problem with its offset and name;
that member is left out and all else is restored (-cy, the default). With -cn the
first problem ends the run.
`

func restoreVerb() cli.Verb {
	return cli.Verb{
		Name:    "restore",
		Args:    "-f STREAM --store DIR [PATH ...]",
		Summary: "make an iMS store of SIMS backup streams",
		Doc:     restoreDoc,
		Example: "storeconv restore -f backup.sims --store store\n" +
			"lz4 -dc full.sims.lz4 | storeconv restore -f - --store store -u batch1.txt --owner mailsrv\n" +
			"storeconv restore -f full.sims -f monday.sims --store store --shard 3/8",
		Exit3: "something of the streams was refused, unreadable or lost; all else is restored",
		New: func(fs *pflag.FlagSet) cli.Action {
			v := &restoreFlags{}
			v.add(fs)
			return v.run
		},
	}
}

type restoreFlags struct {
	opts     restore.Options
	files    []string
	store    string
	users    string
	renames  string
	newName  bool
	ignore   bool
	proceed  string
	blocking int
	refs     []string
	verbose  int
	contents bool
	header   bool

	owner     string
	newline   string
	shard     string
	limits    []string
	byteOrder string
}

func (v *restoreFlags) add(fs *pflag.FlagSet) {
	o := &v.opts
	fs.StringArrayVarP(&v.files, "file", "f", nil, "the `STREAM`, or - for standard input; may be given again")
	fs.StringVar(&v.store, "store", "", "the store, `DIR`; made when it does not exist")
	fs.StringVarP(&v.users, "users", "u", "", "only the users in `USERFILE`, one a line; \"old new\" or \"old=new\" gives a new id")
	fs.StringVarP(&v.renames, "map", "m", "", "new ids of users: `MAPFILE` with lines \"old=new\"")
	fs.BoolVarP(&v.newName, "new-mailbox", "n", false, "restore a mailbox that exists under a new name, name.mmddyy.HHMMSS")
	fs.BoolVarP(&v.ignore, "ignore-existing", "i", false, "add messages without looking whether they are there")
	fs.StringVarP(&v.proceed, "continue", "c", "y", "go on after a problem, `y or n`")
	fs.StringVarP(&o.Encoding, "encoding", "e", "", "encoding of the mailbox names in the stream, `ENC`, such as ISO-8859-1 (default IMAP-MODIFIED-UTF-7)")
	fs.IntVarP(&v.blocking, "blocking", "b", 0, "blocking factor of the stream, `N` x 512 bytes; any is read, so this is not needed")
	fs.StringVarP(&o.Partition, "partition", "p", "primary", "`PARTITION` of the store")
	fs.StringArrayVarP(&v.refs, "reference", "r", nil, "`STREAM` to look in for first copies that the others do not hold; a plain file; may be given again")
	fs.IntVarP(&v.verbose, "verbose", "v", 0, "tell each mailbox (1), each message (2), `N` from 0 to 3")
	fs.BoolVarP(&v.contents, "contents", "t", false, "print the table of contents, restore nothing")
	fs.BoolVarP(&v.header, "header", "h", false, "print the header of the stream, restore nothing")
	fs.StringVar(&v.shard, "shard", "", "only one part of the users, `i/n`; i counts from 0 or from 1 (0/n is n/n)")
	fs.StringArrayVar(&v.limits, "limits", nil, "directory `LDIF` with the quotas of users, which win over those of the stream; may be given again")
	fs.StringVar(&o.Domain, "default-domain", "", "the `DOMAIN` whose users have a bare uid as id in the store")
	fs.StringVar(&v.newline, "newline", "keep", "line ends of messages, `HOW`: keep or crlf")
	fs.BoolVar(&o.NoIndex, "no-index", false, "write no store.idx; flags and dates are lost")
	fs.StringVar(&v.owner, "owner", "", "owner of what is made, `USER[:GROUP]`, names or numbers")
	fs.IntVar(&o.Version, "bdb", 0, "on-disk `VERSION` of the databases: 6, 7, 8 or 9 (default: as they are, else 6)")
	fs.StringVar(&v.byteOrder, "byte-order", "", "`ORDER` of the databases: big or little (default: as they are, else big)")
	fs.IntVar(&o.PageSize, "page-size", 0, "page size of the databases, `BYTES`: a power of two, 512 to 65536 (default: as they are, else 8192)")
	fs.IntVar(&o.Jobs, "jobs", 0, "writers at a time, `N` (default: one a processor)")
	fs.StringVar(&o.Sync, "sync", "batch", "make durable: `HOW` none, batch or user")
	fs.BoolVar(&o.DryRun, "dry-run", false, "read and check everything, write nothing")
}

// memoryGoal makes the garbage collector work harder before the memory of the process comes near the 256 MiB that are promised, in bytes.
const memoryGoal = 200 << 20

func (v *restoreFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(v.files) == 0 {
		return cli.Usagef("which stream? (-f)")
	}
	if v.contents || v.header {
		for _, f := range v.files {
			l := listOptions{stream: f, format: "text", header: v.header}
			if err := l.run(ctx, job, nil); err != nil {
				return err
			}
		}
		return nil
	}
	v.opts.Paths = args
	if err := v.prepare(job); err != nil {
		return err
	}
	streams, closeAll, err := openStreams(job, v.files)
	defer closeAll()
	if err != nil {
		return err
	}
	refs, closeRefs, err := openStreams(job, v.refs)
	defer closeRefs()
	if err != nil {
		return err
	}
	if err := v.prepareLimits(job); err != nil {
		return err
	}
	debug.SetMemoryLimit(memoryGoal)
	o := v.opts
	o.Reference, o.Log = refs, job
	if v.verbose > 0 {
		o.Trace = func(level int, text string) {
			if level <= v.verbose {
				job.Note(text)
			}
		}
	}
	var size int64
	for _, s := range streams {
		if size += s.Size; s.Size < 0 {
			size = 0
			break
		}
	}
	o.Progress = job.Meter("messages", 0, size)
	if o.DryRun {
		job.DryRun()
	}
	rep, err := restore.Restore(ctx, v.store, streams, o)
	v.report(job, &rep, err)
	return err
}

// prepare turns the flags into options.
func (v *restoreFlags) prepare(job *cli.Job) error {
	o := &v.opts
	if v.store == "" {
		return cli.Usagef("which store? (--store)")
	}
	switch {
	case v.proceed != "y" && v.proceed != "n":
		return cli.Usagef("-c %q is neither y nor n", v.proceed)
	case v.newName && v.ignore:
		return cli.Usagef("-n and -i exclude each other")
	case v.newline != "keep" && v.newline != "crlf":
		return cli.Usagef("--newline %q is neither keep nor crlf", v.newline)
	case v.verbose < 0 || v.verbose > 5:
		return cli.Usagef("-v %d is not from 0 to 3", v.verbose)
	case v.blocking < 0:
		return cli.Usagef("-b %d is no blocking factor", v.blocking)
	case o.Version != 0 && (o.Version < 6 || o.Version > 9):
		return cli.Usagef("--bdb %d is none of 6, 7, 8, 9", o.Version)
	case o.PageSize != 0 && (o.PageSize < 512 || o.PageSize > 65536 || o.PageSize&(o.PageSize-1) != 0):
		return cli.Usagef("--page-size %d is not a power of two from 512 to 65536", o.PageSize)
	case o.Sync != "none" && o.Sync != "batch" && o.Sync != "user":
		return cli.Usagef("--sync %q is none of none, batch, user", o.Sync)
	case o.Jobs < 0:
		return cli.Usagef("--jobs %d", o.Jobs)
	}
	o.Strict, o.CRLF = v.proceed == "n", v.newline == "crlf"
	switch {
	case v.newName:
		o.Existing = restore.NewName
	case v.ignore:
		o.Existing = restore.AppendAll
	}
	var err error
	if v.shard != "" {
		if o.Shard, err = storeconv.ParseShard(v.shard); err != nil {
			return cli.Usagef("--shard: %w", err)
		}
	}
	if o.ByteOrder, err = relocateByteOrder(v.byteOrder); err != nil {
		return err
	}
	if v.owner != "" {
		o.SetOwner = true
		if o.UID, o.GID, err = relocateOwner(v.owner); err != nil {
			return cli.Usagef("--owner: %w", err)
		}
	}
	return v.prepareUsers(job)
}

// prepareUsers reads the user file and the map file.
func (v *restoreFlags) prepareUsers(job *cli.Job) error {
	o := &v.opts
	o.Map = make(map[string]string)
	rename := func(l cli.UserLine) {
		if l.New != l.Old {
			o.Map[l.Old] = l.New
		}
	}
	if v.users != "" {
		o.Users = make(map[string]bool)
		err := readUserLines(job, v.users, func(l cli.UserLine) {
			o.Users[l.Old] = true
			rename(l)
		})
		if err != nil {
			return err
		}
	}
	if v.renames == "" {
		return nil
	}
	return readUserLines(job, v.renames, rename)
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
		if f := plainInput(job, name); f != nil {
			s, err := restore.NewStream("standard input", f)
			if err != nil {
				return nil, closeAll, err
			}
			streams = append(streams, s)
			continue
		}
		in, err := job.Open(name)
		if err != nil {
			return nil, closeAll, err
		}
		inputs = append(inputs, in)
		s, err := restore.NewStream(in.Name, source(in))
		if err != nil {
			return nil, closeAll, err
		}
		streams = append(streams, s)
	}
	return streams, closeAll, nil
}

// plainInput is standard input where that is a plain file from its start, which can be read like a file that is named; else nil.
func plainInput(job *cli.Job, name string) *os.File {
	f, ok := job.Stdin.(*os.File)
	if !ok || name != "-" {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != 0 {
		return nil
	}
	if _, plain, err := cli.Decompress(io.NewSectionReader(f, 0, info.Size())); err != nil || !plain {
		return nil
	}
	return f
}

// prepareLimits reads the directory exports.
func (v *restoreFlags) prepareLimits(job *cli.Job) error {
	var tables []func(string) (directory.Limit, bool)
	for _, path := range v.limits {
		if err := v.findDomain(job, path); err != nil {
			return err
		}
		in, err := job.Open(path)
		if err != nil {
			return err
		}
		table, err := directory.Limits(in, v.opts.Domain)
		in.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		tables = append(tables, table)
	}
	if len(tables) == 0 {
		return nil
	}
	v.opts.Limits = func(id string) (storeconv.Quota, bool) {
		for _, table := range tables {
			if l, ok := table(id); ok {
				return restoreQuota(l), true
			}
		}
		return storeconv.Quota{}, false
	}
	return nil
}

// restoreQuota leaves to the stream what the entry does not say.
func restoreQuota(l directory.Limit) storeconv.Quota {
	q := storeconv.Quota{Bytes: storeconv.NotSaid, Messages: storeconv.NotSaid}
	if l.HasBytes {
		q.Bytes = l.Bytes
	}
	if l.HasMessages {
		q.Messages = l.Messages
	}
	return q
}

// findDomain finds the default domain of an export unless it is given: the one whose uids the first stream has, if that is a file.
func (v *restoreFlags) findDomain(job *cli.Job, path string) error {
	if v.opts.Domain != "" {
		return nil
	}
	ids, err := v.streamUsers(job)
	if err != nil {
		return err
	}
	in, err := job.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	survey, err := directory.Read(in, func(id string) bool { return ids[id] })
	if err == nil {
		v.opts.Domain, err = survey.DefaultDomain(func(string) bool { return false })
	}
	if err != nil {
		return cli.WithHint(fmt.Errorf("%s: %w", path, err), "name it: --default-domain DOMAIN")
	}
	if v.opts.Domain != "" {
		job.Note("the default domain is " + v.opts.Domain)
	}
	return nil
}

// streamUsers returns the users of the first stream; none when it can be read only once.
func (v *restoreFlags) streamUsers(job *cli.Job) (map[string]bool, error) {
	ids := make(map[string]bool)
	if v.files[0] == "-" {
		return ids, nil
	}
	in, err := job.Open(v.files[0])
	if err != nil || in.File == nil {
		return ids, err
	}
	defer in.Close()
	r := sims.NewReader(source(in))
	for {
		m, err := r.Next()
		var p *sims.Problem
		switch {
		case err == io.EOF:
			return ids, nil
		case errors.As(err, &p):
		case err != nil:
			return nil, fmt.Errorf("%s: %w", in.Name, err)
		default:
			ids[m.User] = true
		}
	}
}

// report fills in the summary.
func (v *restoreFlags) report(job *cli.Job, r *restore.Report, err error) {
	for _, c := range []cli.Count{
		{Name: "users", N: r.Users}, {Name: "mailboxes", N: r.Mailboxes}, {Name: "messages", N: r.Messages}, {Name: "bytes", N: r.Bytes},
		{Name: "links", N: r.Links}, {Name: "copies for links", N: r.Copies}, {Name: "expired", N: r.Expired}, {Name: "pending", N: r.Pending},
		{Name: "already there", N: r.Duplicates}, {Name: "flags updated", N: r.Updated}, {Name: "refused", N: r.Refused},
		{Name: "not selected", N: r.NotSelected}, {Name: "users of an interrupted run", N: r.Resumed}, {Name: "messages with bare LF", N: r.BareLF},
	} {
		if c.N != 0 || c.Name == "users" || c.Name == "messages" {
			job.Count(c.Name, c.N)
		}
	}
	for _, k := range sortedNames(r.UnknownKeys) {
		job.Count("unknown key "+k, r.UnknownKeys[k])
	}
	if r.Finished {
		job.Note("an interrupted run of this command had done everything; its folder is removed now")
	}
	if r.NoHeader {
		job.Note("the stream has no header of its profile: read as a plain tar")
	}
	if err != nil || v.opts.DryRun {
		return
	}
	job.Output("store", v.store)
	job.Next("storeconv verify --store " + v.store)
	job.Next("on the new server, as the mail server user: reconstruct -r -f; reconstruct -q")
}

func sortedNames(m map[string]int64) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}
