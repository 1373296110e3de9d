// Package export takes the mail of a message store, or of a backup stream, to
// where people keep mail today: Maildir++ as Dovecot serves it, or mbox.
//
// One message on its way: a feeder (feed_store.go, feed_stream.go) reads what
// the source says of users, mailboxes and messages; a worker (body.go) looks at
// the bytes once and writes the file into the stage under its final name;
// finish.go adds the small files of a mailbox and of a user; commit.go puts
// users in place, many in one batch.
//
// A user who is not in the destination yet appears there by one rename, whole.
// A user who is there is added to as a delivery agent would (second.go decides,
// place.go does it): new files go to .imsconv/pending/, which one rename
// commits; from then on the same command, whenever it is given again, brings
// them to their places. What was exported is listed in .imsconv/exported/, so
// that mail which users delete on the new side stays deleted (exported.go).
package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"imsconv/storeconv"
	"imsconv/storeconv/durable"
	"imsconv/storeconv/maildir"
)

// Format is what an export makes.
type Format uint8

// The formats.
const (
	Maildir Format = iota
	Mbox
)

// Via is how message files come to the destination.
type Via uint8

// The ways.
const (
	Copy     Via = iota // one file a message; links only among the exported files
	Hardlink            // the store's own files, where their time is the receive date
)

// Newline is what becomes of the line ends of messages.
type Newline uint8

// The ways.
const (
	KeepNewline Newline = iota
	CRLF
	LF
)

// Escape is how names of mailboxes with dots, backslashes and the like are
// written into a Maildir.
type Escape uint8

// The ways.
const (
	EscapeAuto Escape = iota // as the server's plugin listescape reads them; it is needed only if a name needs it
	EscapeList               // the same, and the plugin is always switched on
	EscapeNone               // as they are; what cannot be kept is renamed
)

// Keep is whose flags win when a message that is in the destination has other
// flags in the source than when it was exported.
type Keep uint8

// The ways.
const (
	KeepFlags Keep = iota // the destination's
	KeepNone              // the source's
)

// Options say what of a source is exported, and how. The zero value is all of
// it, as Maildir++.
type Options struct {
	storeconv.Selection        // which users and mailboxes, and what they are called
	Partition           string // of the store; "": all

	To      Format
	Path    string // template of a user's place: %u id, %n and %d its parts in front of and behind the @; "": %u/Maildir, %u of Mbox
	Layout  maildir.Layout
	Escape  Escape
	Via     Via
	Newline Newline
	UIDL    string // POP3 UIDL of a message: %u UID, %v UIDVALIDITY; "": none
	Keep    Keep
	Mboxcl2 bool // Mbox: Content-Length in place of quoting
	Folders bool // Mbox: every mailbox but INBOX is a directory with its file in it

	DryRun  bool      // read and report, write nothing
	Results io.Writer // a line for each mailbox, see docs/formats.md; nil: none

	Jobs     int // workers; 0: one a processor
	Sync     storeconv.SyncMode
	Owner    *storeconv.Owner // of what is made; nil: the caller
	Log      storeconv.Log    // nil: discard
	Progress storeconv.Progress
	Command  string     // the command line, for whoever finds an interrupted run
	FS       durable.FS // of the destination; nil: the operating system's

	fault durable.Fault // tests only
	kept  int64         // tests only: notes to keep before feeders wait; 0: mostNotes
}

// Report counts what a run did; with DryRun, what it would do.
type Report struct {
	Users        int64 `json:"users"`         // with something of theirs in the destination, old or new
	Mailboxes    int64 `json:"mailboxes"`     //
	Messages     int64 `json:"messages"`      // written
	Bytes        int64 `json:"bytes"`         // of these, each at full size
	Links        int64 `json:"links"`         // of these, files that share their bytes with another exported file
	Copies       int64 `json:"copies"`        // of these, copies although the source shares them: another date, or no links possible
	Shared       int64 `json:"shared"`        // of these, files of the store itself
	There        int64 `json:"there"`         // exported before
	OtherUID     int64 `json:"other_uid"`     // new, and under another UID than in the source
	Flags        int64 `json:"flags"`         // exported before, flags set again
	Renamed      int64 `json:"renamed"`       // mailboxes under another name
	KeywordsLost int64 `json:"keywords_lost"` // keywords of a mailbox beyond 26, or that can be none
	Archived     int64 `json:"archived"`      // messages whose flag \Archived has no place
	RightsLost   int64 `json:"rights_lost"`   // mailboxes of Mbox whose rights have no place
	LimitsLost   int64 `json:"limits_lost"`   // users of Mbox whose limits have no place
	NoDate       int64 `json:"no_date"`       // messages of before 1970, whose names say 0
	Foreign      int64 `json:"foreign"`       // mailboxes without an index of ours
	Expired      int64 `json:"expired"`       // left out because of the mark
	Pending      int64 `json:"pending"`       // kept; the mark has no place
	Refused      int64 `json:"refused"`       // members, messages and mailboxes that could not be exported
	NotSelected  int64 `json:"not_selected"`  // messages of a stream left out by the selection
	Waiting      int64 `json:"waiting"`       // users that could not be changed now: somebody holds a lock

	// Lost are the messages that could not be exported, by the kind of the
	// problem: their own, or that of their user or mailbox. Of a user of a store
	// who has no place they are his message files.
	Lost map[string]int64 `json:"lost,omitempty"`

	Escaped bool `json:"escaped"` // a name needs the plugin listescape
	NoEnd   bool `json:"no_end"`  // the stream has no end marker: more may have come behind what was read
}

// ErrWaiting is wrapped by the error of a run that had to leave users out since
// somebody else holds their locks. The same command again takes them.
var ErrWaiting = errors.New("locked by somebody else")

// Source is what is exported: a store or a stream.
type Source struct {
	store  string
	stream *stream
}

// FromStore makes a source of the store in the directory path, which is only
// read.
func FromStore(path string) *Source { return &Source{store: path} }

// FromStream makes a source of a SIMS backup stream without compression. Of a
// file (an io.ReadSeeker and io.ReaderAt at its start) links to messages that
// are not exported themselves can be followed. name is for positions in
// messages.
func FromStream(name string, r io.Reader) (*Source, error) {
	s, err := newStream(name, r)
	return &Source{stream: s}, err
}

// Export writes the mail of src to the directory dst, which is made when it
// does not exist. The same call again goes on after an interruption, and adds
// what the source has more when all was done.
//
// What is wrong with the source is told to Options.Log and left out in the
// smallest unit. The error is of the options, of the destination or of the
// context.
func Export(ctx context.Context, dst string, src *Source, opt Options) (Report, error) {
	r, err := newRun(dst, src, opt)
	if err != nil {
		return Report{}, err
	}
	return r.do(ctx)
}

func (o *Options) check(src *Source) error {
	switch {
	case src == nil || src.store == "" && src.stream == nil:
		return errors.New("nothing to export")
	case o.Via == Hardlink && src.stream != nil:
		return errors.New("a stream has no files to share")
	case o.Via == Hardlink && o.To == Mbox:
		return errors.New("an mbox file shares nothing with a store")
	case o.Via == Hardlink && o.Owner != nil:
		return errors.New("files that the store shares keep their owner")
	case o.Via == Hardlink && o.Newline != KeepNewline:
		return errors.New("files that the store shares keep their line ends")
	case o.Partition != "" && src.stream != nil:
		return errors.New("a stream has no partitions")
	}
	if _, err := parseUIDL(o.UIDL); err != nil {
		return fmt.Errorf("POP3 UIDL: %w", err)
	}
	return nil
}
