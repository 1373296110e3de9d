package ledger

import (
	"time"

	"imsconv/cmd/internal/cli"
)

// Run is what a run of siteconv says of itself: the members that report.json
// has beside those of [cli.Report]. Times are of the machine that ran.
type Run struct {
	Version     string            `json:"version"`     // of the program
	Scenario    string            `json:"scenario"`    // see [site.Scenarios]
	Destination string            `json:"destination"` // ims or maildir
	Batch       string            `json:"batch,omitempty"`
	Options     map[string]string `json:"options,omitempty"` // those that shape the output, as they were used
	Start       time.Time         `json:"start"`
	End         time.Time         `json:"end"` // a run that was interrupted ends with its last piece
	Steps       []Step            `json:"steps"`
	Inputs      []Input           `json:"inputs"`
	Sums        Sums              `json:"sums"`
	Earlier     []Pass            `json:"earlier,omitempty"`      // of a batch: streams that came before
	Before      *Check            `json:"check_before,omitempty"` // of the export
	After       *Check            `json:"check_after,omitempty"`  // of the upgraded directory
}

// Step is one step of the run. One that was interrupted has the time of all its
// pieces.
type Step struct {
	Name    string       `json:"name"`
	Start   time.Time    `json:"start"`
	Seconds float64      `json:"seconds"`
	Unit    string       `json:"unit,omitempty"` // of the items: "entries", "messages", "files"
	Items   int64        `json:"items,omitempty"`
	Bytes   int64        `json:"bytes,omitempty"`
	Pieces  int          `json:"pieces,omitempty"` // how often it was begun, when more than once
	Samples []cli.Sample `json:"samples,omitempty"`
}

// Input is one input and its identity.
type Input struct {
	Role   string `json:"role"` // "ldif", "stream", "nms-store", "site"
	Path   string `json:"path"` // as it was named
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of a file's content; of a tree's listing
	Tree   bool   `json:"tree,omitempty"`
}

// Sums are the messages of the source and what became of each. They agree when
// Source is Written + Linked + all of LeftOut + all of Refused.
type Sums struct {
	Source  int64    `json:"source"`  // message references met in the source
	Written int64    `json:"written"` // files of their own
	Linked  int64    `json:"linked"`  // files that are a second name of another
	LeftOut []Reason `json:"left_out,omitempty"`
	Refused []Reason `json:"refused,omitempty"`
}

// Pass is what a batch has had of one stream, before another one came.
type Pass struct {
	Stream    string `json:"stream"` // the SHA-256 of the stream
	Users     int64  `json:"users"`
	Mailboxes int64  `json:"mailboxes"`
	Messages  int64  `json:"messages"`
	Bytes     int64  `json:"bytes"`
	Sums      Sums   `json:"sums"`
}

// Reason is a rule, or a kind of problem, and how many messages it holds of.
type Reason struct {
	Rule string `json:"rule"` // one of the rules below, or a kind of [cli.Line]
	N    int64  `json:"n"`
}

// The rules that leave a message out.
const (
	Expired     = "expired"      // marked as expired in the source
	NotSelected = "not-selected" // its user, folder or date was not selected
	Duplicate   = "duplicate"    // was in the destination already
	OtherBatch  = "other-batch"  // its user is of another batch
	LeftUser    = "left-user"    // of a user whose tree could not be taken over
)

// Total is the sum of some reasons.
func Total(reasons []Reason) int64 {
	var n int64
	for _, r := range reasons {
		n += r.N
	}
	return n
}

// Accounted are all messages that Sums says something of.
func (s *Sums) Accounted() int64 {
	return s.Written + s.Linked + Total(s.LeftOut) + Total(s.Refused)
}

// Difference is how many messages of the source are not accounted for; less
// than 0 when there are more than the source had.
func (s *Sums) Difference() int64 { return s.Source - s.Accounted() }

// Check is what ldifconv check counts in a directory.
type Check struct {
	Product  string     `json:"product"` // that it is checked as
	Entries  int64      `json:"entries"`
	Errors   int64      `json:"errors"`
	Warnings int64      `json:"warnings"`
	Codes    cli.Counts `json:"codes,omitempty"` // findings by code
}
