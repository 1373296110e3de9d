package runbook

import (
	"fmt"

	"imsconv/cmd/internal/page"
	"imsconv/cmd/internal/site"
)

// What files take beside the bytes in them. A file system gives out whole
// blocks of 4 KiB; a line of an index is as long as its ten fields are on the
// average; a mailbox has its directory, one a hundred messages, and its index.
const (
	block        = 4096
	indexLine    = 240
	blocksABox   = 3
	messagesADir = 100
	exportCopies = 4 // changes, undo, the upgraded directory, and its index while it is checked
)

// space is how much the plan's own files take, and where.
func (b *builder) space() ([]SpaceRow, error) {
	f := b.in.Facts
	type row struct {
		id           string
		where        string
		bytes, files int64
	}
	rows := []row{{id: "export", where: "`{ldif}`", bytes: f.ExportBytes}}
	if !b.conds["nms"] {
		rows = append(rows, row{id: "stream", where: "`{stream}`", bytes: f.SourceBytes})
	}
	rows = append(rows, row{id: "ldif", where: "{ldif-folder}", bytes: exportCopies * f.ExportBytes})
	bytes, files := b.mailSpace()
	switch {
	case b.conds["mbox"]:
		rows = append(rows, row{id: "mbox", where: "`{plan}/mbox`", bytes: f.withLinks(f.MailBytes), files: f.Mailboxes})
	case b.conds["maildir"]:
		rows = append(rows, row{id: "mail", where: "`{out}/mail`", bytes: bytes, files: files})
	case b.conds["symlink"]:
		rows = append(rows, row{id: "symlinks", where: "`{out}/store`", bytes: blocksABox * block * f.Mailboxes, files: f.Mailboxes + f.Messages})
	case b.conds["hardlink"]:
		rows = append(rows, row{id: "links", where: "`{out}/store`", bytes: blocksABox * block * f.Mailboxes, files: f.Mailboxes})
	default:
		rows = append(rows, row{id: "store", where: "`{out}/store`", bytes: bytes, files: files})
	}
	var out []SpaceRow
	for _, r := range rows {
		where, err := b.fill.text(r.where)
		if err != nil {
			return nil, err
		}
		why, err := b.fill.text(b.words["space-"+r.id])
		if err != nil {
			return nil, err
		}
		out = append(out, SpaceRow{Where: where, Bytes: r.bytes, Files: r.files, Why: why})
	}
	return out, nil
}

// mailSpace is what a store or Maildirs of the source's mail take: the bytes in
// whole blocks, and the files and directories.
func (b *builder) mailSpace() (bytes, files int64) {
	f := b.in.Facts
	own, blocks := f.Messages-f.Links, f.Blocks
	if b.in.Site.Destination == site.Maildir {
		own, blocks = f.Messages, f.withLinks(f.Blocks) // dates differ as a rule: no links
	}
	dirs := f.Mailboxes + f.Messages/messagesADir
	return blocks + (f.Mailboxes*blocksABox+f.Messages/messagesADir)*block + f.Messages*indexLine, own + f.Mailboxes + dirs
}

// withLinks is a sum over all messages where links are copies, of the sum
// without them: copies are as large as the rest.
func (f *Facts) withLinks(sum int64) int64 {
	if own := f.Messages - f.Links; own > 0 {
		return int64(float64(sum) / float64(own) * float64(f.Messages))
	}
	return sum
}

// hours is how long the mail takes at the measured speed: between what the
// number of messages and what their bytes say.
func (b *builder) hours() []Row {
	r, f := b.in.Rates, b.in.Facts
	if r == nil || f.Messages == 0 {
		return nil
	}
	var rows []Row
	var low, high float64
	for _, part := range []struct {
		id   string
		rate Rate
	}{{"restore", r.Restore}, {"verify", r.Verify}} {
		a, z := part.rate.seconds(f)
		low, high = low+a, high+z
		rows = append(rows, b.spell("hours-"+part.id, a, z))
	}
	return append(rows, b.spell("hours-total", low, high))
}

// seconds is the range of times at a rate; an unknown rate takes no time.
func (r Rate) seconds(f Facts) (low, high float64) {
	var both []float64
	if r.MessagesPerS > 0 {
		both = append(both, float64(f.Messages)/r.MessagesPerS)
	}
	if r.MBPerS > 0 {
		both = append(both, float64(f.MailBytes)/1e6/r.MBPerS)
	}
	switch len(both) {
	case 0:
		return 0, 0
	case 1:
		return both[0], both[0]
	}
	return min(both[0], both[1]), max(both[0], both[1])
}

func (b *builder) spell(id string, low, high float64) Row {
	lang := string(b.in.Lang)
	text := page.Seconds(low, lang)
	if upper := page.Seconds(high, lang); upper != text {
		text = fmt.Sprintf(b.words["from-to"], text, upper)
	}
	return Row{Label: b.words[id], Value: Text{{Text: text}}}
}
