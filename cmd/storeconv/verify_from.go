package main

import (
	"context"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/verify"
)

const verifyFromDoc = `
RELOCATED STORES
With --from, the store is compared with the NMS store that relocate made it of:
every file byte by byte, with mode, modification time and (for root) owner, hard
and symbolic links, subscriptions, and every record of data.db2 and quota.db2. -u,
-m, --domain, --partition and --owner are those of the relocation. A quota record
may be the old one or one counted anew. Faults of the source that relocate lists
are warnings here, and so is what lies oddly in the store when the source has
just the same there. A record or a subscription file too much of a user who went
over is a problem; partitions, records and files below user/ of nobody in the
source are a warning, and nothing with -u.
`

// fromFlags are the flags of verify --from.
type fromFlags struct {
	dir        string
	domain     string
	partitions []string
	found      []relocate.Partition // the same, read
}

func (f *fromFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.dir, "from", "", "compare with the store of the old server, `NMSSTORE`, too")
	fs.StringVar(&f.domain, "domain", "", "with --from: the `DOMAIN` that the relocation put behind user ids")
	fs.StringArrayVar(&f.partitions, "partition", nil, "with --from: `OLD=NEW` as in the relocation")
}

// origin makes options of the flags; users, new ids and owner are those of
// opts.
func (f *fromFlags) origin(opts *verify.StoreOptions, job *cli.Job) (*verify.Origin, error) {
	job.Source(f.dir)
	o := &verify.Origin{From: f.dir, Options: verify.NMSOptions{
		Users: opts.Selection.Users, Map: make(map[string]string), Domain: f.domain, Jobs: opts.Jobs, Log: job,
		Owner: opts.Owner, Shard: opts.Selection.Shard,
	}}
	for id, newID := range opts.Selection.Map {
		if id != newID {
			o.Options.Map[id] = newID
		}
	}
	for _, p := range f.partitions {
		part, err := relocate.ParsePartition(p)
		if err != nil {
			return nil, cli.Usagef("--partition: %w", err)
		}
		f.found = append(f.found, part)
		o.Options.Partitions = append(o.Options.Partitions, verify.Partition(part))
	}
	return o, readsElsewhere(job, f.dir, f.found)
}

// verify compares store with the NMS store.
func (f *fromFlags) verify(ctx context.Context, job *cli.Job, store string, o *verify.Origin) error {
	o.Options.Progress = job.Meter("files", 0, 0)
	rep, err := verify.NMS(ctx, store, o.From, o.Options)
	job.CountAll([]cli.Count{
		{Name: "users of the source", N: rep.Users}, {Name: "users missing", N: rep.Missing},
		{Name: "messages of the source", N: rep.Messages}, {Name: "bytes compared", N: rep.Bytes},
		{Name: "same file as the source", N: rep.SameFile}, {Name: "subscription files", N: rep.Subscriptions},
		{Name: "folder records compared", N: rep.FolderRecords}, {Name: "quota records compared", N: rep.QuotaRecords},
		{Name: "subscription records compared", N: rep.SubscrRecords}, {Name: "differences", N: rep.Differences},
	}, "differences")
	return err
}
