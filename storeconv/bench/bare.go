package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// The bare loops do what a conversion cannot do without, in the cheapest way
// that this system offers, and nothing else: their speed is the limit of the
// conversion on this disk.

// bareBodies is the memory that the bare loop writes from, in bytes: more than
// a processor's caches have, as with messages that come from a stream.
const bareBodies = 16 << 20

// bareFile is one message of the bare loop.
type bareFile struct {
	uid  uint32
	size int64
	link bool // to the file before it
	at   int64
}

// bareUser is what one worker writes in one piece.
type bareUser struct {
	name  string
	boxes [][]bareFile
}

// bareWrite creates, writes, dates and hashes the message files of a shape, a
// user at a time, in directories like those of a store. It syncs where the
// row's mode does.
func bareWrite(ctx context.Context, s Step, m *measured) error {
	w := &bareWriter{fs: durable.OS, m: m, bodies: make([]byte, bareBodies)}
	text := sampleText(newWalker(s.Shape).rng)
	for at := 0; at < bareBodies; {
		at += copy(w.bodies[at:], text)
	}
	root := filepath.Join(s.Dir, bareName)
	if err := os.Mkdir(root, 0o700); err != nil {
		return err
	}
	var err error
	if w.root, err = w.fs.Openat(unix.AT_FDCWD, root, unix.O_DIRECTORY|unix.O_RDONLY, 0); err != nil {
		return err
	}
	defer w.fs.Close(w.root)
	if w.mode, err = storeconv.ParseSyncMode(s.Sync); err != nil {
		return err
	}
	m.prepared()
	if err := w.users(ctx, s); err != nil {
		return err
	}
	if w.mode != storeconv.SyncNone {
		if err := w.sync(); err != nil {
			return err
		}
	}
	m.sample.Items, m.sample.Bytes = w.items.Load(), w.bytes.Load()
	return nil
}

// bareWriter is one bare loop.
type bareWriter struct {
	fs     durable.FS
	m      *measured
	mode   storeconv.SyncMode
	bodies []byte
	root   int
	items  atomic.Int64
	bytes  atomic.Int64

	mu       sync.Mutex
	unsynced int64
}

// users hands the users of the shape to workers.
func (w *bareWriter) users(ctx context.Context, s Step) error {
	work := make(chan *bareUser, s.Jobs)
	g, ctx := errgroup.WithContext(ctx)
	for range s.Jobs {
		g.Go(func() error {
			for u := range work {
				if err := w.user(u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(work)
		return eachBareUser(s.Shape, func(u *bareUser) error {
			select {
			case work <- u:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	return g.Wait()
}

// eachBareUser goes over the users of a shape.
func eachBareUser(s Shape, each func(*bareUser) error) error {
	walk := newWalker(s)
	var u *bareUser
	var p place
	user, box := int64(-1), int64(-1)
	for walk.next(&p) {
		if p.user != user {
			if u != nil {
				if err := each(u); err != nil {
					return err
				}
			}
			u, user, box = &bareUser{name: userName(&p)}, p.user, -1
		}
		if p.box != box {
			u.boxes, box = append(u.boxes, nil), p.box
		}
		files := &u.boxes[len(u.boxes)-1]
		f := bareFile{uid: p.uid, size: p.size, link: p.first >= 0 && len(*files) > 0, at: walk.n * 12007}
		*files = append(*files, f)
	}
	return each(u)
}

func (w *bareWriter) user(u *bareUser) error {
	dir, err := w.mkdir(w.root, u.name)
	if err != nil {
		return err
	}
	defer w.fs.Close(dir)
	var bytes, items int64
	for i, files := range u.boxes {
		n, err := w.box(dir, strconv.Itoa(i), files)
		if err != nil {
			return err
		}
		items += int64(len(files))
		bytes += n
	}
	w.items.Add(items)
	w.bytes.Add(bytes)
	w.m.Add(items, bytes)
	return w.committed(bytes)
}

// committed syncs after each user or after as many bytes as restore does.
func (w *bareWriter) committed(bytes int64) error {
	if w.mode == storeconv.SyncNone {
		return nil
	}
	w.mu.Lock()
	w.unsynced += bytes
	full := w.mode == storeconv.SyncUser || w.unsynced >= syncedBytes
	if full {
		w.unsynced = 0
	}
	w.mu.Unlock()
	if !full {
		return nil
	}
	return w.sync()
}

// syncedBytes is after how many bytes restore syncs.
const syncedBytes = 256 << 20

func (w *bareWriter) sync() error { return w.fs.Syncfs(w.root) }

func (w *bareWriter) mkdir(in int, name string) (int, error) {
	if err := w.fs.Mkdirat(in, name, 0o700); err != nil {
		return 0, err
	}
	return w.fs.Openat(in, name, unix.O_DIRECTORY|unix.O_RDONLY, 0)
}

// box writes one mailbox and returns its bytes.
func (w *bareWriter) box(user int, name string, files []bareFile) (int64, error) {
	box, err := w.mkdir(user, name)
	if err != nil {
		return 0, err
	}
	defer w.fs.Close(box)
	var bytes int64
	nn, last, number := -1, "", uint32(0)
	defer func() {
		if nn >= 0 {
			w.fs.Close(nn)
		}
	}()
	for _, f := range files {
		if n := ims.MessageDirNumber(f.uid); nn < 0 || n != number {
			if nn >= 0 {
				w.fs.Close(nn)
			}
			number, last = n, ""
			if nn, err = w.mkdir(box, fmt.Sprintf("%02d", n)); err != nil {
				nn = -1
				return 0, err
			}
		}
		file := strconv.FormatUint(uint64(f.uid), 10) + ".msg"
		if f.link && last != "" {
			err = w.fs.Linkat(nn, last, nn, file)
		} else {
			last, err = file, w.file(nn, file, f)
		}
		if err != nil {
			return 0, err
		}
		bytes += f.size
	}
	return bytes, nil
}

// file creates, writes, dates and hashes one file.
func (w *bareWriter) file(dir int, name string, f bareFile) (err error) {
	fd, err := w.fs.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.fs.Close(fd)) }()
	h := sha256.New()
	at := f.at % int64(len(w.bodies))
	for left := f.size; left > 0; {
		n, err := w.fs.Write(fd, w.bodies[at:min(at+left, int64(len(w.bodies)))])
		if err != nil {
			return err
		}
		h.Write(w.bodies[at : at+int64(n)])
		left -= int64(n)
		at = (at + int64(n)) % int64(len(w.bodies))
	}
	var sum [sha256.Size]byte
	hashed.Add(int64(h.Sum(sum[:0])[0]))
	date := unix.Timespec{Sec: streamDate}
	return w.fs.Futimens(fd, date, date)
}

// hashed takes in what the bare loops hash, so that no compiler leaves it out.
var hashed atomic.Int64
