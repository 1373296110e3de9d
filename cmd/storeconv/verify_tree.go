package main

import (
	"context"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/shards"
	"imsconv/storeconv/source"
	"imsconv/storeconv/verify"
	"imsconv/storeconv/verify/trees"
)

const verifyTreeDoc = `
MAILBOX FILES AND MAILDIRS
-f also takes mailbox files and Maildirs that a store was restored from
(--kind, --user, --path, --layout, --escape, --mbox as there). They are read by
a reader of its own: whose mail lies where, what mailboxes are called, UIDs,
dates, flags, rights and links are decided a second time. What could not be read
of them is listed; what restore had to put in the place of things that they do
not say is not told again. Flags that differ from those of mailbox files, or of a
plain tar, are a warning: a restore changes no flags of messages that are there.
`

// openSource opens what a store is held against, a stream or a tree. The caller
// calls end at the end.
func (o *verifyOptions) openSource(ctx context.Context, job *cli.Job, name string) (in verify.Stream, end func(), err error) {
	if !o.tree.Is(name) {
		f, err := stream.Open(job, name)
		if err != nil {
			return in, nil, err
		}
		o.noteSource(shards.Stream, headID(f))
		return verify.Stream{Name: f.Name, R: stream.Source(f)}, func() { f.Close() }, nil
	}
	if o.part.Plan != nil && name != "-" { // else nobody asks
		id, kind, err := treeID(job, &o.tree, name)
		if err != nil {
			return in, nil, err
		}
		o.noteSource(kind, id)
	}
	opts, done, err := o.treeOptions(job, name)
	if err != nil {
		return in, nil, err
	}
	r, w := io.Pipe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		err := trees.Write(ctx, w, name, opts)
		if cli.OfTemporary(err) {
			o.broken.Store(&err)
		}
		w.CloseWithError(err) // nil is the end of the stream
	}()
	return verify.Stream{Name: name, R: r, Tree: true}, func() {
		r.Close() // opened for reading
		<-over
		done()
	}, nil
}

// treeOptions turns the flags into options.
func (o *verifyOptions) treeOptions(job *cli.Job, name string) (opts trees.Options, done func(), err error) {
	from := o.tree.Options()
	opts = trees.Options{User: from.User, Path: from.Path, Layout: from.Layout, Escape: from.Escape, Quoting: from.Quoting, Encoded: from.Encoded, Log: job}
	switch from.Kind {
	case source.Mbox:
		opts.Kind = trees.Mbox
	case source.Maildir:
		opts.Kind = trees.Maildir
	}
	done = func() {}
	switch {
	case name != "-":
		return opts, done, job.Reads(name)
	case opts.Kind == trees.Maildir:
		return opts, done, cli.Usagef("a Maildir is a folder: name it")
	case opts.User == "":
		return opts, done, cli.Usagef("whose mail is on standard input? (--user)")
	}
	input, err := job.Open(name)
	if err != nil {
		return opts, done, err
	}
	opts.Input = input
	return opts, func() { input.Close() }, nil // opened for reading
}
