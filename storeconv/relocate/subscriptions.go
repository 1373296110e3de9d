package relocate

import (
	"bytes"
	"context"
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
	moves  []durable.Move
	staged uint64 // files so far: numbers them
}

// fileBatch is how many files are staged at a time.
const fileBatch = 2000

// relocateSubscriptions copies the subscription files and keeps what they say
// for subscr.db.
func (r *relocation) relocateSubscriptions(ctx context.Context) error {
	r.subscr = bdb.NewSorter(r.tempDir(), 0)
	if r.src.UserDir == "" {
		return nil
	}
	s := &subscriptions{r: r}
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
		return err
	}
	return s.commit()
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
	data, err := readSmall(fd, name)
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

// readSmall reads a file, one byte more than ParseSubscriptions is asked about.
func readSmall(dir int, name string) ([]byte, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, nms.MaxSubscriptions+1))
}

// carry puts one file into the new store, with new bytes or with its own.
func (s *subscriptions) carry(fd int, name, where, to string, rewritten []byte) error {
	s.r.report.Subscriptions++
	if s.r.opts.DryRun {
		return nil
	}
	s.r.dirTimes.noteUserFile(s.r, to)
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
		return fmt.Errorf("%s: %w", to, err)
	}
	s.moves = append(s.moves, durable.Move{From: staged, To: to})
	if len(s.moves) >= fileBatch {
		return s.commit()
	}
	return nil
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

func (s *subscriptions) commit() error {
	err := s.r.run.Commit(s.moves, nil)
	s.moves = s.moves[:0]
	return err
}
