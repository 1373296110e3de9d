package relocate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/lists"
)

// records compares the databases: what each must have is sorted and then held
// against its records in one pass.
func (v *nmsVerifier) records(ctx context.Context) error {
	if err := v.r.folderRecords(ctx, v.record(mboxlist.FolderDB, &v.report.FolderRecords)); err != nil {
		return err
	}
	if err := v.r.quotaRecords(ctx, v.record(mboxlist.QuotaDB, &v.report.QuotaRecords)); err != nil {
		return err
	}
	sums, stop, err := v.r.openUsages()
	if err != nil {
		return err
	}
	defer stop()
	for _, kind := range []mboxlist.Kind{mboxlist.FolderDB, mboxlist.QuotaDB, mboxlist.SubscrDB} {
		if v.lists[kind] == nil {
			continue // told
		}
		c := listComparison{v: v, kind: kind, sums: sums, cursor: v.lists[kind].reader.Cursor()}
		if err := c.run(); err != nil {
			return fmt.Errorf("%s: %w", kind.FileName(), err)
		}
	}
	return nil
}

// record returns a sink for what one of the store's databases must have.
func (v *nmsVerifier) record(kind mboxlist.Kind, count *int64) recordSink {
	return func(key string, value []byte) error {
		*count++
		return v.expect[kind].Add([]byte(key), value)
	}
}

// listComparison holds the records that a database must have against those that
// it has.
type listComparison struct {
	v      *nmsVerifier
	kind   mboxlist.Kind
	sums   *usages
	cursor *bdb.Cursor
	more   bool // key and value are the store's next record
	key    []byte
	value  []byte
}

func (c *listComparison) run() error {
	if err := c.advance(); err != nil {
		return err
	}
	return c.v.expect[c.kind].Drain(func(key, value []byte) error {
		for c.more && bytes.Compare(c.key, key) < 0 {
			if err := c.advance(); err != nil {
				return err
			}
		}
		got, err := c.value, error(nil)
		if !c.more || !bytes.Equal(c.key, key) {
			// Not where byte order has it: a server's own order may be another.
			got, err = c.v.lists[c.kind].reader.Get(key)
		}
		return c.compare(string(key), value, got, err)
	})
}

func (c *listComparison) advance() error {
	key, value, err := c.cursor.Next()
	c.more = err == nil
	if err == io.EOF {
		return nil
	}
	c.key, c.value = append(c.key[:0], key...), append(c.value[:0], value...)
	return err
}

// compare tells of a record that is missing or different; err is that of the
// look-up.
func (c *listComparison) compare(key string, want, got []byte, err error) error {
	where := lists.Dir + "/" + c.kind.FileName() + ": " + keyLabel(key)
	var sum mailUsage
	if c.kind == mboxlist.QuotaDB {
		var sumErr error
		if sum, sumErr = c.usage(key); sumErr != nil {
			return sumErr
		}
	}
	switch {
	case errors.Is(err, bdb.ErrNotFound):
		c.v.problem("missing", where, "no such record in the new store")
	case err != nil:
		c.v.problem("damaged", where, err.Error())
	case bytes.Equal(got, want) || c.kind == mboxlist.QuotaDB && countedAs(got, sum):
	default:
		c.v.problem("differs", where, fmt.Sprintf("%.60q, expected %.60q", got, want))
	}
	return nil
}

// usage is what the source's files of a user add up to; users come in order.
func (c *listComparison) usage(id string) (mailUsage, error) {
	for c.sums.more && c.sums.head.id < id {
		if err := c.sums.advance(); err != nil {
			return mailUsage{}, err
		}
	}
	return c.sums.take(id)
}

// countedAs tells whether a quota record has the usage that the source's files
// add up to: the run was one with Requota.
func countedAs(value []byte, u mailUsage) bool {
	q, err := mboxlist.ParseQuota(value)
	return err == nil && q.UsageKB == u.kb() && q.UsageMessages == u.messages
}
