package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/directory"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/roster"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/shards"
	"imsconv/storeconv/sims"
)

const planShardsDoc = `
Spreads the users of a source over N parts that are as even as they can be, for
runs on several machines: each of them converts one part, with --shard i/N --plan
PLAN. SOURCE is whatever restore, relocate and export read: backup streams (in
the order in which they will be restored; - for standard input), a store of iMS
or NMS, mailbox files, Maildirs. It is read once; the messages of a file or a
store are not read, only their sizes.

PLAN gets plan.json and a list of users for each part, users01.txt and so on, one
id a line in byte order, which -u takes too. The folder appears whole or not at
all; equal input gives equal bytes whatever --jobs is. The same command again
changes nothing. Another plan in the folder is refused, or replaced with --force.

Each user goes to the part with the least so far, the heaviest user first and of
equal ones the lower id. What counts are the bytes of his messages and 8,192
bytes more for each, since a file costs so much however small it is.

--links plan (the default) keeps users who share messages in one part: those
parts together have every hard link that one run makes. When such a group is
larger than a part should be, a warning says how uneven that is, and how many
links and bytes --links copy would cost. --links copy goes by size alone; a copy
whose first copy is in another part becomes a file of its own there, which
plan.json counts as crossing.

-u, -m, --default-domain and --limits are those of the runs: users who get one
id are in one part, and with -u the plan is of the users in the file. Of --limits
the default domain alone is taken. A restore with --plan whose new ids or default
domain are others is refused, and so is one without the -u of the plan; of a plan
of all users -u may select any. relocate and export refuse users who get one id,
in whichever part they are.

A user in no list is in the first part: one who has come since, who has nothing
but records or subscriptions, or whose id cannot stand in a list. A run with
--plan refuses a source that is not the one of the plan; of streams the first
256 KiB stand for the content, of a store the names of its users' directories
and the sizes of its lists.

--sizes FILE takes the sizes from a file in place of a source: what list prints,
as text or JSON, or lines of user and bytes. Nothing can be said then of the
source, and none is refused.

What cannot be read of a source, a folder or a place in a stream, is a problem
each and counts nothing; where no user's folder of a store can be read, there
is no plan.

Memory: some 150 MB, whatever the number of users, two bytes more for each and
four where users share messages. Users, names and links are sorted in temporary
files: a hundred bytes a user, some forty a message of a stream. A run with --plan keeps
the list of its shard as it lies in the file, the first shard eight bytes more
for each user of the others; verify keeps sixteen bytes for each of these.
`

func planShardsVerb() cli.Verb {
	return cli.Verb{
		Name:    "plan-shards",
		Args:    "--shards N --out PLAN SOURCE ... | --sizes FILE",
		Summary: "spread the users of a source evenly over runs on several machines",
		See:     []string{"ldifconv-users(1)", "storeconv-list(1)", "storeconv-merge(1)", "storeconv-relocate(1)", "storeconv-restore(1)"},
		Files: `
  PLAN/plan.json    the source that the plan is of, and each part with its sums
  PLAN/users01.txt  the users of the first part, and so on
`,
		Doc: planShardsDoc,
		Example: "storeconv plan-shards --shards 8 --out plan full.sims\n" +
			"storeconv restore -f full.sims --store part3 --shard 3/8 --plan plan\n" +
			"storeconv list -f full.sims | storeconv plan-shards --shards 8 --out plan --sizes -",
		Exit3: "something of the source could not be read: the plan is of the rest",
		New: func(fs *pflag.FlagSet) cli.Action {
			v := &planShards{}
			v.add(fs)
			return v.run
		},
	}
}

type planShards struct {
	files      []string
	out, sizes string
	shards     int
	links      flags.Choice
	partitions []string
	force      bool
	users      flags.Users
	limits     flags.Limits
	tree       flags.Tree
	jobs       flags.Jobs
}

