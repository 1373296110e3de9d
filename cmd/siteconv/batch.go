package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
)

// batchFlags are the flags of run that make it that of a batch, or the closing
// pass.
type batchFlags struct {
	name, filter, users string
	split, part         int
	by                  flags.Choice
	sizes               string
	closing             bool
}

func (f *batchFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "batch", "", "move a batch of users, and call it `NAME`")
	fs.StringVarP(&f.filter, "filter", "F", "", "of a batch: the users that match the LDAP `FILTER` and are in no other")
	fs.StringVar(&f.users, "users", "", "of a batch: the users of `FILE`, store ids one a line")
	cli.Reads(fs, "users")
	fs.IntVar(&f.split, "split", 0, "of a batch: one of `N` even parts of the users that are in no other")
	fs.IntVar(&f.part, "part", 0, "which part of --split, `K` from 1 to N")
	f.by.Add(fs, "by", "", "make the parts even by `WHAT`: sizes, quota or count, as ldifconv users does", "", roster.Measures()...)
	fs.StringVar(&f.sizes, "sizes", "", "the bytes of each user for --by sizes are in `FILE`, as storeconv list prints them")
	cli.Reads(fs, "sizes")
	fs.BoolVar(&f.closing, "closing", false, "what comes after the last batch: groups, and the upgrade of all entries")
}

// given says whether the run is one of a batch.
func (f *batchFlags) given() bool { return f.name != "" }

// check refuses flags that say too much or too little.
func (f *batchFlags) check() error {
	ways := 0
	for _, given := range []bool{f.filter != "", f.users != "", f.split != 0 || f.part != 0} {
		if given {
			ways++
		}
	}
	switch by := roster.By(f.by.Value); {
	case f.closing && (f.given() || ways > 0):
		return cli.Usagef("--closing is what comes after all batches: it takes none of their flags")
	case !f.given() && (ways > 0 || f.by.Value != "" || f.sizes != ""):
		return cli.Usagef("--filter, --users, --split, --part, --by and --sizes are of a batch: --batch names it")
	case !f.given():
		return nil
	case ways != 1:
		return cli.Usagef("which users are the batch %s? one of --filter, --users, and --split with --part", f.name)
	case f.users == "-":
		return cli.Usagef("--users -: the list of a batch is a file, which the same command finds again")
	case (f.split != 0 || f.part != 0) && (f.split < 1 || f.split > roster.MostLists):
		return cli.Usagef("--split %d: 1 to %d", f.split, roster.MostLists)
	case f.split != 0 && (f.part < 1 || f.part > f.split):
		return cli.Usagef("--split %d wants --part K, which of them this batch is: 1 to %d, not %d", f.split, f.split, f.part)
	case (by != roster.Auto || f.sizes != "") && f.split == 0:
		return cli.Usagef("--by and --sizes need --split")
	case by == roster.Sizes && f.sizes == "":
		return cli.Usagef("--by sizes needs --sizes")
	}
	if by := roster.By(f.by.Value); by == roster.Auto && f.sizes != "" {
		f.by.Value = string(roster.Sizes)
	}
	if _, err := roster.NewList(roster.Selection{Filter: f.filter}, inputs.Silent{}); err != nil {
		return cli.Usagef("--filter %s: %w", f.filter, err)
	}
	return batches.CheckName(f.name)
}

// checkBatch refuses what does not go with batches: steps done out of order,
// and a fresh start below batches whose mail is in the store.
func (f *runFlags) checkBatch() error {
	if err := f.batch.check(); err != nil {
		return err
	}
	partial := f.batch.given() || f.batch.closing
	switch {
	case partial && f.only != "":
		return cli.Usagef("--only is of a whole conversion: a batch does its steps in order")
	case partial || !f.force || f.out == "":
		return nil
	}
	return checkNoBatches(f.out)
}

// checkNoBatches refuses to start afresh in a folder that has batches.
func checkNoBatches(out string) error {
	names, err := batches.Names(out)
	if err == nil && len(names) > 0 {
		err = cli.WithHint(fmt.Errorf("%s holds %s: --force would remove their mail", out, page.Amount(len(names), "batch", "batches")), "name another folder with --out, or remove this one by hand")
	}
	return err
}

