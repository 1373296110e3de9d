package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/dbconv"
)

const quotaDoc = `
Makes the quota.db of an iPlanet Messaging Server 5.x store from the quota.db2
of a Netscape Messaging Server 4.x store (or another quota.db). Records go over
byte for byte, in the byte order and page size of the source, on-disk version 6.
-m renames users, -u takes only those named.

--requota makes the records anew, as reconstruct -q and iminitquota -a did, as
five numbers: limit in KB, limit in messages, usage in KB, usage in messages,
time of the last warning (-1 none, -2 the server's default). Limits come from
mailQuota and mailMsgQuota of the upgraded directory export that --limits names,
by store user id, else they stay as they were; usage comes from the message
files of the iMS store that --usage names, each reference to a message at its
full size, rounded up to KB, else it stays. A user with mail and no record gets
one. An old record that is neither two numbers nor five keeps no limit of its own.

Memory: 64 MiB, and about 150 bytes a user with --limits and --usage.
` + targetDoc + sourceDoc

func quotaVerb() cli.Verb {
	return cli.Verb{
		Name:    "quota",
		Args:    "QUOTA.DB2 QUOTA.DB",
		Summary: "make quota.db from quota.db2",
		See:     []string{"dbconv-folder(1)", "storeconv-relocate(1)", "ims-store(5)"},
		Doc:     quotaDoc,
		Example: "$ dbconv quota quota.db2 quota.db --requota --limits upgraded.ldif --usage store\ndbconv: done: records 311, values changed 311, pages 3",
		Exit3:   "done, but parts of the source could not be read or understood; each is listed",
		New: func(fs *pflag.FlagSet) cli.Action {
			var q quotaFlags
			q.listFlags.add(fs)
			fs.BoolVar(&q.requota, "requota", false, "make the records anew")
			fs.StringVar(&q.limits, "limits", "", "with --requota: take the limits from the directory export `LDIF` (- for standard input)")
			cli.Reads(fs, "limits")
			fs.StringVar(&q.usage, "usage", "", "with --requota: count the messages of the iMS store `STORE`")
			fs.StringVar(&q.domain, "default-domain", "", "with --limits: the `DOMAIN` whose users have bare ids (default: the one whose users the database and the store know by them)")
			return reading(q.run)
		},
	}
}

type quotaFlags struct {
	listFlags
	requota               bool
	limits, usage, domain string
	found                 int64 // users whose limits the export has
}

func (q *quotaFlags) run(ctx context.Context, job *cli.Job, args []string) error {
	if !q.requota && (q.limits != "" || q.usage != "") {
		return cli.Usagef("--limits and --usage want --requota")
	}
	opts := dbconv.QuotaOptions{Requota: q.requota}
	if err := q.read(ctx, job, args, &opts); err != nil {
		return err
	}
	err := q.convert(job, args, func(list dbconv.ListOptions, dst io.WriterAt, src *source) (dbconv.ListReport, error) {
		opts.ListOptions = list
		return dbconv.Quota(ctx, dst, src, opts)
	})
	if err == nil && q.limits != "" && q.found == 0 {
		job.Warning("no-limits", cli.InputName(q.limits), "the export has limits for no user of the database: look at --default-domain")
	}
	return err
}

// read reads what --limits and --usage name.
func (q *quotaFlags) read(ctx context.Context, job *cli.Job, args []string, opts *dbconv.QuotaOptions) error {
	var err error
	if q.usage != "" {
		job.Source(q.usage)
		if opts.Usage, err = storeUsage(ctx, job, q.usage); err != nil {
			return err
		}
	}
	if q.limits == "" {
		return nil
	}
	export, err := job.Again(q.limits, q.tempDir)
	if err != nil {
		return err
	}
	defer export.Close()
	if q.domain == "" {
		if q.domain, err = q.inferDomain(ctx, job, args, export, opts.Usage); err != nil {
			return err
		}
	}
	in, err := export.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	limits, err := directory.Limits(in, in.Name, q.domain, job)
	if err != nil {
		return named(q.limits, err)
	}
	opts.Limits = func(id string) (dbconv.Limit, bool) {
		l, ok := limits(id)
		if ok {
			q.found++
		}
		if l.HasBytes && l.Bytes == 0 {
			job.Warning("zero-quota", id, "the export has a quota of 0: nothing at all is allowed; before the upgrade it meant no limit")
		}
		return dbconv.Limit(l), ok
	}
	return nil
}
