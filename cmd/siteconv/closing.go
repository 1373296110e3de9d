package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// closingDir is the folder of the closing pass in the output folder.
const closingDir = "closing"

// groupChanges is the file that the closing pass has beside those of a whole
// conversion, and outdir.LeftName.
const groupChanges = "ldif/groups.changes.ldif"

// The steps of the closing pass, beside those of a whole conversion.
const (
	groupsStep = "groups"
	leftStep   = "left"
)

// closing is the pass behind the last batch.
type closing struct {
	batches []*batches.Row
	stale   *batches.Row // made of this very export: it has the users as they were before; nil: none is
	found   *batches.Seen
	forced  []string // what --force has put up with
}

// left says that somebody is on the old host still.
func (cl *closing) left() bool {
	return len(cl.found.Left)+len(cl.found.Unlisted)+len(cl.forced) > 0
}

// runClosing does what comes after the last batch: lists go to the new host,
// and all entries are upgraded.
func (f *runFlags) runClosing(ctx context.Context, job *cli.Job) error {
	c, err := f.conversion(job)
	if err != nil {
		return err
	}
	if err := c.beginClosing(ctx, job, f); err != nil {
		return err
	}
	if f.preflight {
		c.closing.tellForced(job)
		return c.tellPreflight(job)
	}
	c.scenario.steps = []string{groupsStep, directoryStep, daaciStep, leftStep, checkStep}
	if c.dryRun {
		return c.try(ctx, job, nil)
	}
	want, err := c.state()
	if err != nil {
		return err
	}
	want.Options["closing"] = strings.Join(c.closing.names(), " ")
	if _, err := outdir.Look(c.out, want, f.force); err != nil {
		return cli.WithHint(err, "--force removes it and starts afresh")
	}
	return c.carryOut(ctx, job, want, f.force, c.concludeClosing)
}

// beginClosing reads the batches and the export, and refuses to close a
// migration that is under way.
func (c *conversion) beginClosing(ctx context.Context, job *cli.Job, f *runFlags) error {
	if err := c.behindRun(f); err != nil {
		return err
	}
	c.closing = &closing{}
	c.out = filepath.Join(c.whole, closingDir)
	err := c.lookAtInputs(ctx, job)
	if err != nil {
		return err
	}
	if c.closing.batches, err = batches.Read(c.whole); err != nil {
		return err
	}
	if len(c.closing.batches) == 0 {
		return cli.WithHint(fmt.Errorf("%s has no batch: there is nothing to close", c.whole), "--batch makes the first")
	}
	c.takeHosts()
	if err := c.checkHosts(c.closing.batches); err != nil {
		return err
	}
	if c.closing.found, err = batches.Look(ctx, job, inputs.Silent{}, c.whole, c.users(), c.site.Hosts); err != nil {
		return err
	}
	c.closing.judge(c.export())
	if err := c.closing.check(job, c.whole, c.export().Path, f.force); err != nil {
		return err
	}
	c.tellLocksDropped(job)
	return nil
}

// takeHosts takes the hosts from the batches where site.toml does not say them.
func (c *conversion) takeHosts() {
	options := c.closing.batches[0].Result.Options
	if c.site.Hosts.New == "" {
		c.site.Hosts.New = options["new-host"]
	}
	if c.site.Hosts.Old == "" {
		c.site.Hosts.Old = options["old-host"]
	}
}

// checkHosts refuses other hosts than those of the batches: who is left on the
// old host is told by its name, and by a wrong one nobody is.
func (c *conversion) checkHosts(rows []*batches.Row) error {
	for _, row := range rows {
		for _, host := range []struct{ option, name string }{{"old-host", c.site.Hosts.Old}, {"new-host", c.site.Hosts.New}} {
			was, known := row.Result.Options[host.option]
			if known && !strings.EqualFold(was, host.name) {
				return cli.WithHint(cli.Usagef("--%s %s: the batch %s was made with %s", host.option, host.name, row.Name, was), "hosts.old and hosts.new of site.toml, or --old-host and --new-host, are the same for all batches and the closing pass")
			}
		}
	}
	return nil
}

// names are the batches.
func (cl *closing) names() (names []string) {
	for _, row := range cl.batches {
		names = append(names, row.Name)
	}
	return names
}

// judge finds out how old the export is, and what it says of the batches.
func (cl *closing) judge(export *inputs.Input) {
	for _, row := range cl.batches {
		cl.found.Judge(row, export)
		if cl.stale == nil && row.Seen == nil && row.Lost == nil {
			cl.stale = row
		}
	}
}

