package shards

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// storeSurvey walks the trees of a store, of NMS or of iMS: they are alike.
type storeSurvey struct {
	s        *Survey
	log      storeconv.Log
	progress storeconv.Progress

	mu    sync.Mutex
	files *bdb.Sorter // files with several names, by device and inode, then by who came first
	next  uint64      // number of the next tree

	unread bool // a folder above the users' cannot be read; of who looks for users
}

// userDir is the tree of a user in one partition.
type userDir struct {
	id     string
	number uint64 // in the order of places
	path   string
}

// AddStore takes up what the partitions of a store have; jobs workers look at
// the trees. What cannot be read is a problem. Users who have nothing but
// records or subscriptions are not met. The error is of the context, of the
// machine or of temporary files, or [ErrNothingRead].
func (s *Survey) AddStore(ctx context.Context, partitions []nms.Partition, jobs int, log storeconv.Log, progress storeconv.Progress) error {
	w := &storeSurvey{s: s, log: log, progress: progress, files: bdb.NewSorter(s.TempDir, sortMemory)}
	defer w.files.Close()
	work := make(chan userDir, 64*max(jobs, 1))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(work)
		return eachUserDir(partitions, w.unseen, func(path, name string) error {
			return w.found(ctx, path, name, work)
		})
	})
	for range max(jobs, 1) {
		g.Go(func() error {
			t := treeSurvey{w: w}
			for dir := range work {
				if err := t.all(ctx, dir); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if w.next == 0 && w.unread {
		return ErrNothingRead
	}
	return w.join()
}

// ErrNothingRead: a store has folders that cannot be read, and they keep all
// users from being seen. A plan of such a survey would be one of nobody.
var ErrNothingRead = errors.New("no user can be seen: what cannot be read is told above")

// found hands a user's tree to the workers. What is no user's name is passed
// over, as it is by those who convert the store.
func (w *storeSurvey) found(ctx context.Context, path, name string, work chan<- userDir) error {
	id, err := ims.UnescapeName(strings.TrimPrefix(name, "="))
	if err != nil || id == "" {
		return nil
	}
	w.next++
	if !w.s.meets(id) {
		return nil
	}
	select {
	case work <- userDir{id, w.next, path}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unseen tells of a folder in which there may be users.
func (w *storeSurvey) unseen(path string, err error) error {
	w.unread = true
	return w.unreadable(path, err)
}

func (w *storeSurvey) unreadable(path string, err error) error {
	if ims.OfMachine(err) {
		return err
	}
	w.log.Problem("unreadable", path, err.Error()+": what lies there has no part in the plan")
	return nil
}

// eachUserDir gives the directories of users, in the order of partitions and
// names, wherever they lie below =user, and the names of these directories. bad
// says what becomes of what cannot be read. A partition without =user has no
// users; one that is not there, such as a link to a disk that is not mounted,
// cannot be read.
func eachUserDir(partitions []nms.Partition, bad func(path string, err error) error, use func(path, name string) error) error {
	var l dirNames
	for _, p := range partitions {
		root := filepath.Join(p.Path, nms.UserRoot)
		_, err := os.Stat(p.Path)
		if err == nil {
			var info fs.FileInfo
			if info, err = os.Stat(root); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
				continue
			}
		}
		if err != nil {
			err = bad(p.Path, err)
		} else {
			err = l.walk(root, 0, bad, use)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dirNames lists directories.
type dirNames struct{ lister nms.Lister }

// list returns what is in a directory, in byte order of the names.
func (l *dirNames) list(path string) ([]nms.Entry, error) {
	fd, err := nms.OpenPath(path)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	entries, err := l.lister.List(fd, nil)
	slices.SortFunc(entries, func(a, b nms.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, err
}

func (l *dirNames) walk(path string, depth int, bad func(string, error) error, use func(path, name string) error) error {
	entries, err := l.list(path)
	if err != nil {
		return bad(path, err)
	}
	for _, e := range entries {
		at := filepath.Join(path, e.Name)
		switch {
		case e.Type != nms.Directory:
		case strings.HasPrefix(e.Name, "="):
			err = use(at, e.Name)
		case depth < nms.HashLevels:
			err = l.walk(at, depth+1, bad, use)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// treeSurvey adds up the trees of users, one at a time.
type treeSurvey struct {
	w               *storeSurvey
	names           dirNames
	dir             userDir
	messages, bytes int64
	shared          []sharedFile // files with several names
}

type sharedFile struct {
	dev, ino uint64
	size     int64
}

// sharedMost is how many files with several names a worker holds.
const sharedMost = 4096

// all adds up the tree of a user.
func (t *treeSurvey) all(ctx context.Context, dir userDir) error {
	t.dir, t.messages, t.bytes = dir, 0, 0
	fd, err := nms.OpenPath(dir.path)
	if err == nil {
		err = t.walk(ctx, fd, dir.path, 0)
	} else {
		err = t.w.unreadable(dir.path, err)
	}
	return errors.Join(err, t.settle())
}

// walk adds up an open directory, which it closes.
func (t *treeSurvey) walk(ctx context.Context, fd int, path string, depth int) error {
	defer unix.Close(fd)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, err := t.names.lister.List(fd, nil)
	if err != nil {
		return t.w.unreadable(path, err)
	}
	for _, e := range entries {
		switch {
		case e.Type == nms.Directory && depth < nms.MaxDepth:
			err = t.below(ctx, fd, path, e.Name, depth)
		case e.Type != nms.Directory && nms.IsMessage(e.Name):
			err = t.message(fd, path, e.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *treeSurvey) below(ctx context.Context, fd int, path, name string, depth int) error {
	path = filepath.Join(path, name)
	sub, err := nms.OpenDir(fd, name)
	if err != nil {
		return t.w.unreadable(path, err)
	}
	return t.walk(ctx, sub, path, depth+1)
}

// message adds a message, which may lie behind a symbolic link.
func (t *treeSurvey) message(fd int, path, name string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(fd, name, &st, 0); err != nil {
		return t.w.unreadable(filepath.Join(path, name), fmt.Errorf("stat: %w", err))
	}
	t.messages++
	t.bytes = min(t.bytes+min(st.Size, mostBytes), mostBytes)
	if st.Nlink < 2 {
		return nil
	}
	t.shared = append(t.shared, sharedFile{uint64(st.Dev), st.Ino, st.Size})
	if len(t.shared) < sharedMost {
		return nil
	}
	return t.settle()
}

// settle gives away what has been added up.
func (t *treeSurvey) settle() error {
	w := t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	errs := []error{w.s.add(t.dir.id, t.messages, t.bytes)}
	w.progress.Add(t.messages, t.bytes)
	for _, f := range t.shared {
		key := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, f.dev), f.ino)
		key = binary.BigEndian.AppendUint64(key, t.dir.number)
		errs = append(errs, w.files.Add(key, append(binary.BigEndian.AppendUint64(nil, uint64(f.size)), t.dir.id...)))
	}
	t.messages, t.bytes, t.shared = 0, 0, t.shared[:0]
	return errors.Join(errs...)
}

// join notes who shares files. The first of those who do is the one who came
// first: nothing else in a store says whose the first copy was.
func (w *storeSurvey) join() error {
	const fileKey, sizeOfSize = 16, 8
	var file, first []byte
	return w.files.Drain(func(key, value []byte) error {
		user := value[sizeOfSize:]
		if string(file) != string(key[:fileKey]) {
			file, first = append(file[:0], key[:fileKey]...), append(first[:0], user...)
			return nil
		}
		return w.s.share(first, user, int64(binary.BigEndian.Uint64(value)))
	})
}
