package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/ledger"
	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/roster"
	"imsconv/cmd/siteconv/internal/batches"
	"imsconv/cmd/siteconv/internal/inputs"
	"imsconv/cmd/siteconv/internal/outdir"
	"imsconv/ldifconv"
	"imsconv/ldifconv/ldif"
)

// lockUsers writes what holds the users of a batch: their entries as they are,
// the records that lock them, those that unlock them again without moving, and
// the commands that release held mail.
func (c *conversion) lockUsers(ctx context.Context, job *cli.Job) error {
	members, err := c.writeEntries(ctx, job)
	if err != nil {
		return err
	}
	if c.hasMail() {
		job.Warning("backup-before-lock", c.store().Path, "the stream is there before the users are locked: mail that comes in between is not in it; a backup made after the lock, given with --stream, adds it")
	}
	r := c.batchRecords(job)
	var rep ldifconv.Report
	err = c.create(job, batches.SavedName, func(saved io.Writer) error {
		return c.create(job, batches.LockName, func(w io.Writer) error {
			return c.withEntries(job, func(entries io.Reader) error {
				rep, err = r.Lock(ctx, w, saved, entries)
				return err
			})
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", batches.LockName, err)
	}
	job.Count("users of the batch", int64(len(c.batch.users)))
	job.Count("entries to lock", rep.Changed)
	if n := int64(len(members)) - rep.Selected; n > 0 {
		job.Problem("not-locked", batches.LockName, fmt.Sprintf("%s no mail user of the old product: no record locks it", page.Amount(n, "entry is", "entries are")))
	}
	return c.create(job, batches.HoldName, func(w io.Writer) error {
		return batches.WriteHold(w, c.batch.name, c.site.Servers.OldRoot, members)
	})
}

// batchRecords are how the records of the batch are made.
func (c *conversion) batchRecords(job *cli.Job) *batches.Records {
	return &batches.Records{Host: c.site.Hosts.New, Common: ldifconv.Options{
		From: c.scenario.product, Jobs: c.jobs, Name: batches.EntriesName, TempDir: c.tempDir(), Log: job,
	}}
}

// writeEntries copies the entries of the users from the export, so that nothing
// later depends on the export that the site has then.
func (c *conversion) writeEntries(ctx context.Context, job *cli.Job) (members []batches.HoldMember, err error) {
	var kept bytes.Buffer // in a dry run
	err = c.create(job, batches.EntriesName, func(file io.Writer) error {
		if c.dryRun {
			file = &kept
		}
		w := ldif.NewWriter(file)
		_, err := c.users().EachUser(ctx, job, inputs.Silent{}, "", func(m *roster.Member) error {
			if !c.batch.set.Has(m.ID) {
				return nil
			}
			members = append(members, batches.HoldMember{UID: m.UID, Domain: m.Domain})
			c.tellLocked(job, m)
			rec := *m.Record
			rec.Type, rec.Controls = ldif.Content, nil
			return w.Write(&rec)
		})
		if err != nil {
			return err
		}
		return w.Flush()
	})
	c.batch.dry = kept.Bytes()
	return members, err
}

// tellLocked warns of a user who is locked already, and would be after all.
func (c *conversion) tellLocked(job *cli.Job, m *roster.Member) {
	if batches.IsLocked(m.Record) {
		job.Warning("locked-before", fmt.Sprintf("%s:%d", m.File, m.Line), fmt.Sprintf("user %s is locked in the export already, and the unlock gives that back: was the export made while the user was locked?", m.ID))
	}
}

// withEntries reads the entries of the users.
func (c *conversion) withEntries(job *cli.Job, use func(entries io.Reader) error) error {
	if c.dryRun && !c.batch.locked {
		return use(bytes.NewReader(c.batch.dry))
	}
	in, err := job.Open(filepath.Join(c.out, batches.EntriesName))
	if err != nil {
		return err
	}
	defer in.Close()
	return use(in)
}

// unlockUsers writes the records that unlock the users on the new host, and
// those that take them back from there. It is the last step: the records are
// not there before the mail is.
func (c *conversion) unlockUsers(ctx context.Context, job *cli.Job) error {
	tempDir := c.tempDir()
	if c.dryRun {
		if !c.batch.locked {
			return nil // what lock saves is not there
		}
		var err error
		if tempDir, err = os.MkdirTemp("", "siteconv-"); err != nil {
			return err
		}
		defer os.RemoveAll(tempDir)
	}
	gone, err := batches.LookForGone(ctx, job, c.users(), c.batch.set, filepath.Join(c.out, batches.EntriesName))
	if err != nil {
		return err
	}
	if err := c.tellOverwritten(ctx, job); err != nil {
		return err
	}
	var paths [2]string
	for i, name := range []string{batches.EntriesName, batches.SavedName} {
		if paths[i], err = gone.Retarget(filepath.Join(c.out, name), tempDir); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return c.writeUnlock(ctx, job, paths[0], paths[1])
}

// tellOverwritten tells what the unlock overwrites, by an export that is not
// that of the lock.
func (c *conversion) tellOverwritten(ctx context.Context, job *cli.Job) error {
	st, err := outdir.ReadState(c.out)
	if err != nil || st == nil || len(st.Inputs) == 0 || st.Inputs[0].SHA256 == c.export().SHA256 {
		return err
	}
	return batches.TellOverwritten(ctx, job, c.users(), c.batch.set, c.site.Hosts, filepath.Join(c.out, batches.EntriesName))
}

// writeUnlock writes them of the entries and of what lock has saved of them.
func (c *conversion) writeUnlock(ctx context.Context, job *cli.Job, entriesPath, savedPath string) error {
	r := c.batchRecords(job)
	saved, err := os.Open(savedPath)
	if err != nil {
		return err
	}
	defer saved.Close()
	entries, err := os.Open(entriesPath)
	if err != nil {
		return err
	}
	defer entries.Close()
	var rep ldifconv.Report
	err = c.create(job, batches.UnlockName, func(w io.Writer) error {
		rep, err = r.Unlock(ctx, w, entries, saved)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", batches.UnlockName, err)
	}
	job.Count("entries to unlock and move", rep.Changed)
	if _, err := entries.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return c.create(job, batches.UndoName, func(w io.Writer) error { return r.Undo(ctx, w, entries) })
}

// memberLimits are the quotas of the users as their entries will be when they
// are upgraded, which is at the end.
func (c *conversion) memberLimits(ctx context.Context, job *cli.Job) (func(id string) (directory.Limit, bool), error) {
	opt := c.set.upgrade
	opt.Kinds, opt.Format = ldifconv.All, ldifconv.Full
	entries, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := c.upgradeTo(ctx, job, w, opt)
		w.CloseWithError(err)
	}()
	look, err := directory.Limits(entries, c.export().Path, c.defaultDomain, nil)
	entries.Close() // ends an upgrade that is not read to its end
	<-done
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.export().Path, err)
	}
	return look, nil
}

// compareMembers tells the users of the batch whose mail the stream does not
// have, and those that differ in case.
func (c *conversion) compareMembers(ctx context.Context, job *cli.Job) error {
	entries := batches.Set{}
	err := c.withEntries(job, func(src io.Reader) error {
		_, err := inputs.ReadEntries(ctx, src, func(_ string, rec *ldif.Record) { entries.Add(c.users().ID(rec)) })
		return err
	})
	if err != nil {
		return err
	}
	c.tellUnlocked(job)
	mail := c.mailByUser()
	var none int64
	for _, id := range c.batch.users {
		ids := mail[strings.ToLower(id)]
		is := func(other string) bool { return c.userOf(other) == id }
		switch {
		case len(ids) == 0 && !entries.Has(id):
			none++
			job.Problem("no-such-user", id, "the user is named, and has neither an entry in the export nor mail in the stream")
		case c.mayLack(ids):
			none++
			job.Warning("entry-without-mail", id, "the user is in the batch and has no mail in the stream")
		case !slices.ContainsFunc(ids, is):
			for _, other := range ids {
				job.Warning("case-differs", id, fmt.Sprintf("the stream has %q, the directory %q: they differ in case only", c.userOf(other), id))
			}
		}
	}
	job.Count("users without mail", none)
	c.tellNoMail(job)
	if err := c.tellIDsWithoutEntry(job); err != nil {
		return err
	}
	c.tellOthersByCase(job)
	if !slices.Contains(c.stepNames(), c.mailName()) { // no step has read the mail
		c.setSums(job, ledger.Sums{LeftOut: reasons(ledger.Reason{Rule: ledger.OtherBatch, N: c.mail.Messages})})
	}
	return c.tellStrays(ctx, job)
}

// faultsText says in one line by what mail may be missing in a backup.
func faultsText(m *inputs.Mail) string {
	var parts []string
	if gaps := m.Gaps(); len(gaps) > 0 {
		parts = append(parts, kindsText(gaps))
	}
	if m.NoEnd {
		parts = append(parts, "no end marker")
	}
	if m.Broken != nil {
		parts = append(parts, m.Broken.Error())
	}
	return strings.Join(parts, ", ")
}

// tellStrays tells of mail in the stream that no batch will take, for want of
// an entry by which its user is chosen.
func (c *conversion) tellStrays(ctx context.Context, job *cli.Job) error {
	of, err := batches.Of(c.whole, "")
	if err != nil {
		return err
	}
	strays := batches.Set{}
	for id := range c.mail.IDs.Unmarked() {
		if user := c.userOf(id); of[strings.ToLower(user)] == "" && !c.batch.set.Has(user) {
			strays.Add(user)
		}
	}
	if len(strays) == 0 {
		return nil
	}
	met := func(m *roster.Member) { delete(strays, strings.ToLower(m.ID)) }
	export := c.users()
	export.Unlisted = func(m *roster.Member, _ string) { met(m) }
	_, err = export.EachUser(ctx, job, inputs.Silent{}, "", func(m *roster.Member) error { met(m); return nil })
	if ids := strays.Sorted(); err == nil && len(ids) > 0 {
		job.Warning("mail-of-no-batch", ids[0], "the stream has mail of the user, who has no entry and is in no batch"+batches.AndMore(len(ids)-1)+": it is left out; --batch with --users restores it")
	}
	return err
}

// ofOthers gives its name to what a batch leaves out because it is not its own.
func ofOthers(leftOut []ledger.Reason) {
	for i := range leftOut {
		if leftOut[i].Rule == ledger.NotSelected {
			leftOut[i].Rule = ledger.OtherBatch
		}
	}
}

// concludeBatch writes the report. Without a stream the batch waits for one.
func (c *conversion) concludeBatch(ctx context.Context, job *cli.Job, st outdir.State) error {
	for _, o := range []struct{ name, path string }{
		{"users of the batch", batches.UsersName}, {"records that lock them", batches.LockName}, {"records that unlock them where they are", batches.SavedName},
		{"records that unlock and move them", batches.UnlockName}, {"records that take them back after that", batches.UndoName}, {"script that releases held mail", batches.HoldName},
	} {
		if _, err := os.Stat(filepath.Join(c.out, o.path)); err == nil {
			job.Output(o.name, o.path)
		}
	}
	if slices.Contains(c.stepNames(), c.mailName()) {
		job.Output(map[string]string{storeStep: "message store", maildirStep: "Maildirs"}[c.mailName()], filepath.Join("..", "..", c.mailName()))
	}
	waits := !slices.Contains(st.Done, unlockStep)
	next := c.afterBatch()
	if waits {
		next = c.afterLock()
	}
	for _, step := range next {
		job.Next(step)
	}
	var err error
	if c.account.Run.Earlier, err = c.earlier(); err != nil {
		return err
	}
	if c.heldBack() { // it waits for a stream, as if there had been none
		st.Done, st.Inputs = []string{lockStep}, st.Inputs[:1]
	}
	if err := c.finish(ctx, job, &st, !waits); err != nil {
		return err
	}
	if err := c.tidyBatch(); err != nil {
		return err
	}
	return c.summary(job, job.Snapshot())
}

// earlier is what the report of the batch, before it is written anew, has of
// other streams. One of this very stream is of a run that was interrupted.
func (c *conversion) earlier() ([]ledger.Pass, error) {
	path := filepath.Join(c.out, "report.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var part ledger.Part
	for _, into := range []any{&part.Report, &part.Run} {
		if err := json.Unmarshal(data, into); err != nil {
			return nil, outdir.Damaged(path, err)
		}
	}
	passes := part.Run.Earlier
	if in := part.Run.Inputs; c.hasMail() && len(in) > 1 && in[1].SHA256 != c.store().SHA256 {
		count := part.Report.Counts.Get
		passes = append(passes, ledger.Pass{Stream: in[1].SHA256, Users: count("users"), Mailboxes: count("mailboxes"), Messages: count("messages"), Bytes: count("bytes"), Sums: part.Run.Sums})
	}
	return passes, nil
}

// tidyBatch removes what the steps told but that of the first: with another
// stream the others are done again.
func (c *conversion) tidyBatch() error {
	for _, step := range c.stepNames() {
		if step == lockStep {
			continue
		}
		if err := os.Remove(filepath.Join(c.out, outdir.PartName(step))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// finish writes the report and whether the run is finished. What the steps of a
// batch told stays there: it may be gone on with.
func (c *conversion) finish(ctx context.Context, job *cli.Job, st *outdir.State, finished bool) error {
	c.tellReports(job)
	if err := outdir.JoinLines(job, c.out, c.stepNames()); err != nil {
		return err
	}
	if err := c.writeReport(job, st); err != nil {
		return err
	}
	if err := c.report(ctx, job); err != nil {
		return err
	}
	st.Finished = finished
	return st.Write(job, c.out)
}
