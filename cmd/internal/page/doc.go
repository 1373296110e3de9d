// Package page makes the HTML pages of the programs: one file with its own
// style sheet and drawings, without scripts and without anything from
// elsewhere, that reads well on a phone, on a screen and printed on A4.
//
// A [Page] is a title and sections whose bodies the caller makes with
// html/template. For those bodies the style sheet knows, beside plain headings
// (h3), paragraphs, lists and pre for command lines:
//
//	<div class="wide"><table>  a table, which scrolls by itself where it is too wide
//	td.n, th.n                 a number; td.path, something long that may break anywhere
//	tr.total                   the line of sums
//	<dl class="facts">         names and values in two columns
//	<dl class="lines">         places and what is said of them, below each other on a phone
//	<div class="cards">        a row of key figures: <div class="card"><b>12</b><span>words</span></div>
//	.card.bad, .card.good      key figures to look at, and those that are as they should be
//	<div class="box note">     a remark; also box good, box warn, box stop, box plain
//	.box.long                  a box that may be broken between two sheets of paper
//	<ul class="checks">        a list with a box to tick before each line
//	<div class="charts">       drawings side by side, from [Bars], [Rows] and [Lines]
//	<ol class="commands">      what to do, one line after the other
//	.small, .faint             less important text
//	.keep                      is not broken between two sheets of paper
package page
