package restore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/ims"
)

// placement is a user whose staged tree is whole, on its way into place; or,
// with flush set, the wish to be told when all before it are in place.
type placement struct {
	v        *visit
	records  []record // of the mailbox lists, and where messages went that are not where their name says
	nothing  bool     // the store's tree stays as it is
	exchange bool     // the staged tree takes the place of the store's
	size     int64    // bytes staged
	flush    chan<- struct{}
}

// Limits of a batch of users that are put into place together.
const (
	commitUsers = 500
	commitBytes = 256 << 20
)

// What the journal keeps, by the first letters of its keys. The second group is
// forgotten when a run starts.
const (
	keyForm    = "form" // of what is here
	keyDone    = "d/"   // visits that are done, by user and number of the last member
	keyIntent  = "i/"   // visits about to be put into place, by the same
	keyList    = "l/"   // records of the mailbox lists
	keyMissing = "g/"   // databases that the store had not when the run began
	keyPlace   = "r/"   // places of messages that are not where their name says,
	keyTaken   = "t/"   // and these places
	keyName    = "n/"   // names that mailboxes got
	keyTree    = "u/"   // the tree that the records of a user tell of, by its inode
	keyBefore  = "s/"   // what was in mailboxes before the run,
	keyMet     = "k/"   // and what of this it has had so far
	keyLater   = "q/"   // links that were put off, by number of the member,

	keyLaterName = "p/" // and the keys of these, by name

	keyMine = "o/" // what messages of a stream are in mailboxes, where their names do not tell

	keyStagedTaken = "a/" // like keyTaken, of visits that are not in place yet
	keyValidity    = "b/" // UIDVALIDITYs of mailboxes that are left out, or have had several
	keyOther       = "e/" // what users who are left out are said to have, by the id in the store
	keySpare       = "h/" // bodies held back
	keyReference   = "y/" // bodies of reference streams
	keyJoin        = "j/" // links to be joined
	keyStagedPlace = "m/" // like keyPlace, of visits that are not in place yet
	keyVisit       = "v/" // what is known of users who came,
	keyBox         = "w/" // and of their mailboxes
	keyIndex       = "x/" // mailboxes of open visits
)

// lookedKey is in the journal when it says which databases were missing.
const lookedKey = "looked"

// record is one change of the journal.
type record struct {
	key   string
	value []byte
}

func visitKey(prefix string, v *visit) string { return fmt.Sprintf("%s%s/%016x", prefix, v.id, v.last) }

func doneKey(v *visit) string { return visitKey(keyDone, v) }

// relinkKey is in the journal when a crash has left a part of a batch in place,
// or could leave a user and not one whose files are linked to.
const relinkKey = "relink"

// stagedUsers tells where the trees are that are not in place yet. Safe for
// concurrent use.
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
	pending []*placement
	size    int64
	renamed []*placement // in place, but perhaps not on disk yet
}

