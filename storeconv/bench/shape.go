package bench

import (
	"fmt"
	"math/rand/v2"
)

// Shape is what the synthetic stream looks like.
type Shape struct {
	Seed      uint64  `json:"seed"`
	Messages  int64   `json:"messages"`
	Users     int64   `json:"users"`
	Mailboxes int64   `json:"mailboxes"` // a user
	Links     float64 `json:"links"`     // the part of the messages that are later copies, 0 to 1
	Sizes     Sizes   `json:"sizes"`
}

// Totals is what a stream of a shape holds.
type Totals struct {
	Messages int64 `json:"messages"` // files and links
	Files    int64 `json:"files"`    // message files
	Bytes    int64 `json:"bytes"`    // of all messages, each link at full size
	Unique   int64 `json:"unique"`   // bytes of the message files
	Blocks   int64 `json:"blocks"`   // bytes of the message files in blocks of 4 KiB
	Folders  int64 `json:"folders"`  // directories of the store
}

// Check refuses a shape that cannot be.
func (s *Shape) Check() error {
	switch {
	case s.Messages < 1:
		return fmt.Errorf("%d messages", s.Messages)
	case s.Users < 1 || s.Users > s.Messages:
		return fmt.Errorf("%d users of %d messages", s.Users, s.Messages)
	case s.Mailboxes < 1:
		return fmt.Errorf("%d mailboxes a user", s.Mailboxes)
	case s.Links < 0 || s.Links >= 1:
		return fmt.Errorf("a part of %g is links", s.Links)
	}
	return s.Sizes.Check()
}

// nnMessages is how many messages in a row share a directory of a mailbox.
const nnMessages = 100

// place is one message of the stream: whose it is and where.
type place struct {
	user, box int64
	uid       uint32
	boxSize   int64 // messages of the mailbox
	size      int64 // bytes; of a link, its first copy's
	first     int64 // of a link: the number of the first copy among the files; else -1
}

// recentCopies bounds how far back the first copy of a link is: the memory for
// the names of first copies.
const recentCopies = 4096

// walker goes over the messages of a shape in the order of the stream.
type walker struct {
	shape Shape
	draw  *drawer
	rng   *rand.Rand
	sizes [recentCopies]int64 // of the latest files

	n, files   int64 // messages and files so far
	user, box  int64
	uid, inBox int64 // within the mailbox
}

func newWalker(s Shape) *walker {
	w := &walker{shape: s, draw: newDrawer(s.Sizes, s.Seed), rng: rand.New(rand.NewPCG(s.Seed, 0x6c696e6b))}
	w.inBox = w.boxSize(0, 0)
	return w
}

// userSize is the number of messages of a user: an equal share, the first ones
// taking what is left over.
func (w *walker) userSize(user int64) int64 { return share(w.shape.Messages, w.shape.Users, user) }

func (w *walker) boxSize(user, box int64) int64 {
	return share(w.userSize(user), w.shape.Mailboxes, box)
}

// share is the size of part i when n things are dealt out to parts.
func share(n, parts, i int64) int64 {
	size := n / parts
	if i < n%parts {
		size++
	}
	return size
}

// next fills p with the next message; false is the end.
func (w *walker) next(p *place) bool {
	if w.n == w.shape.Messages {
		return false
	}
	for w.uid == w.inBox {
		w.uid = 0
		if w.box++; w.box == w.shape.Mailboxes {
			w.box = 0
			w.user++
		}
		w.inBox = w.boxSize(w.user, w.box)
	}
	w.n++
	w.uid++
	*p = place{user: w.user, box: w.box, uid: uint32(w.uid), boxSize: w.inBox, first: -1}
	if w.files > 0 && w.rng.Float64() < w.shape.Links {
		p.first = w.files - 1 - w.rng.Int64N(min(w.files, recentCopies))
		p.size = w.sizes[p.first%recentCopies]
		return true
	}
	p.size = w.draw.next()
	w.sizes[w.files%recentCopies] = p.size
	w.files++
	return true
}

// Totals counts what the stream holds.
func (s Shape) Totals() Totals {
	t := Totals{Folders: s.Users * (3 + s.Mailboxes)}
	w := newWalker(s)
	var p place
	for w.next(&p) {
		t.Messages++
		t.Bytes += p.size
		if p.first < 0 {
			t.Files++
			t.Unique += p.size
			t.Blocks += (p.size + 4095) &^ 4095
		}
		if p.uid == 1 || p.uid%nnMessages == 0 {
			t.Folders++
		}
	}
	return t
}
