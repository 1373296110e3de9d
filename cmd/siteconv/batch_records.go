package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv"
)

// lockPairs keep the mail of a user out of the old store while it is copied:
// what arrives is held in the queue, and no client changes a folder.
func lockPairs() []ldifconv.Pair {
	return []ldifconv.Pair{{Attr: "mailDeliveryOption", Value: "hold"}, {Attr: "mailFolderMap", Value: "LOCK"}}
}

// batchRecords makes the change records of a batch of the entries of its users,
// as they are before it.
//
// The guide's own records lose something: they set mailDeliveryOption to
// mailbox at the end, whatever it was, so that forwards and automatic replies
// are gone, and leave LOCK in mailFolderMap. These give back what was there.
type batchRecords struct {
	host   string           // the new mail host
	common ldifconv.Options // of every pass: product, temporary files, log
}

// options are those of a pass that runs no rule.
func (r *batchRecords) options(pairs ...ldifconv.Pair) ldifconv.Options {
	opt := r.common
	opt.Kinds, opt.AddOnly, opt.Add = ldifconv.Users, true, pairs
	return opt
}

func (r *batchRecords) move() ldifconv.Pair { return ldifconv.Pair{Attr: "mailHost", Value: r.host} }

// lock writes the records that lock the users, and to saved what their
// attributes were, as records that unlock them without moving them.
func (r *batchRecords) lock(ctx context.Context, dst, saved io.Writer, entries io.Reader) (ldifconv.Report, error) {
	opt := r.options(lockPairs()...)
	opt.Save = saved
	return ldifconv.Upgrade(ctx, dst, entries, opt)
}

// unlock writes the records that turn the locked entries into what they were,
// on the new host. saved is what lock has written.
func (r *batchRecords) unlock(ctx context.Context, dst io.Writer, entries, saved io.Reader) (ldifconv.Report, error) {
	locked, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		opt := r.options(lockPairs()...)
		opt.Format, opt.Log = ldifconv.Full, nil // lock has told it all
		_, err := ldifconv.Upgrade(ctx, w, entries, opt)
		w.CloseWithError(err)
		done <- err
	}()
	opt := r.options(r.move())
	opt.Restore = []ldifconv.Input{{Name: savedName, Reader: saved}}
	rep, err := ldifconv.Upgrade(ctx, dst, locked, opt)
	locked.CloseWithError(io.ErrClosedPipe) // ends a writer that is not read to its end
	if writeErr := <-done; err == nil {
		err = writeErr
	}
	return rep, err
}

// undo writes the records that take users who were unlocked back to the host
// that they were on.
func (r *batchRecords) undo(ctx context.Context, dst io.Writer, entries io.Reader) error {
	opt := r.options(r.move())
	opt.Undo, opt.Log = dst, nil
	_, err := ldifconv.Upgrade(ctx, io.Discard, entries, opt)
	return err
}

// simsRoot is where SIMS lies unless its administrator has put it elsewhere.
const simsRoot = "/opt/SUNWmail"

// holdMember is a user as hold_master names it.
type holdMember struct{ uid, domain string }

// writeHold writes a shell script that releases the held mail of the users,
// with the program of the old host.
func writeHold(dst io.Writer, batch, root string, members []holdMember) error {
	if root == "" {
		root = simsRoot
	}
	w := bufio.NewWriter(dst)
	fmt.Fprintf(w, "#!/bin/sh\n# Releases the mail that was held for the users of the batch %s. It runs on\n"+
		"# the old mail host, once the records of unlock.changes.ldif are applied and an\n"+
		"# incremental dirsync on both hosts is done.\n", batch)
	for _, m := range members {
		if m.domain == "" {
			fmt.Fprintf(w, "echo %s >&2\n", cli.Quote("no domain is known of "+m.uid+": its mail stays held"))
			continue
		}
		fmt.Fprintf(w, "%s -u %s -d %s\n", cli.Quote(root+"/imta/sbin/hold_master"), cli.Quote(m.uid), cli.Quote(m.domain))
	}
	return w.Flush()
}