func (r *run) commitLoop() {
	c := &committer{r: r}
	for f := range r.ready {
		if f.flush != nil {
			c.commit()
			c.confirm()
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
	c.confirm()
}

// commit puts the pending users into place.
func (c *committer) commit() {
	list := c.pending
	c.pending, c.size = nil, 0
	if len(list) == 0 || c.r.dry() || c.r.failure() != nil {
		return
	}
	began := time.Now()
	if err := c.place(list); err != nil {
		c.r.fail(err)
	} else if c.r.opt.Committed != nil {
		c.r.opt.Committed(len(list), time.Since(began))
	}
}

func (c *committer) place(list []*placement) error {
	var moves []durable.Move
	var moving []*placement
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
	} else if err := c.r.folder.Commit(moves, intend); err != nil {
		return err
	}
	c.renamed = append(c.renamed, moving...)
	for _, f := range list {
		c.r.staged.remove(f.v.id)
		if err := c.r.folder.UnlockUser(f.v.id); err != nil {
			return err
		}
	}
	return nil
}

// intend writes down what is about to be put into place, and that what was put
// into place before the last sync is done.
func (c *committer) intend(list, moving []*placement, inodes []uint64) error {
	b := c.r.jr.Batch()
	if len(moving) > 0 { // then a sync has just been made
		for _, f := range c.renamed {
			b.Put(doneKey(f.v), f.v.counts())
			b.Delete(visitKey(keyIntent, f.v))
		}
		c.renamed = nil
	}
	for i, f := range moving {
		inode := binary.BigEndian.AppendUint64(nil, inodes[i])
		b.Put(keyTree+f.v.id, bytes.Clone(inode))
		b.Put(visitKey(keyIntent, f.v), append(inode, f.v.counts()...))
	}
	for _, f := range list {
		for _, rec := range f.records {
			b.Put(rec.key, rec.value)
		}
		if f.nothing {
			info, err := c.r.store.Stat(ims.UserDir(c.r.partition, f.v.id))
			if err != nil {
				return err
			}
			b.Put(keyTree+f.v.id, binary.BigEndian.AppendUint64(nil, info.Ino))
		}
		f.records, f.v.tally.records = nil, nil
		if f.nothing {
			b.Put(doneKey(f.v), f.v.counts())
		}
	}
	return b.Commit()
}

// confirm makes the last renames durable and calls them done.
func (c *committer) confirm() {
	if len(c.renamed) == 0 || c.r.failure() != nil {
		return
	}
	if err := c.r.store.SyncAll(); err != nil {
		c.r.fail(err)
		return
	}
	b := c.r.jr.Batch()
	for _, f := range c.renamed {
		b.Put(doneKey(f.v), f.v.counts())
		b.Delete(visitKey(keyIntent, f.v))
	}
	c.renamed = nil
	if err := b.Commit(); err != nil {
		c.r.fail(err)
	}
}

// visitCounts is what the journal keeps of a visit, for the report of a run
// that goes on after an interruption.
type visitCounts struct {
	Report   Report
	Problems int64            // all that were told,
	Told     []storeconv.Note // and what was told, but not more than is kept
	Content  contentSum
	Headers  headerSum
}

func (v *visit) counts() []byte {
	b, err := json.Marshal(visitCounts{v.tally.rep, v.tally.told.problems, v.tally.told.list, v.content, v.headers})
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return b
}

// recover looks at what an interrupted run was about to do: a visit whose tree
// is in place is done, the others are done again.
func (r *run) recover() error {
	if err := r.checkForm(); err != nil {
		return err
	}
	for _, prefix := range [...]string{keyStagedTaken, keyValidity, keyOther, keySpare, keyReference, keyJoin, keyStagedPlace, keyVisit, keyBox, keyIndex} {
		if err := r.jr.Drop(prefix); err != nil {
			return err
		}
	}
	b := r.jr.Batch()
	var placed, lost bool
	err := r.jr.Range(keyIntent, func(key, value []byte) error {
		k := string(key)
		b.Delete(k)
		id, _, ok := strings.Cut(k[len(keyIntent):], "/")
		if !ok || len(value) < 8 {
			return fmt.Errorf("journal: key %q", k)
		}
		info, err := r.store.Stat(ims.UserDir(r.partition, id))
		if err == nil && info.Ino == binary.BigEndian.Uint64(value) {
			b.Put(keyDone+k[len(keyIntent):], bytes.Clone(value[8:]))
			placed = true
		} else {
			lost = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	if placed && lost {
		b.Put(relinkKey, nil)
	}
	if err := b.Commit(); err != nil {
		return err
	}
	_, r.relink, err = r.jr.Get(relinkKey)
	return err
}

// The members of a user come into place in their order. So the number of the
// last one that is there tells what an interrupted run has done for the user,
// however it has put the members together.

// doneVisits is what an interrupted run has done for a user.
type doneVisits struct {
	last    int64 // number of the last member that is in place; 0: none is
	report  Report
	told    toldWords
	content contentSum
	headers headerSum // of all its members
}

// doneOf asks the journal of an interrupted run about a user.
func (r *run) doneOf(id string) (done doneVisits, err error) {
	if !r.folder.Resumed() {
		return done, nil
	}
	prefix := keyDone + id + "/"
	err = r.jr.Range(prefix, func(key, value []byte) error {
		n, err := strconv.ParseInt(string(key[len(prefix):]), 16, 64)
		if err != nil {
			return fmt.Errorf("journal: key %q", key)
		}
		var c visitCounts
		if err := json.Unmarshal(value, &c); err != nil {
			return fmt.Errorf("journal: key %q: %w", key, err)
		}
		done.last = max(done.last, n)
		done.report.add(&c.Report)
		done.told.problems += c.Problems
		done.told.list = append(done.told.list, c.Told...)
		done.content.add(c.Content)
		done.headers += c.Headers
		return nil
	})
	return done, err
}

// journalForm is the form of the keys of visits.
const journalForm = "3"

// checkForm refuses the journal of a program that put visits together in
// another way: what it calls done may be a part of what this one would pass
// over.
func (r *run) checkForm() error {
	form, _, err := r.jr.Get(keyForm)
	if err != nil || string(form) == journalForm {
		return err
	}
	for _, prefix := range [...]string{keyDone, keyIntent} {
		err := r.jr.Range(prefix, func([]byte, []byte) error {
			return fmt.Errorf("%s: left by an interrupted run of an earlier version of this program: let that one finish it, or give it up with rm -r", r.folder.Path(""))
		})
		if err != nil {
			return err
		}
	}
	return r.jr.Put(keyForm, []byte(journalForm))
}
