package main

import (
	"context"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/shards"
)

// writeStream makes a backup stream of a tree.
func (v *restoreFlags) writeStream(ctx context.Context, job *cli.Job) error {
	switch {
	case v.store != "":
		return cli.Usagef("--to-stream and --store exclude each other")
	case len(v.files) > 1:
		return cli.Usagef("--to-stream takes one source")
	case !v.Tree.Is(v.files[0]):
		return cli.Usagef("--to-stream makes a stream of mailbox files or Maildirs, and %s is neither", v.files[0])
	}
	part, err := v.shard.Read()
	if err != nil {
		return err
	}
	names, err := v.Users.Read(job)
	if err != nil {
		return err
	}
	if len(names.Map) > 0 {
		return cli.Usagef("--to-stream keeps the names of users: give new ones when the stream is restored")
	}
	tree, err := stream.OpenTree(job, v.files[0], v.Tree.Options())
	if err != nil {
		return err
	}
	defer tree.Close() // opened for reading
	err = part.CheckSource(func() (shards.Source, error) {
		return shards.StreamSource(kindOfTree(tree), v.files[0], tree.ID()), nil
	})
	if err != nil {
		return err
	}
	sel := v.opts.Selection
	sel.Users, sel.Shard, sel.Encoding = names.Select, part.Shard, v.Encoding
	create := func(path string, replace bool) (*cli.OutputFile, error) {
		return createShard(job, &part, path, replace)
	}
	if v.opts.DryRun {
		job.DryRun()
		create = job.CreateOrKeepDry
	}
	out, err := create(v.toStream, v.force)
	if err != nil {
		return err
	}
	defer out.Abort()
	n, err := stream.WriteTree(ctx, out, tree, sel, job, job.Meter("messages", 0, 0))
	for _, c := range []cli.Count{
		{Name: "users", N: n.Users}, {Name: "mailboxes", N: n.Mailboxes}, {Name: "messages", N: n.Messages}, {Name: "bytes", N: n.Bytes},
		{Name: "links", N: n.Links}, {Name: "refused", N: n.Refused}, {Name: "not selected", N: n.NotSelected},
	} {
		job.Count(c.Name, c.N)
	}
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if !v.opts.DryRun {
		job.Output("stream", v.toStream)
	}
	return nil
}
