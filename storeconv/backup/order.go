package backup

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"imsconv/dbconv/bdb"
	"imsconv/storeconv"
	"imsconv/storeconv/ims"
)

// maxEdges bounds the pairs of users of whom one has to come before the other.
// With more than that the users stay in byte order, and the first copy is the
// first that comes.
const maxEdges = 1 << 20

// errTooManyEdges: more than maxEdges.
var errTooManyEdges = errors.New("too many links between users")

// linkRefs are the references of the files that have several, in the order of
// the stream, each with its first copy.
type linkRefs struct {
	next func() ([]byte, []byte, bool)
	stop func()
	err  error

	key, value []byte // the next one, of a user to come
	more       bool
}

// order brings the users into the order of the stream and finds the first copy
// of every file that is written once.
func (b *run) order(ctx context.Context) (*linkRefs, error) {
	if b.opts.IgnoreLinks {
		return newLinkRefs(bdb.NewSorter(b.opts.TempDir, storeconv.SortMemory)), nil
	}
	links, err := b.orderLinks(ctx, b.opts.Users != nil)
	if errors.Is(err, errTooManyEdges) {
		links, err = b.orderLinks(ctx, true)
	}
	return links, err
}

// orderLinks finds the links, with the users in their order as it stands
// (fixed) or after bringing first copies in front.
func (b *run) orderLinks(ctx context.Context, fixed bool) (*linkRefs, error) {
	files := bdb.NewSorter(b.opts.TempDir, storeconv.SortMemory)
	defer files.Close()
	if err := b.scan(ctx, files); err != nil {
		return nil, err
	}
	refs := bdb.NewSorter(b.opts.TempDir, storeconv.SortMemory)
	g := &grouper{refs: refs, fixed: fixed, edges: make(map[[2]uint32]struct{})}
	err := files.Drain(g.add)
	if err == nil {
		err = g.flush()
	}
	if err != nil {
		refs.Close()
		return nil, err
	}
	position := topological(len(b.users), g.edges)
	if position == nil {
		return newLinkRefs(refs), nil
	}
	moved := bdb.NewSorter(b.opts.TempDir, storeconv.SortMemory)
	err = refs.Drain(func(key, value []byte) error {
		return moved.Add(renumber(key, position), renumber(value, position))
	})
	if err != nil {
		moved.Close()
		return nil, err
	}
	users := make([]user, len(b.users))
	for i, u := range b.users {
		users[position[i]] = u
	}
	b.users = users
	return newLinkRefs(moved), nil
}

// renumber gives the id in front of rec the user's new number.
func renumber(rec []byte, position []uint32) []byte {
	out := slices.Clone(rec)
	binary.BigEndian.PutUint32(out, position[binary.BigEndian.Uint32(rec)])
	return out
}

// appendID appends a orderID in a form whose byte order is the order of the
// stream.
func appendID(dst []byte, id orderID) []byte {
	dst = binary.BigEndian.AppendUint32(dst, id.user)
	dst = binary.BigEndian.AppendUint32(dst, id.box)
	return binary.BigEndian.AppendUint32(dst, id.uid)
}

