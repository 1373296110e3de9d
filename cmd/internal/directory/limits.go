package directory

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"io"
	"slices"
)

// Limit is a user's quota as the directory has it: bytes and messages, -1 for
// none, -2 for the server's default.
type Limit struct {
	Bytes, Messages       int64
	HasBytes, HasMessages bool
}

// Limits reads an export and returns a look-up of quotas by store user id. It
// keeps 40 bytes a user, so a million users are 40 MB: ids are known by 128
// bits of their SHA-256. Of an id that the export has twice, the first counts.
// Damaged records, and quotas that are no numbers, are told to log, with name
// before their lines. A mailQuota of
// 0 is no limit in an entry of NMS, as it was there, and no space in any other.
func Limits(r io.Reader, name, defaultDomain string, log Log) (func(id string) (Limit, bool), error) {
	var rows []limitRow
	for u, err := range users(r, name, log) {
		if err != nil {
			return nil, err
		}
		for _, what := range u.Unread {
			if log != nil {
				log.Problem("quota-value", Position(name, u.Line, []byte(u.DN)), what+": the user gets no such limit from it")
			}
		}
		if !u.HasQuota && !u.HasMessageQuota {
			continue
		}
		row := limitRow{key: keyOf(u.ID(defaultDomain)), order: int32(len(rows)), bytes: u.Quota, messages: int64AsLimit(u.MessageQuota)}
		if !u.HasQuota {
			row.bytes = absent
		}
		if !u.HasMessageQuota {
			row.messages = absentMessages
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b limitRow) int {
		return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.order, b.order))
	})
	return func(id string) (Limit, bool) {
		key := keyOf(id)
		i, ok := slices.BinarySearchFunc(rows, key, func(r limitRow, k idKey) int { return bytes.Compare(r.key[:], k[:]) })
		if !ok {
			return Limit{}, false
		}
		return rows[i].limit(), true
	}, nil
}

// idKey stands for a store user id.
type idKey [16]byte

func keyOf(id string) idKey {
	sum := sha256.Sum256([]byte(id))
	return idKey(sum[:16])
}

type limitRow struct {
	key      idKey
	bytes    int64
	messages int32
	order    int32
}

// absent values stand for an attribute that the entry does not have.
const (
	absent         = -1 << 63
	absentMessages = -1 << 31
)

// int64AsLimit caps a message quota at what a row holds.
func int64AsLimit(n int64) int32 { return int32(min(n, 1<<31-1)) }

func (r limitRow) limit() Limit {
	l := Limit{HasBytes: r.bytes != absent, HasMessages: r.messages != absentMessages}
	if l.HasBytes {
		l.Bytes = r.bytes
	}
	if l.HasMessages {
		l.Messages = int64(r.messages)
	}
	return l
}
