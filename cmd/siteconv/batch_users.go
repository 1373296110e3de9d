package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/ldifconv"
)

// userSet is a set of store ids. Ids that differ in case only are one user.
type userSet map[string]string // the id by its lower-case form

func (s userSet) add(id string) { s[strings.ToLower(id)] = id }

func (s userSet) has(id string) bool {
	_, ok := s[strings.ToLower(id)]
	return ok
}

// get is the id as it was added.
func (s userSet) get(id string) string { return s[strings.ToLower(id)] }

// sorted are the ids in byte order.
func (s userSet) sorted() []string { return slices.Sorted(maps.Values(s)) }

// host says where a mail user of the export lives.
type host int

const (
	oldHost   host = iota // on the host that is left, or on none that is named
	newHost               // moved already
	thirdHost             // on a host that has no part in this
)

// hostOf is where a user lives by its entry; without a name of the old host
// every host but the new one is taken for it.
func (c *conversion) hostOf(m *roster.Member) host { return c.hostNamed(mailHost(m)) }

// hostNamed says which host a mailHost names; "" is an entry without one.
func (c *conversion) hostNamed(name string) host {
	switch hosts := &c.site.Hosts; {
	case name == "":
		return oldHost
	case sameHost(name, hosts.New) && !sameHost(name, hosts.Old):
		return newHost
	case hosts.Old != "" && !sameHost(name, hosts.Old):
		return thirdHost
	}
	return oldHost
}

// mailHost is the host that the entry names, "" for none.
func mailHost(m *roster.Member) string { return firstHost(m.Record.Get("mailhost")) }

func firstHost(values [][]byte) string {
	if len(values) == 0 {
		return ""
	}
	return strings.TrimSpace(string(values[0]))
}

