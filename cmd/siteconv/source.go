package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/source"
)

// surveyStore learns the user ids of the stream or store, and what makes it the
// same input on a second run.
func (c *conversion) surveyStore(ctx context.Context, job *cli.Job) error {
	in := c.store()
	if c.scenario.nms() {
		if _, err := nms.Open(in.path); err != nil {
			return err
		}
		if err := c.stored.AddStore(in.path); err != nil {
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
		c.stored.AddStream(head)
		return nil
	})
}

// openStream opens the mail of a SIMS site as restore reads it. The caller
// calls end.
func (c *conversion) openStream(job *cli.Job) (tape *restore.Stream, end func(), err error) {
	path := c.store().path
	if source.IsTree(path) {
		tree, err := stream.OpenTree(job, path, source.Options{})
		if err != nil {
			return nil, nil, err
		}
		return stream.OfTree(path, tree), func() { tree.Close() }, nil // opened for reading
	}
	in, err := stream.Open(job, path)
	if err != nil {
		return nil, nil, err
	}
	tape, err = restore.NewStream(path, stream.Source(in))
	return tape, func() { in.Close() }, err
}

// openBytes opens the mail of a SIMS site as a backup stream; mailbox files and
// Maildirs are made one. The caller calls end.
func (c *conversion) openBytes(ctx context.Context, job *cli.Job) (r io.Reader, end func(), err error) {
	path := c.store().path
	if !source.IsTree(path) {
		in, err := stream.Open(job, path)
		if err != nil {
			return nil, nil, err
		}
		return stream.Source(in), func() { in.Close() }, nil // opened for reading
	}
	tree, err := stream.OpenTree(job, path, source.Options{})
	if err != nil {
		return nil, nil, err
	}
	from, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := stream.WriteTree(ctx, to, tree, storeconv.Selection{}, job, uncounted{})
		to.CloseWithError(err) // nil is the end of the stream
	}()
	return from, func() {
		from.Close() // opened for reading, as the tree
		<-done
		tree.Close()
	}, nil
}

// uncounted is for reading whose messages are counted elsewhere.
type uncounted struct{}

// Add implements storeconv.Progress.
func (uncounted) Add(items, bytes int64) {}
