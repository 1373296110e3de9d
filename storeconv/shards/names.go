package shards

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/storeconv"
)

// Names is what a plan was told of the names of users. Which users are one in
// the store follows from it, so that it must be the same in the runs of parts.
type Names struct {
	Domain string `json:"domain,omitempty"` // the default domain, in lower case
	Map    string `json:"map,omitempty"`    // stands for the new ids of users; "": none
	Users  string `json:"users,omitempty"`  // stands for the users selected; "": all
}

// ErrOtherNames: a plan was made with other names than those of the run.
var ErrOtherNames = errors.New("the plan was made with other users or names")

// NamesOf is what a plan says of a selection; nil: nothing.
func NamesOf(s storeconv.Selection) *Names {
	n := Names{Domain: strings.ToLower(s.Domain)}
	var lines []string
	for _, old := range slices.Sorted(maps.Keys(s.Map)) {
		if id := s.Map[old]; id != old {
			lines = append(lines, old+"\x00"+id)
		}
	}
	n.Map = sumOf(lines)
	if s.Users != nil {
		n.Users = sumOf(slices.Sorted(maps.Keys(s.Users)))
	}
	if n == (Names{}) {
		return nil
	}
	return &n
}

// sumOf stands for lines; "" for none.
func sumOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	h := sha256.New()
	for _, line := range lines {
		fmt.Fprintf(h, "%s\n", line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// CheckNames refuses a selection by which other users could be one in the store
// than the plan has thought. Of a plan of all users, any of them may be
// selected.
func (p *Plan) CheckNames(s storeconv.Selection) error {
	var made, run Names
	if p.Names != nil {
		made = *p.Names
	}
	if n := NamesOf(s); n != nil {
		run = *n
	}
	switch {
	case made.Domain != run.Domain:
		return fmt.Errorf("%w: its default domain is %s, and here it is %s", ErrOtherNames, domainName(made.Domain), domainName(run.Domain))
	case made.Map != run.Map:
		return fmt.Errorf("%w: %s, and here %s", ErrOtherNames, newIDs(made.Map, "it gives"), newIDs(run.Map, "-u and -m give"))
	case made.Users != "" && made.Users != run.Users:
		return fmt.Errorf("%w: it is of the users of a -u, and here %s", ErrOtherNames, selected(run.Users))
	}
	return nil
}

func domainName(domain string) string {
	if domain == "" {
		return "none"
	}
	return domain
}

func newIDs(sum, who string) string {
	if sum == "" {
		return who + " no new ids"
	}
	return who + " new ids (" + sum[:8] + ")"
}

func selected(sum string) string {
	if sum == "" {
		return "all users take part"
	}
	return "it is another one"
}
