// Package restore makes the mail of backup streams part of a store.
//
// One message on its way from a member of the stream to the store: the planner
// decides where it goes (plan.go, plan_visit.go, plan_existing.go) and puts a
// step into a batch (step.go, plan_batch.go); a worker writes its file into the
// stage (write.go); the collector, in the order of the stream, makes links and
// index lines (collect.go, link.go, index.go) and, when the user's visit ends
// (plan_open.go), the records of the mailbox lists (lists.go); the committer
// renames the user's tree into place and notes that in the journal (commit.go).
// What is too much for memory waits in the journal (memory.go, spill.go), and a
// link whose first copy has not come yet until all has been read (put_off.go).
// run.go is what holds them together, and what a run needs before and after.
package restore

import (
	"context"
	"errors"
	"time"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
)

// Existing says what becomes of messages for a mailbox that the store has
// already.
type Existing uint8

// The ways.
const (
	Append    Existing = iota // added, except those that are there (by Original-Uid, else by SHA-256)
	AppendAll                 // added without looking (-i)
	NewName                   // into a new mailbox, name.mmddyy.HHMMSS of the backup's date (-n)
)

// Options say what of the streams becomes part of the store, and how. The zero
// value restores everything into partition primary.
type Options struct {
	Partition           string // "": primary
	storeconv.Selection        // which users and mailboxes, and what they are called in the store
	Existing            Existing
	CRLF                bool      // write every line end as CR LF
	NoIndex             bool      // write no store.idx
	Strict              bool      // end with ErrStrict at the first problem (-cn)
	DryRun              bool      // read and report, write nothing
	Reference           []*Stream // where first copies are looked for that the streams do not hold (-r)

	Jobs  int // workers; 0: one a processor
	Sync  storeconv.SyncMode
	Owner *storeconv.Owner // of what is made; nil: the caller

	storeconv.Databases // the form of the mailbox list databases

	// Done, when not nil, is called once with the final report when all is in
	// place, before the run's own folder goes: what the caller keeps there
	// survives a kill together with the store. Its error ends the run, which can
	// then be continued.
	Done func(Report) error

	Limits   func(id string) (storeconv.Quota, bool) // limits by id in the store; they win over SIMS.quota
	Log      storeconv.Log                           // nil: discard
	Progress storeconv.Progress                      // nil: none
	Trace    func(level int, text string)            // called for each mailbox (1) and message (2); nil: none

	// Committed is called for each batch of users that has been put into place,
	// with the time that this took; nil: none.
	Committed func(users int, took time.Duration)

	FS      durable.FS // of the store; nil: the operating system's
	Command string     // the command line, for whoever finds an interrupted run; "": not known

	fault     durable.Fault // tests only
	linesKept int           // tests only: bytes of index lines in memory
	open      openBounds    // tests only: of visits
	boxesKept int           // tests only: mailboxes of a user in memory
}

// ErrStrict ends a run with Strict set at its first problem.
var ErrStrict = errors.New("stopped at the first problem")

// Report counts what a run did; with DryRun, what it would do.
type Report struct {
	Users        int64            `json:"users"`            // converted by this run
	Mailboxes    int64            `json:"mailboxes"`        //
	Messages     int64            `json:"messages"`         // written or linked
	Bytes        int64            `json:"bytes"`            // of the messages, each reference at full size
	Links        int64            `json:"links"`            // messages that are hard links to another
	Copies       int64            `json:"copies"`           // link members that became files of their own
	Expired      int64            `json:"expired"`          // left out because of the mark
	Pending      int64            `json:"pending"`          // kept; the mark has no place in the store
	Duplicates   int64            `json:"duplicates"`       // were there before the run
	Repeated     int64            `json:"repeated"`         // an earlier stream of the run has too, or another user whom it puts under the same id
	Updated      int64            `json:"updated"`          // were there, and have other flags now
	PutBack      int64            `json:"put_back"`         // were in the index, but their files were missing or cut short: written again
	Refused      int64            `json:"refused"`          // members and damaged places
	NotSelected  int64            `json:"not_selected"`     // messages left out by the selection
	Resumed      int64            `json:"resumed"`          // users that an interrupted run had finished
	BareLF       int64            `json:"bare_lf"`          // messages with a line end that is not CR LF
	FlagsLost    int64            `json:"flags_lost"`       // messages with flags for which a foreign index has no place,
	KeywordsLost int64            `json:"keywords_lost"`    // with keywords likewise,
	OtherUID     int64            `json:"other_uid"`        // and beside such an index, under another UID than in the stream
	Finished     bool             `json:"finished"`         // an earlier run had done all: nothing is changed
	NoHeader     bool             `json:"no_header"`        // a plain tar, without the profile's header
	NoEnd        []string         `json:"no_end,omitempty"` // streams without an end marker: more may have come behind what was read
	UnknownKeys  map[string]int64 `json:"unknown_keys,omitempty"`

	// Lost are the messages among the refused, by the kind of the problem. With
	// Messages, Expired, NotSelected, Duplicates, Repeated and PutBack they are
	// all messages of the streams, those of which nothing at all could be read
	// apart.
	Lost map[string]int64 `json:"lost,omitempty"`
}

// Restore converts backup streams, read in the order given, into the iMS store
// at path store, which is made when it does not exist. A user's tree appears
// whole or not at all. The same call again goes on after an interruption, and
// changes nothing when all is done.
//
// What is wrong with a stream is told to Options.Log and left out in the
// smallest unit. The error is of the options, of the destination or of the
// context.
func Restore(ctx context.Context, store string, streams []*Stream, opt Options) (Report, error) {
	r, err := newRun(store, streams, opt)
	if err != nil {
		return Report{}, err
	}
	return r.do(ctx)
}
