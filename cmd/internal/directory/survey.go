package directory

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Survey is what one reading of an export tells of the whole.
type Survey struct {
	// Tops are the DNs, as written, of the entries that have no superior in the
	// export.
	Tops []string
	// Domains are the domains of its mail users in the order of the text.
	Domains []Domain
}

// Domain is one domain of an export.
type Domain struct {
	Name  string
	Users int64 // mail users whose uid is no compound one
	// Stored is how many of them the store has under the bare uid.
	Stored int64
	// Qualified is how many ids of the form uid@domain the store has, with an
	// entry or without, and Example the first of them.
	Qualified int64
	Example   string
}

// Doubt says that the ids of the domain are of both forms, and what that means
// beside the default domain, "" for none.
func (d *Domain) Doubt(defaultDomain string) string {
	text := fmt.Sprintf("of the users of %s the store has %d by their bare uid, and %d with the domain, such as %q", d.Name, d.Stored, d.Qualified, d.Example)
	switch {
	case defaultDomain == "":
		text += ": no more are bare, and it is not taken for the default domain"
	case !strings.EqualFold(d.Name, defaultDomain):
		text += fmt.Sprintf(": %s is the default domain, of which it has fewer", defaultDomain)
	}
	return text
}

// lead is by how many ids the store speaks for the domain as the default one.
func (d *Domain) lead() int64 { return d.Stored - d.Qualified }

// IDs are the user ids of the other side: of a stream, a store, a database.
type IDs interface {
	// Has says whether it has the id.
	Has(id string) bool
	// OfDomain counts the ids of the form uid@domain, and names the first.
	OfDomain(domain string) (n int64, first string)
}

// Read surveys an export and counts which of its users stored has. Damaged
// records are told to log, which may be nil, with name before their lines.
func Read(r io.Reader, name string, stored IDs, log Log) (*Survey, error) {
	s := &Survey{}
	tops := map[string]string{}
	domains := map[string]*Domain{}
	for it, err := range entries(r, name, log) {
		if err != nil {
			return nil, err
		}
		addTop(tops, it)
		u := it.user
		if u == nil || u.Domain == "" || strings.Contains(u.UID, "@") {
			continue
		}
		d := domains[u.Domain]
		if d == nil {
			d = &Domain{Name: u.Domain}
			d.Qualified, d.Example = stored.OfDomain(u.Domain)
			domains[u.Domain] = d
		}
		d.Users++
		if stored.Has(u.UID) {
			d.Stored++
		}
	}
	for _, dn := range tops {
		s.Tops = append(s.Tops, dn)
	}
	slices.Sort(s.Tops)
	for _, d := range domains {
		s.Domains = append(s.Domains, *d)
	}
	slices.SortFunc(s.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// addTop adds an entry to the top entries, by their normalised DN, unless one
// of them is above it, and takes out those below it.
func addTop(tops map[string]string, it item) {
	if it.norm == "" {
		return
	}
	for at := it.norm; ; {
		if _, ok := tops[at]; ok {
			return
		}
		_, rest, ok := strings.Cut(at, ",")
		if !ok {
			break
		}
		at = rest
	}
	for key := range tops {
		if strings.HasSuffix(key, ","+it.norm) {
			delete(tops, key)
		}
	}
	tops[it.norm] = it.dn
}

// DefaultDomain is the domain whose users the store knows by their bare uid: of
// the domains with more bare uids than ids of the form uid@domain, the one with
// the largest difference. A few ids with the domain beside many bare ones do
// not rule it out; that users of a hosted domain share their uid with users of
// the default one does not make the hosted one fit. Without a domain that fits
// it is "" and no error; with two that fit equally well, or each better in one
// way, the error names them.
func (s *Survey) DefaultDomain() (string, error) {
	var best []Domain
	for _, d := range s.Domains {
		if d.lead() <= 0 || len(best) > 0 && d.lead() < best[0].lead() {
			continue
		}
		if len(best) > 0 && d.lead() > best[0].lead() {
			best = best[:0]
		}
		best = append(best, d)
	}
	if len(best) == 1 {
		// Bare ids are those of the default domain, so that no other has more.
		for _, d := range s.Domains {
			if d.Stored > best[0].Stored && d.lead() > 0 {
				best = append(best, d)
				break
			}
		}
	}
	switch len(best) {
	case 0:
		return "", nil
	case 1:
		return best[0].Name, nil
	}
	return "", fmt.Errorf("two domains fit as the default domain, %s and %s: the store knows %d users of the first by their bare uid, and %d of the second", best[0].Name, best[1].Name, best[0].Stored, best[1].Stored)
}

// Doubts are the domains with ids of both forms that bear on the choice: the
// default domain, and those that were not taken for it though the store has
// more of their users by the bare uid.
func (s *Survey) Doubts(defaultDomain string) (list []Domain) {
	for _, d := range s.Domains {
		if d.Qualified > 0 && (strings.EqualFold(d.Name, defaultDomain) || d.Stored > s.stored(defaultDomain)) {
			list = append(list, d)
		}
	}
	return list
}

// stored is how many users of a domain the store has by their bare uid.
func (s *Survey) stored(domain string) int64 {
	for _, d := range s.Domains {
		if strings.EqualFold(d.Name, domain) {
			return d.Stored
		}
	}
	return 0
}