// options are what makes a second run of the batch the same.
func (f *batchFlags) options() map[string]string {
	options := map[string]string{"batch": f.name, "filter": f.filter}
	if f.split > 0 {
		options["part"] = fmt.Sprintf("%d/%d", f.part, f.split)
	}
	return options
}

// choice is which users the batch is of.
func (f *batchFlags) choice() batches.Choice {
	return batches.Choice{Filter: f.filter, Users: f.users, Split: f.split, Part: f.part, By: roster.By(f.by.Value), Sizes: f.sizes}
}

// batch is a group of users that goes over together.
type batch struct {
	name  string
	named batches.Set     // by a file of users; nil: chosen otherwise
	users []string        // store ids, in the order of the export
	set   batches.Set     // the same
	mail  map[string]bool // those of them that the stream has, as it writes them; nil without a stream
	fresh bool            // nothing of their mail is there yet
	dry   []byte          // their entries, in a dry run that locks them

	unlocked []string // who is named, and left out because no record locks them

	locked bool // an earlier run has: the folder has their entries
}

// The steps of a batch, beside those that it shares with a whole conversion.
const (
	lockStep    = batches.LockStep
	membersStep = "members"
	unlockStep  = "unlock"
)

// batchSteps are the steps of a batch in their order. Without a stream it stops
// when the users can be locked: their mail is backed up after that.
func (c *conversion) batchSteps() []string {
	switch {
	case !c.hasMail():
		return []string{lockStep}
	case c.heldBack():
		return []string{lockStep, membersStep}
	case len(c.batch.mail) == 0:
		return []string{lockStep, membersStep, unlockStep}
	}
	return []string{lockStep, mailStep, membersStep, verificationStep, unlockStep}
}

// heldBack says whether the users stay locked where they are: the stream has
// mail of none of them, and is damaged, so that it may have had it. An earlier
// stream of the batch, if there was one, has moved them already.
func (c *conversion) heldBack() bool {
	return c.hasMail() && c.isOfNobody() && !c.mail.Whole() && missing(filepath.Join(c.out, batches.UnlockName))
}

// runBatch moves one batch of users.
func (f *runFlags) runBatch(ctx context.Context, job *cli.Job) error {
	c, err := f.conversion(job)
	if err != nil {
		return err
	}
	if err := c.beginBatch(f); err != nil {
		return err
	}
	if err := c.lookAtInputs(ctx, job); err != nil {
		return err
	}
	if f.preflight && c.pre.Stops() > 0 {
		return c.tellPreflight(job)
	}
	st, release, err := c.claimBatch(ctx, job, f)
	if err != nil {
		return err
	}
	defer release()
	if f.preflight {
		c.judgeBatch()
		return c.tellPreflight(job)
	}
	c.batch.locked = slices.Contains(st.Done, lockStep)
	if !st.Finished {
		if err := c.leaveUnlocked(ctx, job); err != nil {
			return err
		}
	}
	c.scenario.steps = c.batchSteps()
	switch {
	case st.Finished:
		if c.dryRun {
			job.DryRun()
		}
		return c.recall(job)
	case c.dryRun:
		return c.try(ctx, job, st.Done)
	}
	if err := c.convert(ctx, job, &st); err != nil {
		return err
	}
	return c.concludeBatch(ctx, job, st)
}

// judgeBatch tells the preflight of the users of the batch.
func (c *conversion) judgeBatch() {
	b := c.batch
	c.pre.Fact("batch", "%s, of whom %s mail", page.Amount(len(b.users), "user", "users"), page.Amount(len(b.mail), "has", "have"))
	if c.hasMail() && len(b.mail) == 0 {
		c.pre.Find("foreign-stream", c.store().Path, "the stream has mail of nobody of the batch")
	}
}

// beginBatch checks that a batch can be made of the command line: by the
// scenario, behind what run does without --batch, in the form of its store.
func (c *conversion) beginBatch(f *runFlags) error {
	if err := c.behindRun(f); err != nil {
		return err
	}
	if c.site.Hosts.New == "" {
		return cli.WithHint(cli.Usagef("a batch moves users to a host: which one?"), `new = "newmail.siroe.com" below [hosts] in site.toml, or --new-host, says it`)
	}
	rows, err := batches.Read(c.whole)
	if err != nil {
		return err
	}
	if err := c.checkHosts(slices.DeleteFunc(rows, func(row *batches.Row) bool { return row.Name == f.batch.name })); err != nil {
		return err
	}
	c.batch = &batch{name: f.batch.name}
	c.out = batches.Dir(c.out, f.batch.name)
	c.account.Run.Batch = f.batch.name
	return nil
}

