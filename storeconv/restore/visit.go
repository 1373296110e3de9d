package restore

import (
	"imsconv/storeconv/ims"
	"imsconv/storeconv/sims"
)

// headerSum is a sum of what the headers of members say, in any order. A run
// that takes up another's visits knows by it whether they came from the same
// stream: the name of a run stands for the beginning of the streams alone.
type headerSum uint64

func (s *headerSum) add(m *sims.Member) {
	var h uint64
	mix := func(n uint64) { h = (h ^ n) * 0x9e3779b97f4a7c15; h ^= h >> 29 }
	text := func(t string) {
		for i := range len(t) {
			h = (h ^ uint64(t[i])) * 0x100000001b3
		}
		mix(uint64(len(t)))
	}
	mix(uint64(m.Kind) + 1)
	text(m.Name)
	text(m.Link)
	text(m.Flags)
	mix(uint64(m.Size))
	mix(uint64(m.Time))
	*s += headerSum(h)
}

// visit is what the stream has of one user, in one piece or in several with
// other users between (plan_open.go). It is the planner's until its endStep;
// the tally is the collector's from the start.
type visit struct {
	id       string // in the store
	user     string // in the stream
	other    string // the last one whom this run leaves out, and who has the id too
	before   history
	evicted  bool // some of its mailboxes are in the journal
	doubtful int  // mailboxes with messages in doubt
	n        int  // how many visits the user has had before, in this run
	number   int  // of all visits
	stream   int
	date     int64 // of the backup, seconds since 1970
	quota    int64 // as the stream has it, where hasQuota is set
	hasQuota bool
	first    int64 // number of the first member,
	last     int64 // and of the last one
	skip     bool  // done by an interrupted run,
	until    int64 // up to the member of that number
	again    bool  // for links that were put off, or for what others have said
	exists   bool  // the store has the user
	early    bool  // it ended before the stream did
	stage    string
	boxes    map[string]*box
	order    []*box // as they came
	asides   uint32 // files made beside the tree

	messages  int64 // in the stream
	bytes     int64 // of them
	counted   int64 // of these, as openVisits counts them
	weight    int64 // in memory, as openVisits counts it
	boxWeight int64 // of this, what goes with the mailboxes

	sum     *visitSum
	content contentSum // the sum, when all has been read
	headers headerSum  // of the members that came
	done    headerSum  // of those that the interrupted run had; 0: not known

	tally tally
}

// tally is what the collector gathers during a visit.
type tally struct {
	quota    int64
	hasQuota bool
	rep      Report
	told     toldWords
	changed  bool
	again    map[string]bool     // files in the tree that were gone and are written again
	unnoted  map[string]*unnoted // by mailboxes with an index that is not ours
	records  []record            // where messages are that are not where their name says, and new names of mailboxes
}

// box is one mailbox of a visit. Its name and what the store has of it stay as
// they are once a step names the box; plan is the planner's, index the
// collector's.
type box struct {
	v        *visit
	name     string       // in the store
	key      string       // the same before the run gave it another name
	path     string       // relative to the user's directory, "" for INBOX
	dir      string       // in the stage, ends in a slash
	renamed  bool         // the stream has another name
	again    bool         // an earlier visit has been here
	existing *existingBox // what the store has under this name

	plan  boxPlan
	index boxIndex
}

// boxPlan is what the planner keeps of a mailbox.
type boxPlan struct {
	source   string    // name in the stream
	opened   bool      // existing has been looked for
	validity uint32    // UIDVALIDITY of the stream's mailbox
	made     uint32    // UIDs of the stream from here on were given while its source was read; 0: none
	unsaid   bool      // the stream says no UIDVALIDITY
	age      string    // it has another one than it had first, see ageMark
	shown    uidRanges // UIDs of the stream,
	past     uidRanges // and of earlier ones of this run with that UIDVALIDITY,
	links    uidRanges // and which of all these are later copies
	fixed    uint32    // UIDVALIDITY that the store's messages hold; 0: none are there
	used     uidRanges // UIDs of the store, where existing is set
	last     uint32    // the highest UID that the store's mailbox has ever had
	floor    uint32    // and had before this run; 0: not known
	doubts   bool      // some of its messages are in doubt
	out      bool      // it is left out, having no name
	joined   bool      // two mailboxes of the stream have become it
}

// show notes that a stream has a message or link, and tells whether its UID is
// new there.
func (b *boxPlan) show(m *sims.Member) bool {
	if !b.shown.add(m.UID) {
		return false
	}
	if m.Kind == sims.Link {
		b.links.add(m.UID)
	}
	return true
}

// newBox makes a mailbox of a visit.
func newBox(v *visit, name string) *box {
	b := &box{v: v, key: name}
	b.setName(name)
	return b
}

// setName puts a mailbox under a name.
func (b *box) setName(name string) {
	b.name, b.path = name, ims.MailboxPath(name)
	b.dir = b.v.stage + "/"
	if b.path != "" {
		b.dir += b.path + "/"
	}
}

// aside is where files lie that may not be needed in the tree. It is no
// mailbox.
func (v *visit) aside() *box { return &box{v: v, dir: v.stage + ".aside/"} }

func (v *visit) setQuota(quota int64) error {
	v.tally.quota, v.tally.hasQuota = quota, true
	return nil
}

// recordRename keeps the new name of a mailbox for a later visit and a later
// run.
func (v *visit) recordRename(old, to string) error {
	v.tally.records = append(v.tally.records, record{keyName + v.id + "/" + old, []byte(to)})
	return nil
}
