package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
)

// surveyStore learns the user ids of the stream or store, and what makes it the
// same input on a second run.
func (s *site) surveyStore(ctx context.Context, job *cli.Job) error {
	in := s.store()
	if s.scenario.nms {
		if _, err := nms.Open(in.path); err != nil {
			return err
		}
		if err := s.stored.AddStore(in.path); err != nil {
			return err
		}
		return in.fingerprint(ctx, nil)
	}
	return in.fingerprint(ctx, func(src io.Reader) error {
		plain, _, err := cli.Decompress(src)
		if err != nil {
			return fmt.Errorf("%s: %w", in.path, err)
		}
		head := bufio.NewReaderSize(plain, 256<<10)
		if err := stream.Check(job, in.path, head); err != nil {
			return err
		}
		s.stored.AddStream(head)
		return nil
	})
}

// convertStore makes the iMS store.
func (s *site) convertStore(ctx context.Context, job *cli.Job) error {
	if s.scenario.nms {
		return s.relocate(ctx, job)
	}
	return s.restore(ctx, job)
}

func (s *site) relocate(ctx context.Context, job *cli.Job) error {
	rep, err := relocate.Relocate(ctx, s.storeDir(), s.store().path, relocate.Options{
		Command: job.CommandLine(), Databases: s.databases, Via: s.wayOver(), Owner: s.owner.Owner(),
		Jobs: s.jobs, Sync: s.sync, DryRun: s.dryRun, Log: job, Progress: job.Meter("files", 0, 0),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", s.storeDir(), err)
	}
	if relocate.Via(rep.Via) == relocate.ViaHardlink && rep.Linked > 0 {
		job.Warning("shared-files", "store", fmt.Sprintf("%d messages are the source's own files under a second name: "+
			"a chown, chmod or edit in store changes them in %s too; --via copy makes files of their own", rep.Linked, s.store().path))
	}
	for _, c := range []cli.Count{
		{Name: "users", N: rep.Users}, {Name: "mailboxes", N: rep.Mailboxes}, {Name: "messages", N: rep.Messages}, {Name: "bytes", N: rep.Bytes},
		{Name: "links", N: rep.Linked + rep.Shared}, {Name: "skipped", N: rep.LeftOut},
		{Name: "folder records", N: rep.FolderRecords}, {Name: "quota records", N: rep.QuotaRecords}, {Name: "subscription records", N: rep.SubscrRecords},
	} {
		job.Count(c.Name, c.N)
	}
	return nil
}

// wayOver is --via; an owner cannot be set on hard links.
func (s *site) wayOver() relocate.Via {
	if s.via == "" && s.owner.Owner() != nil {
		return relocate.ViaCopy
	}
	return relocate.Via(s.via)
}

// restore makes the store of the stream. Its stage is kept while the run's own
// folder is still there, so that a kill loses neither the store nor its counts.
func (s *site) restore(ctx context.Context, job *cli.Job) error {
	limits, err := s.limits(job)
	if err != nil {
		return err
	}
	return s.runRestore(ctx, job, restore.Options{
		DryRun: s.dryRun, Limits: limits, Log: job, Progress: job.Meter("messages", 0, 0),
		Done: func(rep restore.Report) error {
			for _, c := range []cli.Count{
				{Name: "users", N: rep.Users}, {Name: "mailboxes", N: rep.Mailboxes}, {Name: "messages", N: rep.Messages}, {Name: "bytes", N: rep.Bytes},
				{Name: "links", N: rep.Links}, {Name: "skipped", N: rep.Expired + rep.Refused},
			} {
				job.Count(c.Name, c.N)
			}
			return s.keep()
		},
	})
}

// tidyStore lets a restore that had done all remove its own folder.
func (s *site) tidyStore(ctx context.Context, job *cli.Job) error {
	_, err := os.Stat(filepath.Join(s.storeDir(), ims.WorkDir))
	if s.scenario.nms || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	limits, err := s.limits(job)
	if err != nil {
		return err
	}
	return s.runRestore(ctx, job, restore.Options{Limits: limits})
}

func (s *site) runRestore(ctx context.Context, job *cli.Job, opt restore.Options) error {
	in, err := job.Open(s.store().path)
	if err != nil {
		return err
	}
	defer in.Close()
	var src io.Reader = in
	if in.File != nil {
		if _, err := in.File.Seek(0, io.SeekStart); err != nil {
			return err
		}
		src = in.File
	}
	tape, err := restore.NewStream(s.store().path, src)
	if err != nil {
		return err
	}
	opt.Domain, opt.Databases, opt.Jobs, opt.Sync = s.defaultDomain, s.databases, s.jobs, s.sync
	opt.Owner, opt.Command = s.owner.Owner(), job.CommandLine()
	if _, err := restore.Restore(ctx, s.storeDir(), []*restore.Stream{tape}, opt); err != nil {
		return fmt.Errorf("%s: %w", s.storeDir(), err)
	}
	return nil
}

// limits are the quotas of the upgraded directory; in a dry run, which has not
// written it, those of the export, which SIMS counts in the same way.
func (s *site) limits(job *cli.Job) (func(id string) (storeconv.Quota, bool), error) {
	path := filepath.Join(s.out, upgraded)
	if s.dryRun {
		path = s.export().path
	}
	in, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	look, err := directory.Limits(in, path, s.defaultDomain, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func(id string) (storeconv.Quota, bool) {
		l, ok := look(id)
		if !ok || !l.HasBytes {
			return storeconv.Quota{}, false
		}
		q := storeconv.Quota{Bytes: l.Bytes, Messages: storeconv.NotSaid}
		if l.HasMessages {
			q.Messages = l.Messages
		}
		return q, true
	}, nil
}
