package inputs

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"imsconv/cmd/internal/choices"
	"imsconv/cmd/internal/cli"
	"imsconv/cmd/internal/site"
	"imsconv/cmd/internal/stream"
	"imsconv/storeconv"
	"imsconv/storeconv/nms"
	"imsconv/storeconv/restore"
	"imsconv/storeconv/sims"
	"imsconv/storeconv/source"
)

// ReadStore learns what there is in a store of NMS, and what makes it the same
// input on a second run.
func (in *Input) ReadStore(ctx context.Context, job *cli.Job, s *site.Site, m *Mail) (err error) {
	if in.Parts, err = Elsewhere(s, in.Path); err != nil {
		return err
	}
	store, err := nms.Open(in.Path, in.Parts...)
	if err == nil {
		err = store.Readable()
	}
	if err != nil {
		return err
	}
	for _, p := range store.Partitions {
		if err := job.KeepsStill(p.Path); err != nil {
			return err
		}
	}
	return in.fingerprintTree(ctx, m.storeFile)
}

// ReadBackup does the same for the mail of a SIMS site.
func (in *Input) ReadBackup(ctx context.Context, job *cli.Job, how *choices.Restore, m *Mail) error {
	b := Backup{in.Path, how}
	if b.isTree() {
		return in.readTree(ctx, job, b, m)
	}
	return in.Fingerprint(ctx, func(src io.Reader) error {
		plain, _, err := cli.Decompress(src)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Path, err)
		}
		head := bufio.NewReaderSize(Count(plain, &in.Plain), 256<<10)
		if err := stream.Check(job, in.Path, head); err != nil {
			return err
		}
		m.readTape(sims.NewReader(head))
		return nil
	})
}

func (in *Input) readTree(ctx context.Context, job *cli.Job, b Backup, m *Mail) error {
	tree, err := b.openTree(job)
	if err != nil {
		return err
	}
	defer tree.Close() // opened for reading
	m.readTape(tree)
	if st, err := os.Stat(in.Path); err != nil || !st.IsDir() {
		return cmp.Or(err, in.Fingerprint(ctx, nil))
	}
	return in.fingerprintTree(ctx, func(string, int64, uint64) {})
}

// Backup is the mail of a SIMS site: a backup stream, mailbox files or
// Maildirs, and how they are read.
type Backup struct {
	Path string
	How  *choices.Restore
}

// isTree says whether the mail lies in mailbox files or Maildirs.
func (b Backup) isTree() bool { return b.How.Tree.Is(b.Path) }

func (b Backup) openTree(job *cli.Job) (*source.Source, error) {
	return stream.OpenTree(job, b.Path, b.How.Tree.Options())
}

// Open opens the mail as restore reads it. The caller
// calls end.
func (b Backup) Open(job *cli.Job) (tape *restore.Stream, end func(), err error) {
	if b.isTree() {
		tree, err := b.openTree(job)
		if err != nil {
			return nil, nil, err
		}
		return stream.OfTree(b.Path, tree), func() { tree.Close() }, nil // opened for reading
	}
	in, err := stream.Open(job, b.Path)
	if err != nil {
		return nil, nil, err
	}
	tape, err = restore.NewStream(b.Path, stream.Source(in))
	return tape, func() { in.Close() }, err
}

// References opens the streams that are looked in for first copies. The
// caller calls end.
func (b Backup) References(job *cli.Job) (refs []*restore.Stream, end func(), err error) {
	var opened []*cli.Input
	end = func() {
		for _, in := range opened {
			in.Close() // opened for reading
		}
	}
	for _, path := range b.How.References {
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

// OpenBytes opens the mail as a backup stream; mailbox files and
// Maildirs are made one. The caller calls end.
func (b Backup) OpenBytes(ctx context.Context, job *cli.Job) (r io.Reader, end func(), err error) {
	if !b.isTree() {
		in, err := stream.Open(job, b.Path)
		if err != nil {
			return nil, nil, err
		}
		return stream.Source(in), func() { in.Close() }, nil // opened for reading
	}
	tree, err := b.openTree(job)
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
