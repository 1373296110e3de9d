package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/siteconv/internal/outdir"
)

// The names of the steps. mailStep stands for one of the two behind it, by the
// destination.
const (
	schemaStep       = "schema"
	directoryStep    = "directory"
	daaciStep        = "daaci"
	mailStep         = "mail-or-store"
	storeStep        = "store"
	maildirStep      = "mail"
	comparisonStep   = "comparison"
	checkStep        = "check"
	verificationStep = "verification"
)

// step is one part of a conversion, done whole before the next.
type step struct {
	name  string
	needs []string // steps whose output it reads
	do    func(ctx context.Context, job *cli.Job) error
	tidy  func(ctx context.Context, job *cli.Job) error // for a step that an interrupted run has done; may be nil
}

// table has every step that there is.
func (c *conversion) table() []step {
	return []step{
		{name: schemaStep, do: c.writeSchema},
		{name: directoryStep, do: c.upgradeDirectory},
		{name: daaciStep, do: c.writeDelegation, needs: []string{directoryStep}},
		{name: storeStep, do: c.convertStore, needs: []string{directoryStep}, tidy: c.tidyStore},
		{name: maildirStep, do: c.exportMail, needs: c.maildirNeeds()},
		{name: comparisonStep, do: c.compare},
		{name: checkStep, do: c.checkDirectory, needs: []string{directoryStep}},
		{name: verificationStep, do: c.verify, needs: []string{c.mailName()}},

		{name: lockStep, do: c.lockUsers},
		{name: membersStep, do: c.compareMembers},
		{name: unlockStep, do: c.unlockUsers, needs: []string{lockStep}},

		{name: groupsStep, do: c.moveGroups},
		{name: leftStep, do: c.listLeft},
	}
}

// maildirNeeds: the limits of users of NMS are those of the upgraded directory.
func (c *conversion) maildirNeeds() []string {
	if c.scenario.nms() {
		return []string{directoryStep}
	}
	return nil
}

// mailName is the step that makes the mail.
func (c *conversion) mailName() string {
	if c.site.Destination == site.Maildir {
		return maildirStep
	}
	return storeStep
}

// stepNames are the steps of this conversion in their order.
func (c *conversion) stepNames() []string {
	var names []string
	for _, name := range c.scenario.steps {
		switch {
		case name == mailStep:
			names = append(names, c.mailName())
		case name != verificationStep || !c.noVerify:
			names = append(names, name)
		}
	}
	return names
}

// steps are the parts of this conversion in their order.
func (c *conversion) steps() []step {
	table := c.table()
	var list []step
	for _, name := range c.stepNames() {
		i := slices.IndexFunc(table, func(s step) bool { return s.name == name })
		list = append(list, table[i])
	}
	return list
}

// allSteps are the steps of all scenarios.
func allSteps() (names []string) {
	for _, sc := range scenarios {
		for _, destination := range []string{site.IMS, site.Maildir} {
			c := conversion{scenario: sc, site: &site.Site{Destination: destination}}
			for _, name := range c.stepNames() {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
		}
	}
	return names
}

// checkOnly refuses a step that the conversion does not have.
func (c *conversion) checkOnly() error {
	names := c.stepNames()
	if c.only == "" || slices.Contains(names, c.only) {
		return nil
	}
	if near := cli.Nearest(c.only, names); near != "" {
		return cli.Usagef("--only %q: is it %s?", c.only, near)
	}
	return cli.Usagef("--only %q is no step here: %s", c.only, strings.Join(names, ", "))
}

// convert does the steps that are not done, and keeps what each has told, so
// that a run that goes on after an interruption ends with the same report.
func (c *conversion) convert(ctx context.Context, job *cli.Job, st *outdir.State) error {
	if err := c.prepare(job, st); err != nil {
		return err
	}
	if err := c.tellFound(job, st); err != nil {
		return err
	}
	steps := c.steps()
	for i, s := range steps {
		if err := c.step(ctx, job, st, s, i+2, len(steps)+1); err != nil { // the look was the first
			return err
		}
	}
	return os.RemoveAll(c.tempDir())
}

// tellFound tells what the preflight has found, unless a run before has; of a
// batch and the closing pass it is told by now. The lines of that are kept, and
// of what was told before the folder was this run's.
func (c *conversion) tellFound(job *cli.Job, st *outdir.State) error {
	if len(st.Done) > 0 {
		return nil
	}
	commit, err := outdir.LogLines(job, c.out, outdir.PreflightPart)
	if err != nil {
		return err
	}
	job.LogAgain(job.Snapshot())
	if c.whole == "" {
		c.pre.Warn(job)
	}
	return commit()
}

// prepare makes the folder ready: a run that was killed may have left pieces.
func (c *conversion) prepare(job *cli.Job, st *outdir.State) error {
	if err := outdir.Sweep(c.out); err != nil {
		return err
	}
	// The state comes first: a folder without it is nobody's.
	if err := st.Write(job, c.out); err != nil {
		return err
	}
	for _, dir := range c.folders() {
		if err := os.MkdirAll(filepath.Join(c.out, dir), 0o777); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(c.tempDir(), 0o777); err != nil {
		return err
	}
	return c.account.Recall(job, c.out, st.Done)
}

// folders are those that the steps write into.
func (c *conversion) folders() []string {
	switch {
	case c.batch != nil:
		return nil
	case c.closing != nil:
		return []string{"ldif"}
	}
	return []string{"schema", "ldif"}
}

// step does step k of n, unless it is done or another one is asked for.
func (c *conversion) step(ctx context.Context, job *cli.Job, st *outdir.State, s step, k, n int) error {
	if slices.Contains(st.Done, s.name) {
		if s.tidy == nil {
			return nil
		}
		return s.tidy(ctx, job)
	}
	if c.only != "" && c.only != s.name {
		return nil
	}
	if err := c.checkNeeds(st, s); err != nil {
		return err
	}
	if err := c.account.Begin(job, c.out, s.name, k, n); err != nil {
		return err
	}
	commit, err := outdir.LogLines(job, c.out, s.name)
	if err != nil {
		return err
	}
	c.account.LogEarly(job)
	kept := false
	c.keep = func() error {
		kept = true
		if err := cmp.Or(commit(), c.account.End(job, c.out)); err != nil {
			return err
		}
		st.Done = append(st.Done, s.name)
		return st.Write(job, c.out)
	}
	if err := s.do(ctx, job); err != nil || kept {
		return err
	}
	return c.keep()
}

// checkNeeds refuses a step whose inputs are not there.
func (c *conversion) checkNeeds(st *outdir.State, s step) error {
	for _, need := range s.needs {
		if !slices.Contains(st.Done, need) && slices.Contains(c.stepNames(), need) {
			return cli.WithHint(fmt.Errorf("the step %s needs what the step %s makes, which is not done", s.name, need), "--only "+need+" does it; without --only all are done in order")
		}
	}
	return nil
}

// try does all steps without a folder to write to, but those that an earlier
// run has done, which go on from what it has left.
func (c *conversion) try(ctx context.Context, job *cli.Job, done []string) error {
	job.DryRun()
	if len(done) > 0 {
		if err := c.account.Recall(job, c.out, done); err != nil {
			return err
		}
	}
	steps := c.steps()
	for i, s := range steps {
		if c.only != "" && c.only != s.name || slices.Contains(done, s.name) {
			continue
		}
		phase := job.Phase(i+2, len(steps)+1, s.name)
		if err := s.do(ctx, job); err != nil {
			return err
		}
		phase.End()
	}
	return c.summary(job, job.Snapshot())
}