// behindRun checks that the conversion without batches is done in the output
// folder, and takes the default domain from it: a store has one.
func (c *conversion) behindRun(f *runFlags) error {
	c.pre.Full = f.preflight
	if !c.scenario.batches {
		return cli.Usagef("--batch and --closing are of the scenario sims-incremental, not of %s", c.scenario.name)
	}
	if c.out == "" {
		return cli.Usagef("--out is needed: the folder that the run without --batch or --closing has written")
	}
	c.whole = c.out
	base, err := outdir.ReadState(c.whole)
	if err != nil {
		return err
	}
	if base != nil {
		c.defaultDomain = cmp.Or(c.defaultDomain, base.Options["default-domain"])
	}
	return c.checkBehind(base)
}

// checkBehind checks what the run without batches has left in the output
// folder.
func (c *conversion) checkBehind(base *outdir.State) error {
	switch {
	case base == nil || base.Scenario != c.scenario.name:
		return cli.WithHint(fmt.Errorf("%s is not of the scenario %s: the schema and the domains come before users", c.whole, c.scenario.name), "the same command without --batch or --closing makes it")
	case !base.Finished:
		return cli.WithHint(fmt.Errorf("%s: what comes before the users is not finished", c.whole), "the same command without --batch or --closing goes on with it")
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	// For each batch to say, and for the closing pass, which upgrades users.
	for _, own := range []string{"base", "no-verify", "upgrade.lock"} {
		delete(options, own)
		if value, ok := base.Options[own]; ok {
			options[own] = value
		}
	}
	have, want := outdir.State{Scenario: base.Scenario, Options: base.Options}, outdir.State{Scenario: c.scenario.name, Options: options}
	if !have.Same(want) {
		return cli.WithHint(fmt.Errorf("%s was begun in another way: %s", c.whole, outdir.Difference(have, want)), "the batches of one folder are all made with the same options; others need a folder of their own (--out)")
	}
	return nil
}

// lookAtInputs reads the inputs once, and tells what stands in the way.
func (c *conversion) lookAtInputs(ctx context.Context, job *cli.Job) error {
	for _, look := range []func(context.Context, *cli.Job) error{c.lookAtMail, c.lookAtExport, c.lookAtChoices} {
		if err := look(ctx, job); err != nil {
			return err
		}
	}
	c.lookAtMailPlace()
	if c.pre.Full {
		return nil
	}
	if err := c.pre.Err(job); err != nil {
		return err
	}
	c.pre.Warn(job)
	return nil
}

// chooseUsers picks the users.
func (c *conversion) chooseUsers(ctx context.Context, job *cli.Job, f *batchFlags) error {
	if err := batches.CheckLists(c.whole, f.name); err != nil {
		return err
	}
	others, err := batches.Of(c.whole, f.name)
	if err != nil {
		return err
	}
	ch := &batches.Chooser{
		Choice: f.choice(), Job: job, Name: f.name, Out: c.whole, Export: c.users(), Hosts: c.site.Hosts,
		Others: others, Names: c.batch.named, DryRun: c.dryRun,
	}
	c.batch.users, err = ch.Choose(ctx)
	return err
}

// index finds the users by their ids, and those whose mail the stream has, and
// limits the conversions to them.
func (c *conversion) index() {
	b := c.batch
	b.set = batches.Set{}
	for _, id := range b.users {
		b.set.Add(id)
	}
	c.lookAtNewIDs()
	if !c.hasMail() {
		return
	}
	b.mail, _ = c.mailOf(b.set)
	c.set.restore.Users, c.set.export.Users = b.mail, b.mail
}

// share is which part of the messages is of the users of the batch; of no
// batch, all.
func (b *batch) share(m *inputs.Mail) float64 {
	if b == nil {
		return 1
	}
	var n int64
	for id := range b.mail {
		n += m.PerUser[id]
	}
	return float64(n) / float64(max(m.Messages, 1))
}
