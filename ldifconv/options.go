package ldifconv

import (
	"io"

	"imsconv/ldifconv/ldif"
)

// Source says which product an export comes from.
type Source uint8

// The sources. AnySource is both of them, as rules use it.
const (
	SIMS Source = 1 << iota
	NMS

	AnySource = SIMS | NMS
)

// String returns the word that -M takes.
func (s Source) String() string {
	switch s {
	case SIMS:
		return "sims"
	case NMS:
		return "nms"
	case AnySource:
		return "sims, nms"
	}
	return ""
}

// Kind is a set of entry kinds.
type Kind uint8

// The kinds. Both is what the old tool called both: users and groups.
const (
	Users Kind = 1 << iota
	Groups
	Domains

	Both = Users | Groups
	All  = Users | Groups | Domains
)

// String returns the word that -m takes.
func (k Kind) String() string {
	switch k {
	case Users:
		return "users"
	case Groups:
		return "groups"
	case Domains:
		return "domains"
	case Both:
		return "both"
	case All:
		return "all"
	case Users | Domains:
		return "users, domains"
	case Groups | Domains:
		return "groups, domains"
	}
	return ""
}

// word is String, but for the word that stands for all.
func (k Kind) word() string {
	if k == All {
		return "all"
	}
	return k.String()
}

// Format is what Upgrade writes.
type Format uint8

// Changes writes one modify record for each changed entry, Full every entry of
// the input as it is after the upgrade.
const (
	Changes Format = iota
	Full
)

// Pair is one attribute and value of -A.
type Pair struct {
	// Attr is an attribute description, options included.
	Attr string
	// Value is one value; "" removes the attribute.
	Value string
	// Kinds are the entries that it is for; 0: all that are selected.
	Kinds Kind
	// Append adds the value to those that are there, as Options.Append does
	// with all.
	Append bool
	// Only says, by the values that an entry has of the attribute, whether the
	// pair is for it; nil: for every one. It is safe for concurrent use.
	Only func(have [][]byte) bool
}

// Log receives what a conversion has to say while it runs. It is safe for
// concurrent use.
type Log interface {
	// Problem reports something refused, unreadable or lost.
	Problem(kind, where, text string)
	// Warning reports a note of the mapping or a tolerance.
	Warning(kind, where, text string)
}

// Counter is what a [Log] may be as well: one that has told enough of a kind
// takes the rest as numbers, for which no text is made. It is safe for
// concurrent use.
type Counter interface {
	// Counting reports whether further problems, or warnings, of the kind
	// need no text.
	Counting(problem bool, kind string) bool
	// Counted counts one of those.
	Counted(problem bool, kind string)
}

// Progress is told what has been done since the last call: entries, and bytes
// of the input as it is after an outer compression is undone.
type Progress interface {
	Add(items, bytes int64)
}

// Options choose what Upgrade does. From and Kinds must be set.
type Options struct {
	// From is the product of the export, SIMS or NMS.
	From Source
	// Kinds are the kinds of entries to upgrade.
	Kinds Kind
	// Base holds DNs: entries at or below one of them are upgraded. Empty
	// means every entry.
	Base []string
	// Filter is an RFC 1558 or RFC 4515 filter that entries must match;
	// empty means every entry.
	Filter string

	// Add are set in every selected entry after the rules, in order,
	// replacing the attribute's values, or, with Append, beside them. With
	// AddOnly no rule runs.
	Add     []Pair
	Append  bool
	AddOnly bool

	// Format chooses the records written to dst.
	Format Format
	// Undo, when not nil, receives change records that turn the upgraded
	// entries back into the original ones.
	Undo io.Writer
	// Rejects, when not nil, receives the damaged records as they stand in
	// the input, each below a comment that says what is wrong.
	Rejects io.Writer

	// Save, when not nil, receives for each changed entry the values that
	// the attributes of Add had before, as change records that set them
	// again. Restore are such files; their entries get their values back,
	// before the rules. A damaged record in them is a problem; what is no
	// state file at all is ErrNoState, before anything is done.
	Save    io.Writer
	Restore []Input

	// AllDomains takes every dc node for a mail domain.
	AllDomains bool
	// Rules are the choices of the mapping.
	Rules RuleOptions

	// Strict ends the run with an error at the first problem.
	Strict bool
	// Jobs is the number of workers, 0 for one a processor. The output is
	// the same for any number.
	Jobs int
	// MaxEntry is the size in bytes over which a record is skipped; 0 means
	// ldif.DefaultMaxEntry.
	MaxEntry int
	// TempDir is where an input that does not have parents before children
	// is put in order; empty means os.TempDir.
	TempDir string
	// Name is the input's name in positions; empty means "ldif".
	Name string

	// Log receives problems and warnings; nil discards them.
	Log Log
	// Progress, when not nil, is told from time to time how many entries
	// and bytes were read since the last call. No two calls are made at the
	// same time.
	Progress Progress

	// chunk is the size of the pieces of input, in bytes; tests set it.
	chunk int
}

// Report counts what Upgrade read and did.
type Report struct {
	// Entries and Bytes were read; Damaged records were skipped.
	Entries, Bytes, Damaged int64
	// Selected entries matched base, filter and kind; Changed ones are
	// written as change records; Finished ones needed nothing.
	Selected, Changed, Finished int64
	// Users, Groups and Domains are the changed entries of each kind.
	Users, Groups, Domains int64
	// Added entries are new: domain nodes that the input does not have.
	Added int64
	// Restored entries got back what a state file held.
	Restored int64
	// Tombstones and Conflicts are selected mail entries that were left
	// alone: what a directory server keeps of a deleted entry, and entries
	// that replication found under one name.
	Tombstones, Conflicts int64
	// Twice are the entries with the DN of one before them: they are
	// problems, and stay as they are.
	Twice int64
	// Reordered says that the full output is not in the order of the input,
	// because children stood before their parents.
	Reordered bool
	// Rules counts how often each rule changed an entry, and what rules
	// count beside that.
	Rules map[string]int64
	// Programs are those that mail is delivered to, in the order in which
	// the new server has to learn of them.
	Programs []Program
	// Problems and Warnings count what was told, by kind.
	Problems map[string]int64
	Warnings map[string]int64
}

func (o *Options) maxEntry() int {
	if o.MaxEntry > 0 {
		return o.MaxEntry
	}
	return ldif.DefaultMaxEntry
}
