// Package outdir knows the output folder of a site's conversion: whose output
// it holds, so that a second run goes on with it or refuses it ([State],
// [Claim]), and what each step has told until the report has it ([Account],
// [LogLines]).
package outdir
