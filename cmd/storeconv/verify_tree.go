package main

import (
	"context"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv"
	"imsconv/storeconv/verify"
)

const verifyTreeDoc = `
-f also takes mailbox files and Maildirs that a store was restored from
(--kind, --user, --path, --layout, --escape, --mbox as there): they are read as
restore reads them, and the store is held against what was read.
`

// openSource opens what a store is held against, a stream or a tree. The caller
// calls end at the end.
func (o *verifyOptions) openSource(ctx context.Context, job *cli.Job, name string) (in verify.Stream, end func(), err error) {
	if !o.tree.Is(name) {
		f, err := stream.Open(job, name)
		if err != nil {
			return in, nil, err
		}
		return verify.Stream{Name: f.Name, R: stream.Source(f)}, func() { f.Close() }, nil
	}
	tree, err := stream.OpenTree(job, name, o.tree.Options())
	if err != nil {
		return in, nil, err
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := stream.WriteTree(ctx, w, tree, storeconv.Selection{}, job, noProgress{})
		w.CloseWithError(err) // nil is the end of the stream
	}()
	return verify.Stream{Name: name, R: r}, func() {
		r.Close() // opened for reading, as the tree
		<-done
		tree.Close()
	}, nil
}

// noProgress is for reading whose messages are counted elsewhere.
type noProgress struct{}

func (noProgress) Add(items, bytes int64) {}
