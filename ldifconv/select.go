package ldifconv

import (
	"errors"
	"fmt"
	"strings"

	"imsconv/ldifconv/filter"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// selection decides which entries are upgraded. It is safe for concurrent use.
type selection struct {
	bases  [][]byte // normalised; empty: everything
	filter *filter.Filter
	kinds  Kind
}

func newSelection(o *Options) (*selection, error) {
	if o.From != SIMS && o.From != NMS {
		return nil, errors.New("the source is neither sims nor nms")
	}
	if o.Kinds == 0 || o.Kinds&^All != 0 {
		return nil, errors.New("no kind of entries is chosen")
	}
	s := &selection{kinds: o.Kinds}
	for _, base := range o.Base {
		norm, err := ldif.AppendNormDN(nil, []byte(base))
		if err != nil {
			return nil, fmt.Errorf("base %q: %w", base, err)
		}
		s.bases = append(s.bases, norm)
	}
	if o.Filter != "" {
		var err error
		if s.filter, err = filter.Compile(o.Filter, attributeSpellings); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// CheckSelection tells whether the source, kinds, bases, filter and pairs of o
// can be used, without running anything.
func CheckSelection(o Options) error {
	if _, err := settings(o.Add); err != nil {
		return err
	}
	_, err := newSelection(&o)
	return err
}

// attributeSpellings returns all names of an attribute.
func attributeSpellings(name string) []string {
	id, ok := schema.LookupString(name)
	if !ok {
		return nil
	}
	info := schema.Info(id)
	names := []string{info.OID, "oid." + info.OID}
	for _, n := range append([]string{info.Name}, info.Aliases...) {
		if !strings.EqualFold(n, name) {
			names = append(names, n)
		}
	}
	return names
}

// under reports whether the entry with this normalised DN is below a base, and
// counts it for each that it is below.
func (s *selection) under(norm []byte, count []int64) bool {
	found := len(s.bases) == 0
	for i, base := range s.bases {
		if ldif.UnderNormDN(norm, base) {
			count[i]++
			found = true
		}
	}
	return found
}

// below is under without counting.
func (s *selection) below(norm []byte) bool {
	found := len(s.bases) == 0
	for _, base := range s.bases {
		found = found || ldif.UnderNormDN(norm, base)
	}
	return found
}

// matches reports whether the entry passes the filter.
func (s *selection) matches(e *ldif.Entry) bool {
	return s.filter == nil || s.filter.Match(e)
}
