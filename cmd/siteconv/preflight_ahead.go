package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/internal/page"
	"imsconv/ldifconv"
	"imsconv/storeconv/export"
)

// lookAhead finds what the steps of the run will tell: it upgrades and checks
// the directory without writing it, and compares the two sides.
func (c *conversion) lookAhead(ctx context.Context, job *cli.Job) error {
	if err := c.compareAhead(ctx, job); err != nil {
		return err
	}
	if err := c.upgradeAhead(ctx, job); err != nil {
		return err
	}
	for _, look := range []func(context.Context, *cli.Job) error{c.namesAhead, c.limitsAhead, c.delegationAhead} {
		if err := look(ctx, job); err != nil {
			return err
		}
	}
	before, after, err := c.checkBoth(ctx, job)
	if err != nil {
		return err
	}
	c.pre.Fact("check before", "%s", checkText(before))
	c.pre.Fact("check after", "%s", checkText(after))
	if after.Errors > 0 {
		c.pre.Find("check-errors", upgraded, "a check finds %s in the upgraded directory, and %s in the export", page.Amount(after.Errors, "error", "errors"), page.Int(before.Errors))
	}
	return nil
}

func checkText(k *ledger.Check) string {
	text := fmt.Sprintf("as %s: %s entries, %s errors, %s warnings", k.Product, page.Int(k.Entries), page.Int(k.Errors), page.Int(k.Warnings))
	for i, code := range k.Codes {
		if i == 0 {
			text += ":"
		}
		text += fmt.Sprintf(" %s %s", code.Name, page.Int(code.N))
	}
	return text
}

// compareAhead finds users that one side has alone.
func (c *conversion) compareAhead(ctx context.Context, job *cli.Job) error {
	if !c.hasMail() {
		return nil
	}
	counts, some := map[string]int64{}, map[string][]string{}
	err := c.compareUsers(ctx, job, func(kind, where, text string) {
		counts[kind]++
		if len(some[kind]) >= mostExamples {
			return
		}
		switch kind {
		case mailNoEntry, newNoEntry:
			text = where
		case newNoMail:
			text = strings.TrimPrefix(where, c.export().Path+":")
			text = "line " + text
		case entryNoMail: // the finding has the sentence
			text = strings.TrimSuffix(strings.TrimPrefix(text, "user "), " has an entry and no mail")
		}
		some[kind] = append(some[kind], text)
	})
	if err != nil {
		return err
	}
	for _, f := range []struct{ kind, code, where, one, many, text string }{
		{mailNoEntry, "mail-no-entry", c.store().Path, "user has", "users have", "mail and no entry in the directory"},
		{entryNoMail, "entry-no-mail", c.export().Path, "user has", "users have", "an entry and no mail"},
		{newNoEntry, "new-id-no-entry", c.store().Path, "user gets", "users get", "a new id that no entry of the directory has"},
		{newNoMail, "new-id-no-mail", c.export().Path, "entry gets", "entries get", "a new id, and the mail keeps the old one"},
		{caseDiffers, "case-differs", c.store().Path, "id differs", "ids differ", "from that of the other side in case only"},
	} {
		if n := counts[f.kind]; n > 0 {
			c.pre.Find(f.code, f.where, "%s %s: %s", page.Amount(n, f.one, f.many), f.text, examples(some[f.kind], n))
		}
	}
	return nil
}

// upgradeAhead upgrades the directory and keeps what it counts.
func (c *conversion) upgradeAhead(ctx context.Context, job *cli.Job) error {
	rep, err := c.upgradeTo(ctx, job, io.Discard, c.set.upgrade)
	if err != nil {
		return err
	}
	c.pre.Fact("upgrade", "%s of %s entries will change: users %s, groups %s, domains %s", page.Int(rep.Changed), page.Int(rep.Entries), page.Int(rep.Users), page.Int(rep.Groups), page.Int(rep.Domains))
	if len(rep.Warnings) > 0 {
		c.pre.Fact("upgrade warnings", "%s", kindsText(rep.Warnings))
	}
	damage, values, lost := map[string]int64{}, map[string]int64{}, int64(0)
	for kind, n := range rep.Problems {
		if ldifconv.LosesEntry(kind) {
			damage[kind], lost = n, lost+n
		} else {
			values[kind] = n
		}
	}
	if len(damage) > 0 {
		c.pre.Find("entries-lost", c.export().Path, "%s no entry of the upgraded directory: %s", page.Amount(lost, "record becomes", "records become"), kindsText(damage))
	}
	if len(values) > 0 {
		c.pre.Find("upgrade-problems", c.export().Path, "the upgrade meets what it does not understand: %s", kindsText(values))
	}
	return nil
}