// check refuses to close while batches are under way, unless it is forced to.
func (cl *closing) check(job *cli.Job, out, export string, force bool) error {
	problems := cl.underWay(export)
	hint := fmt.Sprintf("siteconv status %s --ldif %s tells of all; --force closes nevertheless", cli.Quote(out), cli.Quote(export))
	if cl.stale != nil && !force {
		if len(problems) == 0 {
			hint = "--ldif names an export made after the last unlock; --force closes with this one, by the records of the batches"
		}
		problems = append(problems, fmt.Sprintf("%s is the export that the batch %s was made of, and has its users as they were before the lock", export, cl.stale.Name))
	}
	switch {
	case len(problems) == 0:
	case force:
		cl.forced = problems
	default:
		return cli.WithHint(errors.New(strings.Join(problems, "\n")), hint)
	}
	if cl.stale != nil {
		job.Warning("stale-export", export, "the export is as old as a batch: what has been changed in the directory since then, the records would take back; better close with a new one (--ldif)")
	}
	return nil
}

// underWay says what of the migration is not at its end.
func (cl *closing) underWay(export string) (problems []string) {
	if open := batches.Unfinished(cl.batches); len(open) > 0 {
		problems = append(problems, "not finished: "+strings.Join(open, ", "))
	}
	for _, row := range cl.batches {
		if row.Finished() && row.Seen != nil && row.Seen.Locked+row.Seen.Neither > 0 {
			problems = append(problems, fmt.Sprintf("by %s, of the batch %s %s locked and %s neither locked nor on the new host", export, row.Name, page.Amount(row.Seen.Locked, "user is", "users are"), page.Amount(row.Seen.Neither, "is", "are")))
		}
	}
	if gone := cl.found.Gone.Sorted(); len(gone) > 0 {
		some := strings.Join(gone[:min(len(gone), mostExamples)], ", ") + batches.AndMore(max(len(gone)-mostExamples, 0))
		problems = append(problems, fmt.Sprintf("%s has no entry any more of %s: %s; were they deleted since then, or is it not the whole directory?", export, page.Amount(int64(len(gone)), "user", "users"), some))
	}
	if gone := cl.found.GoneLists; len(gone) > 0 {
		some := strings.Join(gone[:min(len(gone), mostExamples)], "; ") + batches.AndMore(max(len(gone)-mostExamples, 0))
		problems = append(problems, fmt.Sprintf("%s has no entry any more of %s, which %s has: %s; were they deleted since then, or is it not the whole directory?", export, page.Amount(int64(len(gone)), "mail list", "mail lists"), batches.UpgradedName, some))
	}
	return problems
}

// tellForced tells what stood in the way.
func (cl *closing) tellForced(job *cli.Job) {
	for _, problem := range cl.forced {
		job.Problem("unfinished-batches", "", problem)
	}
}

// tellLocksDropped warns of users whom the site had locked before their batch,
// and whom the upgrade opens: mailFolderMap says nothing to iMS.
func (c *conversion) tellLocksDropped(job *cli.Job) {
	ids := c.closing.found.LockedBefore()
	if len(ids) == 0 || c.set.upgrade.Rules.Lock == ldifconv.LockHold {
		return
	}
	job.Warning("lock-dropped", ids[0], "the user was locked before the batch"+batches.AndMore(len(ids)-1)+", and the upgrade drops that lock: with upgrade.lock = \"hold\" in site.toml it becomes mailUserStatus hold")
}

// moveGroups writes the records that take the lists of the old host to the new
// one; those of a third host stay.
func (c *conversion) moveGroups(ctx context.Context, job *cli.Job) error {
	hosts := &c.site.Hosts
	opt := ldifconv.Options{
		From: c.scenario.product, Kinds: ldifconv.Groups, AddOnly: true, Base: c.base, Jobs: c.jobs,
		Add: []ldifconv.Pair{{Attr: "mailHost", Value: hosts.New}}, TempDir: c.tempDir(),
	}
	if hosts.Old != "" {
		opt.Filter = fmt.Sprintf("(|(mailHost=%s)(!(mailHost=*)))", escapeFilter(hosts.Old))
	}
	rep, err := c.upgradeFile(ctx, job, groupChanges, opt)
	job.Count("lists moved", rep.Changed)
	return err
}

