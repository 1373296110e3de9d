package runbook

import (
	"slices"

	"imsconv/cmd/internal/site"
)

// Lang is a language of plans.
type Lang string

// The languages.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Langs are all of them.
func Langs() []string { return []string{string(English), string(Japanese)} }

// The ways in which old mail comes to a server that has new mail.
const (
	After  = "after"  // the guide's order: new mail first, old mail is added
	Before = "before" // delivery is held until the old mail is there
)

// Input is what a plan is made of. Site must be complete and checked.
type Input struct {
	Site      *site.Site
	Facts     Facts
	Lang      Lang
	Folder    string // of the plan itself; an absolute path
	Converted string // where the plan's own commands write; an absolute path
	OldMail   string // After or Before; of the scenario sims-online only
	Batches   int    // behind the pilot batch; 0: as many as the users call for
	Rates     *Rates // nil: no times
}

// Rates are what a benchmark of the new disk has measured.
type Rates struct {
	Restore, Verify Rate
	Jobs            int    // of the setting that is the best
	Sync            string //
}

// Rate is the speed of a conversion. MB are millions of bytes.
type Rate struct {
	MessagesPerS, MBPerS float64
}

// Facts are what a look at the inputs has told. What is zero is not known.
type Facts struct {
	Entries, Users, Domains int64    // of the directory export
	ExportBytes             int64    // the export's size, unpacked
	Mailboxes, Messages     int64    // of the stream or store; links count as messages
	MailBytes               int64    // of all messages, links not counted
	Links                   int64    // messages that are further copies of another
	Blocks                  int64    // bytes that the messages take in blocks of 4 KiB, links not counted
	SourceBytes             int64    // size of the stream as a file, or of the store
	NoEnd                   bool     // the stream has no end marker, and may be cut
	Largest                 []Folder // the largest mailboxes, the first the largest
	Pilot                   []string // store ids proposed for the pilot batch
}

// Folder is a mailbox of the source.
type Folder struct {
	User, Name      string
	Messages, Bytes int64
}

// Plan is the runbook of one site in one language.
type Plan struct {
	Lang     Lang
	Title    string
	Subtitle string
	Words    map[string]string // labels in the language
	Intro    []Text            // how to read the page
	Values   []Row             // of the site
	Notes    []Text            // conditions
	Numbers  []Row             // what is known of the inputs
	Largest  []Folder
	Space    []SpaceRow
	Hours    []Row // nil without a benchmark
	HoursOf  []Text
	Phases   []Phase
	Tells    []Tell
}

// Row is a line of a table with a label.
type Row struct {
	Label string
	Value Text
}

// SpaceRow says how much a place will hold.
type SpaceRow struct {
	Where Text
	Bytes int64
	Files int64 // 0: few
	Why   Text
}

// Phase is a part of the plan that is done without a pause.
type Phase struct {
	ID    string
	Title Text
	Intro []Text
	Steps []Step
}

// Step is one thing to do and to tick off.
type Step struct {
	ID       string
	Number   int
	Where    string // label and name of the machine, or of people
	Title    Text
	Why      []Text
	Stop     []Text // to be checked before anything is done; irreversible otherwise
	Commands []Commands
	Answers  []Answer // what an installer asks
	Expect   []Text   // what is seen when all went well
	Back     []Text   // how to go back
	Differs  []Text   // where this is not what the guide does, and why
	Guide    []string // the guide's own command lines that this stands for
	Like     int      // number of the step with the reasons of this one; 0: it has its own
}

// Places says whether lines are typed elsewhere than where the step is.
func (s Step) Places() bool {
	return slices.ContainsFunc(s.Commands, func(c Commands) bool { return c.Where != s.Where })
}

// Commands are lines for the shell of one machine.
type Commands struct {
	Where string
	Lines []string
}

// Answer is a question of an installer, and what is answered.
type Answer struct {
	Question, Reply string
}

// Tell is an announcement.
type Tell struct {
	ID       string
	Audience Text
	When     Text
	Subject  Text
	Body     []Text
}
