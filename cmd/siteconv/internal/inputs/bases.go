package inputs

import (
	"bytes"
	"slices"

	"imsconv/cmd/internal/cli"
	"imsconv/ldifconv/ldif"
)

// Bases are the DNs of --base, and whether the export has an entry at or below
// each.
type Bases struct {
	given []string
	norm  [][]byte
	met   []bool
	buf   []byte
}

// NewBases refuses a DN that is none.
func NewBases(given []string) (*Bases, error) {
	b := &Bases{given: given, met: make([]bool, len(given))}
	for _, dn := range given {
		norm, err := ldif.AppendNormDN(nil, []byte(dn))
		if err != nil {
			return nil, cli.Usagef("--base %q: %w", dn, err)
		}
		b.norm = append(b.norm, norm)
	}
	return b, nil
}

// Meet notes which base an entry lies at or below.
func (b *Bases) Meet(dn []byte) {
	if !slices.Contains(b.met, false) {
		return
	}
	norm, err := ldif.AppendNormDN(b.buf[:0], dn)
	if err != nil {
		return // the upgrade tells of it
	}
	b.buf = norm
	for i, base := range b.norm {
		above, ok := bytes.CutSuffix(norm, base)
		b.met[i] = b.met[i] || ok && (len(above) == 0 || len(base) == 0 || bytes.HasSuffix(above, []byte(",")))
	}
}

// Missing are the bases that the export has nothing of.
func (b *Bases) Missing() (list []string) {
	for i, met := range b.met {
		if !met {
			list = append(list, b.given[i])
		}
	}
	return list
}
