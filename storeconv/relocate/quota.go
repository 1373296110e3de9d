package relocate

import (
	"context"
	"encoding/binary"
	"fmt"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/carry"
)

// mailUsage is what one user has: each reference to a message at its full size.
type mailUsage struct {
	bytes    int64
	messages int64
}

func (u mailUsage) kb() int64 { return (u.bytes + 1023) / 1024 }

// count notes what a tree adds to its user's usage.
func (r *relocation) count(u *userTree, c *carry.Counts) error {
	var value [16]byte
	binary.BigEndian.PutUint64(value[:8], uint64(c.Bytes))
	binary.BigEndian.PutUint64(value[8:], uint64(c.Messages))
	return r.usage.Add([]byte(u.User), value[:])
}

// usageOf is the usage of a user in one tree, out of the sorter.
type usageOf struct {
	id string
	mailUsage
}

func decodeUsage(key, value []byte) usageOf {
	return usageOf{string(key), mailUsage{int64(binary.BigEndian.Uint64(value[:8])), int64(binary.BigEndian.Uint64(value[8:]))}}
}

// usages reads the sums of the users in the order of their ids.
type usages struct {
	next func() (usageOf, error, bool)
	head usageOf
	more bool
}

func (r *relocation) openUsages() (*usages, func(), error) {
	u := new(usages)
	var stop func()
	u.next, stop = pullSorted(r.usage, decodeUsage)
	return u, stop, u.advance()
}

func (u *usages) advance() error {
	var err error
	u.head, err, u.more = u.next()
	return err
}

// sumOf returns the sum of a user's trees and goes on behind them; nothing for
// a user that has none.
func (u *usages) sumOf(id string) (mailUsage, error) {
	var sum mailUsage
	for u.more && u.head.id == id {
		sum.bytes += u.head.bytes
		sum.messages += u.head.messages
		if err := u.advance(); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// quotaRecords gives put the records of quota.db2 that belong to this run, as
// they are or, with Requota, counted anew.
func (r *relocation) quotaRecords(ctx context.Context, put recordSink) error {
	sink := put
	var old *bdb.Sorter
	if r.opts.Requota {
		old = bdb.NewSorter(r.tempDir(), storeconv.SortMemory)
		defer old.Close()
		sink = func(key string, value []byte) error { return old.Add([]byte(key), value) }
	}
	if r.src.QuotaDB == "" {
		r.siteLog.Warning("no-database", "quota.db2", "no such file: quota.db has no limits of the old store")
	}
	if r.src.SecondDB != "" {
		r.siteLog.Warning("second-quota", r.label(r.src.SecondDB), "not used, because there is "+r.label(r.src.QuotaDB))
	}
	if r.src.QuotaDB != "" {
		db, err := r.openSourceDB(ctx, r.src.QuotaDB)
		if err != nil {
			return err
		}
		defer db.close()
		if db != nil {
			r.quotaMeta = db.meta
			err := db.each(ctx, r.unique(db.where, r.selected, func(key string, value []byte) error { return r.quotaRecord(db.where, key, value, sink) }))
			if err != nil {
				return err
			}
		}
	}
	if !r.opts.Requota {
		return nil
	}
	return r.recount(old, put)
}

func (r *relocation) quotaRecord(where, key string, value []byte, put recordSink) error {
	where += ": " + keyLabel(key)
	newID, ok := r.admitAndTell(key, where)
	if !ok {
		r.report.RecordsLeft++
		return nil
	}
	if _, err := parseAnyQuota(value); err != nil {
		r.report.RecordsOpaque++
		if r.opts.Requota {
			r.log.Problem("not-understood", where, "limits of a quota record: "+err.Error())
		}
	}
	if newID != key {
		r.report.RecordsChanged++
	}
	if !r.opts.Requota {
		r.report.QuotaRecords++
	}
	return put(newID, value)
}

// recount merges old records and usage, both in the order of ids: a user with
// mail and without a record gets one.
func (r *relocation) recount(old *bdb.Sorter, put recordSink) error {
	sums, stop, err := r.openUsages()
	if err != nil {
		return err
	}
	defer stop()
	none := mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.ServerDefault, LastWarned: -1}
	without := func(below string, all bool) error {
		for sums.more && (all || sums.head.id < below) {
			id := sums.head.id
			sum, err := sums.sumOf(id)
			if err != nil {
				return err
			}
			if err := r.putCounted(id, none, sum, put); err != nil {
				return err
			}
		}
		return nil
	}
	err = old.Drain(func(key, value []byte) error {
		id := string(key)
		if err := without(id, false); err != nil {
			return err
		}
		sum, err := sums.sumOf(id)
		if err != nil {
			return err
		}
		q, err := parseAnyQuota(value)
		if err != nil {
			q = none // told
		}
		return r.putCounted(id, q, sum, put)
	})
	if err != nil {
		return err
	}
	return without("", true)
}

// parseAnyQuota reads the five fields of quota.db or the two of quota.db2.
func parseAnyQuota(value []byte) (mboxlist.Quota, error) {
	q, err := mboxlist.ParseAnyQuota(value)
	if err != nil {
		return q, fmt.Errorf("neither five numbers nor two: %w", err)
	}
	return q, nil
}

// putCounted puts the record of a user with usage counted anew and the limits
// of the directory where it has any.
func (r *relocation) putCounted(id string, q mboxlist.Quota, u mailUsage, put recordSink) error {
	if r.opts.Limits != nil {
		if limit, ok := r.opts.Limits(id); ok {
			if limit.Bytes != storeconv.NotSaid {
				q.KB = limitKB(limit.Bytes)
			}
			if limit.Messages != storeconv.NotSaid {
				q.Messages = limit.Messages
			}
		}
	}
	q.UsageKB, q.UsageMessages = u.kb(), u.messages
	if q.KB >= 0 && q.UsageKB > q.KB || q.Messages >= 0 && q.UsageMessages > q.Messages {
		r.report.OverQuota = append(r.report.OverQuota, OverQuota{id, q.KB, q.UsageKB, q.Messages, q.UsageMessages})
	}
	r.report.QuotaRecords++
	return put(id, q.Append(nil))
}

// limitKB turns a limit in bytes into whole KB; -1 and -2 stay.
func limitKB(limit int64) int64 {
	if limit < 0 {
		return limit
	}
	return limit / 1024
}
