package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/pierrec/lz4/v4"
	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/storeconv/backup"
	"imsconv/storeconv/shards"
)

const backupDoc = `
Writes a store, or a part of it, as a SIMS backup stream of profile
sims-tar/1: a pax archive that tar lists and that storeconv restore, list
and verify read. The store is only read. Bodies, receive dates, flags and
keywords, UIDs, UIDVALIDITY, ACLs, subscriptions and quota limits go along.

A message with several names (hard links) is written once; every later one
is a link to the first, by device and inode. The file's own date tells which
is the first copy. Users come in byte order of their ids, or in the order of
-u; a user to whose messages others link comes before them, unless -u says
otherwise. The backup of a restored stream has the members of that stream,
less the expired ones.

PATH limits the backup: /PARTITION, /PARTITION/user/ID, ID, or one of the
latter two with a FOLDER behind. A stream has no partitions: of a mailbox
that a user has in two of them, the first goes along and the other is a
problem; /PARTITION makes a backup of each. A link whose first copy is left
out becomes a message in full.

--shard i/n backs up one of n parts of the users; --plan takes the lists of
plan-shards, of this store. The streams of all parts, restored one after the
other, make what the one stream makes: a copy whose first copy is in another
part is a message in full, with its own date.

The stream is dated by --date; without it by the latest access that
peruser.db knows, which after a restore is the date of the backup restored.
The clock is not asked, so that the same store gives the same bytes. A FILE
that holds them already is no conflict and stays: the same command can be given
again where a run was killed. One that holds anything else is replaced with
--force only.

Mailboxes with an index in a foreign form, or none, go along with what the
files tell: no flags, no UIDVALIDITY, the dates of the files. Each is a
warning. So do messages that a damaged index does not tell of any more, under
the UIDs of their files; each is a problem, and their flags are lost. What
looks like mail and is not written is told: message files that an index in
order does not name, users in the wrong hash directory, a partition that is a
symbolic link, mailboxes that folder.db has and the store has not (its disk may
not be mounted) are problems, strange names warnings. A limit of messages, for
which a stream has no place, and one in an unknown form are warnings.
`

func backupVerb() cli.Verb {
	return cli.Verb{
		Name:    "backup",
		Args:    "[--store] DIR -f FILE [PATH ...]",
		Summary: "write a store as a backup stream",
		See:     []string{"storeconv-list(1)", "storeconv-restore(1)", "tar(1)", "ims-store(5)", "sims-tar(5)"},
		Doc:     backupDoc,
		Example: "$ storeconv backup --store /var/ims/store -f site.sims.lz4 --lz4\n$ storeconv backup --store /var/ims/store -f - /primary/user/joe | tar tvf -",
		Exit3:   "something of the store could not be read; the rest is in the stream",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o backupOptions
			fs.StringVar(&o.store, "store", "", "the store, a `DIR`")
			fs.StringVarP(&o.out, "file", "f", "", "write to `FILE`, or - for standard output")
			fs.StringVarP(&o.since, "since", "d", "", "only messages received on or after `DATE`, YYYYMMDD[:HHMMSS] in UTC (default all)")
			o.blocking, o.minLinks = 20, 2
			fs.VarP(&o.blocking, "blocking", "b", "`N` blocks of 512 bytes a record")
			o.users.AddSelection(fs)
			o.shard.Add(fs)
			fs.BoolVarP(&o.ignoreLinks, "ignore-links", "i", false, "write every message in full")
			fs.VarP(&o.minLinks, "min-links", "m", "look for copies among the files of `N` names or more only")
			fs.BoolVarP(&o.verbose, "verbose", "v", false, "tell each mailbox on standard error")
			fs.BoolVar(&o.lz4, "lz4", false, "compress with LZ4")
			fs.StringVar(&o.date, "date", "", "`DATE` of the stream, seconds since 1970 or YYYYMMDD[:HHMMSS] in UTC (default: from the store)")
			fs.StringVar(&o.host, "host", "", "`NAME` of the host in the stream's header")
			fs.StringVar(&o.temp, "temp", "", "`DIR` for temporary files (default: TMPDIR or /tmp)")
			cli.Place(fs, "temp")
			fs.BoolVar(&o.force, "force", false, "replace FILE when it exists and holds something else")
			o.jobs.Add(fs, "users that are looked through for links")
			return o.run
		},
	}
}

