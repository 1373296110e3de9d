package batches

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/inputs"
)

// Choice says which users a batch is of: those who match a filter, those of a
// list, or those of one part of a split.
type Choice struct {
	Filter string
	Users  string // the file of the list, for messages

	Split, Part int // 0: no split
	By          roster.By
	Sizes       string // a file with the bytes of each user, as storeconv list prints them
}

// Chooser picks the users of a batch from an export.
type Chooser struct {
	Choice
	Job    *cli.Job
	Name   string // of the batch
	Out    string // the output folder of the site
	Export inputs.Export
	Hosts  site.Hosts
	Others map[string]string // the batches of users, by lower-case id
	Names  Set               // who is named; nil: who matches the filter
	DryRun bool

	users     []string // store ids, in the order of the export
	taken     Set      // by other batches
	moved     Set
	elsewhere Set
}

// Choose returns the store ids of a batch, in the order of the export; those
// that are named and have no entry come last.
func (ch *Chooser) Choose(ctx context.Context) ([]string, error) {
	var log inputs.Teller = ch.Job
	if ch.Split > 0 {
		made, err := ch.splitPart(ctx)
		if err != nil {
			return nil, err
		}
		if made { // and has told of all users
			log = inputs.Silent{}
		}
	}
	if ch.Names != nil {
		log = ofNames{log}
	}
	ch.reset()
	rest := maps.Clone(ch.Names)
	counts, err := ch.Export.EachUser(ctx, ch.Job, log, ch.Filter, func(m *roster.Member) error {
		if ch.Names != nil && !ch.Names.Has(m.ID) {
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
	for _, id := range rest.Sorted() {
		if _, ok := ch.Others[strings.ToLower(id)]; ok {
			ch.taken.Add(id)
			continue
		}
		ch.users = append(ch.users, id)
		ch.Job.Warning("mail-without-entry", id, "the user is named and has no entry in the export: there is nothing to lock")
	}
	if err := ch.tell(); err != nil {
		return nil, err
	}
	if len(ch.users) == 0 {
		return nil, ch.nobody(&counts)
	}
	return ch.users, nil
}

// ofNames does not tell of users whom no list of names can have: they are in no
// batch, and each batch would tell of them again.
type ofNames struct{ inputs.Teller }

// Problem implements inputs.Teller.
func (l ofNames) Problem(kind, where, text string) {
	if kind != "bad-id" && kind != "no-uid" {
		l.Teller.Problem(kind, where, text)
	}
}

// reset forgets who was left out of an earlier reading.
func (ch *Chooser) reset() { ch.taken, ch.moved, ch.elsewhere = Set{}, Set{}, Set{} }

// consider says whether a user can be in a batch, and notes why not.
func (ch *Chooser) consider(m *roster.Member) bool {
	_, taken := ch.Others[strings.ToLower(m.ID)]
	at := ch.Hosts.Side(site.MailHost(m.Record.Get("mailhost")))
	switch {
	case taken:
		ch.taken.Add(m.ID)
	case at == site.NewSide:
		ch.moved.Add(m.ID)
	case at == site.ThirdSide:
		ch.elsewhere.Add(m.ID)
	default:
		return true
	}
	return false
}

// tell says who is left out, and refuses a file of users that names one of
// another batch: whoever wrote it means something else.
func (ch *Chooser) tell() error {
	if len(ch.taken) > 0 && ch.Users != "" {
		id := ch.taken.Sorted()[0]
		return cli.WithHint(fmt.Errorf("%s: user %s is in the batch %s already%s: no user goes over twice", ch.Users, id, ch.Others[strings.ToLower(id)], AndMore(len(ch.taken)-1)),
			"take the user out of the file")
	}
	ch.tellLeft()
	return nil
}

// tellLeft says how many are left out, and names one of them.
func (ch *Chooser) tellLeft() {
	if n := len(ch.taken); n > 0 {
		id := ch.taken.Sorted()[0]
		ch.Job.Note(fmt.Sprintf("%s in other batches already, left out: %s of %s%s", page.Amount(n, "user is", "users are"), id, ch.Others[strings.ToLower(id)], AndMore(n-1)))
	}
	for _, left := range []struct {
		set         Set
		kind, where string
	}{
		{ch.moved, "moved-already", "on the new mail host " + ch.Hosts.New + " already"},
		{ch.elsewhere, "on-another-host", "neither on " + ch.Hosts.Old + " nor on " + ch.Hosts.New},
	} {
		if n := len(left.set); n > 0 {
			ch.Job.Warning(left.kind, left.set.Sorted()[0], fmt.Sprintf("left out: the user is %s%s", left.where, AndMore(n-1)))
		}
	}
}

// AndMore says that a name stands for more.
func AndMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// nobody is the error of a batch without users.
func (ch *Chooser) nobody(n *roster.Counts) error {
	left := len(ch.taken) + len(ch.moved) + len(ch.elsewhere)
	path := ch.Export.Path
	switch {
	case left > 0:
		return fmt.Errorf("nobody is left for the batch: %d are in other batches, %d on the new mail host, %d on a third one", len(ch.taken), len(ch.moved), len(ch.elsewhere))
	case n.Users == 0:
		return fmt.Errorf("%s: no entry has the class of a mail user", path)
	case ch.Names != nil:
		return fmt.Errorf("no user is named")
	case n.Chosen > 0 && ch.Filter == "":
		return fmt.Errorf("%s: %s, none of whom can have mail in a store", path, page.Amount(n.Chosen, "user", "users"))
	case n.Chosen > 0:
		return fmt.Errorf("%s: --filter %s matches %s, none of whom can have mail in a store", path, ch.Filter, page.Amount(n.Chosen, "user", "users"))
	}
	return cli.WithHint(fmt.Errorf("%s: --filter %s matches none of %d mail users", path, ch.Filter, n.Users),
		"ldifconv users -F lists who matches a filter")
}
