package ldifconv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"imsconv/ldifconv/internal/index"
	"imsconv/ldifconv/ldif"
	"imsconv/ldifconv/schema"
)

// survey knows which nodes of the domain component tree are mail domains by
// what lies below them: a container ou=People or ou=Groups, a user, or a list,
// whose nearest node it is. The classes that SIMS gave a domain were never
// published, so nothing may rest on them. It is made before the upgrade, in a
// pass of its own over the input, and only read then.
type survey struct {
	sel    *selection
	jobs   int
	chunks ldif.Options // how the input is cut

	mu    sync.Mutex
	nodes index.Table       // hash of a node to its tally
	names map[uint64]string // of nodes that were not there when something below them came
	apart map[string]tally  // what lies below no node, by the entry above the units
}

// tally says what lies below a node: the numbers of users and lists, and
// whether there is a container and an entry of the node itself.
type tally uint64

const (
	userTally tally = 1
	listTally tally = 1 << 31
	countMask       = listTally - 1
	container tally = 1 << 62
	present   tally = 1 << 63

	mostNames = 1000 // nodes whose names are kept
)

func (t tally) users() int64 { return int64(t & countMask) }
func (t tally) lists() int64 { return int64(t >> 31 & countMask) }
func (t tally) any() bool    { return t&^present != 0 }

// String says who there is.
func (t tally) String() string {
	users, lists := counted(t.users(), "user", "users"), counted(t.lists(), "list", "lists")
	switch {
	case t.lists() == 0:
		return users
	case t.users() == 0:
		return lists
	}
	return users + " and " + lists
}

// lies is String with its verb.
func (t tally) lies() string {
	if t.users()+t.lists() == 1 {
		return t.String() + " lies"
	}
	return t.String() + " lie"
}

// take reads the inputs, which can be read again afterwards.
func (s *survey) take(ctx context.Context, inputs []Input, again *rereader) error {
	for i := range inputs {
		if err := again.first(ctx, &inputs[i], s.read); err != nil {
			return err
		}
	}
	return nil
}

// rereader has inputs read before they are read once more.
type rereader struct {
	dir    string         // of temporary files; empty means os.TempDir
	copies []*index.Spool // of pipes
}

// first has an input read for the first time: it is opened again, or sought
// back in, or copied into a temporary file.
func (r *rereader) first(ctx context.Context, in *Input, read func(context.Context, io.Reader) error) error {
	if in.Open != nil {
		f, err := in.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", in.Name, err)
		}
		return errors.Join(read(ctx, f), f.Close())
	}
	if seeker, ok := in.Reader.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			if err := read(ctx, in.Reader); err != nil {
				return err
			}
			_, err := seeker.Seek(start, io.SeekStart)
			return err
		}
	}
	copied := &copyReader{r: in.Reader, kept: index.Spool{Dir: r.dir}}
	r.copies = append(r.copies, &copied.kept)
	if err := read(ctx, copied); err != nil {
		return err
	}
	in.Reader = copied.again()
	return nil
}

// close removes the copies.
func (r *rereader) close() {
	for _, f := range r.copies {
		f.Close()
	}
}

// copyReader keeps what is read from a pipe.
type copyReader struct {
	r    io.Reader
	kept index.Spool
	err  error // of the pipe
}

// Read implements io.Reader.
func (c *copyReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if _, failed := c.kept.Write(p[:n]); failed != nil {
		return n, failed
	}
	if err != nil {
		c.err = err
	}
	return n, err
}

// again returns a reader of the copy, which ends as the pipe did.
func (c *copyReader) again() io.Reader {
	if c.err == nil || c.err == io.EOF {
		return c.kept.Reader()
	}
	return io.MultiReader(c.kept.Reader(), failedReader{c.err})
}

type failedReader struct{ err error }

// Read implements io.Reader.
func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

