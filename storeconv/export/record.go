package export

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"imsconv/storeconv/ims"
)

// record is what is kept of a message while its user is in the making: 64
// bytes, so that a million of them fit.
type record struct {
	date  int64  // of receipt, seconds since 1970
	size  int64  // of the file, bytes
	bare  uint32 // line ends in it that are not CRLF
	uid   uint32 // in the source
	words uint32 // number of its set of keywords
	flags ims.Flags
	state state
	sum   [32]byte // SHA-256 of the message as the source has it; zero: not known
}

// state says where a message stands.
type state uint8

const (
	fresh  state = iota // written by this run
	known               // exported before: there, or deleted on the new side since
	change              // known, with flags that are to be set again
	failed              // could not be exported
)

// vsize is the size with every line end as CRLF.
func (r *record) vsize() int64 { return r.size + int64(r.bare) }

// block is how many records are made at a time. They never move: workers fill
// them in.
const block = 64

// records is a list of messages of one mailbox.
type records struct {
	blocks []*[block]record
	n      int
	order  []uint32 // by UID; nil: as they came
	sorted bool
}

// blocks are those of users who are done: to touch new memory takes longer than
// all else that is done with a record.
var blocks = sync.Pool{New: func() any { return new([block]record) }}

// add adds a record; the pointer stays good until all are let go.
func (l *records) add(r record) *record {
	if l.n%block == 0 {
		l.blocks = append(l.blocks, blocks.Get().(*[block]record))
	}
	to := l.at(l.n)
	*to = r
	l.n++
	l.order, l.sorted = nil, false
	return to
}

// letGo forgets all records, of which nothing else may know any more.
func (l *records) letGo() {
	for _, b := range l.blocks {
		blocks.Put(b)
	}
	*l = records{}
}

// at returns the n-th record as they came.
func (l *records) at(n int) *record { return &l.blocks[n/block][n%block] }

// sort makes the order of the UIDs known.
func (l *records) sort() {
	if l.sorted {
		return
	}
	l.sorted, l.order = true, nil
	ascending := true
	for i := 1; i < l.n && ascending; i++ {
		ascending = l.at(i-1).uid < l.at(i).uid
	}
	if ascending {
		return
	}
	l.order = make([]uint32, l.n)
	for i := range l.order {
		l.order[i] = uint32(i)
	}
	slices.SortStableFunc(l.order, func(a, b uint32) int { return cmp.Compare(l.at(int(a)).uid, l.at(int(b)).uid) })
}

// inOrder returns the i-th record by UID; sort comes first.
func (l *records) inOrder(i int) *record {
	if l.order != nil {
		i = int(l.order[i])
	}
	return l.at(i)
}

// find returns the record of a UID, nil when there is none. Several goroutines
// may look after a sort.
func (l *records) find(uid uint32) *record {
	if i := l.lower(uid); i < l.n && l.inOrder(i).uid == uid {
		return l.inOrder(i)
	}
	return nil
}

// lower is where, by UID, the records from uid on begin.
func (l *records) lower(uid uint32) int {
	l.sort()
	lo, hi := 0, l.n
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if l.inOrder(mid).uid < uid {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// keywordSets numbers the sets of keywords of a user's messages; 0 is none.
type keywordSets struct {
	mu    sync.Mutex
	sets  [][]string
	index map[string]uint32
}

// number returns the number of a set, whose names are in the order of the
// source.
func (k *keywordSets) number(names []string) uint32 {
	if len(names) == 0 {
		return 0
	}
	key := strings.Join(names, " ")
	k.mu.Lock()
	defer k.mu.Unlock()
	if n, ok := k.index[key]; ok {
		return n
	}
	if k.index == nil {
		k.index = make(map[string]uint32)
		k.sets = [][]string{nil}
	}
	n := uint32(len(k.sets))
	k.sets = append(k.sets, slices.Clone(names))
	k.index[key] = n
	return n
}

// names returns the set of a number.
func (k *keywordSets) names(n uint32) []string {
	if n == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sets[n]
}
