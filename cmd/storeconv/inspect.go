package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/inspect"
)

const inspectDoc = `
Prints what imcheck -m printed of a mailbox: its head, one field a line, and
a line for every message. MAILBOX is the full name, user/ID for INBOX or
user/ID/FOLDER, the folder in IMAP modified UTF-7.

Dates are fourteen digits in UTC, sizes are bytes. SFlags are seven digits 0
or 1, in the order Recent, Deleted, Seen, Answered, Flagged, Draft,
Archived. UFlags are hexadecimal, bit 0 of the first byte being the first of
Userflags. Original-Uid is the UIDVALIDITY and the UID of the mailbox that
the message was restored from; UIDVALIDITY 0 is a source without UIDs, the other
number then its place in it.

The index of this project does not hold all that imcheck shows: Flags, Cache
Offset and Start Offset are empty, and CacheOff, LastUpdated, SaveDate and
MT are -. Of a mailbox with an index in the vendor's form, which a relocated
store has, only what names and sizes of the message files tell is printed,
Version is "foreign", and a note says so.

A mailbox that is not there, or cannot be read, is a problem, and the next one is
printed.
`

func inspectVerb() cli.Verb {
	return cli.Verb{
		Name:    "inspect",
		Prints:  cli.Always,
		Args:    "STORE MAILBOX ...",
		Summary: "print the index of a mailbox, as imcheck -m did",
		See:     []string{"dbconv-mboxlist(1)", "storeconv-verify(1)", "store.idx(5)"},
		Doc:     inspectDoc,
		Files:   "  STORE/partition/NAME/=user/.../store.idx  the index of a mailbox",
		Example: "$ storeconv inspect /var/ims/store user/joe/Mail/flying",
		Exit3:   "a mailbox is not there or cannot be read; all others are printed",
		Lost:    "done, mailboxes missing",
		New: func(fs *pflag.FlagSet) cli.Action {
			var o inspectOptions
			fs.StringVarP(&o.partition, "partition", "p", "", "look in the partition `NAME` only")
			return o.run
		},
	}
}

type inspectOptions struct{ partition string }

func (o *inspectOptions) run(ctx context.Context, job *cli.Job, args []string) error {
	if len(args) < 2 {
		return cli.Usagef("which mailbox of which store?")
	}
	if o.partition != "" {
		if err := ims.CheckPartition(o.partition); err != nil {
			return cli.Usagef("-p: %w", err)
		}
	}
	if err := cli.NoFolder("the store", args[0]); err != nil {
		return err
	}
	job.Source(args[0])
	runs, err := inspect.Unfinished(args[0])
	if err != nil {
		return err
	}
	for _, u := range runs {
		job.Warning(u.Kind(), u.Path, u.Text())
	}
	for _, name := range args[1:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		rep, err := inspect.Mailbox(job.Stdout, args[0], name, o.partition)
		var lost *inspect.Error
		switch {
		case errors.As(err, &lost):
			storeconv.NoteOf(lost).Tell(job)
		case err != nil:
			return storeHint(err, args[0])
		case rep.Foreign:
			job.Note(name + ": the index is in a foreign form: only what the message files tell is printed")
		case rep.NoIndex:
			job.Note(name + ": there is no index: only what the message files tell is printed")
		}
	}
	return nil
}
