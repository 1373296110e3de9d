package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
)

// claimBatch finds the users of the batch, and makes its folder this run's
// until release is called. A dry run holds nothing, and writes nothing.
func (c *conversion) claimBatch(ctx context.Context, job *cli.Job, f *runFlags) (st outdir.State, release func(), err error) {
	release = func() {}
	if c.dryRun {
		st, _, err = c.chooseBatch(ctx, job, f)
		return st, release, err
	}
	unlock, err := batches.Lock(ctx, c.whole)
	if err != nil {
		return st, release, err
	}
	defer unlock()
	defer func() {
		if err != nil {
			release()
		}
	}()
	// Another run may have made the folder anew since it was looked at.
	base, err := outdir.ReadState(c.whole)
	if err == nil {
		err = c.checkBehind(base)
	}
	if err != nil {
		return st, release, err
	}
	// What is there is read, and removed, once no other run can be at work on it.
	hold, err := outdir.Hold(c.out)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return st, release, err
	}
	if !fresh {
		release = hold
	}
	st, chosen, err := c.chooseBatch(ctx, job, f)
	if err != nil || !chosen {
		return st, release, err
	}
	if fresh {
		if err := os.MkdirAll(c.out, 0o777); err != nil {
			return st, release, err
		}
		if hold, err = outdir.Hold(c.out); err != nil {
			return st, release, err
		}
		release = hold
	}
	// The state comes first: a folder without it is nobody's.
	if err := st.Write(job, c.out); err != nil {
		return st, release, err
	}
	return st, release, batches.WriteUsers(job, filepath.Join(c.out, batches.UsersName), c.batch.users)
}

// chooseBatch finds the users of the batch: those that an earlier run has
// locked, or, with chosen, others, whom no run has written down yet.
func (c *conversion) chooseBatch(ctx context.Context, job *cli.Job, f *runFlags) (st outdir.State, chosen bool, err error) {
	want, err := c.batchState(job, &f.batch)
	if err != nil {
		return want, false, err
	}
	st, known, err := c.resumeBatch(want, f.force)
	if err != nil {
		return st, false, err
	}
	if c.batch.users = known; known == nil {
		if err := c.chooseUsers(ctx, job, &f.batch); err != nil {
			return st, false, err
		}
	}
	c.index()
	if !st.Finished {
		c.lookAtRoom(known == nil || c.batch.fresh)
		if !c.pre.Full {
			if err := c.pre.Err(job); err != nil {
				return st, false, err
			}
		}
	}
	return st, known == nil, nil
}

// batchState is what makes a second run of the batch the same.
func (c *conversion) batchState(job *cli.Job, f *batchFlags) (outdir.State, error) {
	st, err := c.state()
	if err != nil {
		return st, err
	}
	for name, value := range f.options() {
		st.Options[name] = value
	}
	delete(st.Options, "no-verify")
	st.Options["new-host"], st.Options["old-host"] = c.site.Hosts.New, c.site.Hosts.Old
	if f.users == "" {
		return st, nil
	}
	if c.batch.named, err = c.namedUsers(job, f.users); err != nil {
		return st, err
	}
	sum := sha256.New()
	for _, id := range c.batch.named.Sorted() {
		sum.Write([]byte(roster.Line(id)))
	}
	st.Options["users"] = hex.EncodeToString(sum.Sum(nil))
	return st, nil
}

// namedUsers reads the file of --users, in which no line may be wrong: a batch
// is not made of half a list. Of the default domain, uid@domain is uid.
func (c *conversion) namedUsers(job *cli.Job, path string) (batches.Set, error) {
	lost := job.Lost()
	names, err := flags.ReadUsers(job, path)
	if err != nil {
		return nil, err
	}
	if job.Lost() && !lost {
		return nil, fmt.Errorf("%s: not a list of users: nothing is done", path)
	}
	set := batches.Set{}
	for _, id := range names.Order {
		if err := roster.CheckID(id); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if to, ok := names.Map[id]; ok {
			return nil, cli.WithHint(fmt.Errorf("%s: gives user %s the new id %s", path, id, to), "a batch moves users under the ids that they have")
		}
		set.Add(c.bareID(id))
	}
	return set, nil
}

// resumeBatch looks how far an earlier run of the batch has come. users are nil
// when they are still to be chosen.
func (c *conversion) resumeBatch(want outdir.State, force bool) (st outdir.State, users []string, err error) {
	have, err := outdir.ReadState(c.out)
	if err != nil || have == nil {
		if have == nil && err == nil {
			err = c.checkUnclaimed()
		}
		return want, nil, err
	}
	if !maps.Equal(have.Options, want.Options) {
		return want, nil, cli.WithHint(fmt.Errorf("%s is another batch of that name: %s", c.out, otherBatch(have, &want)), "name this one otherwise; or, when no record of that one was applied, remove its folder")
	}
	if !slices.Contains(have.Done, lockStep) {
		st, err = c.replan(have, want, force)
		return st, nil, err
	}
	if err := batches.CheckList(c.whole, c.batch.name); err != nil {
		return want, nil, err
	}
	if users, err = batches.ReadUsers(filepath.Join(c.out, batches.UsersName)); err != nil {
		return want, nil, err
	}
	st, err = c.takeStream(have, want, force)
	return st, users, err
}

// otherBatch says in what two batches differ.
func otherBatch(have, want *outdir.State) string {
	if have.Options["users"] != "" && want.Options["users"] != "" && have.Options["users"] != want.Options["users"] {
		return "its file of users had other users"
	}
	return outdir.Difference(outdir.State{Scenario: want.Scenario, Options: have.Options}, outdir.State{Scenario: want.Scenario, Options: want.Options})
}

// checkUnclaimed refuses a folder with the name of the batch that is something
// else.
func (c *conversion) checkUnclaimed() error {
	if _, err := os.Stat(c.out); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := batches.CheckList(c.whole, c.batch.name); err != nil {
		return err
	}
	return outdir.LookAtNew(c.out)
}

// replan is for a batch whose users nobody can have locked yet: they are chosen
// anew, which gives the same ones unless the export is another.
func (c *conversion) replan(have *outdir.State, want outdir.State, force bool) (outdir.State, error) {
	if have.Same(want) && !force {
		return *have, nil
	}
	if c.dryRun {
		return want, nil
	}
	for _, name := range []string{batches.UsersName, batches.LockName, batches.SavedName, batches.EntriesName, batches.HoldName, outdir.StepsName} {
		if err := os.RemoveAll(filepath.Join(c.out, name)); err != nil {
			return want, err
		}
	}
	return want, nil
}

// takeStream is for a batch whose users may be locked: they and what is saved
// of them stay, whatever the export is now. What may come is the stream, and
// another one when all of the first is there: it adds what it has.
func (c *conversion) takeStream(have *outdir.State, want outdir.State, force bool) (outdir.State, error) {
	st := *have
	if len(want.Inputs) == 1 {
		if len(have.Inputs) == 2 && !have.Finished {
			return st, cli.WithHint(fmt.Errorf("%s was begun with a backup stream", c.out), "--stream names it")
		}
		return st, nil
	}
	st.Inputs = []inputs.Input{have.Inputs[0], want.Inputs[1]}
	c.batch.fresh = len(have.Inputs) == 1
	if c.batch.fresh || st.Same(*have) && !force {
		return st, nil
	}
	if !have.Finished && !force {
		return st, cli.WithHint(fmt.Errorf("%s was begun with another stream than %s", c.out, c.store().Path),
			"--force adds what this one has: messages that are there are passed over")
	}
	st.Done, st.Finished = []string{lockStep}, false
	return st, nil
}
