package relocate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/nms"
)

// userDir is where the subscription files lie, in the source and in the new
// store.
const userDir = "user"

// subscriptions carries store/user over.
type subscriptions struct {
	r      *relocation
	lister nms.Lister
	clone  durable.Cloner
	data   []byte // of the file at hand
	staged uint64 // files so far: numbers them

	moves   []durable.Move
	places  map[string]bool // of what is staged and perhaps not in place yet
	renamed chan error      // of the batch that is being put in place; nil: none is
}

// Files staged at a time: where nothing is synced, a small batch is put in
// place while the next is staged.
const (
	fileBatch         = 2000
	unsyncedFileBatch = 50
)

func (s *subscriptions) full() bool {
	return len(s.moves) >= fileBatch || len(s.moves) >= unsyncedFileBatch && s.r.opts.Sync == storeconv.SyncNone
}

// relocateSubscriptions copies the subscription files and keeps what they say
// for subscr.db.
func (r *relocation) relocateSubscriptions(ctx context.Context) error {
	r.subscr = bdb.NewSorter(r.tempDir(), 0)
	if r.src.UserDir == "" {
		return nil
	}
	s := &subscriptions{r: r, places: make(map[string]bool)}
	s.clone.FS, s.clone.Owner = r.opts.FS, r.opts.Owner
	fd, err := nms.OpenPath(r.src.UserDir)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		r.siteLog.Problem("unreadable", userDir, err.Error())
		return nil
	}
	defer unix.Close(fd)
	if err := s.dir(ctx, fd, "", 0); err != nil {
		return errors.Join(err, s.wait())
	}
	return s.finish()
}

// tempDir is where sorting may spill: the run's own folder, on the new store's
// file system.
func (r *relocation) tempDir() string {
	if r.run == nil {
		return ""
	}
	return r.run.TempDir()
}

// maxUserDepth bounds how deep subscription files are looked for.
const maxUserDepth = 16

