package restore

import (
	"fmt"
	"io"
	"strings"

	"imsconv/dbconv/mboxlist"
	"imsconv/storeconv/ims"
	"imsconv/storeconv/message"
	"imsconv/storeconv/sims"
)

// Work flows in batches of items: the planner reads the stream and decides, workers write message files, the collector takes the batches in their order, makes
// links and indexes and tells the log, the committer puts finished users into place.

type itemKind uint8

const (
	itemMessage itemKind = iota + 1 // a message with its body
	itemLink                        // a later copy
	itemUpdate                      // other flags for a message that is there
	itemBox                         // attributes of a mailbox
	itemEnd                         // the visit is over
	itemForget                      // dry run: these mailboxes are counted and forgotten
	itemTalk                        // a word for the log
	itemMoved                       // a message is not where its name says
	itemRenamed                     // a mailbox has another name
	itemHeld                        // a body that links may still need
	itemFlush                       // commit everything and say so
)

// item is one step of the work.
type item struct {
	kind itemKind
	box  *box
	v    *visit

	// From the stream.
	name     string // of the member
	offset   int64
	uid      uint32 // in the store
	time     int64
	size     int64
	orig     uint32 // UIDVALIDITY and UID in the stream
	origUID  uint32
	rawFlags string
	attrs    *sims.Member // itemBox

	// The body: one of these.
	body   []byte
	chunks chan chunk
	held   *held

	link string     // itemLink: the member name of the first copy
	late bool       // itemLink: the stream has not shown that one yet, so it can only be in the store already
	old  oldMessage // itemUpdate: what is there

	// What the worker found.
	stored  int64 // bytes written
	sum     [32]byte
	text    message.Summary
	lost    string // why there is no message after all
	problem string // kind of the problem for lost

	talk  talk
	boxes []*box // itemForget
	flush chan<- struct{}
}

// chunk is a piece of a long body. The receiver releases the block.
type chunk struct {
	b     []byte
	block *sims.Block
	err   error
}

// talk is a word for the log.
type talk struct {
	warning           bool
	kind, where, text string
}

// batch is a run of items that one worker does.
type batch struct {
	items  []item
	blocks []*sims.Block
	bytes  int
	offset int64 // of the stream behind the batch
	done   chan struct{}
}

// Limits of a batch.
const (
	batchItems = 128
	batchBytes = 512 << 10
)

// visit is one stay of the stream with one user.
type visit struct {
	id     string // in the store
	user   string // in the stream
	before visited
	n      int // how often the user has come before, in this run
	stream int
	date   int64 // of the backup, seconds since 1970
	skip   bool  // done by an interrupted run
	exists bool  // the store has the user
	stage  string
	boxes  map[string]*box
	order  []*box // as they came

	// The collector's.
	quota    int64
	hasQuota bool
	rep      Report
	problems int64
	changed  bool
	moves    []record // messages that are not where their name says
}

// box is one mailbox of a visit.
type box struct {
	v    *visit
	name string // in the store
	path string // relative to the user's directory, "" for INBOX
	dir  string // in the stage, ends in a slash

	// The planner's.
	validity uint32 // of the stream's mailbox
	uids     uidRanges
	opened   bool
	renamed  bool
	counted  bool    // an earlier visit has been here
	fixed    uint32  // UIDVALIDITY that the store's messages hold; 0: none are there
	old      *oldBox // what the store has under this name

	// The collector's, once openBox is done.
	index   boxIndex
	changed bool
}

// boxIndex is an index in the making.
type boxIndex struct {
	ims.Header
	set      bool // UIDVALIDITY is from the stream
	lines    []byte
	unsorted bool
	last     uint32
	keywords map[string]int
	seen     mboxlist.UIDSet
	deleted  mboxlist.UIDSet
	updates  map[uint32]flagUpdate
	spill    *spill
}

// flagUpdate replaces the flags of a message that is there.
type flagUpdate struct {
	flags    ims.Flags
	keywords []byte
}

// uidRanges is a set of UIDs as ascending ranges.
type uidRanges []uidRange

type uidRange struct{ lo, hi uint32 }

// add adds a UID and tells whether it was new.
func (u *uidRanges) add(uid uint32) bool {
	s := *u
	n := len(s)
	if n > 0 && uid == s[n-1].hi+1 && uid != 0 {
		s[n-1].hi = uid
		return true
	}
	if n == 0 || uid > s[n-1].hi {
		*u = append(s, uidRange{uid, uid})
		return true
	}
	i := u.find(uid)
	if s[i].lo <= uid {
		return false
	}
	left := i > 0 && s[i-1].hi+1 == uid
	right := s[i].lo == uid+1
	switch {
	case left && right:
		s[i-1].hi = s[i].hi
		*u = append(s[:i], s[i+1:]...)
	case left:
		s[i-1].hi = uid
	case right:
		s[i].lo = uid
	default:
		s = append(s, uidRange{})
		copy(s[i+1:], s[i:])
		s[i] = uidRange{uid, uid}
		*u = s
	}
	return true
}

// find returns the first range that does not end before uid.
func (u uidRanges) find(uid uint32) int {
	lo, hi := 0, len(u)
	for lo < hi {
		mid := (lo + hi) / 2
		if u[mid].hi < uid {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (u uidRanges) has(uid uint32) bool {
	i := u.find(uid)
	return i < len(u) && u[i].lo <= uid
}

// max returns the highest UID, 0 when there is none.
func (u uidRanges) max() uint32 {
	if len(u) == 0 {
		return 0
	}
	return u[len(u)-1].hi
}

// parseFlags takes SIMS.flags apart.
func parseFlags(raw string) (flags ims.Flags, keywords []string, marks markSet) {
	for rest := raw; rest != ""; {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
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

type markSet uint8

const (
	markExpired markSet = 1 << iota
	markPending
	markUnknown // a flag with a backslash that no server has
)

// spanReader reads a part of an io.ReaderAt.
func spanReader(at io.ReaderAt, off, n int64) io.Reader { return io.NewSectionReader(at, off, n) }

// whereOf returns the position of a member for the log.
func (r *run) whereOf(stream int, offset int64, name string) string {
	at := fmt.Sprintf("stream offset %d", offset)
	if len(r.streams) > 1 {
		at = fmt.Sprintf("stream %s offset %d", r.streams[stream].Name, offset)
	}
	if name == "" {
		return at
	}
	return at + ": " + sims.DisplayName(name)
}
