package storeconv

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/dbconv/mboxlist"
)

// mailUsage is what one user has: each reference to a message at its full size.
type mailUsage struct {
	bytes    int64
	messages int64
}

func (u mailUsage) kb() int64 { return (u.bytes + 1023) / 1024 }

// quotaRecords gives put the records of quota.db2 that belong to this run, as
// they are or counted anew.
func (r *relocation) quotaRecords(ctx context.Context, put recordSink) error {
	if r.src.QuotaDB != "" {
		if db := r.openSourceDB(r.src.QuotaDB, true); db != nil {
			defer db.close()
			r.quotaMeta = db.reader.Meta()
			err := db.each(ctx, r.unique(db.where, func(key string, value []byte) error { return r.quotaRecord(db.where, key, value, put) }))
			if err != nil {
				return err
			}
		}
	}
	if r.usage == nil || r.verify != nil {
		return nil
	}
	// What is left has mail and no record.
	for _, id := range slices.Sorted(maps.Keys(r.usage)) {
		q := mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.ServerDefault, LastWarned: -1}
		r.report.QuotaRecords++
		if err := put(id, r.counted(id, q).Append(nil)); err != nil {
			return err
		}
	}
	slices.SortFunc(r.report.OverQuota, func(a, b OverQuota) int { return strings.Compare(a.User, b.User) })
	return nil
}

func (r *relocation) quotaRecord(where, key string, value []byte, put recordSink) error {
	if !r.selected(key) {
		return nil
	}
	where += ": " + keyLabel(key)
	newID, ok := r.admitAndTell(key, where)
	if !ok {
		r.report.RecordsLeft++
		return nil
	}
	q, err := parseAnyQuota(value)
	if err != nil {
		r.report.RecordsOpaque++
	}
	if r.verify != nil {
		return put(newID, value)
	}
	newValue := value
	if r.usage != nil {
		if err != nil {
			r.log.Problem("not-understood", where, "limits of a quota record: "+err.Error())
			q = mboxlist.Quota{KB: mboxlist.ServerDefault, Messages: mboxlist.ServerDefault, LastWarned: -1}
		}
		newValue = r.counted(newID, q).Append(nil)
	}
	if newID != key || !bytes.Equal(newValue, value) {
		r.report.RecordsChanged++
	}
	r.report.QuotaRecords++
	return put(newID, newValue)
}

// parseAnyQuota reads the five fields of quota.db or the two of quota.db2.
func parseAnyQuota(value []byte) (mboxlist.Quota, error) {
	q, err := mboxlist.ParseQuota(value)
	if err == nil {
		return q, nil
	}
	if q, err := mboxlist.ParseOldQuota(value); err == nil {
		return q, nil
	}
	return q, fmt.Errorf("neither five numbers nor two: %w", err)
}

// counted returns the record of a user with usage counted anew and the limits
// of the directory where it has any. The user's count is used up.
func (r *relocation) counted(id string, q mboxlist.Quota) mboxlist.Quota {
	u := r.usage[id]
	delete(r.usage, id)
	if r.opts.Limits != nil {
		if limit, ok := r.opts.Limits(id); ok {
			if limit.Bytes != NotSaid {
				q.KB = limitKB(limit.Bytes)
			}
			if limit.Messages != NotSaid {
				q.Messages = limit.Messages
			}
		}
	}
	q.UsageKB, q.UsageMessages = u.kb(), u.messages
	if q.KB >= 0 && q.UsageKB > q.KB || q.Messages >= 0 && q.UsageMessages > q.Messages {
		r.report.OverQuota = append(r.report.OverQuota, OverQuota{id, q.KB, q.UsageKB, q.Messages, q.UsageMessages})
	}
	return q
}

// limitKB turns a limit in bytes into whole KB; -1 and -2 stay.
func limitKB(limit int64) int64 {
	if limit < 0 {
		return limit
	}
	return limit / 1024
}