type backupOptions struct {
	store, out, since, date, host, temp string
	users                               flags.Users
	shard                               flags.Shard
	part                                flags.Sharing
	blocking, minLinks                  flags.Count
	jobs                                flags.Jobs
	ignoreLinks, verbose, lz4, force    bool
}

func (o *backupOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if o.store == "" && len(args) > 0 {
		o.store, args = args[0], args[1:]
	}
	if err := cli.NoFolder("the store", o.store); err != nil {
		return err
	}
	if err := checkPaths(job, args); err != nil {
		return err
	}
	opts, err := o.options(job, args)
	if err != nil {
		return err
	}
	err = o.part.CheckSource(func() (shards.Source, error) { return sourceOfStore(o.store, nil) })
	if err != nil {
		return storeHint(err, o.store)
	}
	out, err := createShard(job, &o.part, o.out, o.force)
	if err != nil {
		return err
	}
	defer out.Abort()
	var dst io.Writer = out
	finish := func() error { return nil }
	if o.lz4 {
		z := lz4.NewWriter(out)
		dst, finish = z, z.Close
	}
	opts.Progress = job.Meter("messages", 0, 0)
	rep, err := backup.Backup(ctx, dst, o.store, opts)
	if err != nil {
		return storeHint(err, o.store)
	}
	if err := finish(); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	o.count(job, rep)
	if o.out != "-" {
		job.Output("stream", o.out)
	}
	return nil
}

func (o *backupOptions) options(job *cli.Job, args []string) (backup.Options, error) {
	opts := backup.Options{
		Paths: args, Product: "imsconv " + cli.Version, Host: o.host, Blocking: int(o.blocking),
		IgnoreLinks: o.ignoreLinks, MinLinks: int(o.minLinks), TempDir: o.temp, Jobs: o.jobs.Number(), Log: job,
	}
	switch {
	case o.store == "":
		return opts, cli.Usagef("which store? (--store)")
	case o.out == "":
		return opts, cli.Usagef("where to? (-f)")
	case o.blocking < 1:
		return opts, cli.Usagef("-b: %d is less than 1", o.blocking)
	}
	if err := job.SourceTree(o.store); err != nil {
		return opts, err
	}
	if o.verbose {
		opts.Trace = job.Note
	}
	if o.since != "" {
		since, err := parseDate(o.since)
		if err != nil {
			return opts, cli.Usagef("-d: %w", err)
		}
		opts.Since = &since
	}
	if o.date != "" {
		date, err := parseStreamDate(o.date)
		if err != nil {
			return opts, cli.Usagef("--date: %w", err)
		}
		opts.Date = &date
	}
	var err error
	if o.part, err = o.shard.Read(); err != nil {
		return opts, err
	}
	opts.Shard = o.part.Shard
	names, err := o.users.Read(job)
	for old := range names.Map {
		return opts, fmt.Errorf("-u: %s is given another name, which a backup does not do", old)
	}
	opts.Users = names.Order
	return opts, err
}

// parseStreamDate reads seconds since 1970 or, of eight digits that begin like
// a year, a date.
func parseStreamDate(text string) (int64, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || len(text) == len("20010207") && text[0] <= '2' {
		seconds, err = parseDate(text)
	}
	if err != nil || seconds < 0 {
		return 0, fmt.Errorf("%q is neither seconds since 1970 nor YYYYMMDD[:HHMMSS]", text)
	}
	return seconds, nil
}

// parseDate reads YYYYMMDD[:HHMMSS] in UTC.
func parseDate(text string) (int64, error) {
	layout := "20060102"
	if strings.Contains(text, ":") {
		layout += ":150405"
	}
	t, err := time.Parse(layout, text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date of the form YYYYMMDD[:HHMMSS]", text)
	}
	return t.Unix(), nil
}

func (o *backupOptions) count(job *cli.Job, rep backup.Report) {
	job.Count("users", rep.Users)
	if rep.Users == 0 && !job.Lost() {
		job.Warning("no-users", o.store, "there is no user in this store: the stream is empty")
	}
	job.Count("mailboxes", rep.Mailboxes)
	job.Count("messages", rep.Messages)
	job.Count("links", rep.Links)
	job.Count("bytes", rep.Bytes)
	if rep.Older > 0 {
		job.Count("older", rep.Older)
	}
	if rep.Foreign > 0 {
		job.Count("foreign indexes", rep.Foreign)
	}
}
