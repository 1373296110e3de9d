package restore

import (
	"strings"

	"imsconv/storeconv"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/message"
	"imsconv/storeconv/selection"
	"imsconv/storeconv/sims"
)

// Work flows in batches of steps. The planner reads the stream and decides,
// workers write the bodies of messages, the collector does the steps in the
// order of the stream: links, indexes, words for the log. The committer puts
// the trees of users into place.

// step is one piece of the work. The planner makes it and does not look at it
// again.
type step interface {
	// collect does the step. An error is of the destination.
	collect(c *collector) error
}

// entry is one message as the stream names it, be it the first copy or a
// later one, with the place that the planner chose for it.
type entry struct {
	box      *box
	name     string // of the member
	age      string // of its mailbox, see ageMark
	at       int64  // its number in all streams
	offset   int64
	uid      uint32 // in the store
	date     int64  // of receipt, seconds since 1970
	validity uint32 // UIDVALIDITY and UID in the stream
	origUID  uint32
	made     bool   // origUID was given while the source was read
	nameless bool   // validity and origUID name nothing: the content does,
	anyDate  bool   // and not even date
	flags    string // as the stream has them
	again    bool   // the index has it: only the file is written, which was gone,
	other    bool   // and with the other line ends than those of this run
}

// key is the name that the message is remembered by.
func (r *entry) key() string { return r.name + r.age }

// origin is the UIDVALIDITY of the message's Original-Uid: 0 where the source
// has no UID.
func (r *entry) origin() uint32 {
	if r.made {
		return 0
	}
	return r.validity
}

// unsaid tells whether the stream says no UIDVALIDITY for the mailbox.
func (r *entry) unsaid() bool { return r.nameless && !r.made }

func (r *entry) place() selection.Place {
	return selection.Place{ID: r.box.v.id, Mailbox: r.box.name, UID: r.uid}
}

// content is what an index needs to know of the bytes of a message, as they are
// in the store.
type content struct {
	size int64
	sum  [32]byte
	text message.Summary
	bare bool // a line end is not CR LF

	short bool // a dry run knows no more of sum than shortSum gives
}

// messageStep is a message with its body. The planner fills the entry and
// the body; written is the worker's.
type messageStep struct {
	entry
	size   int64  // of the body in the stream
	inline []byte // the body, part of a block that the batch holds; nil: long
	long   body
	read   bool  // written is known already, and there is nothing to write
	cut    bool  // the file system cannot keep its date,
	cutTo  int64 // but this one
	written
}

// written is what became of the body of a message.
type written struct {
	content
	damage      *sims.Error // why there is no message after all
	interrupted bool        // the run has ended inside of it
}

// linkStep is a later copy.
type linkStep struct {
	entry
	first  string // the member name of the first copy
	passed bool   // a stream of this run has had that one
	stage  string // the tree, not in place yet, in which it may lie; "": none
	ahead  bool   // another user came first who has its user's id: where its name says may lie that one's mail
	taken  bool   // and so it is with other mail of its user
	shared bool   // another user who has that id may have a mailbox of that name and UIDVALIDITY
	guess  bool   // nothing else has helped: what may be it is taken for it

	firstSaid said   // of its mailbox
	firstAge  string // of that

	firstPlan  uint32 // UIDVALIDITY of one that has passed,
	firstLinks bool   // and it is a later copy itself

	last      bool   // it was put off, and is not again
	older     bool   // and a later stream has said which flags it has
	saysFlags bool   // the stream says which flags it has
	doubt     *doubt // the mailbox may have it; nil: it has not
	data      *data  // that it brings along; nil: none, or it has been looked at
}

// firstKey is the name that the first copy is remembered by.
func (s *linkStep) firstKey() string { return s.first + s.firstAge }

// sameStep is a message that the store has.
type sameStep struct {
	entry
	stored storedMessage
	flags  bool // the stream says which flags it has
}

// boxStep is what the stream says about a mailbox.
type boxStep struct {
	box      *box
	attrs    *sims.Member
	validity uint32 // of the stream's mailbox

	joined     bool // another mailbox of the stream has become box too
	saysRights bool // a mailbox without rights is its owner's alone
}

// quotaStep is what the stream says about a user.
type quotaStep struct {
	v     *visit
	quota int64
}

// renameStep notes the name that a mailbox has got.
type renameStep struct {
	v       *visit
	old, to string
}

// spareStep tells a dry run of a body that links may still need.
type spareStep struct {
	name string
	size int64
}

// endStep ends a visit, which is the collector's from here.
type endStep struct{ v *visit }

// forgetStep has a dry run count mailboxes and forget them.
type forgetStep struct{ boxes []*box }

// noteStep is a word for the log.
type noteStep struct {
	storeconv.Note
	v       *visit // that a run which goes on may find done, and then does not come to this again; nil: it does
	refused bool   // it counts among what is refused,
	lost    bool   // and is a message
}

// lostStep counts a message of a visit that is lost, of which enough was said.
type lostStep struct {
	v    *visit
	kind string
}

// flushStep has everything before it put into place, and then closes done.
type flushStep struct{ done chan<- struct{} }

func (s *messageStep) collect(c *collector) error { return c.message(s) }
func (s *linkStep) collect(c *collector) error    { return c.link(s) }
func (s *sameStep) collect(c *collector) error    { return c.same(s) }
func (s *boxStep) collect(c *collector) error     { return c.attributes(s) }
func (s *quotaStep) collect(*collector) error     { return s.v.setQuota(s.quota) }
func (s *renameStep) collect(*collector) error    { return s.v.recordRename(s.old, s.to) }
func (s *spareStep) collect(c *collector) error   { return c.knowSpare(s) }
func (s *endStep) collect(c *collector) error     { return c.endVisit(s.v) }
func (s *forgetStep) collect(c *collector) error  { return c.forget(s.boxes) }
func (s *noteStep) collect(c *collector) error    { return c.tell(s) }
func (s *lostStep) collect(c *collector) error    { c.countRefused(s.v, true, s.kind); return nil }
func (s *flushStep) collect(c *collector) error   { return c.flush(s.done) }

// batch is a run of steps, whose messages one worker writes.
type batch struct {
	steps  []step
	blocks []*sims.Block // that inline bodies lie in
	bytes  int
	offset int64         // of the stream behind the batch
	done   chan struct{} // one value when the messages are written
}

// Limits of a batch.
const (
	batchSteps  = 128
	batchBytes  = 512 << 10
	batchBlocks = 6 // far fewer than a source has, which waits for a free one
)

// markSet are words of SIMS.flags that are no flags of a store.
type markSet uint8

const (
	markExpired markSet = 1 << iota
	markPending
	markUnknown // a flag with a backslash that no server has
)

// parseFlags takes SIMS.flags apart.
func parseFlags(raw string) (flags ims.Flags, keywords []string, marks markSet) {
	for word := range strings.SplitSeq(raw, " ") {
		switch {
		case word == "":
		case word[0] == '\\':
			f := ims.ParseFlag(word)
			if f == 0 {
				marks |= markUnknown
			}
			flags |= f
		case word == "expired":
			marks |= markExpired
		case word == "pending":
			marks |= markPending
		default:
			keywords = append(keywords, word)
		}
	}
	return flags, keywords, marks
}

// marksOf are the marks among the flags of a member.
func marksOf(raw string) markSet {
	_, _, marks := parseFlags(raw)
	return marks
}
