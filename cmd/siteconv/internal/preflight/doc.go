// Package preflight holds what a look at a site finds before anything is
// written: its [Kinds], with what to do about each, and how they are told. The
// looks themselves are the conversion's, which has the inputs at hand.
package preflight
