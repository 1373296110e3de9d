package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
)

// surveyMail learns what there is on the mail side, and what makes it the same
// input on a second run.
func (c *conversion) surveyMail(ctx context.Context, job *cli.Job) error {
	in := c.store()
	switch {
	case c.scenario.nms():
		var err error
		if in.parts, err = elsewhere(c.site, in.path); err != nil {
			return err
		}
		if _, err := nms.Open(in.path, in.parts...); err != nil {
			return err
		}
		return in.fingerprintTree(ctx, c.mail.storeFile)
	case c.isTree():
		return c.surveyTree(ctx, job)
	}
	return in.fingerprint(ctx, func(src io.Reader) error {
		plain, _, err := cli.Decompress(src)
		if err != nil {
			return fmt.Errorf("%s: %w", in.path, err)
		}
		head := bufio.NewReaderSize(&countTo{r: plain, n: &in.plain}, 256<<10)
		if err := stream.Check(job, in.path, head); err != nil {
			return err
		}
		c.mail.readTape(sims.NewReader(head))
		return nil
	})
}

// isTree says whether the mail of a SIMS site lies in mailbox files or
// Maildirs.
func (c *conversion) isTree() bool { return c.set.source.Tree.Is(c.store().path) }

func (c *conversion) surveyTree(ctx context.Context, job *cli.Job) error {
	in := c.store()
	tree, err := stream.OpenTree(job, in.path, c.set.source.Tree.Options())
	if err != nil {
		return err
	}
	defer tree.Close() // opened for reading
	c.mail.readTape(tree)
	if st, err := os.Stat(in.path); err != nil || !st.IsDir() {
		return cmp.Or(err, in.fingerprint(ctx, nil))
	}
	return in.fingerprintTree(ctx, func(string, int64, uint64) {})
}

// openStream opens the mail of a SIMS site as restore reads it. The caller
// calls end.
func (c *conversion) openStream(job *cli.Job) (tape *restore.Stream, end func(), err error) {
	path := c.store().path
	if c.isTree() {
		tree, err := stream.OpenTree(job, path, c.set.source.Tree.Options())
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

// openReferences opens the streams that are looked in for first copies. The
// caller calls end.
func (c *conversion) openReferences(job *cli.Job) (refs []*restore.Stream, end func(), err error) {
	var opened []*cli.Input
	end = func() {
		for _, in := range opened {
			in.Close() // opened for reading
		}
	}
	for _, path := range c.set.source.References {
		in, err := stream.Open(job, path)
		if err != nil {
			end()
			return nil, nil, err
		}
		opened = append(opened, in)
		ref, err := restore.NewStream(in.Name, stream.Source(in))
		if err != nil {
			end()
			return nil, nil, err
		}
		refs = append(refs, ref)
	}
	return refs, end, nil
}

// openBytes opens the mail of a SIMS site as a backup stream; mailbox files and
// Maildirs are made one. The caller calls end.
func (c *conversion) openBytes(ctx context.Context, job *cli.Job) (r io.Reader, end func(), err error) {
	path := c.store().path
	if !c.isTree() {
		in, err := stream.Open(job, path)
		if err != nil {
			return nil, nil, err
		}
		return stream.Source(in), func() { in.Close() }, nil // opened for reading
	}
	tree, err := stream.OpenTree(job, path, c.set.source.Tree.Options())
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
