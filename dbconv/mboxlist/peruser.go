package mboxlist

import (
	"bytes"
	"strconv"
)

// UIDRange is the UIDs from First to Last.
type UIDRange struct{ First, Last uint32 }

// UIDSet is a rising list of ranges that neither overlap nor touch.
type UIDSet []UIDRange

// Add adds a UID that is greater than all in the set.
func (s UIDSet) Add(uid uint32) UIDSet {
	if n := len(s); n > 0 && s[n-1].Last+1 == uid {
		s[n-1].Last = uid
		return s
	}
	return append(s, UIDRange{uid, uid})
}

// Append appends the set in the form 1:3,7.
func (s UIDSet) Append(dst []byte) []byte {
	for i, r := range s {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(r.First), 10)
		if r.Last != r.First {
			dst = append(dst, ':')
			dst = strconv.AppendUint(dst, uint64(r.Last), 10)
		}
	}
	return dst
}

// ParseUIDSet reads a set; the empty text is the empty set.
func ParseUIDSet(text []byte) (UIDSet, error) {
	var set UIDSet
	if len(text) == 0 {
		return nil, nil
	}
	at, low := 0, uint64(1)
	for part := range bytes.SplitSeq(text, []byte{','}) {
		first, last, isRange := bytes.Cut(part, []byte{':'})
		if !isRange {
			last = first
		}
		a, ok := uid(first)
		b, ok2 := uid(last)
		if !ok || !ok2 || a > b || uint64(a) < low || isRange && a == b {
			return nil, bad("set", at, "%.30q is no rising range of UIDs", part)
		}
		set = append(set, UIDRange{a, b})
		low = uint64(b) + 2
		at += len(part) + 1
	}
	return set, nil
}

func uid(text []byte) (uint32, bool) {
	n, err := strconv.ParseUint(string(text), 10, 32)
	return uint32(n), err == nil && n > 0 && text[0] != '0' && text[0] != '+'
}

// PerUser is a record of peruser.db: what one user did to one mailbox.
type PerUser struct {
	LastAccess    int64 // seconds since 1970; -1 never
	Seen, Deleted UIDSet
}

// Append appends the record to dst.
func (p PerUser) Append(dst []byte) []byte {
	dst = strconv.AppendInt(dst, p.LastAccess, 10)
	dst = append(dst, '\t')
	dst = p.Seen.Append(dst)
	dst = append(dst, '\t')
	return p.Deleted.Append(dst)
}

// ParsePerUser reads a record of peruser.db.
func ParsePerUser(value []byte) (PerUser, error) {
	fields := bytes.Split(value, []byte{'\t'})
	if len(fields) != 3 {
		return PerUser{}, bad("per-user", 0, "%d fields, want 3", len(fields))
	}
	at, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || at < -1 || fields[0][0] == '+' {
		return PerUser{}, bad("per-user", 0, "%.30q is no time", fields[0])
	}
	p := PerUser{LastAccess: at}
	if p.Seen, err = ParseUIDSet(fields[1]); err != nil {
		return PerUser{}, err
	}
	p.Deleted, err = ParseUIDSet(fields[2])
	return p, err
}
