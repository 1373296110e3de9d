package storeconv

import "strings"

// Log receives what a conversion has to say while it runs. It is safe for
// concurrent use.
//
// kind is a short class such as "bad-name"; where is a position
// ("stream.sims: offset 10240: joe/INBOX/3"); text is a sentence in lower case
// without a full stop.
type Log interface {
	// Problem tells of something refused, unreadable or lost: exit status 3.
	Problem(kind, where, text string)
	// Warning tells of a mapping or a tolerance that loses nothing: the exit
	// status stays 0.
	Warning(kind, where, text string)
}

// Severity says how bad a [Note] is. The place that finds a fault sets it.
type Severity int

// The severities. Their numbers are those that the Severity methods of the
// formats' damage errors return.
const (
	Warning Severity = 1 + iota // nothing is lost
	Problem                     // something is refused, unreadable or lost
)

// Note is one line for a Log, kept until its turn comes.
type Note struct {
	Severity          Severity
	Kind, Where, Text string

	// Machine, when not nil, is what the machine has refused: the note says
	// nothing of what was looked at, and the run ends with this error.
	Machine error
}

// Damage is what the errors of the formats have in common: where it is, what
// class it is of, and whether something is lost (2, a [Problem]) or not (1, a
// [Warning]).
type Damage interface {
	error
	Position() string
	Kind() string
	Severity() int
}

// NoteOf makes a Note of damage. Its text is that of the error, without the
// position in front of it.
func NoteOf(d Damage) Note {
	where := d.Position()
	text := strings.TrimPrefix(d.Error(), where+": ")
	return Note{Severity: Severity(d.Severity()), Kind: d.Kind(), Where: where, Text: text}
}

// Tell gives the note to a log.
func (n Note) Tell(log Log) {
	if n.Severity == Warning {
		log.Warning(n.Kind, n.Where, n.Text)
		return
	}
	log.Problem(n.Kind, n.Where, n.Text)
}

// Progress is told what has been done since the last call: messages or files,
// and bytes. It is safe for concurrent use.
type Progress interface {
	Add(items, bytes int64)
}

// Discard is the Log of those who do not want one.
var Discard Log = discard{}

type discard struct{}

func (discard) Problem(kind, where, text string) {}
func (discard) Warning(kind, where, text string) {}
