package bench

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"imsconv/storeconv/durable"
)

// bareRead opens, reads and hashes every message file of the store, a directory
// at a time.
func bareRead(ctx context.Context, s Step, m *measured) error {
	return readTree(ctx, filepath.Join(s.Dir, storeName, "partition"), s.Jobs, m)
}

// folder is a directory with message files.
type folder struct {
	path  string
	files []string
}

func readTree(ctx context.Context, root string, jobs int, m *measured) error {
	work := make(chan folder, 4*jobs)
	g, ctx := errgroup.WithContext(ctx)
	var items, bytes atomic.Int64
	for range jobs {
		g.Go(func() error {
			buf := make([]byte, 256<<10)
			for d := range work {
				n, err := readFolder(d, buf)
				if err != nil {
					return err
				}
				items.Add(int64(len(d.files)))
				bytes.Add(n)
				m.Add(int64(len(d.files)), n)
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(work)
		return eachFolder(root, func(d folder) error {
			select {
			case work <- d:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	err := g.Wait()
	m.sample.Items, m.sample.Bytes = items.Load(), bytes.Load()
	return err
}

// eachFolder walks a tree and gives the directories with message files.
func eachFolder(root string, each func(folder) error) error {
	fd, err := durable.OS.Openat(unix.AT_FDCWD, root, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: root, Err: err}
	}
	entries, err := durable.OS.ReadDir(fd, root)
	if err != nil {
		return err
	}
	d := folder{path: root}
	for _, e := range entries {
		switch {
		case e.IsDir():
			if err := eachFolder(filepath.Join(root, e.Name()), each); err != nil {
				return err
			}
		case strings.HasSuffix(e.Name(), ".msg"):
			d.files = append(d.files, e.Name())
		}
	}
	if len(d.files) == 0 {
		return nil
	}
	return each(d)
}

func readFolder(d folder, buf []byte) (int64, error) {
	dir, err := durable.OS.Openat(unix.AT_FDCWD, d.path, unix.O_DIRECTORY|unix.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer durable.OS.Close(dir)
	var bytes int64
	for _, name := range d.files {
		n, err := readFile(dir, name, buf)
		if err != nil {
			return 0, &fs.PathError{Op: "read", Path: filepath.Join(d.path, name), Err: err}
		}
		bytes += n
	}
	return bytes, nil
}

// readFile reads and hashes one file.
func readFile(dir int, name string, buf []byte) (int64, error) {
	fd, err := durable.OS.Openat(dir, name, unix.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer durable.OS.Close(fd)
	st, err := durable.OS.Fstat(fd)
	if err != nil {
		return 0, err
	}
	h := sha256.New()
	for left := st.Size; left > 0; {
		n, err := durable.OS.Read(fd, buf)
		if err != nil || n == 0 {
			return 0, err
		}
		h.Write(buf[:n])
		left -= int64(n)
	}
	var sum [sha256.Size]byte
	hashed.Add(int64(h.Sum(sum[:0])[0]))
	return st.Size, nil
}
