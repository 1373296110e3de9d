package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"imsconv/cmd/internal/page"
)

// domainRow is a line of the table of domains.
type domainRow struct {
	Domain
	Class string
}

// DomainRows are the largest domains, the rest, and the sum of all.
func (v *view) DomainRows() []domainRow {
	list := slices.Clone(v.Domains)
	slices.SortStableFunc(list, func(a, b *Domain) int { return cmp.Compare(b.Bytes, a.Bytes) })
	rest, all := v.MoreDomains, v.MoreDomains
	var rows []domainRow
	for i, d := range list {
		all.add(d)
		if i >= shownDomains {
			rest.add(d)
			continue
		}
		row := domainRow{Domain: *d}
		row.Name = cmp.Or(row.Name, v.say("domain.none"))
		rows = append(rows, row)
	}
	if rest.Users > 0 {
		rest.Name = v.say("domains.more")
		rows = append(rows, domainRow{Domain: rest})
	}
	all.Name = v.say("total")
	return append(rows, domainRow{all, "total"})
}

func (d *Domain) add(other *Domain) {
	d.Users += other.Users
	d.Mailboxes += other.Mailboxes
	d.Messages += other.Messages
	d.Bytes += other.Bytes
	d.Over += other.Over
}

func (v *view) DomainsShown() string {
	if len(v.Domains) <= shownDomains && v.MoreDomains.Users == 0 {
		return ""
	}
	return v.say("shown.domains", page.Int(min(shownDomains, int64(len(v.Domains)))))
}

// Limited says whether limits of users are known.
func (v *view) Limited() bool { return v.limit != nil }

// userTable is a table of users, of which those over quota may stand out.
type userTable struct {
	Rows []User
	Mark bool
}

func (v *view) OverTable() userTable { return userTable{v.Over[:min(shownRows, len(v.Over))], false} }
func (v *view) UserTable() userTable {
	return userTable{v.LargestUsers[:min(shownRows, len(v.LargestUsers))], true}
}
func (v *view) BoxesShown() []Row { return v.Largest[:min(shownRows, len(v.Largest))] }

func (v *view) OverMore() string  { return v.more("shown.first", v.OverTotal) }
func (v *view) UsersMore() string { return v.more("shown.largest", v.Users) }
func (v *view) BoxesMore() string { return v.more("shown.largest", v.Mailboxes) }

// more says that a table is not the whole, where it is not.
func (v *view) more(key string, all int64) string {
	if all <= shownRows {
		return ""
	}
	return v.say(key, page.Int(shownRows), page.Int(all), ListName)
}

// List is the name of the list of mailboxes.
func (v *view) List() string { return ListName }

// Inputs are those of all parts, each once.
func (v *view) Inputs() []Input {
	var list []Input
	for _, p := range v.parts() {
		for _, in := range p.Run.Inputs {
			if !slices.Contains(list, in) {
				list = append(list, in)
			}
		}
	}
	return list
}

// option is an option of the run.
type option struct{ Name, Value string }

func (v *view) Options() []option {
	var list []option
	for _, name := range slices.Sorted(maps.Keys(v.Run.Options)) {
		value := strings.ReplaceAll(v.Run.Options[name], "\n", "; ")
		list = append(list, option{name, cmp.Or(value, v.say("identity.default"))})
	}
	return list
}

// DateRange says from when to when messages were received.
func (v *view) DateRange() string {
	if v.Oldest == 0 && v.Newest == 0 {
		return v.say("dates.none")
	}
	day := func(s int64) string { return time.Unix(s, 0).UTC().Format("2006-01-02") }
	return v.say("dates.range", day(v.Oldest), day(v.Newest))
}

// Future counts the messages of the years after this one.
func (v *view) Future() int64 {
	var n int64
	for year, count := range v.Years {
		if year > v.now.Year() {
			n += count
		}
	}
	return n
}