// namesAhead finds what the selection and the new ids of users do to their
// mail: who is named and not there, and who would share an id or a place.
func (c *conversion) namesAhead(context.Context, *cli.Job) error {
	if !c.hasMail() {
		return nil
	}
	c.chosenAhead()
	newID, err := c.newID()
	if err != nil {
		return err
	}
	var places *export.Places
	name, _, _ := mailTable(c.site)
	if name == "export" {
		if places, err = export.NewPlaces(c.set.export); err != nil {
			return err
		}
	}
	first, chosen := map[string]string{}, c.mailUsers() // who has the id
	var n int64
	var some []string
	for old := range c.mail.IDs.All() {
		if chosen != nil && !chosen[old] {
			continue
		}
		id, text := newID(old), ""
		if other, taken := first[id]; taken {
			text = other + " and " + old
		} else if first[id] = old; places != nil {
			if err := places.Claim(old, id); err != nil {
				text = old + ": " + err.Error()
			}
		}
		if text == "" {
			continue
		}
		if n++; len(some) < mostExamples {
			some = append(some, text)
		}
	}
	if n > 0 {
		c.tellShared(name, n, examples(some, n))
	}
	return nil
}

// tellShared tells of users who get the id of another: what becomes of their
// mail differs by the conversion.
func (c *conversion) tellShared(table string, n int64, some string) {
	path := c.store().Path
	switch table {
	case "export":
		c.pre.Find("same-place", path, "%s no place of their own in the Maildirs, and the mail of all but the first is left out: %s", page.Amount(n, "user gets", "users get"), some)
	case "relocate":
		c.pre.Find("same-place", path, "%s the id of another in the new store, and who gets it by a new id is left out: %s", page.Amount(n, "user gets", "users get"), some)
		c.pre.Advise("map in [relocate] of site.toml gives one of them another id")
	default:
		c.pre.Find("same-user", path, "%s the id of another in the new store, and their mail is put together: %s", page.Amount(n, "user gets", "users get"), some)
	}
}

// chosenAhead tells how many users of the mail are selected, and who is not
// there.
func (c *conversion) chosenAhead() {
	chosen := c.mailUsers()
	if chosen == nil {
		return
	}
	var found, gone int64
	var some []string
	for _, id := range slices.Sorted(maps.Keys(chosen)) {
		if c.mail.IDs.Has(id) {
			found++
		} else if gone++; len(some) < mostExamples {
			some = append(some, id)
		}
	}
	name, _, _ := mailTable(c.site)
	c.pre.Fact("selected", "%s of %s, by users in [%s] of site.toml", page.Int(found), page.Amount(c.mail.IDs.Len(), "user of the mail", "users of the mail"), name)
	if gone > 0 {
		c.pre.Find("user-missing", c.store().Path, "%s by users in [%s] of site.toml and not there: %s", page.Amount(gone, "user is named", "users are named"), name, examples(some, gone))
	}
}

// limitsAhead finds limits that are none of the store's space.
func (c *conversion) limitsAhead(ctx context.Context, job *cli.Job) error {
	if !slices.Contains(c.stepNames(), c.mailName()) || !c.setsLimits() {
		return nil
	}
	look, err := c.lookUpLimits(ctx, job)
	if err != nil {
		return err
	}
	var n int64
	var some []string
	err = c.smallLimits(look, func(id string, _ int64) {
		if n++; len(some) < mostExamples {
			some = append(some, id)
		}
	})
	if n > 0 {
		c.pre.Find("quota-zero", c.export().Path, "%s a mailQuota of less than 1 KB, which becomes no space at all: %s", page.Amount(n, "user has", "users have"), examples(some, n))
	}
	return err
}

// delegationAhead finds what the records of delegated administration leave out,
// and what is to be looked at before they are applied.
func (c *conversion) delegationAhead(ctx context.Context, job *cli.Job) error {
	if !slices.Contains(c.stepNames(), daaciStep) {
		return nil
	}
	var some []string
	var n int64
	_, notes, err := c.planDelegation(ctx, job, func(_, where, _ string) {
		if n++; len(some) < mostExamples {
			some = append(some, strings.TrimPrefix(where, c.export().Path+":"))
		}
	})
	if n > 0 {
		c.pre.Find("domain-base", c.export().Path, "%s users lie where inetDomainBaseDN does not say, and get no delegated administration: line %s", page.Amount(n, "domain's", "domains'"), examples(some, n))
	}
	if many := int64(len(notes)); many > 0 {
		c.pre.Find("daaci", c.export().Path, "delegated administration needs a look: %s", examples(notes[:min(many, mostExamples)], many))
	}
	return err
}

// kindsText are counts by kind in one line.
func kindsText(counts map[string]int64) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, counts[kind]))
	}
	return strings.Join(parts, ", ")
}
