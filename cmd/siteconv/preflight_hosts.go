package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
)

// userHosts are the mail hosts of the users of an export.
type userHosts struct {
	users map[string]int64 // by lower-case name; without those who name none
	at    map[site.Side]int64
	third []string // users on a third host, the first ones

	mailed int64    // users on a third host whose mail goes over
	stored []string // the first ones
}

// lookAtHosts holds the hosts of site.toml against those that the users are on:
// who is on the old one moves. Batches tell of their own users.
func (c *conversion) lookAtHosts(ctx context.Context, job *cli.Job) error {
	if !c.scenario.moves && !c.site.Stays() {
		c.pre.Find("host-stays", c.export().Path, "the scenario %s has no new host: %s is not used", c.scenario.name, c.site.Hosts.New)
	}
	if c.newHost() == "" || c.whole != "" {
		return nil
	}
	if host := c.newHost(); !strings.Contains(strings.TrimSuffix(host, "."), ".") && !strings.Contains(host, ":") {
		c.pre.Find("host-short", c.export().Path, "the new mail host %s has no domain in its name: that is what mailHost of the users becomes", host)
	}
	found := &userHosts{users: map[string]int64{}, at: map[site.Side]int64{}}
	chosen := c.mailUsers()
	goesOver := func(id string) bool { return c.mail.IDs.Has(id) && (chosen == nil || chosen[id]) }
	_, err := c.users().EachUser(ctx, job, inputs.Silent{}, "", func(m *roster.Member) error {
		at := c.site.Hosts.Side(site.MailHost(m.Record.Get("mailhost")))
		found.add(m.ID, site.MailHost(m.Record.Get("mailhost")), at)
		if at == site.ThirdSide && (goesOver(m.ID) || goesOver(m.ID+"@"+c.defaultDomain)) {
			found.addMailed(m.ID)
		}
		return nil
	})
	if err == nil {
		c.judgeHosts(found)
	}
	return err
}

func (u *userHosts) add(id, name string, at site.Side) {
	if name != "" {
		u.users[strings.ToLower(name)]++
	}
	u.at[at]++
	if at == site.ThirdSide && len(u.third) < mostExamples {
		u.third = append(u.third, id)
	}
}

func (u *userHosts) addMailed(id string) {
	if u.mailed++; len(u.stored) < mostExamples {
		u.stored = append(u.stored, id)
	}
}

// names are the hosts with the number of their users, most users first.
func (u *userHosts) names() string {
	hosts := slices.SortedFunc(maps.Keys(u.users), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.users[b], u.users[a]), cmp.Compare(a, b))
	})
	var some []string
	for _, name := range hosts[:min(len(hosts), mostExamples)] {
		some = append(some, fmt.Sprintf("%s %s", name, page.Int(u.users[name])))
	}
	return examples(some, int64(len(hosts)))
}

func (c *conversion) judgeHosts(u *userHosts) {
	hosts, path, third := &c.site.Hosts, c.export().Path, u.at[site.ThirdSide]
	switch {
	case hosts.Old == "" && len(u.users) > 1:
		c.pre.Find("hosts-not-said", path, "the users are on %d mail hosts, and all are pointed to %s: %s", len(u.users), hosts.New, u.names())
	case third > 0 && u.at[site.OldSide] == 0 && u.at[site.NewSide] == 0:
		c.pre.Find("old-host-unknown", path, "no user is on the old mail host %s: %s", hosts.Old, u.names())
	case third > u.at[site.OldSide]+u.at[site.NewSide]:
		all := third + u.at[site.OldSide] + u.at[site.NewSide]
		c.pre.Find("old-host-unknown", path, "most users, %s of %s, are neither on the old mail host %s nor on the new one, and stay where they are: %s", page.Int(third), page.Int(all), hosts.Old, u.names())
	case third > 0 && !c.scenario.batches:
		c.pre.Find("on-another-host", path, "%s neither on %s nor on %s: %s", page.Amount(third, "user is", "users are"), hosts.Old, hosts.New, examples(u.third, third))
	}
	if u.mailed > 0 && hosts.Old != "" && !c.scenario.batches { // whose mail goes over, a batch says
		c.pre.Find("third-host-mail", c.store().Path, "%s mail here and a mail host that is neither %s nor %s: %s", page.Amount(u.mailed, "user has", "users have"), hosts.Old, hosts.New, examples(u.stored, u.mailed))
	}
}
