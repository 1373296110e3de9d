package restore

import (
	"cmp"
	"container/list"
	"slices"

	"imsconv/storeconv"
)

// A stream may go from user to user and back, message by message. So a visit
// does not end when the stream leaves the user: it stays open, and goes on when
// the user comes back, until the end of the stream or until the open visits
// take too much. One that comes after that costs the making of the user's whole
// tree.

// Bounds of what is open, about half of which ends when one is passed. As long
// as no user has come back, as in nearly all streams, they are a sixteenth of
// that: memory and what a kill undoes stay small. Where users come back after
// all, the visits that ended too soon were small too.
const (
	openMemory = 32 << 20    // bytes of memory
	openBytes  = commitBytes // bytes written, which a kill would undo
	openPart   = 16
)

// What the parts of an open visit take in memory, in bytes, about.
const (
	visitWeight  = 1500
	boxWeight    = 1000
	storedWeight = 150 // a message that the store has
	movedWeight  = 300 // a message that is not where its name says
	shownWeight  = 8   // any message
)

// openBounds are such bounds, in bytes.
type openBounds struct{ memory, bytes int64 }

// openVisits are the visits that may go on.
type openVisits struct {
	most   openBounds
	byID   map[string]*list.Element // by id in the store
	recent list.List                // of *visit, the one that was left first in front
	memory int64                    // bytes, about
	bytes  int64                    // written, of visits that are worth ending
}

func (o *openVisits) get(id string) *visit {
	if e := o.byID[id]; e != nil {
		return e.Value.(*visit)
	}
	return nil
}

func (o *openVisits) add(v *visit) {
	if o.byID == nil {
		o.byID = make(map[string]*list.Element)
	}
	o.byID[v.id] = o.recent.PushBack(v)
	o.weigh(v, visitWeight)
}

func (o *openVisits) remove(v *visit) {
	o.recent.Remove(o.byID[v.id])
	delete(o.byID, v.id)
	o.memory -= v.weight
	o.bytes -= v.counted
}

// weigh adds to what a visit takes in memory.
func (o *openVisits) weigh(v *visit, bytes int64) {
	v.weight += bytes
	o.memory += bytes
}

// count counts a message of a visit, of so many bytes.
func (o *openVisits) count(v *visit, size int64) {
	v.messages++
	v.bytes += max(size, 0)
	o.weigh(v, shownWeight)
	if v.worthEnding() {
		o.bytes += v.bytes - v.counted
		v.counted = v.bytes
	}
}

// worthEnding tells whether a visit brings as much as the visits before it did:
// then all of a user's visits together cost no more than twice the last.
func (v *visit) worthEnding() bool { return v.messages >= v.before.messages }

// goesOn tells whether the next member of a user belongs to the visit.
func (v *visit) goesOn(p *planner) bool {
	return v.id == p.userID && v.user == p.user && !(v.skip && p.at > v.until)
}

// resume makes the open visit of the current user the current one, if there is
// one that the member belongs to. Another one of that id ends.
func (p *planner) resume() (bool, error) {
	v := p.open.get(p.userID)
	if v == nil {
		return false, nil
	}
	if !v.goesOn(p) {
		// It comes into place before those that began earlier and are still open.
		if err := p.noteInterleaved(); err != nil {
			return false, err
		}
		return false, p.endVisit(v)
	}
	p.open.recent.MoveToBack(p.open.byID[v.id])
	p.visit, p.comeBack = v, true
	return true, p.noteInterleaved()
}

// noteInterleaved notes that users do not come into place in the order of the
// stream: a crash may leave a link in place and not its first copy.
func (p *planner) noteInterleaved() error {
	if p.interleaved || p.r.dry() {
		return nil
	}
	p.interleaved = true
	return p.r.jr.Put(relinkKey, nil)
}

// leaveVisit leaves the current visit. Where each user is to be on disk as soon
// as can be, the first one of a user ends.
func (p *planner) leaveVisit() error {
	v := p.visit
	p.visit, p.box = nil, nil
	if v != nil && v.n == 0 && p.r.opt.Sync == storeconv.SyncUser {
		return p.endVisit(v)
	}
	return nil
}

// trimVisits ends open visits when they take too much.
func (p *planner) trimVisits() error {
	o, most := &p.open, p.open.most
	if !p.comeBack {
		most = openBounds{most.memory / openPart, most.bytes / openPart}
	}
	memory, bytes := o.memory > most.memory, o.bytes > most.bytes
	if !memory && !bytes {
		return nil
	}
	for e := o.recent.Front(); e != nil; {
		v := e.Value.(*visit)
		e = e.Next()
		if memory && o.memory > most.memory/2 || bytes && o.bytes > most.bytes/2 && v.worthEnding() {
			if err := p.endVisit(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// endVisits ends all visits, in the order in which they began.
func (p *planner) endVisits() error {
	p.visit, p.box = nil, nil
	var all []*visit
	for e := p.open.recent.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*visit))
	}
	slices.SortFunc(all, func(a, b *visit) int { return cmp.Compare(a.number, b.number) })
	for _, v := range all {
		if err := p.endVisit(v); err != nil {
			return err
		}
	}
	return nil
}

// endVisit tells the collector that a visit is over, which has it from then on.
func (p *planner) endVisit(v *visit) error {
	p.open.remove(v)
	if err := p.noteVisit(v); err != nil {
		return err
	}
	if v.skip {
		p.checkStream(v)
		return nil
	}
	v.early = !p.atEnd
	v.content = v.sum.sum()
	p.content.add(v.content)
	p.add(&endStep{v})
	p.awaited.add(v.id)
	return nil
}

// checkStream tells when what an interrupted run had done for a user, all of
// which has come by now, was of another stream.
func (p *planner) checkStream(v *visit) {
	all := v.last >= v.until || p.at > v.until || p.ended
	if all && v.done != 0 && v.done != v.before.headers+v.headers {
		p.tell(storeconv.Note{Severity: storeconv.Problem, Kind: "other-stream", Where: "user " + v.id,
			Text: "the interrupted run had restored this user from a stream that begins alike and is another: what this one has besides is not restored; a run of its own, once this one is done, adds it"})
	}
}

// awaited are the users whose trees may not be in place yet, although their
// visits have ended.
type awaited struct {
	ids  map[string]bool
	many bool // more than are remembered: it may be anybody
}

// awaitedMost is how many users are remembered.
const awaitedMost = 1 << 12

func (a *awaited) add(id string) {
	if len(a.ids) >= awaitedMost {
		a.many, a.ids = true, nil
	}
	if a.many {
		return
	}
	if a.ids == nil {
		a.ids = make(map[string]bool)
	}
	a.ids[id] = true
}

func (a *awaited) has(id string) bool { return a.many || a.ids[id] }

func (a *awaited) clear() { *a = awaited{} }
