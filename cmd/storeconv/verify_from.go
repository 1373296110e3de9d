package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv"
	"imsconv/storeconv/relocate"
)

const verifyFromDoc = `
With --from, the store is compared with the NMS store that relocate made it of:
every file byte by byte, with mode, modification time and (for root) owner, hard
links, subscriptions, and every record of data.db2 and quota.db2. -u, -m,
--domain, --partition and --owner are those of the relocation. A quota record may
be the old one or one counted anew. Faults of the source that relocate lists are
warnings here.
`

// fromFlags are the flags of verify --from.
type fromFlags struct {
	dir        string
	domain     string
	partitions []string
	owner      string
}

func (f *fromFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.dir, "from", "", "compare with the store of the old server, `NMSSTORE`, too")
	fs.StringVar(&f.domain, "domain", "", "with --from: the `DOMAIN` that the relocation put behind user ids")
	fs.StringArrayVar(&f.partitions, "partition", nil, "with --from: `OLD=NEW` as in the relocation")
	fs.StringVar(&f.owner, "owner", "", "with --from: `USER[:GROUP]` as in the relocation")
}

// log is where the check of the store itself tells: with --from, what lies oddly
// in the store as it does in the source is a warning.
func (f *fromFlags) log(job *cli.Job) storeconv.Log {
	if f.dir == "" {
		return job
	}
	return &inheritedLog{job, f.dir}
}

// inheritedLog softens problems with files that the source has too.
type inheritedLog struct {
	*cli.Job
	from string
}

func (l *inheritedLog) Problem(kind, where, text string) {
	if filepath.IsLocal(where) {
		if _, err := os.Lstat(filepath.Join(l.from, where)); err == nil {
			l.Job.Warning(kind, where, text+" (as in the source)")
			return
		}
	}
	l.Job.Problem(kind, where, text)
}

// verify compares store with the NMS store; selected and renamed are the users
// of the relocation.
func (f *fromFlags) verify(ctx context.Context, job *cli.Job, store string, selected map[string]bool, renamed map[string]string, jobs int) error {
	opts := relocate.VerifyNMSOptions{
		From: f.dir, Store: store, Users: selected, Map: make(map[string]string), Domain: f.domain, Jobs: jobs, Log: job,
	}
	for id, newID := range renamed {
		if id != newID {
			opts.Map[id] = newID
		}
	}
	for _, p := range f.partitions {
		part, err := relocate.ParsePartition(p)
		if err != nil {
			return cli.Usagef("--partition: %w", err)
		}
		opts.Partitions = append(opts.Partitions, part)
	}
	if f.owner != "" {
		var err error
		if opts.UID, opts.GID, err = relocateOwner(f.owner); err != nil {
			return cli.Usagef("--owner: %w", err)
		}
		opts.SetOwner = true
	}
	opts.Progress = job.Meter("files", 0, 0)
	rep, err := relocate.VerifyNMS(ctx, opts)
	for _, c := range []cli.Count{
		{Name: "users of the source", N: rep.Users}, {Name: "users missing", N: rep.Missing},
		{Name: "messages of the source", N: rep.Messages}, {Name: "bytes compared", N: rep.Bytes},
		{Name: "same file as the source", N: rep.SameFile}, {Name: "subscription files", N: rep.Subscriptions},
		{Name: "folder records compared", N: rep.FolderRecords}, {Name: "quota records compared", N: rep.QuotaRecords},
		{Name: "subscription records compared", N: rep.SubscrRecords}, {Name: "differences", N: rep.Differences},
	} {
		if c.N != 0 || c.Name == "differences" {
			job.Count(c.Name, c.N)
		}
	}
	return err
}
