package ims

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// BareLF says which messages of an index have a line end that is not CR LF. The
// others have as many bytes for a client as their files.
type BareLF struct {
	Known    bool
	Messages int64      // how many
	Of       int64      // Quota Used when they were counted: with another nothing is known
	UIDs     []UIDRange // which, in ascending order; nil with some Messages: not said
}

// UIDRange is the UIDs from First to Last.
type UIDRange struct{ First, Last uint32 }

// maxBareText bounds the text of such UIDs, in bytes.
const maxBareText = 64 << 10

// HasBareLF tells whether a message has a line end that is not CR LF, if that
// is known. Of a file that is not the one that was counted it tells nothing:
// ask for its size and date.
func (h *Header) HasBareLF(uid uint32) (has, known bool) {
	b := &h.Bare
	if !b.Known || b.Of != h.QuotaUsed || b.Messages > 0 && b.UIDs == nil {
		return false, false
	}
	_, has = slices.BinarySearchFunc(b.UIDs, uid, func(r UIDRange, uid uint32) int {
		switch {
		case r.Last < uid:
			return -1
		case r.First > uid:
			return 1
		}
		return 0
	})
	return has, true
}

// SetBareLF says which of the messages that are counted in the header have a
// line end that is not CR LF. The header keeps uids.
func (h *Header) SetBareLF(uids []UIDRange) {
	h.Bare = BareLF{Known: true, Of: h.QuotaUsed, UIDs: uids}
	for _, r := range uids {
		h.Bare.Messages += int64(r.Last-r.First) + 1
	}
}

// text is the value of the field, word by word.
func (b *BareLF) text() []string {
	words := []string{strconv.FormatInt(b.Messages, 10), strconv.FormatInt(b.Of, 10)}
	var set []byte
	for i, r := range b.UIDs {
		if i > 0 {
			set = append(set, ',')
		}
		set = strconv.AppendUint(set, uint64(r.First), 10)
		if r.Last > r.First {
			set = strconv.AppendUint(append(set, ':'), uint64(r.Last), 10)
		}
		if len(set) > maxBareText {
			return words
		}
	}
	if len(set) > 0 {
		words = append(words, string(set))
	}
	return words
}

func parseBareLF(s string) (b BareLF, err error) {
	f := strings.Split(s, " ")
	if len(f) < 2 || len(f) > 3 || f[0] == "" || f[1] == "" {
		return b, fmt.Errorf("%q is not two numbers and a set", shortened(s))
	}
	if b.Messages, err = parseNumber(f[0]); err == nil {
		b.Of, err = parseNumber(f[1])
	}
	if err == nil && len(f) == 3 {
		b.UIDs, err = parseUIDRanges(f[2])
	}
	b.Known = err == nil
	return b, err
}

func parseUIDRanges(s string) (set []UIDRange, err error) {
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, ":")
		if !isRange {
			last = first
		}
		a, ok := ParseUID(first)
		z, ok2 := ParseUID(last)
		if !ok || !ok2 || a > z || len(set) > 0 && a <= set[len(set)-1].Last {
			return nil, fmt.Errorf("%q is no set of UIDs", shortened(part))
		}
		set = append(set, UIDRange{a, z})
	}
	return set, nil
}

func shortened(s string) string { return strings.Clone(s[:min(len(s), 60)]) }