func (v *planShards) add(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&v.files, "file", "f", nil, "the `SOURCE`, or - for standard input; may be given again")
	fs.IntVar(&v.shards, "shards", 0, "make `N` parts")
	fs.StringVar(&v.out, "out", "", "write the plan to the folder `PLAN`")
	v.links.Add(fs, "links", "", "what becomes of users who share messages, `HOW`: plan keeps them together, copy does not", string(shards.LinksPlan), string(shards.LinksPlan), string(shards.LinksCopy))
	fs.StringVar(&v.sizes, "sizes", "", "the sizes are in `FILE`, as list prints them (- for standard input)")
	cli.Reads(fs, "sizes")
	fs.StringArrayVar(&v.partitions, "partition", nil, "`OLD=NEW` as in relocate: a partition of a store that lies elsewhere")
	v.users.Add(fs)
	v.limits.Add(fs)
	v.tree.Add(fs)
	v.jobs.Add(fs, "users of a store")
	fs.BoolVar(&v.force, "force", false, "replace another plan in the folder")
}

func (v *planShards) run(ctx context.Context, job *cli.Job, args []string) error {
	v.files = append(v.files, args...)
	switch {
	case v.shards < 1 || v.shards > shards.MostParts:
		return cli.Usagef("--shards %d: 1 to %d", v.shards, shards.MostParts)
	case v.out == "":
		return cli.Usagef("where to? (--out)")
	case len(v.files) == 0 && v.sizes == "":
		return cli.Usagef("which source? (SOURCE or --sizes)")
	case len(v.files) > 0 && v.sizes != "":
		return cli.Usagef("--sizes is in place of a source: give one of the two")
	}
	if err := v.tree.Check(); err != nil {
		return err
	}
	for _, source := range v.files {
		if source != "-" && durable.Within(source, v.out) {
			return cli.Usagef("--out: %s lies in %s, which the plan is of: nothing else is written there", v.out, source)
		}
	}
	survey := new(shards.Survey)
	defer survey.Close()
	names, err := v.names(job)
	if err != nil {
		return err
	}
	noted := shards.NamesOf(names)
	if noted != nil {
		if survey.Names, err = selection.Compile(names); err != nil {
			return err
		}
	}
	src, err := v.read(ctx, job, survey)
	if err != nil {
		return err
	}
	made, err := survey.Make(src, shards.PlanOptions{
		Parts: v.shards, Links: shards.Links(v.links.Value), Names: noted, Listable: roster.CheckID,
		Balance: func(parts int) shards.Balance { return roster.NewBalance(parts, roster.Sizes, nil) },
	})
	if err != nil {
		return err
	}
	if survey.Names != nil {
		for _, user := range survey.Names.Missing() {
			job.Problem("user-missing", "user "+sims.DisplayName(user), "named in -u, not in the source")
		}
	}
	v.tell(job, made)
	return v.write(job, made)
}

// names reads what the runs of the parts are told of users and their ids.
func (v *planShards) names(job *cli.Job) (storeconv.Selection, error) {
	names, err := v.users.Read(job)
	if err != nil {
		return storeconv.Selection{}, err
	}
	err = v.limits.ReadDomain(job, func() (directory.IDs, error) {
		if v.sizes != "" || len(v.files) == 1 && v.isStore(v.files[0]) {
			return nil, cli.Usagef("--limits finds the default domain of streams and trees: of this source, --default-domain says it")
		}
		return sourceUsers(job, &v.tree, v.files[0])
	})
	return storeconv.Selection{Users: names.Select, Map: names.Map, Domain: v.limits.Domain}, err
}

// read surveys the source.
func (v *planShards) read(ctx context.Context, job *cli.Job, to *shards.Survey) (shards.Source, error) {
	if v.sizes != "" {
		return v.readSizes(job, to)
	}
	if len(v.files) == 1 && v.isStore(v.files[0]) {
		return v.readStore(ctx, job, to)
	}
	if len(v.partitions) > 0 {
		return shards.Source{}, cli.Usagef("--partition is about a store")
	}
	return v.readStreams(ctx, job, to)
}

func (v *planShards) readSizes(job *cli.Job, to *shards.Survey) (shards.Source, error) {
	in, err := flags.OpenText(job, v.sizes, "no list of sizes")
	if err != nil {
		return shards.Source{}, err
	}
	defer in.Close() // opened for reading
	return shards.Source{Kind: shards.Sizes, Path: v.sizes}, to.AddSizes(in, v.sizes)
}

