package restore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// finished is a user whose staged tree is whole.
type finished struct {
	v        *visit
	records  []record // of the mailbox lists, and where messages went that are not where their name says
	nothing  bool     // the store's tree stays as it is
	exchange bool     // the staged tree takes the place of the store's
	size     int64    // bytes staged
	flush    chan<- struct{}
}

// Limits of a batch of users that are put into place together.
const (
	commitUsers = 1000
	commitBytes = 256 << 20
)

// Keys of the journal: d/ visits that are done, i/ visits about to be put into place, l/ list records, r/ places of messages that are not where their name says;
// and, forgotten when a run starts: h/ bodies held back, m/ like r/ of visits that are not in place yet, v/ users met, b/ UIDVALIDITYs of mailboxes that
// are left out, j/ links to be joined.
func doneKey(v *visit) string { return "d/" + strconv.Itoa(v.n) + "/" + v.id }

func intentKey(v *visit) string { return "i" + doneKey(v)[1:] }

// stagedUsers tells where the trees are that are not in place yet. Safe for concurrent use.
type stagedUsers struct {
	mu sync.Mutex
	m  map[string]string
}

func (s *stagedUsers) set(id, stage string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = make(map[string]string)
	}
	s.m[id] = stage
}

func (s *stagedUsers) get(id string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stage, ok := s.m[id]
	return stage, ok
}

func (s *stagedUsers) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, id)
}

// committer puts users into place, a batch at a time.
type committer struct {
	r       *run
	pending []*finished
	size    int64
	placed  []*finished // renamed, but perhaps not on disk yet
}

func (r *run) commitLoop() {
	c := &committer{r: r}
	for f := range r.ready {
		if f.flush != nil {
			c.commit()
			c.settle()
			close(f.flush)
			continue
		}
		c.pending = append(c.pending, f)
		c.size += f.size
		if len(c.pending) >= commitUsers || c.size >= commitBytes || r.opt.Sync == storeconv.SyncUser {
			c.commit()
		}
	}
	c.commit()
	c.settle()
}

// commit puts the pending users into place.
func (c *committer) commit() {
	list := c.pending
	c.pending, c.size = nil, 0
	if len(list) == 0 || c.r.run == nil || c.r.failure() != nil {
		return
	}
	if err := c.place(list); err != nil {
		c.r.fail(err)
	}
}

func (c *committer) place(list []*finished) error {
	var moves []durable.Move
	var moving []*finished
	for _, f := range list {
		if f.nothing {
			continue
		}
		moves = append(moves, durable.Move{From: f.v.stage, To: ims.UserDir(c.r.partition, f.v.id), Exchange: f.exchange})
		moving = append(moving, f)
	}
	intend := func(inodes []uint64) error { return c.intend(list, moving, inodes) }
	if len(moves) == 0 {
		if err := intend(nil); err != nil {
			return err
		}
	} else if err := c.r.run.Commit(moves, intend); err != nil {
		return err
	}
	c.placed = append(c.placed, moving...)
	for _, f := range list {
		c.r.staged.remove(f.v.id)
		if err := c.r.run.UnlockUser(f.v.id); err != nil {
			return err
		}
	}
	return nil
}

// intend writes down what is about to be put into place, and that what was put into place before the last sync is done.
func (c *committer) intend(list, moving []*finished, inodes []uint64) error {
	b := c.r.jr.Batch()
	if len(moving) > 0 { // then a sync has just been made
		for _, f := range c.placed {
			b.Put(doneKey(f.v), f.v.counts())
			b.Delete(intentKey(f.v))
		}
		c.placed = nil
	}
	for i, f := range moving {
		b.Put(intentKey(f.v), append(binary.BigEndian.AppendUint64(nil, inodes[i]), f.v.counts()...))
	}
	for _, f := range list {
		for _, rec := range f.records {
			b.Put(rec.key, rec.value)
		}
		if f.nothing {
			b.Put(doneKey(f.v), f.v.counts())
		}
	}
	return b.Commit()
}

// settle makes the last renames durable and calls them done.
func (c *committer) settle() {
	if len(c.placed) == 0 || c.r.failure() != nil {
		return
	}
	if err := c.r.store.SyncAll(); err != nil {
		c.r.fail(err)
		return
	}
	b := c.r.jr.Batch()
	for _, f := range c.placed {
		b.Put(doneKey(f.v), f.v.counts())
		b.Delete(intentKey(f.v))
	}
	c.placed = nil
	if err := b.Commit(); err != nil {
		c.r.fail(err)
	}
}

// visitCounts is what the journal keeps of a visit, for the report of a run that goes on after an interruption.
type visitCounts struct {
	Report   Report
	Problems int64
}

func (v *visit) counts() []byte {
	b, err := json.Marshal(visitCounts{v.rep, v.problems})
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return b
}

// restoreCounts adds the counts of a visit to a report and returns its number of problems.
func restoreCounts(b []byte, rep *Report) int64 {
	var c visitCounts
	if json.Unmarshal(b, &c) != nil {
		return 0
	}
	rep.add(&c.Report)
	return c.Problems
}

// recover looks at what an interrupted run was about to do: a visit whose tree is in place is done, the others are done again.
func (r *run) recover() error {
	for _, prefix := range [...]string{"b/", "h/", "j/", "m/", "v/"} {
		if err := r.jr.Drop(prefix); err != nil {
			return err
		}
	}
	b := r.jr.Batch()
	err := r.jr.Range("i/", func(key, value []byte) error {
		k := string(key)
		b.Delete(k)
		_, id, ok := strings.Cut(k[len("i/"):], "/")
		if !ok || len(value) < 8 {
			return fmt.Errorf("journal: key %q", k)
		}
		info, err := r.store.Stat(ims.UserDir(r.partition, id))
		if err == nil && info.Ino == binary.BigEndian.Uint64(value) {
			b.Put("d"+k[1:], append([]byte(nil), value[8:]...))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.Commit()
}
