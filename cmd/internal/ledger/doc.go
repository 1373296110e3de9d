// Package ledger is the account of a site's conversion: what a run says of
// itself ([Run], in OUT/report.json), one row a mailbox of what it made
// ([Row], read from the output itself), and the sums of both.
package ledger