// sameHost compares names of hosts.
func sameHost(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

// eachUser reads the mail users of the export, those at and below the bases of
// the site that match the filter.
func (c *conversion) eachUser(ctx context.Context, job *cli.Job, log teller, filter string, use func(m *roster.Member) error) (roster.Counts, error) {
	list, err := roster.NewList(roster.Selection{Base: c.site.Directory.Base, Filter: filter, Domain: c.defaultDomain}, log)
	if err != nil {
		return roster.Counts{}, err
	}
	defer list.Close()
	in, err := c.openExport(job)
	if err != nil {
		return roster.Counts{}, err
	}
	defer in.Close()
	input := ldifconv.Input{Name: in.Name, Reader: in}
	err = list.Read(ctx, &input, job.Meter("entries", 0, 0), use)
	return list.Counts, err
}

func (c *conversion) openExport(job *cli.Job) (*cli.Input, error) {
	if export := c.export(); export.Stdin != nil {
		return flags.CheckExport(export.Stdin.Open())
	}
	return flags.OpenExport(job, c.export().Path)
}

// teller is where a reading of the export tells what it finds.
type teller interface {
	Problem(kind, where, text string)
	Warning(kind, where, text string)
}

// silent is for a reading of what another one has told.
type silent struct{}

func (silent) Problem(kind, where, text string) {}
func (silent) Warning(kind, where, text string) {}

// chooser picks the users of a batch from an export.
type chooser struct {
	c      *conversion
	job    *cli.Job
	flags  *batchFlags
	others map[string]string // the batches of users, by lower-case id
	names  userSet           // who is named; nil: who matches the filter

	users     []string // store ids, in the order of the export
	taken     userSet  // by other batches
	moved     userSet
	elsewhere userSet
}

// choose returns the store ids of a batch, in the order of the export; those
// that are named and have no entry come last.
func (ch *chooser) choose(ctx context.Context) ([]string, error) {
	ch.reset()
	rest := maps.Clone(ch.names)
	counts, err := ch.c.eachUser(ctx, ch.job, ch.job, ch.flags.filter, func(m *roster.Member) error {
		if ch.names != nil && !ch.names.has(m.ID) {
			return nil
		}
		delete(rest, strings.ToLower(m.ID))
		if ch.consider(m) {
			ch.users = append(ch.users, m.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, id := range rest.sorted() {
		if _, ok := ch.others[strings.ToLower(id)]; ok {
			ch.taken.add(id)
			continue
		}
		ch.users = append(ch.users, id)
		ch.job.Warning("mail-without-entry", id, "the user is named and has no entry in the export: there is nothing to lock")
	}
	if err := ch.tell(); err != nil {
		return nil, err
	}
	if len(ch.users) == 0 {
		return nil, ch.nobody(&counts)
	}
	return ch.users, nil
}

// reset forgets who was left out of an earlier reading.
func (ch *chooser) reset() { ch.taken, ch.moved, ch.elsewhere = userSet{}, userSet{}, userSet{} }

// consider says whether a user can be in a batch, and notes why not.
func (ch *chooser) consider(m *roster.Member) bool {
	_, taken := ch.others[strings.ToLower(m.ID)]
	at := ch.c.hostOf(m)
	switch {
	case taken:
		ch.taken.add(m.ID)
	case at == newHost:
		ch.moved.add(m.ID)
	case at == thirdHost:
		ch.elsewhere.add(m.ID)
	default:
		return true
	}
	return false
}

// tell says who is left out, and refuses a file of users that names one of
// another batch: whoever wrote it means something else.
func (ch *chooser) tell() error {
	if len(ch.taken) > 0 && ch.flags.users != "" {
		id := ch.taken.sorted()[0]
		return cli.WithHint(fmt.Errorf("%s: user %s is in the batch %s already%s: no user goes over twice", ch.flags.users, id, ch.others[strings.ToLower(id)], andMore(len(ch.taken)-1)),
			"take the user out of the file")
	}
	ch.tellLeft()
	return nil
}

// tellLeft says how many are left out, and names one of them.
func (ch *chooser) tellLeft() {
	if n := len(ch.taken); n > 0 {
		id := ch.taken.sorted()[0]
		ch.job.Note(fmt.Sprintf("%s in other batches already, left out: %s of %s%s", page.Counted(n, "user is", "users are"), id, ch.others[strings.ToLower(id)], andMore(n-1)))
	}
	for _, left := range []struct {
		set         userSet
		kind, where string
	}{
		{ch.moved, "moved-already", "on the new mail host " + ch.c.site.Hosts.New + " already"},
		{ch.elsewhere, "on-another-host", "neither on " + ch.c.site.Hosts.Old + " nor on " + ch.c.site.Hosts.New},
	} {
		if n := len(left.set); n > 0 {
			ch.job.Warning(left.kind, left.set.sorted()[0], fmt.Sprintf("left out: the user is %s%s", left.where, andMore(n-1)))
		}
	}
}

// andMore says that a name stands for more.
func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// nobody is the error of a batch without users.
func (ch *chooser) nobody(n *roster.Counts) error {
	left := len(ch.taken) + len(ch.moved) + len(ch.elsewhere)
	path := ch.c.export().Path
	switch {
	case left > 0:
		return fmt.Errorf("nobody is left for the batch: %d are in other batches, %d on the new mail host, %d on a third one", len(ch.taken), len(ch.moved), len(ch.elsewhere))
	case n.Users == 0:
		return fmt.Errorf("%s: no entry has the class of a mail user", path)
	case ch.names != nil:
		return fmt.Errorf("no user is named")
	case n.Chosen > 0:
		return fmt.Errorf("%s: --filter %s matches %s, none of whom can have mail in a store", path, ch.flags.filter, page.Counted(n.Chosen, "user", "users"))
	}
	return cli.WithHint(fmt.Errorf("%s: --filter %s matches none of %d mail users", path, ch.flags.filter, n.Users),
		"ldifconv users -F lists who matches a filter")
}