// isStore tells whether a path is a store, where nothing says that it is a
// tree.
func (v *planShards) isStore(path string) bool {
	return path != "-" && !v.tree.Given() && v.tree.OfSource() == "" && shards.IsStore(path)
}

func (v *planShards) readStore(ctx context.Context, job *cli.Job, to *shards.Survey) (src shards.Source, err error) {
	var extra []nms.Partition
	for _, text := range v.partitions {
		p, err := relocate.ParsePartition(text)
		if err != nil {
			return src, cli.Usagef("--partition: %w", err)
		}
		if p.Path != "" {
			extra = append(extra, nms.Partition{Name: p.Name, Path: p.Path})
		}
	}
	if err := job.Reads(v.files[0]); err != nil {
		return src, err
	}
	src, partitions, err := shards.StoreSource(v.files[0], extra...)
	if err != nil {
		return src, err
	}
	return src, to.AddStore(ctx, partitions, v.jobs.Number(), job, job.Meter("messages", 0, 0))
}

func (v *planShards) readStreams(ctx context.Context, job *cli.Job, to *shards.Survey) (src shards.Source, err error) {
	streams, closeAll, err := openSources(job, &v.tree, v.files)
	defer closeAll()
	if err != nil {
		return src, err
	}
	meter := job.Meter("members", 0, sizeOf(streams))
	for _, s := range streams {
		tell := func(e *sims.Error) {
			n := storeconv.NoteOf(e)
			if n.Where = s.Name + ": " + e.Position(); s.Where != nil {
				n.Where = s.Where(e.Offset, e.Name)
			}
			n.Tell(job)
		}
		if err := to.AddMembers(ctx, s.Source, tell, meter); err != nil {
			return src, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return sourceOfStreams(v.files, streams), nil
}

// tell says what the parts are like.
func (v *planShards) tell(job *cli.Job, made *shards.Made) {
	p := &made.Plan
	for _, c := range []cli.Count{
		{Name: "users", N: p.Users}, {Name: "messages", N: p.Messages}, {Name: "bytes", N: p.Bytes}, {Name: "shards", N: int64(len(p.Shards))},
	} {
		job.Count(c.Name, c.N)
	}
	if p.Crossing.Links > 0 {
		job.Count("links that cross", p.Crossing.Links)
		job.Count("bytes of them", p.Crossing.Bytes)
	}
	for i, part := range p.Shards {
		job.Detail(fmt.Sprintf("shard %d", i+1), part.Bytes)
	}
	if p.Users == 0 {
		job.Warning("no-users", p.Source.Path, "there is no user in it: the lists are empty")
	}
	if made.Unlisted > 0 {
		job.Warning("not-listed", p.Source.Path, fmt.Sprintf("%d users have ids that cannot stand in a list: they are in shard 1", made.Unlisted))
	}
	if u := made.Uneven; u != nil {
		job.Warning("uneven", p.Source.Path, fmt.Sprintf(
			"%d users go together, since they share messages or get one id, and are more than an even shard: the heaviest one takes %.1f times as long as one of %d even ones; --links copy makes %d links (%d bytes) copies in place of that",
			u.Users, float64(u.Heavy)/float64(max(u.Fair, 1)), len(p.Shards), u.Copied.Links, u.Copied.Bytes))
	}
}

// write writes the plan.
func (v *planShards) write(job *cli.Job, made *shards.Made) error {
	same, err := made.Write(v.out, shards.Form{
		FileName: func(list, lists int) string { return roster.FileName(list, lists, "txt") }, Line: roster.Line,
	}, v.force)
	if errors.Is(err, shards.ErrOtherPlan) {
		return cli.WithHint(err, "--force replaces a plan; another folder is another way")
	}
	if err != nil {
		return err
	}
	if same {
		job.Note("the very same plan is there already: nothing is changed")
	}
	job.Output("plan", v.out)
	job.Next(fmt.Sprintf("one run for each shard, with --shard 1/%d --plan %s and so on", v.shards, cli.Quote(v.out)))
	return nil
}
