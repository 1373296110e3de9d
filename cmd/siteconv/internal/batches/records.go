package batches

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

// Records makes the change records of a batch of the entries of its users,
// as they are before it.
//
// The guide's own records lose something: they set mailDeliveryOption to
// mailbox at the end, whatever it was, so that forwards and automatic replies
// are gone, and leave LOCK in mailFolderMap. These give back what was there.
type Records struct {
	Host   string           // the new mail host
	Common ldifconv.Options // of every pass: product, temporary files, log
}

// options are those of a pass that runs no rule.
func (r *Records) options(pairs ...ldifconv.Pair) ldifconv.Options {
	opt := r.Common
	opt.Kinds, opt.AddOnly, opt.Add = ldifconv.Users, true, pairs
	return opt
}

func (r *Records) move() ldifconv.Pair { return ldifconv.Pair{Attr: "mailHost", Value: r.Host} }

// Lock writes the records that lock the users, and to saved what their
// attributes were, as records that unlock them without moving them.
func (r *Records) Lock(ctx context.Context, dst, saved io.Writer, entries io.Reader) (ldifconv.Report, error) {
	opt := r.options(lockPairs()...)
	opt.Save = saved
	return ldifconv.Upgrade(ctx, dst, entries, opt)
}

// Unlock writes the records that turn the locked entries into what they were,
// on the new host. saved is what Lock has written.
func (r *Records) Unlock(ctx context.Context, dst io.Writer, entries, saved io.Reader) (ldifconv.Report, error) {
	locked, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		opt := r.options(lockPairs()...)
		opt.Format, opt.Log = ldifconv.Full, nil // Lock has told it all
		_, err := ldifconv.Upgrade(ctx, w, entries, opt)
		w.CloseWithError(err)
		done <- err
	}()
	opt := r.options(r.move())
	opt.Restore = []ldifconv.Input{{Name: SavedName, Reader: saved}}
	rep, err := ldifconv.Upgrade(ctx, dst, locked, opt)
	locked.CloseWithError(io.ErrClosedPipe) // ends a writer that is not read to its end
	if writeErr := <-done; err == nil {
		err = writeErr
	}
	return rep, err
}

// Undo writes the records that take users who were unlocked back to the host
// that they were on.
func (r *Records) Undo(ctx context.Context, dst io.Writer, entries io.Reader) error {
	opt := r.options(r.move())
	opt.Undo, opt.Log = dst, nil
	_, err := ldifconv.Upgrade(ctx, io.Discard, entries, opt)
	return err
}

// SIMSRoot is where SIMS lies unless its administrator has put it elsewhere.
const SIMSRoot = "/opt/SUNWmail"

// HoldMember is a user as hold_master names it.
type HoldMember struct{ UID, Domain string }

// WriteHold writes a shell script that releases the held mail of the users,
// with the program of the old host.
func WriteHold(dst io.Writer, batch, root string, members []HoldMember) error {
	if root == "" {
		root = SIMSRoot
	}
	w := bufio.NewWriter(dst)
	fmt.Fprintf(w, "#!/bin/sh\n# Releases the mail that was held for the users of the batch %s. It runs on\n"+
		"# the old mail host, once the records of unlock.changes.ldif are applied and an\n"+
		"# incremental dirsync on both hosts is done.\n", batch)
	for _, m := range members {
		if m.Domain == "" {
			fmt.Fprintf(w, "echo %s >&2\n", cli.Quote("no domain is known of "+m.UID+": its mail stays held"))
			continue
		}
		fmt.Fprintf(w, "%s -u %s -d %s\n", cli.Quote(root+"/imta/sbin/hold_master"), cli.Quote(m.UID), cli.Quote(m.Domain))
	}
	return w.Flush()
}