// read surveys one input. What is wrong with it is left to the upgrade to tell.
func (s *survey) read(ctx context.Context, in io.Reader) error {
	group, ctx := errgroup.WithContext(ctx)
	free, work := make(chan *ldif.Chunk, s.jobs+1), make(chan *ldif.Chunk, s.jobs+1)
	for range s.jobs + 1 {
		free <- new(ldif.Chunk)
	}
	group.Go(func() error {
		defer close(work)
		chunks := ldif.NewChunker(&cancelReader{ctx, in, make(chan readResult, 1)}, s.chunks)
		for {
			var c *ldif.Chunk
			select {
			case c = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := chunks.Next(c); err != nil {
				return ctx.Err()
			}
			work <- c
		}
	})
	for range s.jobs {
		group.Go(func() error {
			w := surveyor{survey: s, scan: ldif.Scanner{MaxEntry: s.chunks.MaxEntry}}
			for c := range work {
				if err := w.chunk(c); err != nil {
					return err
				}
				if cap(c.Data) > keepBuffer {
					*c, w.scan = ldif.Chunk{}, ldif.Scanner{MaxEntry: s.chunks.MaxEntry}
				}
				free <- c
			}
			return w.flush()
		})
	}
	return group.Wait()
}

// surveyor reads chunks. Most entries have the node of the one before them.
type surveyor struct {
	survey *survey
	scan   ldif.Scanner
	names  nameCache
	up     suffix
	norm   []byte

	node  []byte // the normalised DN of the last node
	tally tally  // what was counted for it and not handed over
}

func (w *surveyor) chunk(c *ldif.Chunk) error {
	w.scan.Reset(c)
	for {
		rec, err := w.scan.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil || rec.Type != ldif.Content && rec.Type != ldif.Add {
			continue
		}
		if w.norm, err = w.up.normDN(w.norm[:0], rec.DN); err != nil {
			continue
		}
		if err := w.entry(rec); err != nil {
			return err
		}
	}
}

func (w *surveyor) entry(rec *ldif.Record) error {
	if isNode(w.norm) {
		if err := w.survey.note(w.norm, present); err != nil {
			return err
		}
	}
	up, _ := ldif.ParentNormDN(w.norm)
	if isNode(up) && (bytes.HasPrefix(w.norm, []byte("ou=people,")) || bytes.HasPrefix(w.norm, []byte("ou=groups,"))) {
		if err := w.survey.note(up, container); err != nil {
			return err
		}
	}
	one := w.mailTally(rec)
	if one == 0 || !w.survey.sel.below(w.norm) {
		return nil
	}
	node := nodeAbove(up)
	if !bytes.Equal(node, w.node) {
		if err := w.flush(); err != nil {
			return err
		}
		w.node = append(w.node[:0], node...)
	}
	w.tally += one
	return nil
}

// flush hands over what was counted for the last node.
func (w *surveyor) flush() error {
	t := w.tally
	w.tally = 0
	if t == 0 {
		return nil
	}
	if isNode(w.node) {
		return w.survey.note(w.node, t)
	}
	w.survey.noteApart(w.node, t)
	return nil
}

func isNode(norm []byte) bool { return bytes.HasPrefix(norm, []byte("dc=")) }

// nodeAbove is the nearest domain component at or above norm, or, when there is
// none, what is above the organizational units.
func nodeAbove(norm []byte) []byte {
	for up := norm; len(up) > 0; up, _ = ldif.ParentNormDN(up) {
		if isNode(up) {
			return up
		}
	}
	for bytes.HasPrefix(norm, []byte("ou=")) {
		up, _ := ldif.ParentNormDN(norm)
		if len(up) == 0 {
			break
		}
		norm = up
	}
	return norm
}

// mailTally tells a user or list of SIMS by its classes.
func (w *surveyor) mailTally(rec *ldif.Record) (t tally) {
	for i := range rec.Attrs {
		if id, _ := w.names.attr(rec.Attrs[i].Desc); id != schema.ObjectClass {
			continue
		}
		for _, v := range rec.Attrs[i].Values {
			switch n := len(v.Data); {
			case n != len("inetMailUser") && n != len("inetMailGroup") && (n == 0 || v.Data[0] > '9'):
				continue
			}
			switch w.names.class(v.Data) {
			case schema.ClassInetMailUser:
				return userTally
			case schema.ClassInetMailGroup:
				t = listTally
			}
		}
	}
	return t
}

// note adds to the tally of a node.
func (s *survey) note(node []byte, t tally) error {
	key := index.Hash(node)
	s.mu.Lock()
	defer s.mu.Unlock()
	have, _, err := s.nodes.Get(key)
	if err != nil {
		return err
	}
	if tally(have)&present == 0 && t.any() && len(s.names) < mostNames {
		if s.names == nil {
			s.names = map[uint64]string{}
		}
		s.names[key] = string(node)
	}
	if t == present {
		delete(s.names, key)
	}
	if t == present || t == container {
		return s.nodes.Put(key, have|uint64(t))
	}
	return s.nodes.Put(key, have+uint64(t))
}

func (s *survey) noteApart(above []byte, t tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apart == nil {
		s.apart = map[string]tally{}
	}
	name := string(above)
	if _, ok := s.apart[name]; !ok && len(s.apart) == mostNames {
		name = "other entries"
	}
	s.apart[name] += t
}

// below returns what lies below a node of the input, 0 for what is no node.
// A nil survey knows nothing.
func (s *survey) below(norm []byte, key uint64) (tally, error) {
	if s == nil || !isNode(norm) {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, _, err := s.nodes.Get(key)
	return tally(t) &^ present, err
}

// report names what lies below no node of the input.
func (s *survey) report(r *run) error {
	for _, key := range slices.SortedFunc(maps.Keys(s.names), func(a, b uint64) int { return bytes.Compare([]byte(s.names[a]), []byte(s.names[b])) }) {
		t, _, err := s.nodes.Get(key)
		if err != nil {
			return err
		}
		if t := tally(t); t&present == 0 && t.users()+t.lists() > 0 {
			r.warn("domain-missing", s.names[key], fmt.Sprintf("%s below it, and the input has no entry for it: there is no domain node to upgrade", t.lies()))
		}
	}
	for _, above := range slices.Sorted(maps.Keys(s.apart)) {
		r.warn("domain-missing", above, fmt.Sprintf("%s below it, which is no domain node and stays as it is", s.apart[above].lies()))
	}
	return nil
}

func (s *survey) close() error { return s.nodes.Close() }
