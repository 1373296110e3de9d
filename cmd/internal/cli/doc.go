// Package cli is the run loop of the four commands: it picks the verb, parses
// its flags, runs it, and turns what happened into talk on standard error, a
// report and an exit status. A verb sees a [Job] and nothing of terminals,
// signals or exit codes.
//
// Rules, the same for every verb:
//
//   - standard output is data, standard error is talk
//     ("storeconv: warning: ...", lower case, no full stop); "-" names standard
//     input or output;
//   - --json turns the talk into one JSON object a line: type "progress",
//     "problem", "warning", "note", "hint", "error" or "summary";
//   - progress is drawn only when standard error is a terminal and --quiet is
//     not given; SIGUSR1 prints it anywhere;
//   - lines of one kind of problem or warning are capped at [MaxLines], the
//     full count is kept;
//   - exit status: see the Exit constants.
package cli

// Exit statuses, the same for every verb of every command.
const (
	ExitDone        = 0   // done; documented omissions and warnings included
	ExitFailed      = 1   // failed: the destination, or an input that cannot be read at all
	ExitUsage       = 2   // wrong flags or arguments
	ExitLost        = 3   // done, but something was refused, unreadable or lost (listed)
	ExitInterrupted = 130 // SIGINT or SIGTERM
)

// MaxLines is how many problem or warning lines of one kind are printed and
// kept in a report; the count goes on.
const MaxLines = 1000
