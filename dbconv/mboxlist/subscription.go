package mboxlist

import (
	"bytes"
	"strings"
)

// Subscriptions is a record of subscr.db: full mailbox names.
type Subscriptions []string

// Append appends the record to dst.
func (s Subscriptions) Append(dst []byte) []byte {
	for i, name := range s {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = append(dst, name...)
	}
	return dst
}

// ParseSubscriptions reads a record of subscr.db. A final LF is taken.
func ParseSubscriptions(value []byte) (Subscriptions, error) {
	value = bytes.TrimSuffix(value, []byte{'\n'})
	if len(value) == 0 {
		return nil, nil
	}
	at := 0
	var list Subscriptions
	for name := range strings.SplitSeq(string(value), "\n") {
		if name == "" {
			return nil, bad("subscription", at, "an empty line")
		}
		if i := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
			return nil, bad("subscription", at+i, "a control byte")
		}
		list = append(list, name)
		at += len(name) + 1
	}
	return list, nil
}
