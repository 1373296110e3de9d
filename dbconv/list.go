package dbconv

import (
	"context"
	"fmt"
	"io"

	"imsconv/dbconv/mboxlist"
)

// ListSubdatabases writes the names of the sub-databases of a file, one a line,
// as db_dump -l.
func ListSubdatabases(ctx context.Context, w io.Writer, src Source, opts DumpOptions) error {
	r, err := opts.open(ctx, src)
	if err != nil {
		return err
	}
	names, err := r.Subdatabases()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := fmt.Fprintln(w, name); err != nil {
			return err
		}
	}
	return nil
}

// Mailbox is a record of folder.db.
type Mailbox struct {
	Key     string // as stored
	User    string // "" when the key is no user's mailbox
	Name    string // INBOX or the folder
	Folder  mboxlist.Folder
	Problem error // the value is not in the form of package mboxlist; Folder is empty
}

// Mailboxes calls fn with every record of a folder.db in key order. An error of
// fn ends the walk and is returned. A database with records of which none has
// the key of a mailbox gives ErrOtherList, before any call.
func Mailboxes(ctx context.Context, src Source, opts Common, fn func(Mailbox) error) error {
	if err := lookForMailbox(ctx, src, opts); err != nil {
		return err
	}
	return eachRecord(ctx, src, opts, func(key, value []byte) error {
		m := Mailbox{Key: string(key)}
		m.User, m.Name, _ = mboxlist.SplitKey(m.Key)
		m.Folder, m.Problem = mboxlist.ParseFolder(value)
		return fn(m)
	})
}

// lookForMailbox reads until a record has the key of a mailbox. Damage is told
// when the records are read once more.
func lookForMailbox(ctx context.Context, src Source, opts Common) error {
	records, first := 0, ""
	err := eachRecord(ctx, src, Common{MaxItem: opts.MaxItem}, func(key, _ []byte) error {
		if records++; records == 1 {
			first = string(key)
		}
		if _, _, ok := mboxlist.SplitKey(string(key)); ok {
			return errEnough
		}
		return nil
	})
	switch {
	case err == errEnough:
		return nil
	case err != nil || records == 0:
		return err
	}
	return fmt.Errorf("%w: no key is that of a mailbox, as user/anna/Sent is; the first of %d is %.80q", ErrOtherList, records, first)
}

// Keys calls fn with every key of a database. What cannot be read is passed
// over.
func Keys(ctx context.Context, src Source, fn func(key string)) error {
	return eachRecord(ctx, src, Common{}, func(key, _ []byte) error {
		fn(string(key))
		return nil
	})
}

func eachRecord(ctx context.Context, src Source, opts Common, fn func(key, value []byte) error) error {
	r, err := opts.open(ctx, src)
	if err != nil {
		return err
	}
	t := ticker{ctx: ctx, progress: opts.Progress}
	order := newKeyOrder(r.Meta())
	c := r.Cursor()
	for {
		key, value, err := c.Next()
		if err == io.EOF {
			order.tell(opts.log(), "")
			return t.flush()
		}
		if err != nil {
			return err
		}
		order.see(key)
		if err := fn(key, value); err != nil {
			return err
		}
		if err := t.tick(len(key) + len(value)); err != nil {
			return err
		}
	}
}
