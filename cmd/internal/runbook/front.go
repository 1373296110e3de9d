package runbook

import (
	"strings"

	"imsconv/cmd/internal/page"
)

// front makes what stands before the steps.
func (b *builder) front(p *Plan) error {
	records, err := readRecords("front.txt")
	if err != nil {
		return err
	}
	for _, r := range records {
		if !b.holds(r.conds) {
			continue
		}
		got, err := b.texts(r, "text")
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(r.id, "how-"):
			p.Intro = append(p.Intro, got...)
		case strings.HasPrefix(r.id, "time-"):
			p.HoursOf = append(p.HoursOf, got...)
		default:
			p.Notes = append(p.Notes, got...)
		}
	}
	p.Values, p.Numbers, p.Hours = b.siteRows(), b.numberRows(), b.hours()
	p.Space, err = b.space()
	return err
}

// siteRows are the values of the site, without those that it does not have.
func (b *builder) siteRows() []Row {
	names := []string{"old", "new"}
	if b.conds["same-host"] {
		names = []string{"mail"}
	}
	names = append(names, "dir", "bind-dn", "base", "client", "organization", "domain", "domains", "separator", "root", "instance")
	if b.conds["nms"] {
		names = append(names, "nms", "nms-store")
	} else {
		names = append(names, "sims", "stream")
	}
	names = append(names, "dsroot", "owner", "ldif", "site", "out")
	var rows []Row
	for _, name := range names {
		text := b.fill.values[name].text
		switch name {
		case "mail":
			text = b.hosts["new"]
		case "dir":
			text += ":" + b.fill.values["port"].text
		case "base":
			rows = append(rows, b.baseRow())
			continue
		}
		if text != "" {
			rows = append(rows, Row{Label: b.words["value-"+name], Value: Text{{Kind: Code, Text: text}}})
		}
	}
	return rows
}

// baseRow lists all suffixes.
func (b *builder) baseRow() Row {
	row := Row{Label: b.words["value-base"]}
	for i, base := range b.in.Site.Directory.Base {
		if i > 0 {
			row.Value = append(row.Value, Span{Text: " "})
		}
		row.Value = append(row.Value, Span{Kind: Code, Text: base})
	}
	return row
}

// numberRows are the numbers that are known of the inputs.
func (b *builder) numberRows() []Row {
	f := b.in.Facts
	var rows []Row
	for _, n := range []struct {
		id string
		n  int64
	}{{"entries", f.Entries}, {"users", f.Users}, {"domains", f.Domains}, {"mailboxes", f.Mailboxes}, {"messages", f.Messages}, {"links", f.Links}} {
		if n.n > 0 {
			rows = append(rows, Row{Label: b.words["number-"+n.id], Value: Text{{Text: page.Int(n.n)}}})
		}
	}
	if f.MailBytes > 0 {
		rows = append(rows, Row{Label: b.words["number-bytes"], Value: Text{{Text: page.Size(f.MailBytes, string(b.in.Lang))}}})
	}
	return rows
}