// escapeFilter takes the meaning from the characters of a value that filters
// know (RFC 4515).
func escapeFilter(value string) string {
	return strings.NewReplacer(`\`, `\5c`, "*", `\2a`, "(", `\28`, ")", `\29`, "\x00", `\00`).Replace(value)
}

// restores are the records that lead from the export to the directory as it is
// when the closing pass is applied.
func (c *conversion) restores(job *cli.Job) (inputs []ldifconv.Input, end func(), err error) {
	var opened []*cli.Input
	end = func() {
		for _, in := range opened {
			in.Close() // opened for reading
		}
	}
	for _, path := range c.restored() {
		any, err := hasRecords(path)
		if err == nil && !any {
			continue
		}
		var in *cli.Input
		if err == nil {
			in, err = job.Open(path)
		}
		if err != nil {
			end()
			return nil, nil, err
		}
		opened = append(opened, in)
		inputs = append(inputs, ldifconv.Input{Name: path, Reader: in})
	}
	return inputs, end, nil
}

// restored are the files that restores reads.
func (c *conversion) restored() (paths []string) {
	if groups := filepath.Join(c.out, groupChanges); !c.dryRun && !missing(groups) {
		paths = append(paths, groups)
	}
	if c.closing.stale == nil {
		return paths
	}
	for _, row := range c.closing.batches {
		if row.Finished() {
			paths = append(paths, filepath.Join(batches.Dir(c.whole, row.Name), batches.UnlockName))
		}
	}
	return paths
}

// listLeft writes the users who are in no batch, and tells of mail that is.
func (c *conversion) listLeft(_ context.Context, job *cli.Job) error {
	c.closing.tellForced(job)
	left, unlisted := c.closing.found.Left, c.closing.found.Unlisted
	job.Count("users of no batch", int64(len(left)+len(unlisted)))
	if len(left) > 0 {
		job.Problem("user-of-no-batch", left[0], fmt.Sprintf("the user is on the old mail host and in no batch%s: %s lists them", batches.AndMore(len(left)-1), outdir.LeftName))
	}
	for _, u := range unlisted {
		job.Problem("user-of-no-batch", directory.Position(c.export().Path, u.Line, []byte(u.DN)), "the user is on the old mail host and can be in no batch: "+u.Why)
	}
	if err := c.tellMailLeft(job); err != nil || c.dryRun {
		return err
	}
	return c.create(job, outdir.LeftName, func(w io.Writer) error { return batches.WriteLeft(w, left, unlisted, c.closing.forced) })
}

// tellMailLeft tells of mail in the stream whose user no batch has taken.
func (c *conversion) tellMailLeft(job *cli.Job) error {
	of, err := batches.Of(c.whole, "")
	if err != nil {
		return err
	}
	told, members := batches.Set{}, batches.Set{}
	for _, u := range c.closing.found.Unlisted {
		told.Add(u.ID)
	}
	for _, row := range c.closing.batches {
		for _, id := range row.IDs {
			members.Add(id)
		}
	}
	_, others := c.mailOf(members)
	for _, id := range others {
		job.Problem("mail-of-no-batch", id, fmt.Sprintf("the stream has mail of the user, who has no entry and is in no batch, beside %s, whose id differs in case only: storeconv restore, with the id as PATH, restores it", members.Get(c.userOf(id))))
	}
	for id := range c.mail.IDs.Unmarked() {
		user := c.userOf(id)
		if _, ok := of[strings.ToLower(user)]; ok || c.closing.found.Others.Has(user) || told.Has(user) {
			continue
		}
		how := "--batch with --users restores it"
		if roster.CheckID(id) != nil {
			how = "storeconv restore, with the id as PATH, restores it"
		}
		job.Problem("mail-of-no-batch", id, "the stream has mail of the user, who has no entry and is in no batch: "+how)
	}
	return nil
}

// concludeClosing writes the report.
func (c *conversion) concludeClosing(ctx context.Context, job *cli.Job, st outdir.State) error {
	job.Output("lists to the new host", groupChanges)
	for _, o := range []struct{ name, path string }{
		{"domain changes", domainChanges}, {"user and group changes", userChanges}, {"delegated administration", delegation}, {"undo of delegated administration", delegationUndo}, {"upgraded directory", upgraded}, {"undo of these changes", undo}, {"users of no batch", outdir.LeftName},
	} {
		job.Output(o.name, o.path)
	}
	for _, step := range c.afterClosing() {
		job.Next(step)
	}
	if err := c.finish(ctx, job, &st, true); err != nil {
		return err
	}
	if err := outdir.RemoveSteps(c.out); err != nil {
		return err
	}
	return c.summary(job, job.Snapshot())
}

// hasRecords says whether an LDIF file holds any record.
func hasRecords(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, err = ldif.NewReader(f, ldif.Options{}).Next()
	if err == io.EOF {
		return false, nil
	}
	return true, err
}
