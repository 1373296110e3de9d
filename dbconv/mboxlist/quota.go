package mboxlist

import (
	"bytes"
	"strconv"
)

// Limits that are no numbers.
const (
	Unlimited     = -1
	ServerDefault = -2
)

// Quota is a record of quota.db.
type Quota struct {
	KB            int64 // limit in KB; Unlimited, ServerDefault
	Messages      int64 // limit in messages; Unlimited, ServerDefault
	UsageKB       int64 // bytes of all references, rounded up to KB
	UsageMessages int64
	LastWarned    int64 // seconds since 1970; -1 never
}

// Append appends the record to dst.
func (q Quota) Append(dst []byte) []byte {
	for i, v := range [...]int64{q.KB, q.Messages, q.UsageKB, q.UsageMessages, q.LastWarned} {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = strconv.AppendInt(dst, v, 10)
	}
	return dst
}

// ParseQuota reads a record of quota.db: five numbers.
func ParseQuota(value []byte) (Quota, error) {
	var n [5]int64
	if err := numbers(value, n[:]); err != nil {
		return Quota{}, err
	}
	return Quota{n[0], n[1], n[2], n[3], n[4]}, nil
}

// ParseOldQuota reads a record of an NMS quota.db2 in the text form `quotakb
// usagekb`, as sscanf(value, "%d %d") takes it: white space before a number and
// what follows the second, if that is white space or begins with a zero byte,
// does not count. It has no limit in messages, no message count and no warning.
func ParseOldQuota(value []byte) (Quota, error) {
	text, _, _ := bytes.Cut(value, []byte{0})
	fields := bytes.Fields(text)
	if len(fields) != 2 {
		return Quota{}, bad("quota", 0, "%d numbers, want 2", len(fields))
	}
	var n [2]int64
	for i, f := range fields {
		var err error
		if n[i], err = strconv.ParseInt(string(f), 10, 64); err != nil || n[i] < ServerDefault {
			return Quota{}, bad("quota", bytes.Index(value, f), "number %d of 2 is not one", i+1)
		}
	}
	return Quota{KB: n[0], Messages: Unlimited, UsageKB: n[1], LastWarned: -1}, nil
}

// ParseAnyQuota reads a record of either form: a store that came from NMS has
// those of its quota.db2 until a server makes them anew. The error is that of
// the five numbers.
func ParseAnyQuota(value []byte) (Quota, error) {
	q, err := ParseQuota(value)
	if err != nil {
		if old, oldErr := ParseOldQuota(value); oldErr == nil {
			return old, nil
		}
	}
	return q, err
}

// numbers reads exactly len(dst) decimal numbers, one blank between them.
// Limits are at least -2, the rest at least -1.
func numbers(value []byte, dst []int64) error {
	at := 0
	for i := range dst {
		end := at
		for end < len(value) && value[end] != ' ' {
			end++
		}
		n, err := strconv.ParseInt(string(value[at:end]), 10, 64)
		if err != nil || n < ServerDefault || value[at] == '+' {
			return bad("quota", at, "number %d of %d is not one", i+1, len(dst))
		}
		dst[i] = n
		if i < len(dst)-1 && end == len(value) {
			return bad("quota", end, "%d numbers, want %d", i+1, len(dst))
		}
		at = end + 1
	}
	if at <= len(value) {
		return bad("quota", at-1, "more than %d numbers", len(dst))
	}
	return nil
}
