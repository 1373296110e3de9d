package verify

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// records compares the databases: what each must have is sorted and then held
// against what it has, in one pass.
func (c *comparison) records(ctx context.Context) error {
	if err := c.expectFolders(ctx); err != nil {
		return err
	}
	if err := c.expectQuotas(ctx); err != nil {
		return err
	}
	var stored lists
	if err := stored.open(c.root, c.path, quietLog{}); err != nil {
		return err
	}
	defer stored.close()
	sums := newSums(c.usage)
	defer sums.stop()
	for kind := range stored {
		d := &stored[kind]
		if d.file == nil {
			c.tell(problem("missing", d.name, "no such file"))
			continue
		}
		if kind == int(mboxlist.PeruserDB) {
			continue // nothing of it comes from the source
		}
		if d.db == nil {
			c.tell(problem("damaged", d.name, "cannot be read"))
			continue
		}
		r := &recordCheck{c: c, d: d, sums: sums, cursor: d.db.Cursor(), inOrder: true}
		if err := r.run(ctx, c.expect[kind]); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

// quietLog is for what Store tells already.
type quietLog struct{}

func (quietLog) Problem(kind, where, text string) {}
func (quietLog) Warning(kind, where, text string) {}

// expectFolders collects what folder.db must have.
func (c *comparison) expectFolders(ctx context.Context) error {
	if c.src.data == nil {
		return nil
	}
	return c.src.data.each(ctx, func(key string, value []byte) error {
		id, _, ok := mboxlist.SplitKey(key)
		if !ok {
			if !c.src.takesRest() {
				return nil
			}
			c.report.FolderRecords++
			return c.expect[mboxlist.FolderDB].Add([]byte(key), value)
		}
		newID, ok, _ := c.choose(id, "")
		if !ok {
			return nil // told with the tree, or not here
		}
		c.report.FolderRecords++
		newKey := []byte("user/" + newID + key[len("user/")+len(id):])
		strict, lax := c.src.folderValue(value, false), c.src.folderValue(value, true)
		if !bytes.Equal(strict, lax) {
			if err := c.expect[mboxlist.FolderDB].Add(newKey, lax); err != nil {
				return err
			}
		}
		return c.expect[mboxlist.FolderDB].Add(newKey, strict)
	})
}

// expectQuotas collects what quota.db must have.
func (c *comparison) expectQuotas(ctx context.Context) error {
	if c.src.quota == nil {
		return nil
	}
	return c.src.quota.each(ctx, func(id string, value []byte) error {
		newID, ok, _ := c.choose(id, "")
		if !ok {
			return nil
		}
		c.report.QuotaRecords++
		return c.expect[mboxlist.QuotaDB].Add([]byte(newID), value)
	})
}

// recordCheck holds the records that a database must have against those that it
// has.
type recordCheck struct {
	c       *comparison
	d       *list
	sums    *userSums
	cursor  *bdb.Cursor
	inOrder bool // the database is in byte order of its keys

	more       bool // key and value are the next record of the store
	key, value []byte
	gone       error // the cursor can go no further
}

func (r *recordCheck) run(ctx context.Context, expect *bdb.Sorter) error {
	r.advance()
	var key []byte
	var values [][]byte // that it may have
	n := 0
	settle := func() error {
		if values == nil {
			return nil
		}
		return r.settle(key, values)
	}
	err := expect.Drain(func(k, v []byte) error {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if values == nil || !bytes.Equal(k, key) {
			if err := settle(); err != nil {
				return err
			}
			key, values = append(key[:0], k...), nil
		}
		if len(values) < 16 {
			values = append(values, bytes.Clone(v))
		}
		return nil
	})
	if err == nil {
		err = settle()
	}
	for err == nil && r.more {
		err = r.extra()
		r.advance()
	}
	if err == nil && r.gone != nil {
		r.c.tell(problem("damaged", r.d.name, "%v", r.gone))
	}
	return err
}

// advance goes to the next record of the store.
func (r *recordCheck) advance() {
	key, value, err := r.cursor.Next()
	if r.more = err == nil; !r.more {
		if err != io.EOF {
			r.gone = err
		}
		return
	}
	if bytes.Compare(key, r.key) < 0 {
		r.inOrder = false
	}
	r.key, r.value = append(r.key[:0], key...), append(r.value[:0], value...)
}

// settle compares the record of a key with the values that it may have.
func (r *recordCheck) settle(key []byte, values [][]byte) error {
	for r.more && bytes.Compare(r.key, key) < 0 {
		if err := r.extra(); err != nil {
			return err
		}
		r.advance()
	}
	if r.more && bytes.Equal(r.key, key) {
		err := r.compare(string(key), r.value, values)
		r.advance()
		return err
	}
	// Not where byte order has it: a server's own order may be another.
	got, err := r.d.db.Get(key)
	switch where := r.where(key); {
	case errors.Is(err, bdb.ErrNotFound):
		r.c.tell(problem("missing", where, "no such record in the new store"))
	case err != nil:
		r.c.tell(problem("damaged", where, "%v", err))
	default:
		return r.compare(string(key), got, values)
	}
	return nil
}

func (r *recordCheck) where(key []byte) string { return r.d.name + ": " + label(string(key)) }

func (r *recordCheck) compare(key string, got []byte, values [][]byte) error {
	if slices.ContainsFunc(values, func(want []byte) bool { return bytes.Equal(got, want) }) {
		return nil
	}
	if r.d.kind == mboxlist.QuotaDB {
		sum, err := r.sums.of(key)
		if err != nil {
			return err
		}
		if notes, ok := recounted(r.where([]byte(key)), got, values[len(values)-1], sum); ok {
			r.c.tell(notes...)
			return nil
		}
	}
	r.c.tell(problem("differs", r.where([]byte(key)), "%.120q, expected %.120q", got, values[len(values)-1]))
	return nil
}

// recounted tells whether a quota record has the usage that the source's files
// add up to, as relocate --requota leaves it. Its limits may be a directory's:
// others than those of the old record are a warning.
func recounted(where string, got, old []byte, u mailSum) (notes []storeconv.Note, ok bool) {
	q, err := mboxlist.ParseQuota(got)
	if err != nil || q.UsageKB != wholeKB(u.bytes) || q.UsageMessages != u.messages {
		return nil, false
	}
	was, err := mboxlist.ParseQuota(old)
	if err != nil {
		if was, err = mboxlist.ParseOldQuota(old); err != nil {
			was = mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.ServerDefault, LastWarned: -1}
		}
	}
	if q.KB != was.KB || q.Messages != was.Messages {
		notes = append(notes, warning("quota-limit", where, "limits of %d KB and %d messages, in the source %d and %d", q.KB, q.Messages, was.KB, was.Messages))
	}
	if q.LastWarned != was.LastWarned {
		notes = append(notes, problem("differs", where, "last warning at %d, in the source %d", q.LastWarned, was.LastWarned))
	}
	return notes, true
}

// extra looks at a record of the store that the source has not. Of a user who
// went over, only --add-missing and --requota make any.
func (r *recordCheck) extra() error {
	if !r.inOrder {
		return nil // it may have been expected at another place
	}
	key := string(r.key)
	id, name := key, inbox
	if r.d.kind == mboxlist.FolderDB {
		var ok bool
		if id, name, ok = mboxlist.SplitKey(key); !ok {
			return nil
		}
	}
	if len(r.c.wentOver(id)) == 0 {
		r.c.stranger(r.where(r.key), "a record of a user")
		return nil
	}
	fine, err := false, error(nil)
	switch r.d.kind {
	case mboxlist.FolderDB:
		fine = r.c.addedRecord(id, name, r.value)
	case mboxlist.QuotaDB:
		var sum mailSum
		if sum, err = r.sums.of(key); err == nil {
			_, fine = recounted("", r.value, nil, sum)
		}
	}
	if err == nil && !fine {
		r.c.tell(problem("differs", r.where(r.key), "%.120q; the source has no such record", r.value))
	}
	return err
}

// wentOver lists the users of the source that became id.
func (c *comparison) wentOver(id string) []string {
	return slices.DeleteFunc(c.src.oldIDs(id), func(old string) bool {
		return !c.src.selected(old) || !c.src.exists(old) || c.src.refusal(old) != ""
	})
}

// addedRecord tells whether a record is one that relocate --add-missing makes:
// for a mailbox that has a directory, with all rights for its user. The
// directory is looked for in the store, which has those of the source and no
// others, or the comparison of the trees has told.
func (c *comparison) addedRecord(id, name string, value []byte) bool {
	partition, acl, _ := strings.Cut(string(value), "\t")
	if acl != id+"\t"+ownerRights || ims.CheckPartition(partition) != nil || name != inbox && checkMailbox(name) != nil {
		return false
	}
	dir, err := openDown(c.root, mailboxDir(partition, id, name))
	if err != nil {
		return false
	}
	unix.Close(dir)
	return true
}

// mailSum is what one user has: each reference to a message at its full size.
type mailSum struct{ bytes, messages int64 }

// userSums reads the sums of the users in the order of their ids.
type userSums struct {
	next func() (string, mailSum, bool)
	stop func()
	err  error

	id   string // of the sum that was read last
	sum  mailSum
	more bool
	last string // the id asked for last, and its sum
	had  mailSum
}

// errStopped tells a sorter to give no more.
var errStopped = errors.New("stopped")

func newSums(sorted *bdb.Sorter) *userSums {
	s := new(userSums)
	s.next, s.stop = iter.Pull2(func(yield func(string, mailSum) bool) {
		err := sorted.Drain(func(key, value []byte) error {
			sum := mailSum{int64(binary.BigEndian.Uint64(value[:8])), int64(binary.BigEndian.Uint64(value[8:]))}
			if !yield(string(key), sum) {
				return errStopped
			}
			return nil
		})
		if err != errStopped {
			s.err = err
		}
	})
	s.id, s.sum, s.more = s.next()
	return s
}

// of returns the sum of a user's trees. Users are asked for in rising order.
func (s *userSums) of(id string) (mailSum, error) {
	if id == s.last {
		return s.had, s.err
	}
	s.last, s.had = id, mailSum{}
	for s.more && s.id <= id {
		if s.id == id {
			s.had.bytes += s.sum.bytes
			s.had.messages += s.sum.messages
		}
		s.id, s.sum, s.more = s.next()
	}
	return s.had, s.err
}