func parseID(b []byte) orderID {
	return orderID{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
}

// scan puts every message whose file has several names into files: device,
// inode and orderID; value 1 when the file has the date of this reference, so
// that it may be the one that it came with.
func (b *run) scan(ctx context.Context, files *bdb.Sorter) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	work := make(chan uint32)
	g.Go(func() error {
		defer close(work)
		for i := range b.users {
			select {
			case work <- uint32(i):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range b.opts.Jobs {
		g.Go(func() error {
			var index ims.IndexReader
			for i := range work {
				err := b.scanUser(ctx, &index, i, func(key, value []byte) error {
					mu.Lock()
					defer mu.Unlock()
					return files.Add(key, value)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// scanUser is scan for one user. What cannot be read is told when it is
// written; an error of the machine ends the run, for a copy would be taken for
// a message of its own.
func (b *run) scanUser(ctx context.Context, index *ims.IndexReader, user uint32, add func(key, value []byte) error) error {
	stray := func(e *ims.Error) { b.tellUnseen(e.Path, e) }
	return b.mailboxes(&b.users[user], stray, func(number uint32, box *ims.Mailbox) error {
		var failed error
		message := func(m *storedMessage) error {
			if failed = ctx.Err(); failed != nil || b.older(m.date) {
				return failed
			}
			info, err := box.Stat(m.uid)
			if ims.OfMachine(err) {
				failed = err
				return failed
			}
			b.tellUnseen(box.Path+"/"+ims.MessagePath(m.uid), err)
			if err != nil || info.Links < uint64(b.opts.MinLinks) {
				return nil
			}
			key := binary.BigEndian.AppendUint64(nil, info.ID.Dev)
			key = binary.BigEndian.AppendUint64(key, info.ID.Ino)
			value := []byte{0}
			if info.MTime == m.date {
				value[0] = 1
			}
			failed = add(appendID(key, orderID{user, number, m.uid}), value)
			return failed
		}
		err := b.anyOrder(index, box, found{
			open: func(*ims.Header, bool) error { return nil }, message: message, stray: stray,
			damage: func(err error) { b.tellUnseen(box.Path, err) }, unnamed: func(uint32, bool) {},
		})
		return cmp.Or(failed, err)
	})
}

// tellUnseen tells of what the first walk could not read and the second perhaps
// can, whatever the system says of it: then nobody else says that links are
// missing. What is not there, or is no file, is told when it is written.
func (b *run) tellUnseen(path string, err error) {
	var number unix.Errno
	if !errors.As(err, &number) {
		return
	}
	switch number {
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP:
	default:
		b.opts.Log.Problem(ims.Unreadable, path, fmt.Sprintf("%v: which of these messages are links is not known, and they may be written in full", err))
	}
}

// fileKey is the length of device and inode in a key of scan.
const fileKey = 16

// grouper takes the references file by file and decides which is the first
// copy.
type grouper struct {
	refs  *bdb.Sorter
	fixed bool
	edges map[[2]uint32]struct{} // users: the first comes before the second

	file  []byte // device and inode of the group
	group []orderID
	dated []bool // of group: the file has the date of this one
}

func (g *grouper) add(key, value []byte) error {
	if string(key[:fileKey]) != string(g.file) {
		if err := g.flush(); err != nil {
			return err
		}
		g.file = append(g.file[:0], key[:fileKey]...)
	}
	g.group = append(g.group, parseID(key[fileKey:]))
	g.dated = append(g.dated, value[0] == 1)
	return nil
}

// flush ends a group.
func (g *grouper) flush() error {
	defer func() { g.group, g.dated = g.group[:0], g.dated[:0] }()
	if len(g.group) < 2 {
		return nil // its other names are not part of this backup
	}
	first := g.first()
	value := appendID(nil, first)
	for _, id := range g.group {
		if err := g.refs.Add(appendID(nil, id), value); err != nil {
			return err
		}
		if g.fixed || id.user == first.user {
			continue
		}
		g.edges[[2]uint32{first.user, id.user}] = struct{}{}
		if len(g.edges) > maxEdges {
			return errTooManyEdges
		}
	}
	return nil
}

// first chooses the first copy: the earliest with the date of the file, else
// the earliest. In a fixed order of users it is one of the first user's.
func (g *grouper) first() orderID {
	for i, id := range g.group {
		if g.dated[i] && (!g.fixed || id.user == g.group[0].user) {
			return id
		}
	}
	return g.group[0]
}

func newLinkRefs(refs *bdb.Sorter) *linkRefs {
	l := new(linkRefs)
	l.next, l.stop = iter.Pull2(func(yield func(key, value []byte) bool) {
		l.err = refs.Drain(func(key, value []byte) error {
			if !yield(key, value) {
				return errEnded
			}
			return nil
		})
	})
	l.advance()
	return l
}

// errEnded ends a Drain whose rest nobody wants.
var errEnded = errors.New("ended")

func (l *linkRefs) advance() { l.key, l.value, l.more = l.next() }

func (l *linkRefs) close() { l.stop() }

// ofUser returns the references of a user with their first copies. Users are
// asked for in their order.
func (l *linkRefs) ofUser(user uint32) (map[orderID]orderID, error) {
	var refs map[orderID]orderID // nil: none
	for l.more {
		id := parseID(l.key)
		if id.user > user {
			break
		}
		if id.user == user {
			if refs == nil {
				refs = make(map[orderID]orderID)
			}
			refs[id] = parseID(l.value)
		}
		l.advance()
	}
	return refs, l.err
}

// topological numbers n things so that of every edge the first comes before the
// second, and else by their own order. A circle is broken at its lowest number.
// Nil: the order stays as it is.
func topological(n int, edges map[[2]uint32]struct{}) []uint32 {
	stays := true
	for e := range edges {
		stays = stays && e[0] < e[1]
	}
	if stays {
		return nil
	}
	position := make([]uint32, n)
	if n == 0 {
		return position // only asked whether the order stays
	}
	after := make(map[uint32][]uint32)
	before := make([]uint32, n)
	for e := range edges {
		after[e[0]] = append(after[e[0]], e[1])
		before[e[1]]++
	}
	var ready numberHeap
	for i := range n {
		if before[i] == 0 {
			ready = append(ready, uint32(i))
		}
	}
	heap.Init(&ready)
	placed := make([]bool, n)
	lowest := 0 // nothing below is left
	for at := range uint32(n) {
		var next uint32
		for len(ready) > 0 && placed[ready[0]] {
			heap.Pop(&ready)
		}
		if len(ready) > 0 {
			next = heap.Pop(&ready).(uint32)
		} else {
			for placed[lowest] {
				lowest++
			}
			next = uint32(lowest)
		}
		placed[next], position[next] = true, at
		for _, j := range after[next] {
			if before[j]--; before[j] == 0 && !placed[j] {
				heap.Push(&ready, j)
			}
		}
	}
	return position
}

// numberHeap gives the lowest number first.
type numberHeap []uint32

func (h numberHeap) Len() int           { return len(h) }
func (h numberHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h numberHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *numberHeap) Push(x any)        { *h = append(*h, x.(uint32)) }
func (h *numberHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
