package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// How much of a list is kept: what is left out is counted.
const (
	keptUsers     = 100
	keptMailboxes = 100
	keptOver      = 500
	keptFaulty    = 500
	keptDomains   = 20_000
)

// Totals are the sums over all mailboxes of an output.
type Totals struct {
	Users, Mailboxes int64
	Messages, Bytes  int64
	Empty            int64 // mailboxes without a message
	NoDigest         int64 // mailboxes whose messages nobody has read
	Strays           int64 // messages beside these, which no mailbox has
	States           map[string]int64
	Years            map[int]int64                 // messages by year; 0: no date
	MessageSizes     [len(sizeSteps) + 1]int64     // messages by size
	MailboxSizes     [len(sizeSteps) + 1]int64     // mailboxes with messages, by size
	Oldest, Newest   int64                         // receive dates; both 0: none
	Domains          []*Domain                     // by name
	MoreDomains      Domain                        // sum of the domains beyond those that are kept
	Largest          []Row                         // mailboxes, largest first
	LargestUsers     []User                        // largest first
	Over             []User                        // over quota, the most bytes too many first
	OverTotal        int64                         //
	Faulty           []Row                         // mailboxes that problems name
	Unread           []Unread                      // what could not be read for these sums
	UnreadTotal      int64                         //
	domains          map[string]*Domain            //
	limit            func(id string) (Quota, bool) // nil: none are known
	user             User                          // whose mailboxes are coming
	begun            bool                          //
}

// User is the sum of a user's mailboxes.
type User struct {
	ID              string
	Mailboxes       int64
	Messages, Bytes int64
	Quota           Quota // zero where none is known
}

// Quota is a user's limit: -1 is none, of bytes or of messages.
type Quota struct{ Bytes, Messages int64 }

// Over says whether a user has more than the quota allows.
func (u *User) Over() bool {
	return u.Quota.Bytes >= 0 && u.Bytes > u.Quota.Bytes || u.Quota.Messages >= 0 && u.Messages > u.Quota.Messages
}

// excess is how many bytes a user has too many.
func (u *User) excess() int64 {
	if u.Quota.Bytes < 0 {
		return 0
	}
	return u.Bytes - u.Quota.Bytes
}

// Domain is the sum of a mail domain's users.
type Domain struct {
	Name            string // "" for ids without one where no default is known
	Users           int64
	Mailboxes       int64
	Messages, Bytes int64
	Over            int64 // users over quota
}

// Unread is something of the output that could not be read.
type Unread struct{ Kind, Where, Why string } // of a problem

func newTotals() *Totals {
	return &Totals{States: map[string]int64{}, Years: map[int]int64{}, domains: map[string]*Domain{}}
}

// add counts a mailbox. The mailboxes of a user come one after the other.
func (t *Totals) add(r *Row, defaultDomain string) {
	t.States[r.State]++
	if r.State != Whole && r.State != Unsure {
		t.fault(r)
	}
	if r.State == Missing {
		return
	}
	if !t.begun || t.user.ID != r.User {
		t.endUser(defaultDomain)
		t.user, t.begun = User{ID: r.User}, true
	}
	t.user.Mailboxes++
	t.user.Messages += r.Messages
	t.user.Bytes += r.Bytes
	t.count(r)
	t.Largest = keep(t.Largest, r.clone(), keptMailboxes, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.User, b.User), cmp.Compare(a.Folder, b.Folder))
	})
}

func (t *Totals) fault(r *Row) {
	if len(t.Faulty) < keptFaulty {
		t.Faulty = append(t.Faulty, r.clone())
	}
}

func (t *Totals) count(r *Row) {
	t.Mailboxes++
	t.Messages += r.Messages
	t.Bytes += r.Bytes
	if r.Digest == "" {
		t.NoDigest++
	}
	if r.Messages == 0 {
		t.Empty++
		return
	}
	t.MailboxSizes[sizeStep(r.Bytes)]++
	for i, n := range r.Sizes {
		t.MessageSizes[i] += n
	}
	for year, n := range r.Years {
		t.Years[year] += n
	}
	if r.Oldest == 0 && r.Newest == 0 {
		return
	}
	if t.Oldest == 0 && t.Newest == 0 {
		t.Oldest, t.Newest = r.Oldest, r.Newest
	}
	t.Oldest, t.Newest = min(t.Oldest, r.Oldest), max(t.Newest, r.Newest)
}

// endUser counts the user whose mailboxes have come.
func (t *Totals) endUser(defaultDomain string) {
	if !t.begun {
		return
	}
	u := t.user
	u.Quota = Quota{-1, -1}
	if t.limit != nil {
		if q, ok := t.limit(u.ID); ok {
			u.Quota = q
		}
	}
	t.Users++
	d := t.domain(domainOf(u.ID, defaultDomain))
	d.Users++
	d.Mailboxes += u.Mailboxes
	d.Messages += u.Messages
	d.Bytes += u.Bytes
	if u.Over() {
		d.Over++
		t.OverTotal++
		t.Over = keep(t.Over, u, keptOver, func(a, b User) int {
			return cmp.Or(cmp.Compare(b.excess(), a.excess()), cmp.Compare(a.ID, b.ID))
		})
	}
	t.LargestUsers = keep(t.LargestUsers, u, keptUsers, func(a, b User) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.ID, b.ID))
	})
}

// domain is the sum of a domain: the one of its own, or where there are too
// many the one of the rest.
func (t *Totals) domain(name string) *Domain {
	if d := t.domains[name]; d != nil {
		return d
	}
	if len(t.domains) == keptDomains {
		return &t.MoreDomains
	}
	d := &Domain{Name: name}
	t.domains[name] = d
	return d
}

// domainOf is the mail domain of a store's id.
func domainOf(id, defaultDomain string) string {
	if i := strings.LastIndexByte(id, '@'); i >= 0 {
		return strings.ToLower(id[i+1:])
	}
	return strings.ToLower(defaultDomain)
}

// end ends the sums.
func (t *Totals) end(defaultDomain string) {
	t.endUser(defaultDomain)
	for _, name := range slices.Sorted(maps.Keys(t.domains)) {
		t.Domains = append(t.Domains, t.domains[name])
	}
}

// keep puts an item into a list that has the first most items of an order.
func keep[T any](list []T, item T, most int, order func(a, b T) int) []T {
	i, _ := slices.BinarySearchFunc(list, item, order)
	if i == most {
		return list
	}
	if len(list) == most {
		list = list[:most-1]
	}
	return slices.Insert(list, i, item)
}
