package main

import (
	"crypto/sha256"
	"strings"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/flags"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/relocate"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/shards"
	"imsconv/storeconv/source"
)

// sourceOfStreams is what a plan says of streams and trees that are open.
func sourceOfStreams(names []string, streams []*restore.Stream) shards.Source {
	kind, ids := shards.Stream, make([][sha256.Size]byte, len(streams))
	for i, s := range streams {
		ids[i] = s.ID
		if t, ok := s.Source.(*source.Source); ok {
			kind = kindOfTree(t)
		}
	}
	return shards.StreamSource(kind, strings.Join(names, " "), ids...)
}

// checkPlan refuses a plan of another source than what the store or export is
// held against. Where there is none, the plan is that of whatever the store was
// made of.
func (o *verifyOptions) checkPlan() error {
	if len(o.streams) == 0 && o.from.dir == "" && o.maildir.out == "" {
		return nil
	}
	return o.part.CheckSource(func() (shards.Source, error) {
		switch {
		case len(o.streams) > 0:
			return shards.StreamSource(o.sourceKind, strings.Join(o.streams, " "), o.sourceIDs...), nil
		case o.from.dir != "":
			return sourceOfStore(o.from.dir, o.from.found)
		}
		return sourceOfStore(o.store, nil)
	})
}

// noteSource notes what stands for a source that is open.
func (o *verifyOptions) noteSource(kind shards.Kind, id [sha256.Size]byte) {
	if kind != shards.Stream || o.sourceKind == "" {
		o.sourceKind = kind
	}
	o.sourceIDs = append(o.sourceIDs, id)
}

func kindOfTree(t *source.Source) shards.Kind {
	if t.Kind() == source.Maildir {
		return shards.Maildir
	}
	return shards.Mbox
}

// sourceOfStore is what a plan says of a store, with the partitions that lie
// elsewhere.
func sourceOfStore(dir string, partitions []relocate.Partition) (shards.Source, error) {
	var extra []nms.Partition
	for _, p := range partitions {
		if p.Path != "" {
			extra = append(extra, nms.Partition{Name: p.Name, Path: p.Path})
		}
	}
	src, _, err := shards.StoreSource(dir, extra...)
	return src, err
}

// createShard starts to write a file that has what one shard gives: two
// processes that write it are two with the same shard.
func createShard(job *cli.Job, part *flags.Sharing, path string, replace bool) (*cli.OutputFile, error) {
	if part.Count == 0 {
		return job.CreateOrKeep(path, replace)
	}
	out, err := job.CreateOrKeepAlone(path, replace)
	return out, part.Busy(err, path)
}

// headID stands for a stream that is open and shows its beginning.
func headID(in stream.Peeker) [sha256.Size]byte {
	head, _ := in.Peek(shards.IdentityBytes) // an error comes again where it is read
	return sha256.Sum256(head)
}

// treeID stands for a tree.
func treeID(job *cli.Job, tree *flags.Tree, name string) (id [sha256.Size]byte, kind shards.Kind, err error) {
	t, err := stream.OpenTree(job, name, tree.Options())
	if err != nil {
		return id, kind, err
	}
	defer t.Close() // opened for reading
	return t.ID(), kindOfTree(t), nil
}
