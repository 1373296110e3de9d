// Package manual holds the pages of the manual in a form of no medium, and
// gives them two: plain text of a width, for --help, and the macros of man(7).
//
// A page is made of a verb's table row (package cli) or of docs/formats.md
// ([Formats]). What the author writes is [Prose] or the small part of Markdown
// that [ReadMarkdown] knows; how it is wrapped, at which column and by whom, is
// the renderer's alone. A page holds no clock: its date is that of the version.
package manual