func (s *subscriptions) dir(ctx context.Context, fd int, path string, depth int) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	where := filepath.Join(userDir, path)
	if depth > maxUserDepth {
		s.r.siteLog.Problem("too-deep", where, "left out")
		return nil
	}
	entries, err := s.lister.List(fd, nil)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		s.r.siteLog.Problem("unreadable", where, err.Error())
	}
	slices.SortFunc(entries, func(a, b nms.Entry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range entries {
		switch e.Type {
		case nms.File:
			err = s.file(fd, path, e.Name)
		case nms.Directory:
			err = s.subdir(ctx, fd, filepath.Join(path, e.Name), e.Name, depth)
		default:
			s.r.siteLog.Problem("not-a-file", filepath.Join(where, e.Name), "a "+e.Type.String()+": left out")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *subscriptions) subdir(ctx context.Context, fd int, path, name string, depth int) error {
	sub, err := nms.OpenDir(fd, name)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		s.r.siteLog.Problem("unreadable", filepath.Join(userDir, path), fmt.Sprintf("open: %v", err))
		return nil
	}
	defer unix.Close(sub)
	return s.dir(ctx, sub, path, depth+1)
}

// file carries one file over. Its name is the user's as the layout writes it,
// without the '='; a file whose name is nobody's goes over as it is.
func (s *subscriptions) file(fd int, path, name string) error {
	where := filepath.Join(userDir, path, name)
	stem, suffix := name, ""
	if cut, ok := strings.CutSuffix(name, nms.SubscriptionSuffix); ok {
		stem, suffix = cut, nms.SubscriptionSuffix
	}
	id, _, err := decodeComponent("=" + stem)
	if err != nil {
		if !s.r.takesRest() {
			return nil
		}
		s.r.log.Warning("not-a-user", where, "the name is no user's: carried over as it is")
		return s.carry(fd, name, where, where, nil)
	}
	if !s.r.selected(id) {
		return nil
	}
	newID, ok := s.r.admitAndTell(id, where)
	if !ok {
		return nil
	}
	data, err := s.read(fd, name)
	if err != nil {
		if ims.OfMachine(err) {
			return err
		}
		s.r.log.Problem("unreadable", where, err.Error())
		return nil
	}
	rewritten, err := s.record(newID, data)
	if err != nil {
		return err
	}
	return s.carry(fd, name, where, s.place(path, name, suffix, id, newID, where), rewritten)
}

// place is where the file of a user goes.
func (s *subscriptions) place(path, name, suffix, id, newID, where string) string {
	hashed := strings.Count(path, "/") == nms.HashLevels-1
	if newID != id {
		name = ims.EscapeName(newID) + suffix
		if hashed {
			path = ims.Hash(newID)
		}
		return filepath.Join(userDir, path, name)
	}
	if hashed && path != ims.Hash(id) {
		if s.r.opts.RepairHash {
			s.r.report.Rehashed++
			return filepath.Join(userDir, ims.Hash(id), name)
		}
		s.r.log.Problem("wrong-hash", where, fmt.Sprintf("user %s belongs under %s: carried over as it lies", id, ims.Hash(id)))
	}
	return filepath.Join(userDir, path, name)
}

// record takes the list into subscr.db where the file reads as one, and returns
// the file's new bytes when a renamed user stands in it, else nil.
func (s *subscriptions) record(newID string, data []byte) (rewritten []byte, err error) {
	if len(data) > nms.MaxSubscriptions {
		return nil, nil
	}
	list, err := nms.ParseSubscriptions(data)
	if err != nil {
		return nil, nil
	}
	s.r.report.SubscriptionsRead++
	changed := false
	for i, name := range list {
		id, _, ok := mboxlist.SplitKey(name)
		if !ok {
			continue
		}
		if to := s.r.newIdentifier(id); to != id {
			list[i], changed = renamedKey(name, id, to), true
		}
	}
	if len(list) > 0 {
		s.r.report.SubscrRecords++
		if err := s.r.subscr.Add([]byte(newID), mboxlist.Subscriptions(list).Append(nil)); err != nil {
			return nil, err
		}
	}
	if !changed {
		return nil, nil
	}
	s.r.report.SubscriptionsNew++
	return nms.FormatSubscriptions(list), nil
}

// read reads a file, one byte more than ParseSubscriptions is asked about, into
// memory that the next call uses again.
func (s *subscriptions) read(dir int, name string) ([]byte, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	s.data = s.data[:0]
	for len(s.data) <= nms.MaxSubscriptions {
		s.data = slices.Grow(s.data, 4096)
		free := s.data[len(s.data):cap(s.data)]
		n, err := unix.Read(fd, free[:min(len(free), nms.MaxSubscriptions+1-len(s.data))])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, &os.PathError{Op: "read", Path: name, Err: err}
		case n == 0:
			return s.data, nil
		default:
			s.data = s.data[:len(s.data)+n]
		}
	}
	return s.data, nil
}

// carry puts one file into the new store, with new bytes or with its own.
func (s *subscriptions) carry(fd int, name, where, to string, rewritten []byte) error {
	s.r.report.Subscriptions++
	if s.r.opts.DryRun {
		return s.look(fd, name, where, to, rewritten)
	}
	s.r.dirTimes.noteUserFile(s.r, to)
	if s.places[to] {
		// Another file of the same user: it is there before this one is looked at.
		if err := s.finish(); err != nil {
			return err
		}
	}
	if done, err := s.there(fd, name, where, to, rewritten); done || err != nil {
		return err
	}
	s.staged++
	staged := "u" + strconv.FormatUint(s.staged, 10)
	var err error
	if rewritten == nil {
		_, err = s.clone.Copy(fd, name, s.r.run.Stage.FD(), staged)
	} else {
		err = s.clone.Rewrite(fd, name, s.r.run.Stage.FD(), staged, rewritten)
	}
	if durable.IsSource(err) {
		s.r.log.Problem("unreadable", where, err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: copy of %s: %w", s.r.run.Path("stage/"+staged), where, err)
	}
	s.moves = append(s.moves, durable.Move{From: staged, To: to})
	s.places[to] = true
	if s.full() {
		return s.commit()
	}
	return nil
}

// look is carry for a dry run, for what it tells.
func (s *subscriptions) look(fd int, name, where, to string, rewritten []byte) error {
	if s.r.dst == nil {
		return nil
	}
	_, err := s.there(fd, name, where, to, rewritten)
	return err
}

// there tells whether the new store has the file already.
func (s *subscriptions) there(fd int, name, where, to string, want []byte) (bool, error) {
	have, err := s.r.dst.ReadFile(to, 64<<20)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if want == nil {
		in, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			if ims.OfMachine(err) {
				return false, err
			}
			s.r.log.Problem("unreadable", where, fmt.Sprintf("open: %v", err))
			return true, nil
		}
		f := os.NewFile(uintptr(in), name)
		defer f.Close()
		if want, err = io.ReadAll(io.LimitReader(f, 64<<20)); err != nil {
			if ims.OfMachine(err) {
				return false, err
			}
			s.r.log.Problem("unreadable", where, err.Error())
			return true, nil
		}
	}
	if !bytes.Equal(have, want) {
		s.r.log.Problem("already-there", where, "the new store has other subscriptions, which stay as they are")
	}
	return true, nil
}

// commit has what is staged put in place, once the batch before it is.
func (s *subscriptions) commit() error {
	if err := s.wait(); err != nil {
		return err
	}
	moves, renamed := s.moves, make(chan error, 1)
	s.moves, s.renamed = nil, renamed
	go func() { renamed <- s.r.run.Commit(moves, nil) }()
	return nil
}

// wait waits for the batch that is being put in place.
func (s *subscriptions) wait() error {
	if s.renamed == nil {
		return nil
	}
	err := <-s.renamed
	s.renamed = nil
	if err != nil {
		return err
	}
	clear(s.places)
	for _, m := range s.moves {
		s.places[m.To] = true
	}
	return nil
}

// finish puts in place all that is staged.
func (s *subscriptions) finish() error {
	err := s.wait()
	if err == nil && len(s.moves) > 0 {
		err = errors.Join(s.commit(), s.wait())
	}
	return err
}
