package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/shards"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/maildirs"
)

const verifyMaildirDoc = `
EXPORTS
With --maildir OUT, what export left in OUT is held against the store (--store)
or the stream (-f) that it was made of: every message by content, receive date in
time and name, UID, flags and keywords; every mailbox by UIDVALIDITY, next UID,
GUID, rights and subscription; the quota; sizes in names, lists of UIDs as a
server reads them, modes and owner; Maildirs, mailboxes and files that the source
knows nothing of. A PATH limits it as it did the export. Mailboxes that had to be renamed must have the name that the
rule gives. -u, -m, --shard, --partition, --path, --newline, --pop3-uidl and
--owner are those of the export; layout and escapes are read from
dovecot.conf.example unless --layout and --escape say them, and the path and the
domain of ids without one from OUT/.imsconv unless --path and --default-domain do.

What users and servers have changed since differs and is listed by kind: flags,
keywords, missing-file, missing-message, extra-message, other-uid, uidnext,
extra-mailbox, subscribed, usage. Copies where the source has one file of one date
are counted in a warning, and so are links that lead out of OUT or to mail that
the source does not have.
`

// maildirFlags are the flags of verify --maildir. Layout, escapes and paths are
// those of trees.
type maildirFlags struct{ out, uidl string }

func (f *maildirFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.out, "maildir", "", "hold the export in `OUT` against the store or stream")
	fs.StringVar(&f.uidl, "pop3-uidl", "", "with --maildir: the `FORMAT` of the export")
}

// checkMaildir tells what options do not go together.
func (o *verifyOptions) checkMaildir() error {
	f := &o.maildir
	if f.out == "" {
		switch {
		case f.uidl != "":
			return cli.Usagef("--pop3-uidl goes with --maildir")
		case o.newline.Value == "lf":
			return cli.Usagef("--newline lf goes with --maildir")
		}
		return nil
	}
	switch {
	case o.store == "" && len(o.streams) == 0:
		return cli.Usagef("which store or stream was exported? (--store, -f)")
	case o.store != "" && len(o.streams) > 0:
		return cli.Usagef("an export is of a store or of a stream: --store or -f, not both")
	case o.tree.OfSource() != "":
		return cli.Usagef("%s is about a source that -f names, and --path, --layout and --escape about the export: hold one of the two at a time", o.tree.OfSource())
	case o.from.dir != "" || o.from.domain != "" || o.noIndex:
		return cli.Usagef("--from, --domain and --no-index are about stores, not about --maildir")
	case len(o.from.partitions) > 1 || o.store == "" && len(o.from.partitions) > 0:
		return cli.Usagef("--partition with --maildir is one partition of the store")
	}
	return nil
}

// verifyMaildir holds an export against its source.
func (o *verifyOptions) verifyMaildir(ctx context.Context, job *cli.Job, args []string) error {
	if err := checkPaths(job, args); err != nil {
		return err
	}
	base, err := o.options(job, args)
	if err != nil {
		return err
	}
	job.Source(o.maildir.out)
	if o.store != "" {
		job.Source(o.store)
	}
	layout, escape, path := o.tree.Values()
	opts := maildirs.Options{
		Store: o.store, Selection: base.Selection, Path: path, Layout: layout, Escape: escape,
		Newline: o.newline.Value, UIDL: o.maildir.uidl, Owner: base.Owner, Jobs: base.Jobs, Log: job, Progress: job.Meter("messages", 0, 0),
	}
	if len(o.from.partitions) > 0 {
		opts.Partition = o.from.partitions[0]
	}
	for _, name := range o.streams {
		in, err := stream.Open(job, name)
		if err != nil {
			return err
		}
		defer in.Close()
		o.noteSource(shards.Stream, headID(in))
		opts.Streams = append(opts.Streams, verify.Stream{Name: in.Name, R: stream.Source(in)})
	}
	if err := o.checkPlan(); err != nil {
		return err
	}
	rep, err := maildirs.Verify(ctx, o.maildir.out, opts)
	countMaildir(job, rep)
	if errors.Is(err, maildirs.ErrMailboxFiles) {
		return cli.WithHint(err, "mailbox files are held against a store with -f: storeconv verify --store STORE -f "+o.maildir.out)
	}
	return err
}

func countMaildir(job *cli.Job, rep maildirs.Report) {
	job.Count("users", rep.Users)
	job.Count("mailboxes", rep.Mailboxes)
	job.Count("messages", rep.Messages)
	job.Count("bytes", rep.Bytes)
	job.Count("links", rep.Links)
	job.CountAll([]cli.Count{
		{Name: "copies in place of links", N: rep.Copies}, {Name: "links from outside", N: rep.Outside},
		{Name: "renamed mailboxes", N: rep.Renamed}, {Name: "messages not compared", N: rep.Unknown}, {Name: "foreign indexes", N: rep.Foreign},
	})
	job.Count("differences", rep.Faults)
	if rep.Foreign > 0 {
		job.Note(fmt.Sprintf("%d mailboxes have an index in a foreign form, which tells nothing of flags and UIDVALIDITY", rep.Foreign))
	}
	for _, name := range rep.NoEnd {
		noteNoEnd(job, name)
	}
}

// newlines are the line ends that an export or a restore writes.
func newlines() flags.Choice { return flags.NewChoice("keep", "keep", "crlf", "lf") }
