// Package runbook writes the plan of a site's migration: every step of the
// migration guide's scenario in its order, with the command lines of this very
// site, in English or Japanese, as Markdown and as one HTML page.
//
// # Where the texts are
//
// The folder texts holds one set of templates for both languages. A record
// starts at the left edge, its fields are indented, and what is indented
// deeper goes on with the field above:
//
//	step drain @old if !same-host
//	  title.en: Drain the queue
//	  title.ja: キューを空にする
//	  sh: {sims}/sbin/imta stop dispatcher
//
// Records are step, phase, note, tell (an announcement) and word (a label);
// "use ID" puts a step of common.txt at this place. "if" and its conditions may
// stand behind a record's head or a field's name; all of them must hold, and !
// turns one round. Every text has its two languages one below the other.
//
// In a text, `...` is code, {name} a value of the site and {#id} the number of
// a step. In a command line, {name} is the value quoted for the shell.
// Values are put in after a text has been taken apart, and never looked at
// again: what a site is called is neither markup nor a command.
//
// terms.txt lists the words that both languages must use alike.
package runbook
